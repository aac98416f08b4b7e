// SPDX-License-Identifier: Apache-2.0
#include "harness/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/capture.h"
#include "harness/ladder.h"
#include "harness/script.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

Json verdict_json(const Verdict& verdict, const Trace& trace) {
  Json json{{"rule", info(verdict.rule).id}, {"level", level_text(verdict)}, {"state", verdict.state},
            {"allowed", verdict.allowed},    {"seen", verdict.seen}};
  if (verdict.event < trace.places.size()) json["line"] = trace.places[verdict.event].line;
  return json;
}

}  // namespace

const char* to_string(Opinion::Kind kind) {
  switch (kind) {
    case Opinion::Kind::kAccepted: return "accepted";
    case Opinion::Kind::kCondemned: return "condemned";
    case Opinion::Kind::kInconclusive: return "inconclusive";
    case Opinion::Kind::kUnsupported: return "unsupported";
  }
  return "?";
}

Opinion judge_file(const std::string& path, Edition edition) {
  const std::string extension = std::filesystem::path(path).extension().string();
  if (extension != ".pcap" && extension != ".pcapng") return judge_script(read_script(path), path, edition);
  CaptureReader reader(path);
  while (reader.next()) {
  }
  return {.file = path, .kind = Opinion::Kind::kUnsupported, .why = "a capture does not hold the user's calls"};
}

std::string judge_text(const std::vector<Opinion>& opinions, bool diagrams) {
  const Paper paper = paper_of_stdout();
  std::string text;
  for (const auto& opinion : opinions) {
    if (diagrams && !opinion.trace.events.empty()) text += ladder(opinion.trace, opinion.verdicts, paper) + "\n";
    text += fmt::format("{}: {}\n", opinion.file, to_string(opinion.kind));
    if (!opinion.why.empty() && opinion.verdicts.empty()) text += "  " + opinion.why + "\n";
    if (diagrams) continue;
    for (const auto& verdict : opinion.verdicts) {
      if (!verdict.consequence) text += verdict_text(verdict, paper, 2);
    }
  }
  return text;
}

std::string judge_json(const std::vector<Opinion>& opinions) {
  Json summary{{"accepted", 0}, {"condemned", 0}, {"inconclusive", 0}, {"unsupported", 0}};
  Json traces = Json::array();
  for (const auto& opinion : opinions) {
    Json& count = summary[to_string(opinion.kind)];
    count = count.get<int>() + 1;
    Json broken = Json::array(), verdicts = Json::array();
    for (const auto& verdict : opinion.verdicts) {
      if (verdict.consequence) continue;
      const auto& id = info(verdict.rule).id;
      if (std::find(broken.begin(), broken.end(), id) == broken.end()) broken.push_back(id);
      verdicts.push_back(verdict_json(verdict, opinion.trace));
    }
    traces.push_back({{"file", opinion.file},
                      {"verdict", to_string(opinion.kind)},
                      {"why", opinion.why},
                      {"rules", broken},
                      {"verdicts", verdicts}});
  }
  return Json{{"traces", traces}, {"summary", summary}}.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tcpassay
