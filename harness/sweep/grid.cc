// SPDX-License-Identifier: Apache-2.0
#include "harness/sweep/grid.h"

#include <fmt/format.h>

#include <algorithm>

namespace tcpassay {
namespace {

constexpr std::uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kPsh = 0x08, kAck = 0x10, kUrg = 0x20;

// Beyond every window without scaling, and so beyond what RFC 5961 section 5 lets an old ACK be.
constexpr std::uint32_t kFar = 100000;
constexpr std::uint32_t kOpposite = 1u << 31;  // half of the sequence space away
constexpr std::uint32_t kPastEdge = 1000;      // octets beyond the right edge
constexpr std::uint32_t kOverrun = 10;         // octets of text beyond the window
constexpr std::uint8_t kReservedBit = 8;       // the first of the four
constexpr std::uint8_t kUnknownKind = 77;      // not assigned by IANA
constexpr std::uint16_t kSmallWindow = 5, kLargeWindow = 65535;
constexpr std::uint32_t kTextMost = 65535 - 40 - 20;  // octets that fit a packet of either version

struct FlagName {
  std::uint8_t bit;
  char letter;
  const char* name;
};
constexpr FlagName kFlagNames[] = {{kSyn, 'S', "SYN"}, {kFin, 'F', "FIN"}, {kRst, 'R', "RST"},
                                   {kPsh, 'P', "PSH"}, {kUrg, 'U', "URG"}, {kAck, '.', "ACK"}};

// What the classes need of the window.
const char* impossible_window(const Cell& cell, const Numbers& numbers) {
  const bool text = cell.text == TextClass::kFills || cell.text == TextClass::kOverruns;
  const bool edge = cell.seq == SeqClass::kEdge || cell.seq == SeqClass::kBeyond;
  const bool within = cell.seq == SeqClass::kInside || cell.seq == SeqClass::kLast;
  if (!numbers.announced) {
    return text || edge || within ? "no window was announced" : nullptr;
  }
  if (cell.seq == SeqClass::kInside && numbers.rcv_wnd < 3) return "the window has no inside";
  if (cell.seq == SeqClass::kLast && numbers.rcv_wnd < 2) return "the window's last octet is RCV.NXT, if it has one";
  if (cell.seq == SeqClass::kEdge && numbers.rcv_wnd == 0) return "the right edge is RCV.NXT";
  if (cell.text == TextClass::kFills && numbers.rcv_wnd < 2) return "there is no room for text";
  if (text && numbers.rcv_wnd + kOverrun > kTextMost) return "text that fills the window fits no packet";
  return nullptr;
}

std::uint32_t sequence_number(SeqClass seq, const Numbers& numbers) {
  const std::uint32_t nxt = numbers.rcv_nxt, wnd = numbers.rcv_wnd;
  switch (seq) {
    case SeqClass::kWellBelow:
      return nxt - kFar;
    case SeqClass::kJustBelow:
      return nxt - 1;
    case SeqClass::kNext:
      return nxt;
    case SeqClass::kInside:
      return nxt + wnd / 2;
    case SeqClass::kLast:
      return nxt + wnd - 1;
    case SeqClass::kEdge:
      return nxt + wnd;
    case SeqClass::kBeyond:
      return nxt + wnd + kPastEdge;
    case SeqClass::kOpposite:
      return nxt + kOpposite;
  }
  return nxt;
}

std::uint32_t acknowledgment(AckClass ack, const Numbers& numbers) {
  const std::uint32_t una = numbers.snd_una, nxt = numbers.snd_nxt;
  switch (ack) {
    case AckClass::kFarBelow:
      return una - kFar;
    case AckClass::kBelow:
      return una - 1;
    case AckClass::kUna:
      return una;
    case AckClass::kInside:
      return nxt - 1;
    case AckClass::kNxt:
    case AckClass::kUnheeded:
      return nxt;
    case AckClass::kAbove:
      return nxt + 1;
    case AckClass::kOpposite:
      return nxt + kOpposite;
    case AckClass::kZero:
      return 0;
  }
  return nxt;
}

std::uint32_t octets(TextClass text, const Numbers& numbers) {
  switch (text) {
    case TextClass::kNone:
      return 0;
    case TextClass::kOctet:
      return 1;
    case TextClass::kFills:
      return numbers.rcv_wnd;
    case TextClass::kOverruns:
      return numbers.rcv_wnd + kOverrun;
  }
  return 0;
}

std::uint16_t window(WindowClass window) {
  switch (window) {
    case WindowClass::kZero:
      return 0;
    case WindowClass::kSmall:
      return kSmallWindow;
    case WindowClass::kLarge:
      return kLargeWindow;
  }
  return 0;
}

template <class Class>
std::vector<Class> from_to(Class first, Class last) {
  std::vector<Class> all;
  for (int i = static_cast<int>(first); i <= static_cast<int>(last); ++i) all.push_back(static_cast<Class>(i));
  return all;
}

}  // namespace

const char* to_string(SeqClass seq) {
  constexpr const char* kNames[] = {"well below RCV.NXT", "RCV.NXT-1",  "RCV.NXT",         "inside the window",
                                    "last in window",     "right edge", "beyond the edge", "RCV.NXT+2^31"};
  return kNames[static_cast<int>(seq)];
}

const char* to_string(AckClass ack) {
  constexpr const char* kNames[] = {"far below SND.UNA", "SND.UNA-1",    "SND.UNA", "SND.NXT-1",         "SND.NXT",
                                    "SND.NXT+1",         "SND.NXT+2^31", "0",       "SND.NXT (unheeded)"};
  return kNames[static_cast<int>(ack)];
}

const char* to_string(TextClass text) {
  constexpr const char* kNames[] = {"no text", "one octet", "text fills the window", "text overruns the window"};
  return kNames[static_cast<int>(text)];
}

const char* to_string(WindowClass window) {
  constexpr const char* kNames[] = {"zero", "small", "large"};
  return kNames[static_cast<int>(window)];
}

const char* to_string(Dress dress) {
  constexpr const char* kNames[] = {"", ", unknown option", ", reserved bit set", ", old timestamp", ", no timestamp"};
  return kNames[static_cast<int>(dress)];
}

const char* to_string(FollowUp next) {
  constexpr const char* kNames[] = {"nothing",        "the same segment",     "RST at RCV.NXT",  "SYN in the window",
                                    "the next octet", "text with an old ACK", "an older window", "FIN at RCV.NXT"};
  return kNames[static_cast<int>(next)];
}

namespace {

void add_cells(std::vector<Cell>& cells, std::uint8_t bits, Dress dress) {
  const auto acks = (bits & kAck) != 0 ? from_to(AckClass::kFarBelow, AckClass::kOpposite)
                                       : from_to(AckClass::kZero, AckClass::kUnheeded);
  const auto first = dress == Dress::kPlain ? WindowClass::kZero : WindowClass::kLarge;
  for (const SeqClass seq : from_to(SeqClass::kWellBelow, SeqClass::kOpposite)) {
    for (const AckClass ack : acks) {
      for (const TextClass text : from_to(TextClass::kNone, TextClass::kOverruns)) {
        for (const WindowClass wnd : from_to(first, WindowClass::kLarge)) {
          cells.push_back({.flags = bits, .seq = seq, .ack = ack, .text = text, .window = wnd, .dress = dress});
        }
      }
    }
  }
}

}  // namespace

std::vector<Cell> all_cells(const std::vector<std::uint8_t>& flags, bool stamped) {
  std::vector<Cell> cells;
  for (int set = 0; set < kFlagSets; ++set) {
    const auto bits = static_cast<std::uint8_t>(set);
    if (!flags.empty() && std::find(flags.begin(), flags.end(), bits) == flags.end()) continue;
    add_cells(cells, bits, Dress::kPlain);
    if ((bits & (kPsh | kUrg)) != 0) continue;
    add_cells(cells, bits, stamped ? Dress::kOldStamp : Dress::kUnknownOption);
    add_cells(cells, bits, stamped ? Dress::kNoStamp : Dress::kReservedBit);
  }
  return cells;
}

std::string flags_text(std::uint8_t flags) {
  std::string text;
  for (const FlagName& flag : kFlagNames) {
    if ((flags & flag.bit) != 0) text += (text.empty() ? "" : ",") + std::string(flag.name);
  }
  return text.empty() ? "no flag" : text;
}

std::optional<std::uint8_t> flags_named(std::string_view word) {
  if (word == "none" || word == "-") return std::uint8_t{0};
  std::uint8_t flags = 0;
  while (!word.empty()) {
    const auto named = std::find_if(std::begin(kFlagNames), std::end(kFlagNames), [&](const FlagName& flag) {
      return word.front() == flag.letter || word.front() == flag.name[0];
    });
    if (named == std::end(kFlagNames)) return std::nullopt;
    flags |= named->bit;
    word.remove_prefix(word.starts_with(named->name) ? std::string_view(named->name).size() : 1);
    if (word.size() > 1 && word.front() == '+') word.remove_prefix(1);
  }
  return flags == 0 ? std::nullopt : std::optional(flags);
}

std::string to_text(const Cell& cell) {
  return fmt::format("{}, SEQ {}, {} {}, {}, window {}{}", flags_text(cell.flags), to_string(cell.seq),
                     cell.has_ack() ? "ACK" : "ACK field", to_string(cell.ack), to_string(cell.text),
                     to_string(cell.window), to_string(cell.dress));
}

const char* impossible(const Cell& cell, const Numbers& numbers) {
  if (const char* why = impossible_window(cell, numbers)) return why;
  const bool una = cell.ack == AckClass::kUna, inside = cell.ack == AckClass::kInside;
  if (!numbers.sent) return una || inside ? "nothing was sent: there is no SND.UNA" : nullptr;
  const std::uint32_t outstanding = numbers.snd_nxt - numbers.snd_una;
  if ((una || inside) && outstanding == 0) return "all that was sent is acknowledged: SND.UNA is SND.NXT";
  if (inside && outstanding == 1) return "one number is outstanding: nothing lies between SND.UNA and SND.NXT";
  return nullptr;
}

void add_stamp(SegmentSpec& segment, std::uint32_t value, const Numbers& numbers) {
  if (!numbers.stamped) return;
  segment.options.push_back({.kind = OptionSpec::Kind::kNop});
  segment.options.push_back({.kind = OptionSpec::Kind::kNop});
  segment.options.push_back({.kind = OptionSpec::Kind::kTimestamp, .values = {value, 0}});
}

SegmentSpec segment_of(const Cell& cell, const Numbers& numbers) {
  SegmentSpec spec;
  const auto has = [&](std::uint8_t bit) { return (cell.flags & bit) != 0; };
  spec.ctl.fin = has(kFin);
  spec.ctl.syn = has(kSyn);
  spec.ctl.rst = has(kRst);
  spec.ctl.psh = has(kPsh);
  spec.ctl.ack = has(kAck);
  spec.ctl.urg = has(kUrg);
  spec.seq = sequence_number(cell.seq, numbers);
  if (cell.ack != AckClass::kZero) spec.ack = acknowledgment(cell.ack, numbers);
  spec.length = octets(cell.text, numbers);
  spec.wnd = window(cell.window);
  if (spec.ctl.urg) spec.up = 1;
  if (cell.dress == Dress::kUnknownOption) {
    spec.options.push_back({.kind = OptionSpec::Kind::kRaw, .octets = {kUnknownKind, 4, 0, 0}});
  }
  if (cell.dress == Dress::kReservedBit) spec.ctl.reserved = kReservedBit;
  const std::uint32_t current = cell.window == WindowClass::kSmall ? kRoadStamp : kLaterStamp;
  if (cell.dress != Dress::kNoStamp) add_stamp(spec, cell.dress == Dress::kOldStamp ? kOldStamp : current, numbers);
  return spec;
}

// Multipliers that share no factor with the number of follow-ups, so that a step in any class is another follow-up.
FollowUp follow_up_of(const Cell& cell, std::size_t road, std::uint8_t ip) {
  const std::size_t sum = 3u * cell.flags + 5u * static_cast<std::size_t>(cell.seq) +
                          7u * static_cast<std::size_t>(cell.ack) + 3u * static_cast<std::size_t>(cell.text) +
                          5u * static_cast<std::size_t>(cell.window) + road + ip / 2;
  return static_cast<FollowUp>(sum % kFollowUps);
}

SegmentSpec segment_of(FollowUp next, const SegmentSpec& stimulus, const Numbers& before, const Numbers& now) {
  if (next == FollowUp::kAgain) return stimulus;
  SegmentSpec spec;
  spec.wnd = kLargeWindow;
  spec.seq = now.rcv_nxt;
  spec.ctl.ack = true;
  spec.ack = now.snd_nxt;
  switch (next) {
    case FollowUp::kReset:
    case FollowUp::kSyn:
      spec.ctl = {.syn = next == FollowUp::kSyn, .rst = next == FollowUp::kReset};
      spec.ack.reset();
      spec.wnd = next == FollowUp::kReset ? 0 : kLargeWindow;
      break;
    case FollowUp::kOldAck:
      spec.ack = before.snd_una - 1;
      spec.length = 1;
      break;
    case FollowUp::kText:
      spec.length = 1;
      break;
    case FollowUp::kWindow:
      spec.seq = before.rcv_nxt;
      break;
    case FollowUp::kFin:
      spec.ctl.fin = true;
      break;
    case FollowUp::kNone:
    case FollowUp::kAgain:
      break;
  }
  add_stamp(spec, kLaterStamp, before);
  return spec;
}

std::string stimulus_class(const Cell& cell) {
  const auto has = [&](std::uint8_t bit) { return (cell.flags & bit) != 0; };
  const bool in = cell.seq == SeqClass::kNext || cell.seq == SeqClass::kInside || cell.seq == SeqClass::kLast;
  std::string text;
  if (has(kRst)) {
    text = "RST";
  } else if (has(kSyn)) {
    text = has(kAck) ? "SYN,ACK" : "SYN";
  } else if (!has(kAck)) {
    text = "no ACK bit";
  } else if (cell.ack <= AckClass::kBelow) {
    text = "old ACK";
  } else if (cell.ack == AckClass::kAbove || cell.ack == AckClass::kOpposite) {
    text = "ACK of what was not sent";
  } else {
    text = has(kFin) ? "FIN" : cell.text != TextClass::kNone ? "text" : "ACK";
  }
  return text + (in ? ", SEQ in the window" : ", SEQ outside the window");
}

}  // namespace tcpassay
