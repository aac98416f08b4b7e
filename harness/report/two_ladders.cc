// SPDX-License-Identifier: Apache-2.0
#include "harness/report/two_ladders.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "harness/report/ladder.h"
#include "harness/report/ladder_rows.h"

namespace tcpassay {
namespace {

constexpr int kHanging = 15;  // where the text of an event begins: behind the time and the arrow
constexpr const char* kBetween = " | ";
constexpr Time kSameTime = std::chrono::milliseconds(10);  // a kernel does nothing at the same microsecond twice

// One event, and what the judge says of it.
struct Line {
  LadderRow row;
  std::vector<Verdict> verdicts{};
};
bool alike(const Line& a, const Line& b) {
  const bool at_once = std::chrono::abs(a.row.at - b.row.at) < kSameTime;
  const bool same = a.row.kind == b.row.kind && at_once && a.row.label == b.row.label;
  return same && a.row.new_state == b.row.new_state && a.verdicts.empty() && b.verdicts.empty();
}

// A stimulus and what followed it. The events before the first stimulus are a block, too.
using Block = std::vector<Line>;

std::vector<Block> blocks_of(const RunResult& run) {
  std::vector<Block> blocks(1);
  const std::vector<LadderRow> rows = ladder_rows(run.trace);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Line line{.row = rows[i]};
    for (const Verdict& verdict : run.verdicts) {
      if (verdict.event == i) line.verdicts.push_back(verdict);
    }
    const bool stimulus = rows[i].kind == LadderRow::Kind::kArrives || rows[i].kind == LadderRow::Kind::kCall;
    if (stimulus) blocks.emplace_back();
    if (rows[i].kind != LadderRow::Kind::kOther || !line.verdicts.empty()) blocks.back().push_back(std::move(line));
  }
  return blocks;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string text_of(const LadderRow& row, int columns) {
  const char* const arrow = row.kind == LadderRow::Kind::kArrives   ? "-> "
                            : row.kind == LadderRow::Kind::kDeparts ? "<- "
                                                                    : "   ";
  std::string text = fmt::format("{:>11.6f} {}{}", seconds_of(row.at), arrow, row.label);
  if (!row.new_state.empty()) text += fmt::format(" [{}]", row.new_state);
  return wrapped(text, columns, kHanging) + "\n";
}

class TwoLadders {
 public:
  TwoLadders(const RunResult& left, const RunResult& right, const TextStyle& style)
      : left_(left), right_(right), style_(style), column_((style.columns - 3) / 2) {}

  std::string draw() {
    const std::vector<Block> a = blocks_of(left_), b = blocks_of(right_);
    for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
      draw_block(i < a.size() ? a[i] : Block{}, i < b.size() ? b[i] : Block{});
    }
    if (!parted_) out_ += "they do not part\n";
    return out_;
  }

 private:
  void draw_block(const Block& a, const Block& b) {
    for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
      if (i < a.size() && i < b.size() && alike(a[i], b[i])) {
        out_ += text_of(a[i].row, style_.columns);
        beside_ = false;
        continue;
      }
      head();
      put_beside(i < a.size() ? cell(a[i]) : "", i < b.size() ? cell(b[i]) : "");
    }
  }

  // Above each place where they begin to differ: which column is whose.
  void head() {
    if (beside_) return;
    beside_ = parted_ = true;
    const auto title = [&](const RunResult& run) { return fmt::format("--- {} {} ", run.target, run.version); };
    const auto padded = [&](std::string text) {
      text.resize(static_cast<std::size_t>(column_), '-');
      return text;
    };
    out_ += padded(title(left_)) + "-+-" + padded(title(right_)) + "\n";
  }

  std::string cell(const Line& line) const {
    std::string text;
    if (line.row.kind != LadderRow::Kind::kOther) text += text_of(line.row, column_);
    for (const Verdict& verdict : line.verdicts) text += verdict_text(verdict, {.columns = column_}, 2);
    return text;
  }

  void put_beside(const std::string& a, const std::string& b) {
    const std::vector<std::string> left = lines_of(a), right = lines_of(b);
    const auto width = static_cast<std::size_t>(column_);
    for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
      std::string line = i < left.size() ? left[i].substr(0, width) : "";
      line.resize(width, ' ');
      line += kBetween + (i < right.size() ? right[i].substr(0, width) : "");
      out_ += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
  }

  const RunResult& left_;
  const RunResult& right_;
  const TextStyle& style_;
  int column_;
  bool beside_ = false, parted_ = false;
  std::string out_{};
};

}  // namespace

std::string two_ladders(const RunResult& left, const RunResult& right, const TextStyle& style) {
  if (style.columns < kTwoLaddersMin) return run_text(left, style) + "\n" + run_text(right, style);
  std::string text =
      fmt::format("{} on {} {} and {} {}\n\n", left.file, left.target, left.version, right.target, right.version);
  text += TwoLadders(left, right, style).draw() + "\n";
  for (const RunResult* run : {&left, &right}) {
    const std::string rest = run_rest(*run, style);
    text += fmt::format("{}: {}", run->target, rest.substr(rest.find_first_not_of('\n')));
  }
  return text;
}

}  // namespace tcpassay
