// SPDX-License-Identifier: Apache-2.0
#include "harness/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/capture.h"
#include "harness/ladder.h"
#include "harness/run_log.h"
#include "harness/script.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

bool is_named_capture(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  return extension == ".pcap" || extension == ".pcapng" || extension == ".cap";
}

Json verdict_json(const Verdict& verdict, const Trace& trace) {
  Json json{{"rule", info(verdict.rule).id},
            {"level", level_text(verdict)},
            {"state", verdict.state},
            {"allowed", verdict.allowed},
            {"seen", verdict.seen}};
  if (verdict.event < trace.places.size()) {
    const Place& where = trace.places[verdict.event];
    json[is_named_capture(where.file) ? "frame" : "line"] = where.line;
  }
  return json;
}

Json end_json(const EndOpinion& end) {
  Json json{{"end", end.end.text()}, {"verdict", to_string(end.kind)}, {"why", end.why}};
  if (end.frame != 0) json["frame"] = end.frame;
  if (!end.verdict || end.verdict->kind == Verdict::Kind::kInconclusive) return json;
  json.update(verdict_json(*end.verdict, {}));
  return json;
}

Json conversation_json(const ConversationOpinion& one) {
  return {{"from", one.ends[0].end.text()},   {"to", one.ends[1].end.text()},
          {"first_frame", one.first_frame},   {"packets", one.packets},
          {"verdict", to_string(one.kind())}, {"ends", Json::array({end_json(one.ends[0]), end_json(one.ends[1])})}};
}

// What a capture adds to the entry of its file.
void add_capture(Json& entry, const CaptureOpinion& capture) {
  Json rules = Json::array(), conversations = Json::array();
  for (const ConversationOpinion& one : capture.conversations) {
    conversations.push_back(conversation_json(one));
    for (const EndOpinion& end : one.ends) {
      if (end.kind != OpinionKind::kCondemned) continue;
      const auto& id = info(end.verdict->rule).id;
      if (std::find(rules.begin(), rules.end(), id) == rules.end()) rules.push_back(id);
    }
  }
  const CaptureCounts& counts = capture.counts;
  entry["rules"] = rules;
  entry["conversations"] = conversations;
  entry["counts"] = {{"accepted", capture.accepted},         {"condemned", capture.condemned},
                     {"inconclusive", capture.inconclusive}, {"packets", counts.packets},
                     {"segments", counts.segments},          {"fragments", counts.fragments},
                     {"other_protocols", counts.others},     {"cut", counts.cut},
                     {"malformed", counts.malformed},        {"texts_cut", counts.text_cut},
                     {"given_up", counts.given_up}};
}

}  // namespace

Opinion judge_file(const std::string& path, const CaptureOptions& options) {
  if (!is_named_capture(path) && !is_capture(path)) {
    return judge_script(read_script(path, options.defines), path, options.edition);
  }
  const std::string log = run_log_of(path);
  if (options.ends.empty() && !options.packets_alone && std::filesystem::exists(log)) {
    return judge_run(path, log, options.edition);
  }
  CaptureOpinion capture = judge_capture(path, options);
  Opinion opinion{.file = path, .kind = capture.kind, .why = capture.why};
  opinion.capture = std::move(capture);
  return opinion;
}

std::string judge_text(const std::vector<Opinion>& opinions, bool diagrams) {
  const Paper paper = paper_of_stdout();
  std::string text;
  for (const auto& opinion : opinions) {
    if (diagrams && !opinion.trace.events.empty()) text += ladder(opinion.trace, opinion.verdicts, paper) + "\n";
    text += fmt::format("{}: {}\n", opinion.file, to_string(opinion.kind));
    if (opinion.capture && opinion.kind != OpinionKind::kUnsupported) {
      text += capture_text(*opinion.capture, diagrams);
      continue;
    }
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
    if (opinion.capture) add_capture(traces.back(), *opinion.capture);
  }
  return Json{{"traces", traces}, {"summary", summary}}.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tcpassay
