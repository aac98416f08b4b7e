// SPDX-License-Identifier: Apache-2.0
#include "harness/check/tolerated.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "harness/base/text.h"
#include "harness/report/run_report.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

std::array<std::size_t, kFreedomKinds> counts_by_kind() {
  std::array<std::size_t, kFreedomKinds> counts{};
  for (const FreedomInfo& freedom : freedoms()) ++counts[static_cast<std::size_t>(freedom.kind)];
  return counts;
}

}  // namespace

Json evidence_json(const Evidence& evidence) {
  return Json{{"scenario", evidence.scenario}, {"event", evidence.event},     {"at_s", seconds_of(evidence.at)},
              {"state", evidence.state},       {"allowed", evidence.allowed}, {"seen", evidence.seen},
              {"replay", evidence.replay}};
}

std::string tolerated_text(const std::vector<ToleratedResult>& uses, int columns) {
  std::string text;
  for (const ToleratedResult& use : uses) {
    const FreedomInfo& freedom = info(use.freedom);
    const std::string often = use.count == 1 ? "Once" : fmt::format("{} times", use.count);
    const std::string line =
        fmt::format("  {}: {} {}; it excuses {}", freedom.id, freedom.sentence, often, info(*freedom.excuses).id);
    text += wrapped(line, columns, 4) + "\n";
    if (!use.evidence.empty()) text += fmt::format("    replay:  {}\n", use.evidence.front().replay);
  }
  return text.empty() ? "" : "\nTOLERATED, THOUGH NO TEXT GRANTS IT (--strict counts it as broken)\n" + text;
}

Json tolerated_json(const std::vector<ToleratedResult>& uses) {
  Json all = Json::array();
  for (const ToleratedResult& use : uses) {
    const FreedomInfo& freedom = info(use.freedom);
    Json one{{"id", freedom.id},
             {"rule", info(*freedom.excuses).id},
             {"sentence", freedom.sentence},
             {"count", use.count},
             {"evidence", Json::array()}};
    for (const Evidence& evidence : use.evidence) one["evidence"].push_back(evidence_json(evidence));
    all.push_back(one);
  }
  return all;
}

std::string freedom_text(Freedom freedom, int columns) {
  const FreedomInfo& about = info(freedom);
  const std::string clause = about.excuses ? fmt::format("excuses {}; {}", info(*about.excuses).id, about.stacks)
                                           : fmt::format("RFC {} section {}", about.rfc, about.section);
  const std::string line = fmt::format("{} {}, {}: {}", about.id, to_string(about.kind), clause, about.sentence);
  return wrapped(line, columns, 2) + "\n";
}

Json freedom_json(Freedom freedom) {
  const FreedomInfo& about = info(freedom);
  Json json{{"id", about.id}, {"kind", to_string(about.kind)}};
  if (about.excuses) {
    json["excuses"] = info(*about.excuses).id;
    json["stacks"] = about.stacks;
  } else {
    json["rfc"] = about.rfc;
    json["section"] = about.section;
  }
  json["sentence"] = about.sentence;
  return json;
}

std::string freedom_counts_text() {
  const auto counts = counts_by_kind();
  std::string text = fmt::format("freedoms: {}", freedoms().size());
  for (std::size_t i = 0; i < kFreedomKinds; ++i) {
    text += fmt::format(", {} {}", counts[i], to_string(static_cast<FreedomKind>(i)));
  }
  return text + "\n";
}

Json freedom_counts_json() {
  const auto counts = counts_by_kind();
  Json json{{"all", freedoms().size()}};
  for (std::size_t i = 0; i < kFreedomKinds; ++i) json[to_string(static_cast<FreedomKind>(i))] = counts[i];
  return json;
}

std::vector<Freedom> freedoms_excusing(Rule rule) {
  std::vector<Freedom> found;
  for (std::size_t i = 0; i < freedoms().size(); ++i) {
    if (freedoms()[i].excuses == rule) found.push_back(static_cast<Freedom>(i));
  }
  return found;
}

}  // namespace tcpassay
