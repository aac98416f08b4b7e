// SPDX-License-Identifier: Apache-2.0
#include "harness/site/played_list.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>

#include "harness/check/corpus.h"
#include "harness/check/tally.h"
#include "harness/script/scenario.h"
#include "harness/site/check_report.h"
#include "models/oracle.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kJudgedInMax = 8;  // scenarios that a rule names

void add_once(Json& ids, Rule rule) {
  const Json id = info(rule).id;
  if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
}

Json entry_of(const ScenarioFile& file, const TraceResult& trace, int ip) {
  Json violated = Json::array(), departed = Json::array(), inconclusive = Json::array();
  for (const Verdict& verdict : trace.verdicts) {
    if (verdict.consequence) continue;
    Json& ids = verdict.kind == Verdict::Kind::kViolated   ? violated
                : verdict.kind == Verdict::Kind::kDeparted ? departed
                                                           : inconclusive;
    add_once(ids, verdict.rule);
  }
  const char* const outcome = !violated.empty() ? "failed" : !inconclusive.empty() ? "inconclusive" : "passed";
  return {{"path", file.path},
          {"title", file.scenario.about.title},
          {"ip", ip},
          {"rules", file.scenario.about.covers},
          {"outcome", outcome},
          {"violated", violated},
          {"departed", departed},
          {"inconclusive", inconclusive}};
}

}  // namespace

void PlayedList::add(const ScenarioFile& file, const TraceResult& trace) {
  const int ip = ip_version(file.scenario).value_or(file.ip);
  played_.push_back(entry_of(file, trace, ip));
  replays_[scenario_key(file.path, ip)] = trace.replay;
  for (std::size_t i = 0; i < trace.counts.size() && i < rules().size(); ++i) {
    if (trace.counts[i].judged == 0) continue;
    std::set<std::string>& names = judged_in_[std::string(rules()[i].id)];
    if (names.size() < kJudgedInMax) names.insert(file.path);
  }
}

void PlayedList::complete(Json& run) const {
  if (!run.contains("played")) run["played"] = played_;
  for (Json& one : run["played"]) {
    const auto replay = replays_.find(scenario_key(text_of(one, "path"), static_cast<int>(number_of(one, "ip"))));
    if (replay != replays_.end()) one["replay"] = replay->second;
  }
  for (Json& rule : run["rules"]) {
    if (const auto names = judged_in_.find(text_of(rule, "id")); names != judged_in_.end())
      rule["judged_in"] = names->second;
  }
}

}  // namespace tcpassay
