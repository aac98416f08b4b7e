// SPDX-License-Identifier: Apache-2.0
#include "harness/offline/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/offline/judge_filter.h"
#include "harness/offline/judge_run.h"
#include "harness/report/ladder.h"
#include "harness/report/run_report.h"
#include "harness/report/verdict_json.h"
#include "harness/script/parse.h"
#include "harness/session/run_log.h"
#include "harness/wire/capture_file.h"
#include "harness/wire/capture_reader.h"
#include "harness/wire/packed_file.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

bool is_named_capture(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  return extension == ".pcap" || extension == ".pcapng" || extension == ".cap";
}

// With the place of the event in its file.
Json verdict_json(const Verdict& verdict, const Trace& trace) {
  Json json = brief_json(verdict);
  if (verdict.event < trace.places.size()) {
    const Place& where = trace.places[verdict.event];
    json[is_named_capture(where.file) ? "frame" : "line"] = where.line;
  }
  return json;
}

Json end_json(const EndpointResult& end) {
  Json json{{"end", end.end.text()}, {"verdict", to_string(end.outcome)}, {"why", end.why}};
  if (end.frame != 0) json["frame"] = end.frame;
  if (!end.tolerated.empty()) json["tolerated"] = Json::array();
  for (const Verdict& use : end.tolerated) {
    json["tolerated"].push_back(brief_json(use));
    json["tolerated"].back()["frame"] = use.event;
  }
  if (!end.verdict || end.verdict->kind == Verdict::Kind::kInconclusive) return json;
  json.update(brief_json(*end.verdict));
  return json;
}

Json conversation_json(const ConversationResult& one) {
  return {{"from", one.ends[0].end.text()},      {"to", one.ends[1].end.text()},
          {"first_frame", one.first_frame},      {"packets", one.packets},
          {"verdict", to_string(one.outcome())}, {"ends", Json::array({end_json(one.ends[0]), end_json(one.ends[1])})}};
}

// What a capture adds to the entry of its file.
void add_capture(Json& entry, const CaptureResult& capture) {
  Json rules = Json::array(), conversations = Json::array();
  for (const ConversationResult& one : capture.conversations) {
    conversations.push_back(conversation_json(one));
    for (const EndpointResult& end : one.ends) {
      if (end.outcome != Outcome::kFail) continue;
      const auto& id = info(end.verdict->rule).id;
      if (std::find(rules.begin(), rules.end(), id) == rules.end()) rules.push_back(id);
    }
  }
  const CaptureCounts& counts = capture.counts;
  entry["rules"] = rules;
  entry["conversations"] = conversations;
  entry["counts"] = {
      {"accepted", capture.passed},       {"condemned", capture.failed}, {"inconclusive", capture.inconclusive},
      {"packets", counts.packets},        {"segments", counts.segments}, {"fragments", counts.fragments},
      {"other_protocols", counts.others}, {"cut", counts.cut},           {"malformed", counts.malformed},
      {"texts_cut", counts.text_cut},     {"given_up", counts.given_up}};
}

std::string expectation_text(const FileResult& result) {
  if (!result.expected) return "";
  if (as_expected(result)) return ", as expected";
  return fmt::format(": NOT as expected: expected {}, found {}", to_string(*result.expected), to_string(found(result)));
}

}  // namespace

FileResult judge_file(const std::string& path, const CaptureOptions& options) {
  std::string packing;
  const FileKind kind = path == kStandardInput ? FileKind::kCapture : kind_of_file(path, packing);
  if (kind == FileKind::kPacked) {
    const char* why = unpacks(packing) ? "what it holds is no capture" : "unpack it first";
    throw CaptureError(fmt::format("{}: packed by {}: {}", path, packing, why));
  }
  if (kind != FileKind::kCapture && !is_named_capture(path)) {
    const Scenario scenario = read_script(path, options.defines);
    FileResult result = judge_script(scenario, path, options.edition, options.strict);
    result.expected = scenario.about.expect;
    return result;
  }
  const std::string log = run_log_of(path);
  if (options.ends.empty() && !options.packets_alone && std::filesystem::exists(log)) {
    return judge_run(path, log, options.edition, options.strict);
  }
  CaptureResult capture = judge_capture(path, options);
  FileResult result{.file = path, .outcome = capture.outcome, .why = capture.why};
  result.capture = std::move(capture);
  return result;
}

