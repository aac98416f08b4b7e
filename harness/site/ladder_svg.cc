// SPDX-License-Identifier: Apache-2.0
#include "harness/site/ladder_svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/report/ladder_rows.h"
#include "harness/report/run_report.h"
#include "harness/report/verdict_json.h"
#include "harness/session/trace.h"
#include "harness/site/html.h"
#include "models/event.h"
#include "models/oracle.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

// Places and lengths in pixels of the drawing.
constexpr int kWidth = 960, kTop = 40, kRowHeight = 34, kVerdictHeight = 28;
constexpr int kTimeAt = 84, kPeerAt = 112, kTargetAt = 640, kRightAt = 660;
constexpr int kSlope = 8;  // a packet takes time: its arrow falls by so much
constexpr std::size_t kLabelMax = 68, kCallMax = 40, kVerdictMax = 108;  // characters that have room

std::string cut(const std::string& text, std::size_t characters) {
  if (text.size() <= characters) return text;
  return text.substr(0, characters - 3) + "...";
}

Html text_at(int x, int y, const std::string& kind, const Html& text) {
  return element("text", {{"x", std::to_string(x)}, {"y", std::to_string(y)}, {"class", kind}}, text);
}

Html line(int x1, int y1, int x2, int y2, const std::string& kind) {
  return element("line", {{"x1", std::to_string(x1)},
                          {"y1", std::to_string(y1)},
                          {"x2", std::to_string(x2)},
                          {"y2", std::to_string(y2)},
                          {"class", kind}});
}

Html box(int x, int y, int width, int height, const std::string& kind) {
  return element("rect", {{"x", std::to_string(x)},
                          {"y", std::to_string(y)},
                          {"width", std::to_string(width)},
                          {"height", std::to_string(height)},
                          {"rx", "4"},
                          {"class", kind}});
}

class Drawing {
 public:
  Drawing(const Trace& trace, const std::vector<Verdict>& verdicts)
      : rows_(ladder_rows(trace)), verdicts_(verdicts), shown_(shown_events(trace, verdicts)) {}

  Html draw();

 private:
  void draw_row(std::size_t event);
  void draw_time(Time at);
  void draw_packet(const LadderRow& row, std::size_t event);
  void draw_state(const std::string& state);
  void draw_verdicts(std::size_t event);
  bool is_accused(std::size_t event) const;

  std::vector<LadderRow> rows_;
  const std::vector<Verdict>& verdicts_;
  ShownEvents shown_;
  std::optional<Time> time_;
  int y_ = kTop;  // the top of the next row
  Html out_;
};

bool Drawing::is_accused(std::size_t event) const {
  return std::any_of(verdicts_.begin(), verdicts_.end(), [&](const Verdict& one) { return one.event == event; });
}

void Drawing::draw_time(Time at) {
  if (time_ && *time_ == at) return;
  time_ = at;
  out_ += text_at(kTimeAt, y_ + 20, "time", fmt::format("{:.6f}", seconds_of(at)));
}

void Drawing::draw_packet(const LadderRow& row, std::size_t event) {
  const bool arrives = row.kind == LadderRow::Kind::kArrives;
  const int from = arrives ? kPeerAt : kTargetAt, to = arrives ? kTargetAt : kPeerAt;
  const int begin = y_ + 20, end = begin + kSlope, back = arrives ? -10 : 10;
  const std::string points = fmt::format("{},{} {},{} {},{}", to, end, to + back, end - 5, to + back, end + 4);
  const std::string kind = arrives ? "arrives" : "departs";
  Html arrow = tag("title", row.label) + box(kPeerAt + 8, y_ + 1, kTargetAt - kPeerAt - 16, kRowHeight - 3, "room");
  arrow += line(from, begin, to, end, kind);
  arrow += element("polygon", {{"points", points}, {"class", kind}});
  arrow += text_at((kPeerAt + kTargetAt) / 2, y_ + 15, "label", cut(row.label, kLabelMax));
  out_ += element("a", {{"href", fmt::format("#e{}", event)}}, arrow);
}

