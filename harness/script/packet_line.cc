// SPDX-License-Identifier: Apache-2.0
#include "harness/script/packet_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "harness/script/packet_damage.h"
#include "harness/script/packet_options.h"
#include "harness/script/reader.h"
#include "harness/script/scenario.h"
#include "models/segment.h"

namespace tcpassay {
namespace {

using Action = decltype(ScriptStep::action);

constexpr std::uint64_t kU8Max = 0xff, kU16Max = 0xffff, kU32Max = 0xffffffff;
constexpr std::uint64_t kInboundTextMax = 65535 - 40 - 60;  // fits with the longest IPv6 and TCP headers

// Packets of other protocols, or encapsulated in other protocols: not played.
constexpr std::string_view kOtherPackets[] = {"udp", "udplite", "sctp", "ipv4", "ipv6", "gre", "GREv0", "mpls", "psp"};

bool begins_word(char c) {
  return is_word_character(c) && !(c >= '0' && c <= '9');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool belongs_to_flags(char c) {
  return is_word_character(c) || c == '.' || c == '-';
}

class PacketParser {
 public:
  explicit PacketParser(ScriptReader& in) : in_(in) {}

  Action packet() {
    const std::size_t start = in_.at();
    const bool inbound = in_.accept("<");
    if (!inbound) in_.take(">");
    if (in_.looking_at(" > addr")) in_.accept(">");  // of Multipath TCP: from any address
    in_.skip_space();
    const std::size_t after_direction = in_.at();
    SegmentSpec segment;
    std::string unsupported;
    const bool quotes = in_.peek() == '[' && is_digit(in_.peek(1));  // of an ICMP message, in the old order
    if (quotes) return old_icmp(inbound);
    if (in_.word() == "addr") multipath_addresses(unsupported);
    if (in_.peek() == '[' || in_.peek() == '(') ip_info(inbound, segment, unsupported);
    in_.skip_space();
    if (std::find(std::begin(kOtherPackets), std::end(kOtherPackets), in_.word()) != std::end(kOtherPackets)) {
      const std::string construct(in_.word());
      in_.take_statement();
      const bool tunnel = construct != "udp" && construct != "udplite" && construct != "sctp";
      return Unsupported{.construct = tunnel ? "a tunnel (" + construct + ")" : construct,
                         .text = in_.collapsed(start, in_.taken())};
    }
    if (in_.word() == "icmp") {
      icmp();
      return Icmp{.text = in_.collapsed(after_direction, in_.taken()), .inbound = inbound};
    }
    ports(inbound, segment);
    flags(segment);
    sequence(inbound, segment);
    if (in_.accept_word("ack")) segment.ack = static_cast<std::uint32_t>(in_.take_number(0, kU32Max));
    if (in_.accept_word("win") && !in_.accept("*"))
      segment.wnd = static_cast<std::uint16_t>(in_.take_number(0, kU16Max));
    if (in_.accept_word("urg")) segment.up = static_cast<std::uint16_t>(in_.take_number(0, kU16Max));
    in_.skip_space();
    if (in_.peek() == '<') read_option_list(in_, inbound, segment, unsupported);
    in_.skip_space();
    if (in_.looking_at("/udp")) encapsulation(segment);
    in_.skip_space();
    if (in_.peek() == '{') {
      in_.take("{");
      in_.take_balanced("}");
      in_.take("}");
      unsupported = "fuzz";
    }
    if (!unsupported.empty()) {
      return Unsupported{.construct = unsupported, .text = in_.collapsed(start, in_.taken())};
    }
    in_.skip_space();
    if (in_.looking_at("//!") && in_.on_line_of_taken()) read_damage(in_, inbound, segment);
    if (inbound) return Inject{segment};
    return Expect{segment};
  }

 private:
  // [1:1461(1460)] icmp TYPE [CODE] ...
  Action old_icmp(bool inbound) {
    in_.take("[");
    const std::string quoted = in_.take_balanced("]");
    in_.take("]");
    in_.skip_space();
    const std::size_t start = in_.at();
    if (in_.word() != "icmp") in_.fail("icmp");
    icmp();
    return Icmp{.text = fmt::format("{} [{}]", in_.collapsed(start, in_.taken()), quoted), .inbound = inbound};
  }

  // addr[saddr0] > addr[daddr0]
  void multipath_addresses(std::string& unsupported) {
    do {
      in_.take("addr");
      in_.take("[");
      in_.take_balanced("]");
      in_.take("]");
    } while (in_.accept(">"));
    in_.skip_space();
    unsupported = "Multipath TCP";
  }

  // /udp(9899 > 9900)
  void encapsulation(SegmentSpec& segment) {
    in_.take("/udp");
    in_.take("(");
    segment.encapsulation = fmt::format("/udp({})", in_.take_balanced(")"));
    in_.take(")");
  }

  // [ect0], [tos 0x4], [ttl 3], [ect0, flowlabel 0x1]; also in parentheses.
  void ip_info(bool inbound, SegmentSpec& segment, std::string& unsupported) {
    const char* close = in_.accept("[") ? "]" : ")";
    if (*close == ')') in_.take("(");
    constexpr const char* kCodepoints[] = {"noecn", "ect1", "ect0", "ce"};
    do {
      in_.skip_space();
      const auto* codepoint = std::find(std::begin(kCodepoints), std::end(kCodepoints), in_.word());
      if (codepoint != std::end(kCodepoints)) {
        in_.take(*codepoint);
        segment.traffic_class = static_cast<std::uint8_t>(codepoint - std::begin(kCodepoints));
      } else if (in_.word() == "ect01" && !inbound) {
        in_.take("ect01");
        unsupported = "ect01";
      } else if (in_.accept_word("tos") || in_.accept_word("class")) {
        segment.traffic_class = static_cast<std::uint8_t>(any_number(kU8Max));
      } else if (in_.accept_word("ttl") || in_.accept_word("hlim")) {
        segment.ttl = static_cast<std::uint8_t>(in_.take_number(1, kU8Max));
      } else if (in_.accept_word("flowlabel")) {
        any_number(0xfffff);
        unsupported = "flowlabel";
      } else {
        in_.fail(inbound ? "noecn, ect0, ect1, ce, tos, class, ttl, hlim or flowlabel"
                         : "noecn, ect0, ect1, ect01, ce, tos, class, ttl, hlim or flowlabel");
      }
    } while (in_.accept(","));
    in_.take(close);
  }

  // Decimal or hexadecimal.
  std::uint64_t any_number(std::uint64_t most) {
    in_.skip_space();
    const auto value = integer(in_.word());
    if (!value || *value < 0 || static_cast<std::uint64_t>(*value) > most) {
      in_.fail(fmt::format("a number from 0 to {:#x}", most));
    }
    in_.take(in_.word());
    return static_cast<std::uint64_t>(*value);
  }

  // TYPE [CODE] [mtu N] [id N] [local_port N] [remote_port N] [[seq:end(length)]]; kept as text.
  void icmp() {
    in_.take("icmp");
    in_.skip_space();
    if (!begins_word(in_.peek())) in_.fail("an ICMP type");
    for (; begins_word(in_.peek()); in_.skip_space()) {
      const std::string_view word = in_.take_word("a word");
      if (word == "mtu" || word == "id" || word == "local_port" || word == "remote_port") in_.take_number(0, kU16Max);
    }
    if (!in_.accept("[")) return;
    in_.take_balanced("]");
    in_.take("]");
  }

  void ports(bool inbound, SegmentSpec& segment) {
    in_.skip_space();
    std::size_t digits = 0;
    while (is_digit(in_.peek(digits))) ++digits;
    std::size_t behind = digits;
    while (in_.peek(behind) == ' ' || in_.peek(behind) == '\t') ++behind;
    if (digits == 0 || in_.peek(behind) != '>') return;  // "5." are flags: an ACE digit may stand in front
    const auto source = static_cast<std::uint16_t>(in_.take_number(0, kU16Max));
    in_.take(">");
    const auto destination = static_cast<std::uint16_t>(in_.take_number(0, kU16Max));
    segment.remote_port = inbound ? source : destination;
    segment.local_port = inbound ? destination : source;
  }

  void flags(SegmentSpec& segment) {
    in_.skip_space();
    const std::size_t start = in_.at();
    const std::string_view written = in_.take_while(belongs_to_flags);
    if (written.empty()) in_.fail("flags (F S R P . U E W A, or - for none)");
    if (written == "-") return;
    for (std::size_t i = 0; i < written.size(); ++i) {
      if (!flag(written[i], segment)) in_.fail("a flag of F S R P . U E W A or an ACE digit, each once", start + i);
    }
    const Ctl& ctl = segment.ctl;
    if (!segment.ace) return;
    if (ctl.ece || ctl.cwr || ctl.reserved != 0) in_.fail("either an ACE digit or E, W and A", start);
    segment.ctl.reserved = static_cast<std::uint8_t>(*segment.ace >> 2 & 1);  // AE, CWR and ECE are the three bits
    segment.ctl.cwr = (*segment.ace & 2) != 0;
    segment.ctl.ece = (*segment.ace & 1) != 0;
  }

  // False when the letter is no flag or is there twice.
  static bool flag(char letter, SegmentSpec& segment) {
    const auto set = [](bool& bit) { return !std::exchange(bit, true); };
    Ctl& ctl = segment.ctl;
    switch (letter) {
      case 'F':
        return set(ctl.fin);
      case 'S':
        return set(ctl.syn);
      case 'R':
        return set(ctl.rst);
      case 'P':
        return set(ctl.psh);
      case '.':
        return set(ctl.ack);
      case 'U':
        return set(ctl.urg);
      case 'E':
        return set(ctl.ece);
      case 'W':
        return set(ctl.cwr);
      case 'A':
        return std::exchange(ctl.reserved, std::uint8_t{1}) == 0;
      default:
        break;
    }
    if (letter < '0' || letter > '7' || segment.ace) return false;
    segment.ace = letter - '0';
    return true;
  }

  // start:end(length); the length counts the text only, not SYN and FIN.
  void sequence(bool inbound, SegmentSpec& segment) {
    segment.seq = static_cast<std::uint32_t>(in_.take_number(0, kU32Max));
    in_.take(":");
    in_.skip_space();
    const std::size_t end_at = in_.at();
    const auto end = static_cast<std::uint32_t>(in_.take_number(0, kU32Max));
    in_.take("(");
    segment.length = static_cast<std::uint32_t>(in_.take_number(0, inbound ? kInboundTextMax : kU16Max));
    in_.take(")");
    segment.absolute = in_.peek() == '!' && in_.accept("!");
    const std::uint32_t right = segment.seq + segment.length;
    if (end != right) in_.fail(fmt::format("{} (= {} + {})", right, segment.seq, segment.length), end_at);
  }

  ScriptReader& in_;
};

}  // namespace

Action read_packet(ScriptReader& in) {
  return PacketParser(in).packet();
}

}  // namespace tcpassay
