// SPDX-License-Identifier: Apache-2.0
// A finding: the shortest scenario we can get for it, as a script that plays again.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "harness/script/scenario.h"
#include "harness/session/session.h"

namespace tcpassay {

inline constexpr int kShrinkPlaysMax = 2000;  // scenarios played to make one shorter

// The first verdict that is a finding of its own: a MUST or a SHOULD was broken. Null when there is none.
const Verdict* first_finding(const Oracle& oracle);

// Leaves out every step without which the first finding still blames `rule`, and gives pauses their shortest. The
// result still shows it whenever `scenario` does.
Scenario shrink(const Scenario& scenario, Rule rule, Session& session);

// The rule that the scenario's first finding blames, if it has one. The session holds the run afterwards.
std::optional<Rule> play_for_finding(const Scenario& scenario, Session& session);

// Writes FOLDER/NAME-HASH.pkt, making the folder where it is missing; the hash is of the steps, the name that of the
// rule. Returns the path. Throws std::runtime_error when the file cannot be written.
std::string write_finding(const Scenario& scenario, std::string_view name, const std::string& folder);

// For people: one block of lines a verdict.
std::string describe(const Verdict& verdict);

}  // namespace tcpassay
