// SPDX-License-Identifier: Apache-2.0
// What a report says of each scenario that was played, beyond the tables of `check`.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "harness/check/corpus.h"
#include "harness/check/tally.h"

namespace tcpassay {

// Listens to a check (CheckOptions::judged) and completes its JSON.
class PlayedList {
 public:
  void add(const ScenarioFile& file, const TraceResult& trace);

  // Adds to the JSON of check: the list "played" where it is missing, to each of its entries the command that plays it
  // again, and to each rule, as "judged_in", the first scenarios that judged it.
  void complete(nlohmann::ordered_json& run) const;

 private:
  nlohmann::ordered_json played_ = nlohmann::ordered_json::array();
  std::map<std::string, std::string> replays_;              // by scenario_key()
  std::map<std::string, std::set<std::string>> judged_in_;  // by rule
};

}  // namespace tcpassay
