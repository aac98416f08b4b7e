// SPDX-License-Identifier: Apache-2.0
// What reports say of freedoms: those that no text grants and that a target took, and the whole table by kind.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/check/check_result.h"
#include "models/freedom.h"

namespace tcpassay {

nlohmann::ordered_json evidence_json(const Evidence& evidence);

// The section of a report; empty when there is nothing to say.
std::string tolerated_text(const std::vector<ToleratedResult>& uses, int columns);
nlohmann::ordered_json tolerated_json(const std::vector<ToleratedResult>& uses);

// One freedom of the table, and how many there are of each kind.
std::string freedom_text(Freedom freedom, int columns);
nlohmann::ordered_json freedom_json(Freedom freedom);
std::string freedom_counts_text();
nlohmann::ordered_json freedom_counts_json();

// The tolerated freedoms that excuse the rule.
std::vector<Freedom> freedoms_excusing(Rule rule);

}  // namespace tcpassay