void Drawing::draw_state(const std::string& state) {
  const std::string shown = cut(state, 34);
  const int width = 14 + static_cast<int>(shown.size()) * 7;
  out_ += box(kRightAt, y_ + 9, width, 21, "state") + text_at(kRightAt + 7, y_ + 24, "state-name", shown);
}

void Drawing::draw_verdicts(std::size_t event) {
  for (std::size_t i = 0; i < verdicts_.size(); ++i) {
    const Verdict& verdict = verdicts_[i];
    if (verdict.event != event) continue;
    const bool grave = verdict.kind == Verdict::Kind::kViolated && !verdict.consequence;
    const std::string kind = verdict.consequence ? "follows" : to_string(verdict.kind);
    const std::string sign = grave ? "\u2717" : verdict.consequence ? "\u21b3" : "\u25b2";
    const std::string text =
        fmt::format("{} {} {} {}: seen {}", sign, level_text(verdict), info(verdict.rule).id,
                    verdict.consequence ? "(a consequence)" : to_string(verdict.kind), verdict.seen);
    const Html mark = box(kPeerAt - 100, y_ + 2, kWidth - 24, kVerdictHeight - 4, "band " + kind) +
                      text_at(kPeerAt - 88, y_ + 18, "verdict " + kind, cut(text, kVerdictMax));
    out_ += element("a", {{"href", fmt::format("#v{}", i)}}, mark);
    y_ += kVerdictHeight;
  }
}

void Drawing::draw_row(std::size_t event) {
  const LadderRow& row = rows_[event];
  if (row.kind == LadderRow::Kind::kOther && !is_accused(event)) return;
  draw_time(row.at);
  if (row.kind == LadderRow::Kind::kCall) {
    out_ += text_at(kRightAt, y_ + 24, "call", tag("title", row.label) + Html(cut(row.label, kCallMax)));
    if (!row.new_state.empty()) {
      y_ += kRowHeight - 8;
      draw_state(row.new_state);
    }
  } else if (row.kind == LadderRow::Kind::kOther) {
    out_ += text_at((kPeerAt + kTargetAt) / 2, y_ + 20, "label quiet", row.label);
  } else {
    draw_packet(row, event);
    if (!row.new_state.empty()) draw_state(row.new_state);
  }
  y_ += kRowHeight;
  draw_verdicts(event);
}

Html Drawing::draw() {
  for (std::size_t i = shown_.first; i < shown_.end; ++i) draw_row(i);
  Html frame = tag("title", "Ladder diagram");
  for (const auto& [x, name] : {std::pair{kPeerAt, "peer"}, std::pair{kTargetAt, "target"}}) {
    frame += line(x, kTop - 8, x, y_ + 8, "lifeline") + text_at(x, kTop - 18, "party", name);
  }
  frame += text_at(kTimeAt, kTop - 18, "time", "seconds") + text_at(kRightAt + 40, kTop - 18, "aside", "calls, states");
  return element("svg",
                 {{"class", "ladder"},
                  {"viewBox", fmt::format("0 0 {} {}", kWidth, y_ + 16)},
                  {"width", std::to_string(kWidth)},
                  {"height", std::to_string(y_ + 16)},
                  {"role", "group"},
                  {"aria-label", "Ladder diagram"}},
                 frame + out_);
}

}  // namespace

ShownEvents shown_events(const Trace& trace, const std::vector<Verdict>& verdicts) {
  const std::size_t all = trace.events.size();
  if (all <= kRowsMax) return {.first = 0, .end = all};
  const std::size_t middle = verdicts.empty() ? 0 : std::min(verdicts.front().event, all);
  const std::size_t first = std::min(middle - std::min(middle, kRowsMax * 2 / 3), all - kRowsMax);
  return {.first = first, .end = first + kRowsMax};
}

Html ladder_svg(const Trace& trace, const std::vector<Verdict>& verdicts) {
  return Drawing(trace, verdicts).draw();
}

}  // namespace tcpassay
