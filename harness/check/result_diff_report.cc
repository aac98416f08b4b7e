// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/text.h"
#include "harness/check/check_result.h"
#include "harness/check/result_diff.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;
using Kind = Change::Kind;

constexpr Kind kKinds[] = {Kind::kNewlyFailing,      Kind::kNewRule,         Kind::kNewScenario,
                           Kind::kNewlyInconclusive, Kind::kNewlyConforming, Kind::kGone};

const char* heading_of(Kind kind) {
  switch (kind) {
    case Kind::kNewlyFailing:
      return "NEWLY FAILING";
    case Kind::kNewRule:
      return "NEW OR CHANGED RULES";
    case Kind::kNewScenario:
      return "NEW SCENARIOS THAT FAIL";
    case Kind::kNewlyInconclusive:
      return "NO LONGER DECIDED";
    case Kind::kNewlyConforming:
      return "NEWLY CONFORMING";
    case Kind::kGone:
      return "GONE";
  }
  return "?";
}

std::string change_text(const Change& change, const TextStyle& style) {
  std::string text = "  " + (change.level.empty() ? "" : change.level + " ") + change.id + ": ";
  text += change.before.empty() ? change.after : change.before + " -> ";
  if (!change.before.empty()) text += change.after.empty() ? "not there" : change.after;
  text = wrapped(text, style.columns, 4) + "\n";
  if (!change.sentence.empty()) text += wrapped("    " + change.sentence, style.columns, 4) + "\n";
  if (!change.replay.empty() && change.fails) text += "    replay: " + change.replay + "\n";
  return text;
}

std::string one_text(const ResultDiff& diff, const TextStyle& style, FailOn fail_on) {
  std::string text = fmt::format("{}: {} -> {}\n", diff.target, diff.before, diff.after);
  for (const std::string& note : diff.notes) text += wrapped("note: " + note, style.columns, 6) + "\n";
  for (const Kind kind : kKinds) {
    std::string entries;
    std::size_t count = 0;
    for (const Change& change : diff.changes) {
      if (change.kind != kind) continue;
      ++count;
      entries += change_text(change, style);
    }
    const char* colour = kind == Kind::kNewlyFailing ? kAnsiRed : kind == Kind::kNewlyConforming ? kAnsiGreen : "";
    if (count > 0)
      text += "\n" + painted(fmt::format("{} {}", heading_of(kind), count), colour, style) + "\n" + entries;
  }
  const bool worse = diff.worse(fail_on);
  const char* const words = worse ? "worse" : diff.changes.empty() ? "nothing changed" : "nothing worse";
  return text + "\n" + painted(words, worse ? kAnsiRed : kAnsiGreen, style) + "\n";
}

Json change_json(const Change& change) {
  return {{"id", change.id},       {"level", change.level},       {"before", change.before}, {"after", change.after},
          {"fails", change.fails}, {"sentence", change.sentence}, {"replay", change.replay}};
}

}  // namespace

std::string diff_text(const std::vector<ResultDiff>& diffs, const TextStyle& style, FailOn fail_on) {
  std::string text;
  for (const ResultDiff& diff : diffs) text += (text.empty() ? "" : "\n") + one_text(diff, style, fail_on);
  return text;
}

std::string diff_json(const std::vector<ResultDiff>& diffs, FailOn fail_on) {
  Json all = Json::array();
  for (const ResultDiff& diff : diffs) {
    Json one{{"target", diff.target},
             {"before", diff.before},
             {"after", diff.after},
             {"worse", diff.worse(fail_on)},
             {"notes", diff.notes}};
    for (const Kind kind : kKinds) {
      one[to_string(kind)] = Json::array();
      for (const Change& change : diff.changes) {
        if (change.kind == kind) one[to_string(kind)].push_back(change_json(change));
      }
    }
    all.push_back(std::move(one));
  }
  return Json{{"diffs", all}}.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tcpassay
