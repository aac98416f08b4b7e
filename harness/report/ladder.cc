// SPDX-License-Identifier: Apache-2.0
#include "harness/report/ladder.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "harness/report/run_report.h"

namespace tcpassay {
namespace {

// 0123456789 |<- 50 columns: packets ->| calls of the user, or the state
constexpr std::size_t kTimeColumns = 12;
constexpr std::size_t kWireColumns = 50;
constexpr int kColumnsMin = 100;
constexpr std::size_t kRightAt = kTimeColumns + kWireColumns + 3;

// The initial sequence numbers of one conversation as the trace has shown them so far.
struct Numbers {
  Tuple tuple{};
  std::optional<std::uint32_t> iss{}, irs{};
};

class LadderDiagram {
 public:
  LadderDiagram(const Trace& trace, const std::vector<Verdict>& verdicts, const TextStyle& style)
      : trace_(trace), verdicts_(verdicts), style_(style), columns_(std::max(style.columns, kColumnsMin)) {}

  std::string draw();

 private:
  void draw_event(std::size_t index);
  void draw_packet(const Event& event, const std::string& label, bool arrives, const std::string& state);
  void draw_call(const Event& event, const UserCall& call, const std::string& state);
  void draw_verdicts(std::size_t index);
  std::string state_if_new(const std::string& state);
  std::string time_column(Time at);
  std::string ports(Tuple tuple) const;
  Numbers& numbers(Tuple tuple);
  template <class SegmentT>
  std::string label(const SegmentT& segment, std::optional<std::uint32_t> first, std::optional<std::uint32_t> other);

  const Trace& trace_;
  const std::vector<Verdict>& verdicts_;
  const TextStyle& style_;
  int columns_;
  bool many_ = false;  // there are several conversations, so each line names its ports
  std::vector<Numbers> numbers_;
  std::string state_;  // the one shown last
  std::optional<Time> time_;
  std::string out_;
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
std::string LadderDiagram::label(const SegmentT& segment, std::optional<std::uint32_t> first,
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

Numbers& LadderDiagram::numbers(Tuple tuple) {
  for (auto& known : numbers_) {
    if (known.tuple == tuple) return known;
  }
  return numbers_.emplace_back(Numbers{.tuple = tuple});
}

std::string LadderDiagram::ports(Tuple tuple) const {
  return many_ ? fmt::format("{}:{} ", tuple.local, tuple.remote) : "";
}

std::string LadderDiagram::time_column(Time at) {
  if (time_ && *time_ == at) return std::string(kTimeColumns, ' ');
  time_ = at;
  return fmt::format("{:>{}.6f} ", seconds_of(at), kTimeColumns - 1);
}

// The state if it differs from the one shown last, else nothing.
std::string LadderDiagram::state_if_new(const std::string& state) {
  if (state == state_) return "";
  state_ = state;
  return state;
}

void LadderDiagram::draw_packet(const Event& event, const std::string& label, bool arrives, const std::string& state) {
  constexpr std::size_t kArrows = 6;  // at least a dash, an arrowhead and two blanks
  std::string text = ports(event.tuple) + label;
  if (text.size() > kWireColumns - kArrows) {
    text.resize(kWireColumns - kArrows - 3);
    text += "...";
  }
  const std::size_t rest = kWireColumns - text.size() - kArrows;
  const std::string wire = arrives ? fmt::format("-- {} {}>", text, std::string(rest, '-') + "-")
                                   : fmt::format("<{} {} --", std::string(rest, '-') + "-", text);
  std::string row = fmt::format("{}|{}|", time_column(event.until), wire);
  if (const std::string now = state_if_new(state); !now.empty()) row += " " + now;
  out_ += row + "\n";
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

void LadderDiagram::draw_call(const Event& event, const UserCall& call, const std::string& state) {
  std::string row = fmt::format("{}|{}| {}", time_column(event.until), std::string(kWireColumns, ' '), call_text(call));
  if (const std::string now = state_if_new(state); !now.empty()) {
    const int room = columns_ - static_cast<int>(row.size());
    row += static_cast<int>(now.size()) + 2 <= room ? "  " + now : "\n" + std::string(kRightAt, ' ') + now;
  }
  out_ += row + "\n";
}

void LadderDiagram::draw_event(std::size_t index) {
  const Event& event = trace_.events[index];
  const std::string state = index < trace_.states.size() ? trace_.states[index] : "";
  if (const auto* in = std::get_if<Arriving>(&event.what)) {
    Numbers& known = numbers(event.tuple);
    if (in->ctl.syn && in->fault == Fault::kNone) known.irs = in->seq.value;
    draw_packet(event, label(*in, known.irs, known.iss), true, state);
  } else if (const auto* out = std::get_if<Departing>(&event.what)) {
    Numbers& known = numbers(event.tuple);
    if (out->ctl.syn) known.iss = out->seq.value;
    draw_packet(event, label(*out, known.iss, known.irs), false, state);
  } else if (const auto* icmp = std::get_if<IcmpArrives>(&event.what)) {
    const std::string mtu = icmp->mtu == 0 ? "" : fmt::format(" mtu {}", icmp->mtu);
    const std::string seq = relative(icmp->seq.value, numbers(event.tuple).iss);
    draw_packet(event, fmt::format("ICMP {}/{}{} for {}", icmp->type, icmp->code, mtu, seq), true, state);
  } else if (const auto* call = std::get_if<UserCall>(&event.what)) {
    draw_call(event, *call, state);
  }
  draw_verdicts(index);
}

void LadderDiagram::draw_verdicts(std::size_t index) {
  for (const auto& verdict : verdicts_) {
    if (verdict.event == index) out_ += verdict_text(verdict, {.columns = columns_, .colour = style_.colour}, 4);
  }
}

std::string LadderDiagram::draw() {
  std::optional<Tuple> first;
  for (const auto& event : trace_.events) {
    const bool segment = std::holds_alternative<Arriving>(event.what) || std::holds_alternative<Departing>(event.what);
    if (!segment) continue;
    many_ = many_ || (first && !(*first == event.tuple));
    first = event.tuple;
  }
  out_ = fmt::format("{:>{}} |{:<{}}| target\n", "seconds", kTimeColumns - 1, " peer", kWireColumns);
  for (std::size_t i = 0; i < trace_.events.size(); ++i) draw_event(i);
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
