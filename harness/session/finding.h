// SPDX-License-Identifier: Apache-2.0
// A finding: a broken rule, with the shortest scenario that still shows it, written as a script that can be played
// again.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "harness/script/scenario.h"
#include "harness/session/session.h"

namespace tcpassay {

inline constexpr int kShrinkPlaysMax = 2000;  // scenarios played to shorten one finding

// The first verdict that says that a MUST or a SHOULD was broken, from verdict number `from` on. Null when there is
// none.
const Verdict* first_finding(const Oracle& oracle, std::size_t from = 0);

// Plays the scenario. Whether its first finding blames `rule`; with `beside`, whether any does.
bool finds(const Scenario& scenario, Rule rule, Session& session, bool beside);

// Removes every step that is not needed for the first finding (with `beside`: for any) to blame `rule`, and shortens
// pauses. If `scenario` shows the finding, so does the result.
Scenario shrink(const Scenario& scenario, Rule rule, Session& session, bool beside = false);

// Plays the scenario. Returns the rule that its first finding blames, if any. The session keeps the trace of this run.
std::optional<Rule> play_for_finding(const Scenario& scenario, Session& session);

// Writes FOLDER/NAME-HASH.pkt and creates the folder if necessary. `name` is the rule; the hash is computed from the
// steps. Returns the path. Throws std::runtime_error when the file cannot be written.
std::string write_finding(const Scenario& scenario, std::string_view name, const std::string& folder);

// A block of lines about one verdict, for people.
std::string describe(const Verdict& verdict);

}  // namespace tcpassay