Expectation found(const FileResult& result) {
  if (result.outcome == Outcome::kUnsupported) return {"unsupported", ""};
  Expectation worst{result.outcome == Outcome::kInconclusive ? "inconclusive" : "pass", ""};
  for (const Verdict& verdict : result.verdicts) {
    if (verdict.consequence || verdict.kind == Verdict::Kind::kInconclusive || worst.outcome == "fail") continue;
    const bool violated = verdict.kind == Verdict::Kind::kViolated;
    if (violated || worst.outcome != "depart")
      worst = {violated ? "fail" : "depart", std::string(info(verdict.rule).id)};
  }
  return worst;
}

bool as_expected(const FileResult& result) {
  if (!result.expected) return true;
  const Expectation is = found(result);
  return is.outcome == result.expected->outcome && (result.expected->rule.empty() || is.rule == result.expected->rule);
}

std::string to_string(const Expectation& what) {
  return what.rule.empty() ? what.outcome : what.outcome + " " + what.rule;
}

std::string judge_text(const std::vector<FileResult>& results, bool diagrams) {
  const TextStyle style = style_of_stdout();
  std::string text;
  for (const auto& result : results) {
    if (diagrams && !result.trace.events.empty()) text += ladder(result.trace, result.verdicts, style) + "\n";
    text += fmt::format("{}: {}{}\n", result.file, to_string(result.outcome), expectation_text(result));
    if (result.capture && result.outcome != Outcome::kUnsupported) {
      text += capture_text(*result.capture, diagrams);
      continue;
    }
    if (!result.why.empty() && result.verdicts.empty()) text += "  " + result.why + "\n";
    text += tolerated_text(result.tolerated, style);
    if (diagrams) continue;
    for (const auto& verdict : result.verdicts) {
      if (!verdict.consequence) text += verdict_text(verdict, style, 2);
    }
  }
  return text;
}

namespace {

Json file_json(const FileResult& result) {
  Json broken = Json::array(), verdicts = Json::array();
  for (const auto& verdict : result.verdicts) {
    if (verdict.consequence) continue;
    const auto& id = info(verdict.rule).id;
    if (std::find(broken.begin(), broken.end(), id) == broken.end()) broken.push_back(id);
    verdicts.push_back(verdict_json(verdict, result.trace));
  }
  Json tolerated = Json::array();
  for (const auto& verdict : result.tolerated) tolerated.push_back(verdict_json(verdict, result.trace));
  Json entry{{"file", result.file},
             {"verdict", to_string(result.outcome)},
             {"why", result.why},
             {"rules", broken},
             {"verdicts", verdicts},
             {"tolerated", tolerated},
             {"freedoms", freedoms_json(result.freedoms)}};
  if (result.capture) add_capture(entry, *result.capture);
  return entry;
}

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string json_line(const FileResult& result) {
  Json entry = file_json(result);
  entry.erase("conversations");  // each has a line of its own
  return line_of(entry);
}

std::string json_line(const std::string& file, const ConversationResult& one) {
  Json entry{{"file", file}};
  entry.update(conversation_json(one));
  return line_of(entry);
}

std::string judge_json(const std::vector<FileResult>& results) {
  Json summary{{"accepted", 0}, {"condemned", 0}, {"inconclusive", 0}, {"unsupported", 0}};
  Json traces = Json::array();
  for (const auto& result : results) {
    Json& count = summary[to_string(result.outcome)];
    count = count.get<int>() + 1;
    traces.push_back(file_json(result));
  }
  Json rules = Json::array();
  for (const RuleSum& sum : by_rule(results)) {
    rules.push_back({{"rule", info(sum.rule).id}, {"count", sum.count}, {"first", sum.first}});
  }
  return Json{{"traces", traces}, {"summary", summary}, {"by_rule", rules}}.dump(2, ' ', false,
                                                                                 Json::error_handler_t::replace) +
         "\n";
}

}  // namespace tcpassay
