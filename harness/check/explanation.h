// SPDX-License-Identifier: Apache-2.0
// What a newcomer wants to know of a rule: what it says, where the RFC says it and how, which code applies it, which
// unit tests and planted defects name it, and which scenarios cover it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "harness/check/check.h"
#include "harness/check/citations.h"
#include "models/catalogue.h"

namespace tcpassay {

struct Explanation {
  Rule rule{};
  std::string passage{};              // the RFC's own words; empty where no copy of the RFC is at hand
  std::vector<std::string> traits{};  // "name: sentence"
  std::vector<Citation> code{}, tests{};
  std::vector<std::string> defects{};             // "id: what it does", of the planted defects that name the rule
  std::vector<std::string> declared{}, judged{};  // scenarios that name the rule; that judge it on the own stack
};

// Plays the scenarios on the own stack, once for all the rules.
std::vector<Explanation> explanations(const std::vector<Rule>& rules, const std::vector<ScenarioFile>& scenarios);

std::string explanation_text(const Explanation& explanation, int columns);
nlohmann::ordered_json explanation_json(const Explanation& explanation);

}  // namespace tcpassay
