// SPDX-License-Identifier: Apache-2.0
// Events and what was allowed, in the RFC's notation: <SEQ=1><ACK=11><CTL=RST,ACK>, numbers relative to each side's
// SYN.
#pragma once

#include <string>
#include <vector>

#include "models/tcb.h"

namespace tcpassay {

std::string describe(const Event& event, const Tcb& tcb);
std::string describe_allowed(const std::vector<Candidate>& possible, const Event& event, Rule rule);

}  // namespace tcpassay
