// SPDX-License-Identifier: Apache-2.0
#include "harness/report/ladder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/text.h"
#include "harness/report/ladder_rows.h"
#include "harness/report/run_report.h"
#include "harness/session/trace.h"
#include "models/event.h"
#include "models/oracle.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

// 0123456789 |<- 50 columns: packets ->| calls of the user, or the state
constexpr std::size_t kTimeColumns = 12;
constexpr std::size_t kWireColumns = 50;
constexpr int kColumnsMin = 100;
constexpr std::size_t kRightAt = kTimeColumns + kWireColumns + 3;

class LadderDiagram {
 public:
  LadderDiagram(const Trace& trace, const std::vector<Verdict>& verdicts, const TextStyle& style)
      : trace_(trace), verdicts_(verdicts), style_(style), columns_(std::max(style.columns, kColumnsMin)) {}

  std::string draw();

 private:
  void draw_packet(const LadderRow& row);
  void draw_call(const LadderRow& row);
  void draw_verdicts(std::size_t index);
  std::string time_column(Time at);

  const Trace& trace_;
  const std::vector<Verdict>& verdicts_;
  const TextStyle& style_;
  int columns_;
  std::optional<Time> time_;
  std::string out_;
};

std::string LadderDiagram::time_column(Time at) {
  if (time_ && *time_ == at) return std::string(kTimeColumns, ' ');
  time_ = at;
  return fmt::format("{:>{}.6f} ", seconds_of(at), kTimeColumns - 1);
}

void LadderDiagram::draw_packet(const LadderRow& row) {
  constexpr std::size_t kArrows = 6;  // at least a dash, an arrowhead and two blanks
  std::string text = row.label;
  if (text.size() > kWireColumns - kArrows) {
    text.resize(kWireColumns - kArrows - 3);
    text += "...";
  }
  const std::string dashes = std::string(kWireColumns - text.size() - kArrows, '-') + "-";
  const bool arrives = row.kind == LadderRow::Kind::kArrives;
  const std::string wire = arrives ? fmt::format("-- {} {}>", text, dashes) : fmt::format("<{} {} --", dashes, text);
  out_ += fmt::format("{}|{}|{}{}\n", time_column(row.at), wire, row.new_state.empty() ? "" : " ", row.new_state);
}

void LadderDiagram::draw_call(const LadderRow& row) {
  std::string line = fmt::format("{}|{}| {}", time_column(row.at), std::string(kWireColumns, ' '), row.label);
  if (!row.new_state.empty()) {
    const int room = columns_ - static_cast<int>(line.size());
    const bool fits = static_cast<int>(row.new_state.size()) + 2 <= room;
    line += fits ? "  " + row.new_state : "\n" + std::string(kRightAt, ' ') + row.new_state;
  }
  out_ += line + "\n";
}

void LadderDiagram::draw_verdicts(std::size_t index) {
  for (const auto& verdict : verdicts_) {
    if (verdict.event == index) out_ += verdict_text(verdict, {.columns = columns_, .colour = style_.colour}, 4);
  }
}

std::string LadderDiagram::draw() {
  out_ = fmt::format("{:>{}} |{:<{}}| target\n", "seconds", kTimeColumns - 1, " peer", kWireColumns);
  const std::vector<LadderRow> rows = ladder_rows(trace_);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].kind == LadderRow::Kind::kCall) {
      draw_call(rows[i]);
    } else if (rows[i].kind != LadderRow::Kind::kOther) {
      draw_packet(rows[i]);
    }
    draw_verdicts(i);
  }
  return out_;
}

}  // namespace

std::string ladder(const Trace& trace, const std::vector<Verdict>& verdicts, const TextStyle& style) {
  return LadderDiagram(trace, verdicts, style).draw();
}

std::string verdict_text(const Verdict& verdict, const TextStyle& style, int indent) {
  const RuleInfo& about = info(verdict.rule);
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  const auto line = [&](const std::string& text, int hanging) {
    return wrapped(margin + text, style.columns, indent + hanging) + "\n";
  };
  const bool limit = verdict.kind == Verdict::Kind::kInconclusive;
  const std::string what = limit ? "INCONCLUSIVE" : fmt::format("{} {}", to_string(about.level), about.id);
  const std::string sentence = limit ? "" : fmt::format(": {}", about.sentence);
  const std::string after = verdict.consequence ? " (a consequence)" : "";
  std::string text = line(fmt::format("## {}{}{}", what, after, sentence), 3);
  const std::string where = verdict.state.empty() ? "" : fmt::format(", in {}", verdict.state);
  if (!limit) text += line(fmt::format("   RFC {} section {}{}", about.rfc, about.section, where), 3);
  if (verdict.context) {
    const RuleInfo& odd = info(*verdict.context);
    text += line(fmt::format("   before:  the peer's last packet was odd ({}: {})", odd.id, odd.sentence), 12);
  }
  text += line("   allowed: " + verdict.allowed, 12);
  text += line("   seen:    " + verdict.seen, 12);
  if (!style.colour) return text;
  const bool severe = verdict.kind == Verdict::Kind::kViolated && !verdict.consequence;
  return (verdict.consequence ? kAnsiDim : severe ? kAnsiRed : kAnsiYellow) + text + kAnsiPlain;
}

}  // namespace tcpassay
