// SPDX-License-Identifier: Apache-2.0
#include "harness/report/run_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/report/ladder.h"
#include "harness/report/verdict_json.h"
#include "models/edition.h"
#include "models/event.h"
#include "models/oracle.h"
#include "models/rule.h"

namespace tcpassay {

using Json = nlohmann::ordered_json;

double seconds_of(Time at) {
  return std::chrono::duration<double>(at).count();
}

std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

int RunResult::exit_status() const {
  const bool violated = std::any_of(verdicts.begin(), verdicts.end(), [&](const Verdict& verdict) {
    return verdict.kind == Verdict::Kind::kViolated && !verdict.consequence && !listed.contains(verdict.rule);
  });
  return violated || !mismatches.empty() ? 1 : 0;
}

std::string tolerated_text(const std::vector<Verdict>& tolerated, const TextStyle& style) {
  std::string text;
  for (const Verdict& verdict : tolerated) {
    const std::string line = fmt::format("  tolerated at {:.6f} s: {} It excuses {}: {}", seconds_of(verdict.at),
                                         verdict.seen, info(verdict.rule).id, verdict.allowed);
    text += wrapped(line, style.columns, 4) + "\n";
  }
  return text;
}

std::string run_text(const RunResult& result, const TextStyle& style) {
  std::string text = fmt::format("{} on {} {}\n\n", result.file, result.target, result.version);
  return text + ladder(result.trace, result.verdicts, style) + run_rest(result, style);
}

std::string run_rest(const RunResult& result, const TextStyle& style) {
  std::string text;
  for (const auto& mismatch : result.mismatches) {
    text += fmt::format("\n{}:{}: the script's own assertion\n", mismatch.where.file, mismatch.where.line);
    text += wrapped("  expected: " + mismatch.expected, style.columns, 12) + "\n";
    text += wrapped("  seen:     " + mismatch.seen, style.columns, 12) + "\n";
  }
  if (!result.tolerated.empty()) text += "\n" + tolerated_text(result.tolerated, style);
  std::set<Rule> known;
  for (const auto& verdict : result.verdicts) {
    const bool broken = verdict.kind != Verdict::Kind::kInconclusive && !verdict.consequence;
    if (broken && result.listed.contains(verdict.rule)) known.insert(verdict.rule);
  }
  if (!known.empty()) text += "\n";
  for (const Rule rule : known) {
    text += wrapped(fmt::format("  listed: {}: {}", info(rule).id, result.listed.at(rule)), style.columns, 4) + "\n";
  }
  std::size_t violated = 0, departed = 0, inconclusive = 0;
  for (const auto& verdict : result.verdicts) {
    if (verdict.consequence) continue;
    violated += verdict.kind == Verdict::Kind::kViolated;
    departed += verdict.kind == Verdict::Kind::kDeparted;
    inconclusive += verdict.kind == Verdict::Kind::kInconclusive;
  }
  const std::string end =
      fmt::format("{} violated, {} departed, {} inconclusive, {} assertion{} failed", violated, departed, inconclusive,
                  result.mismatches.size(), result.mismatches.size() == 1 ? "" : "s");
  return text + "\n" + painted(end, result.exit_status() == 0 ? kAnsiGreen : kAnsiRed, style) + "\n";
}

static Json json_of(const RunResult& result) {
  Json json{{"tool", "tcpassay"},
            {"version", kVersion},
            {"target", {{"name", result.target}, {"version", result.version}}},
            {"file", result.file},
            {"ruleset", to_string(result.edition)},
            {"events", result.trace.events.size()}};
  json["verdicts"] = Json::array();
  for (const auto& verdict : result.verdicts) {
    json["verdicts"].push_back(to_json(verdict));
    if (result.listed.contains(verdict.rule)) json["verdicts"].back()["listed"] = true;
  }
  json["tolerated"] = Json::array();
  for (const auto& verdict : result.tolerated) json["tolerated"].push_back(to_json(verdict));
  json["mismatches"] = Json::array();
  for (const auto& mismatch : result.mismatches) {
    json["mismatches"].push_back({{"file", mismatch.where.file},
                                  {"line", mismatch.where.line},
                                  {"expected", mismatch.expected},
                                  {"seen", mismatch.seen}});
  }
  return json;
}

std::string run_json(const RunResult& result) {
  return dump(json_of(result));
}

std::string runs_json(const std::vector<RunResult>& results) {
  Json json{{"runs", Json::array()}};
  for (const RunResult& result : results) json["runs"].push_back(json_of(result));
  return dump(json);
}

}  // namespace tcpassay
