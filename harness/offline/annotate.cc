// SPDX-License-Identifier: Apache-2.0
#include "harness/offline/annotate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "harness/offline/conversation.h"
#include "harness/offline/judge.h"
#include "harness/offline/judge_run.h"
#include "harness/offline/outcome.h"
#include "harness/report/verdict_json.h"
#include "harness/session/run_log.h"
#include "harness/session/trace.h"
#include "harness/wire/capture_file.h"
#include "harness/wire/capture_reader.h"
#include "harness/wire/commented_capture.h"
#include "models/edition.h"
#include "models/event.h"
#include "models/oracle.h"
#include "models/rule.h"
#include "models/segment.h"

namespace tcpassay {
namespace {

std::string text_of(const Verdict& verdict) {
  const RuleInfo& rule = info(verdict.rule);
  return fmt::format("tcpassay: {} {} (RFC {} section {}): {}\nallowed: {}\nseen: {}", level_text(verdict), rule.id,
                     rule.rfc, rule.section, rule.sentence, verdict.allowed, verdict.seen);
}

void sort(std::vector<PacketComment>& comments) {
  std::stable_sort(comments.begin(), comments.end(), [](const auto& a, const auto& b) { return a.frame < b.frame; });
}

// The frame of the event, or of the latest one before it that was a packet.
std::uint64_t frame_of(const Trace& trace, std::size_t event) {
  for (std::size_t i = std::min(event + 1, trace.places.size()); i-- > 0;) {
    if (trace.places[i].line > 0) return static_cast<std::uint64_t>(trace.places[i].line);
  }
  return 1;
}

void add_end(const EndpointResult& end, std::vector<PacketComment>& comments) {
  for (const Verdict& use : end.tolerated) {
    comments.push_back({use.event, fmt::format("tcpassay: {}: tolerated: {}", end.end.text(), use.seen)});
  }
  if (end.frame == 0 || end.outcome == Outcome::kPass) return;
  if (end.outcome == Outcome::kFail) {
    comments.push_back({end.frame, fmt::format("{}: {}", end.end.text(), text_of(*end.verdict))});
    return;
  }
  comments.push_back({end.frame, fmt::format("tcpassay: {}: inconclusive: {}", end.end.text(), end.why)});
}

}  // namespace

std::vector<PacketComment> comments_of(const FileResult& result) {
  std::vector<PacketComment> comments;
  for (const Verdict& verdict : result.verdicts) {
    if (!verdict.consequence) comments.push_back({frame_of(result.trace, verdict.event), text_of(verdict)});
  }
  if (result.capture) {
    for (const ConversationResult& one : result.capture->conversations) {
      for (const EndpointResult& end : one.ends) add_end(end, comments);
    }
  }
  sort(comments);
  return comments;
}

std::vector<PacketComment> comments_of(const Trace& trace, const std::vector<Verdict>& verdicts) {
  std::vector<std::uint64_t> frames;  // packets up to each event
  std::uint64_t packets = 0;
  for (const Event& event : trace.events) {
    packets += std::holds_alternative<Arriving>(event.what) || std::holds_alternative<Departing>(event.what) ||
               std::holds_alternative<IcmpArrives>(event.what);
    frames.push_back(std::max<std::uint64_t>(packets, 1));
  }
  std::vector<PacketComment> comments;
  for (const Verdict& verdict : verdicts) {
    if (!verdict.consequence && verdict.event < frames.size())
      comments.push_back({frames[verdict.event], text_of(verdict)});
  }
  sort(comments);
  return comments;
}

void annotate_capture(const std::string& capture, const std::vector<PacketComment>& comments, const std::string& to) {
  CaptureReader reader(capture);
  CommentedCapture out(to);
  auto next = comments.begin();
  while (const auto captured = reader.next()) {
    std::string text;
    for (; next != comments.end() && next->frame <= captured->number; ++next) {
      text += (text.empty() ? "" : "\n") + next->text;
    }
    out.write(captured->when, captured->packet, text);
  }
  out.close();
}

std::size_t annotate_runs(const std::string& folder, Edition edition, bool strict) {
  namespace fs = std::filesystem;
  std::size_t written = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string capture = entry.path().string(), log = run_log_of(capture);
    if (entry.path().extension() != ".pcap" || !fs::exists(log)) continue;
    FileResult result;
    try {
      result = judge_run(capture, log, edition, strict);
    } catch (const CaptureError&) {
      continue;  // a run that was broken off has no whole log
    }
    const auto broken = [](const Verdict& verdict) { return verdict.kind == Verdict::Kind::kViolated; };
    if (std::none_of(result.verdicts.begin(), result.verdicts.end(), broken)) continue;
    annotate_capture(capture, comments_of(result), fs::path(entry.path()).replace_extension(".pcapng").string());
    ++written;
  }
  return written;
}

}  // namespace tcpassay
