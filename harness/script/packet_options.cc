// SPDX-License-Identifier: Apache-2.0
#include "harness/script/packet_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "harness/script/names.h"
#include "harness/script/reader.h"
#include "harness/script/scenario.h"
#include "harness/script/tcp_options.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

using Kind = OptionSpec::Kind;

constexpr std::uint64_t kU8Max = 0xff, kU16Max = 0xffff, kU24Max = 0xffffff, kU32Max = 0xffffffff;
constexpr std::size_t kSackBlocksMax = 4;
constexpr std::size_t kMd5Octets = 16;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool begins_word(char c) {
  return is_word_character(c) && !is_digit(c);
}

class OptionParser {
 public:
  explicit OptionParser(ScriptReader& in) : in_(in) {}

  void list(bool inbound, SegmentSpec& segment, std::string& unsupported) {
    outbound_ = !inbound;
    const std::size_t start = in_.at();
    in_.take("<");
    in_.skip_space();
    const bool unchecked = in_.looking_at("nocheck");  // the same as <...>
    if (unchecked || in_.looking_at("...")) {
      if (inbound) in_.fail("TCP options (<...> is for outbound packets)");
      in_.take(unchecked ? "nocheck" : "...");
      segment.any_options = true;
    } else if (in_.peek() != '>') {
      do {
        segment.options.push_back(option(unsupported));
      } while (in_.accept(","));
      if (wild_ && inbound) in_.fail("a number (* is for outbound packets)", start);
      if (wild_) {
        segment.options.clear();
        segment.any_options = true;
      }
    }
    in_.take(">");
    check_option_octets(in_, segment, start);
  }

 private:
  OptionSpec option(std::string& unsupported) {
    in_.skip_space();
    if (in_.accept_word("nop")) return {.kind = Kind::kNop};
    if (in_.accept_word("eol")) return {.kind = Kind::kEnd};
    if (in_.accept_word("mss")) return {.kind = Kind::kMss, .values = {value(kU16Max)}};
    if (in_.accept_word("wscale")) return {.kind = Kind::kWindowScale, .values = {value(kU8Max)}};
    if (in_.accept_word("sackOK")) return {.kind = Kind::kSackPermitted};
    if (in_.accept_word("sack")) return sack();
    if (in_.accept_word("TS")) return timestamp();
    if (in_.accept_word("md5")) return md5();
    if (in_.accept_word("FO")) return fast_open(Kind::kFastOpen);
    if (in_.accept_word("FOEXP")) return fast_open(Kind::kFastOpenExp);
    if (in_.accept_word("ECN")) return accurate_ecn();
    if (is_multipath(in_.word())) {
      in_.take_balanced(",>");
      unsupported = "Multipath TCP";
      return {.kind = Kind::kNop};
    }
    in_.fail("a TCP option (mss, wscale, sackOK, sack, TS, nop, eol, md5, FO, FOEXP or ECN)");
  }

  static bool is_multipath(std::string_view word) {
    constexpr std::string_view kNames[] = {"dss", "add_address", "add_addr", "remove_addr", "remove_address"};
    return word.starts_with("mp_") || word.starts_with("mpc") || word.starts_with("mpj") ||
           std::find(std::begin(kNames), std::end(kNames), word) != std::end(kNames);
  }

  // `*` or `...` stands for any: then the options are not compared.
  std::uint32_t value(std::uint64_t most) {
    if (in_.accept("*") || in_.accept("...")) {
      wild_ = true;
      return 0;
    }
    return static_cast<std::uint32_t>(in_.take_number(0, most));
  }

  OptionSpec sack() {
    OptionSpec option{.kind = Kind::kSack};
    do {
      option.values.push_back(value(kU32Max));
      in_.take(":");
      option.values.push_back(value(kU32Max));
      in_.skip_space();
    } while (is_digit(in_.peek()) && option.values.size() < 2 * kSackBlocksMax);
    return option;
  }

  OptionSpec timestamp() {
    OptionSpec option{.kind = Kind::kTimestamp};
    in_.take("val");
    if (outbound_ && in_.accept("...")) {  // the target's clock: whatever it says
      option.name = kAnyValue;
      option.values.push_back(0);
    } else {
      option.values.push_back(value(kU32Max));
    }
    in_.take("ecr");
    option.values.push_back(value(kU32Max));
    return option;
  }

  // `valid`: the digest that the key demands.
  OptionSpec md5() {
    in_.skip_space();
    if (in_.accept_word(kValidDigest)) return {.kind = Kind::kMd5, .octets = Bytes(kMd5Octets), .name = kValidDigest};
    const auto digest = hexadecimal(in_.word());
    if (!digest || digest->size() != kMd5Octets) in_.fail("32 hexadecimal digits or valid");
    in_.take(in_.word());
    return {.kind = Kind::kMd5, .octets = *digest};
  }

  // A cookie, or the name of the one that the target gave last.
  OptionSpec fast_open(Kind kind) {
    in_.skip_space();
    const std::string name(in_.word());
    if (name == kCookieOfTarget || name == kCookieChanged || name == kCookieOfZeros) {
      in_.take(name);
      return {.kind = kind, .name = name};
    }
    return {.kind = kind, .octets = cookie()};
  }

  // Empty for a request.
  Bytes cookie() {
    in_.skip_space();
    const auto octets = hexadecimal(in_.word());
    if (!octets) in_.fail("a cookie of pairs of hexadecimal digits, TFO_COOKIE, TFO_COOKIE_CHANGED or TFO_COOKIE_ZERO");
    if (!octets->empty()) in_.take(in_.word());
    return *octets;
  }

  OptionSpec accurate_ecn() {
    OptionSpec option{.kind = Kind::kAccEcn};
    in_.skip_space();
    const bool e0b_first = in_.word() == "e0b";
    for (const char* name : {e0b_first ? "e0b" : "e1b", "ceb", e0b_first ? "e1b" : "e0b"}) {
      in_.skip_space();
      if (!option.values.empty() && !begins_word(in_.peek())) break;
      in_.take(name);
      option.values.push_back(value(kU24Max));
      option.name += fmt::format("{}{}", option.name.empty() ? "" : " ", name);
    }
    return option;
  }

  ScriptReader& in_;
  bool wild_ = false, outbound_ = false;
};

}  // namespace

void read_option_list(ScriptReader& in, bool inbound, SegmentSpec& segment, std::string& unsupported) {
  OptionParser(in).list(inbound, segment, unsupported);
}

void check_option_octets(const ScriptReader& in, const SegmentSpec& segment, std::size_t start) {
  try {
    option_octets(segment.options);
  } catch (const std::runtime_error&) {
    in.fail(fmt::format("at most {} octets of TCP options", kOptionOctetsMax), start);
  }
}

}  // namespace tcpassay
