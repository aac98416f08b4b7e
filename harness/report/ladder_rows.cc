// SPDX-License-Identifier: Apache-2.0
#include "harness/report/ladder_rows.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "harness/session/trace.h"
#include "models/event.h"
#include "models/segment.h"

namespace tcpassay {
namespace {

// The initial sequence numbers of one conversation as the trace has shown them so far.
struct Numbers {
  Tuple tuple{};
  std::optional<std::uint32_t> iss{}, irs{};
};

// Numbers as scripts write them: counted from the SYN once that was seen. Numbers before it are negative.
std::string relative(std::uint32_t number, std::optional<std::uint32_t> first) {
  if (!first) return std::to_string(number);
  return std::to_string(static_cast<std::int32_t>(number - *first));
}

std::string options_text(const Options& options, Fault fault, std::optional<std::uint32_t> blocks_from) {
  std::string text;
  int known = 0;
  const auto add = [&](int octets, const std::string& option) {
    text += (text.empty() ? " <" : ", ") + option;
    known += octets;
  };
  if (options.mss) add(4, fmt::format("mss {}", *options.mss));
  if (options.window_scale) add(4, fmt::format("wscale {}", *options.window_scale));
  if (options.timestamps) add(12, fmt::format("TS {} {}", options.timestamps->value, options.timestamps->echo));
  if (options.blocks > 0) add(4 + 8 * options.blocks, "sack");
  for (std::size_t i = 0; i < options.blocks; ++i) {
    const auto& block = options.block[i];
    text += fmt::format(" {}:{}", relative(block.left, blocks_from), relative(block.right, blocks_from));
  }
  const int others = options.octets - known;
  if (others > 0) text += fmt::format("{} {}{} octets", text.empty() ? " <" : ",", text.empty() ? "" : "+", others);
  if (!text.empty()) text += ">";
  if (fault != Fault::kNone) text += fmt::format(" !{}", to_string(fault));
  return text;
}

template <class SegmentT>
std::string segment_text(const SegmentT& segment, std::optional<std::uint32_t> first,
                         std::optional<std::uint32_t> other) {
  std::string text = to_string(segment.ctl) + " " + relative(segment.seq.value, first);
  if (!segment.text.empty()) {
    const auto length = static_cast<std::uint32_t>(segment.text.size());
    const std::uint32_t begin = segment.seq.value + segment.ctl.syn;
    text += fmt::format(":{}({})", relative(begin + length, first), length);
  }
  if (segment.ctl.ack) text += " ack " + relative(segment.ack.value, other);
  text += fmt::format(" win {}", segment.wnd);
  if (segment.ctl.urg) text += fmt::format(" urg {}", segment.up);
  return text + options_text(segment.opt, segment.fault, other);
}

std::string call_text(const UserCall& call) {
  std::string arguments;
  const auto add = [&](const auto& value) { arguments += fmt::format("{}{}", arguments.empty() ? "" : ", ", value); };
  if (call.kind != CallKind::kSocket) add(call.handle);
  switch (call.kind) {
    case CallKind::kBind:
    case CallKind::kConnect:
      add(call.port);
      break;
    case CallKind::kListen:
    case CallKind::kWrite:
    case CallKind::kSendTo:
    case CallKind::kRead:
      add(call.length);
      break;
    case CallKind::kShutdown:
      add(call.how == 0 ? "read" : call.how == 1 ? "write" : "both");
      break;
    default:
      break;
  }
  const std::string error = call.error == UserError::kNone ? "" : fmt::format(" {}", to_string(call.error));
  return fmt::format("{}({}) = {}{}", to_string(call.kind), arguments, call.result, error);
}

// Reads the events in their order, since sequence numbers count from the latest SYN.
class RowMaker {
 public:
  LadderRow row_of(const Event& event);

 private:
  Numbers& numbers(Tuple tuple);

  std::vector<Numbers> numbers_;
};

Numbers& RowMaker::numbers(Tuple tuple) {
  for (auto& known : numbers_) {
    if (known.tuple == tuple) return known;
  }
  return numbers_.emplace_back(Numbers{.tuple = tuple});
}

LadderRow RowMaker::row_of(const Event& event) {
  using Kind = LadderRow::Kind;
  if (const auto* in = std::get_if<Arriving>(&event.what)) {
    Numbers& known = numbers(event.tuple);
    if (in->ctl.syn && in->fault == Fault::kNone) known.irs = in->seq.value;
    return {.kind = Kind::kArrives, .label = segment_text(*in, known.irs, known.iss)};
  }
  if (const auto* out = std::get_if<Departing>(&event.what)) {
    Numbers& known = numbers(event.tuple);
    if (out->ctl.syn) known.iss = out->seq.value;
    return {.kind = Kind::kDeparts, .label = segment_text(*out, known.iss, known.irs)};
  }
  if (const auto* icmp = std::get_if<IcmpArrives>(&event.what)) {
    const std::string mtu = icmp->mtu == 0 ? "" : fmt::format(" mtu {}", icmp->mtu);
    const std::string seq = relative(icmp->seq.value, numbers(event.tuple).iss);
    return {.kind = Kind::kArrives, .label = fmt::format("ICMP {}/{}{} for {}", icmp->type, icmp->code, mtu, seq)};
  }
  if (const auto* call = std::get_if<UserCall>(&event.what)) return {.kind = Kind::kCall, .label = call_text(*call)};
  if (const auto* report = std::get_if<StateReport>(&event.what))
    return {.label = fmt::format("the target says {}", to_string(report->state))};
  return {.label = "silence"};
}

bool several_conversations(const Trace& trace) {
  std::optional<Tuple> first;
  for (const auto& event : trace.events) {
    const bool segment = std::holds_alternative<Arriving>(event.what) || std::holds_alternative<Departing>(event.what);
    if (!segment) continue;
    if (first && !(*first == event.tuple)) return true;
    first = event.tuple;
  }
  return false;
}

}  // namespace

std::vector<LadderRow> ladder_rows(const Trace& trace) {
  const bool many = several_conversations(trace);
  std::vector<LadderRow> rows;
  RowMaker maker;
  std::string shown;
  for (std::size_t i = 0; i < trace.events.size(); ++i) {
    const Event& event = trace.events[i];
    LadderRow& row = rows.emplace_back(maker.row_of(event));
    row.at = event.until;
    if (row.kind == LadderRow::Kind::kOther) continue;
    if (many && row.kind != LadderRow::Kind::kCall)
      row.label = fmt::format("{}:{} {}", event.tuple.local, event.tuple.remote, row.label);
    const std::string state = i < trace.states.size() ? trace.states[i] : "";
    if (state != shown) row.new_state = state;
    shown = state;
  }
  return rows;
}

}  // namespace tcpassay
