// SPDX-License-Identifier: Apache-2.0
// Prints events, and what was allowed in their place, in the RFC's notation: <SEQ=1><ACK=11><CTL=RST,ACK>. Sequence
// numbers count from the SYN of their side.
#pragma once

#include <string>
#include <vector>

#include "models/candidate.h"

namespace tcpassay {

std::string describe(const Event& event, const Tcb& tcb);
std::string describe_allowed(const std::vector<Candidate>& possible, const Event& event, Rule rule);

// Where a rule lets a segment leave only after a time: how long it has waited before it left at `now`, in words.
std::string waited(const Tcb& tcb, Rule rule, Time now);
std::string nothing_until(Time now);
// What describe() leaves out of a segment, and the rule is about: how long it waited, what is in flight, or its fields.
std::string more_of(const Departing& seg, const Tcb& tcb, Rule rule, Time now);
// Where a segment that was refused looks like one that is allowed, the verdict says more of it.
void tell_more(std::string& allowed, std::string& seen, const Event& event, const Tcb& tcb, Rule rule);

// Where both would read the same: `allowed` becomes the sentence of the rule, and `seen` also tells what describe()
// leaves out: options, ECN, the window, or until when nothing was seen.
void tell_apart(std::string& allowed, std::string& seen, const Event& event, Rule rule);

}  // namespace tcpassay
