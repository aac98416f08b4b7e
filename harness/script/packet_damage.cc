// SPDX-License-Identifier: Apache-2.0
#include "harness/script/packet_damage.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "harness/script/packet_options.h"
#include "harness/script/tcp_options.h"

namespace tcpassay {
namespace {

constexpr std::uint64_t kU16Max = 0xffff;

class DamageParser {
 public:
  explicit DamageParser(ScriptReader& in) : in_(in) {}

  void directive(bool inbound, SegmentSpec& segment) {
    in_.take("//!");
    in_.skip_blanks();
    if (in_.word() != "damage") in_.fail("damage");
    const std::size_t start = in_.at();
    std::string seen;
    for (const auto& [word, at] : in_.take_directive("damage")) {
      const std::size_t equals = word.find('=');
      const std::string name(word.substr(0, equals));
      if (seen.find(name + ' ') != std::string::npos) in_.fail(fmt::format("{} once", name), at);
      seen += name + ' ';
      const std::size_t value_at = equals == std::string_view::npos ? at + word.size() : at + equals + 1;
      if (equals != std::string_view::npos || name == "checksum") {
        const std::string_view text = word.substr(std::min(value_at - at, word.size()));
        if (apply(inbound, name, text, equals != std::string_view::npos, value_at, segment)) continue;
      }
      in_.fail(inbound ? "checksum, offset=N, truncate=N, reserved=N, options=HEX, source=ADDRESS, "
                         "destination=ADDRESS, identification=N or ip-options=HEX"
                       : "reserved=N or options=HEX",
               at);
    }
    check_option_octets(in_, segment, start);
  }

 private:
  // False when a packet of this direction has no such word.
  bool apply(bool inbound, const std::string& name, std::string_view text, bool has_value, std::size_t at,
             SegmentSpec& segment) {
    if (name == "options") {
      const auto octets = hexadecimal(text);
      if (!octets || octets->empty()) in_.fail("pairs of hexadecimal digits", at);
      segment.options.push_back({.kind = OptionSpec::Kind::kRaw, .octets = *octets});
      return true;
    }
    if (name == "reserved") {
      segment.ctl.reserved |= static_cast<std::uint8_t>(bounded(text, 15, at));
      return true;
    }
    return inbound && apply_inbound(name, text, has_value, at, segment.damage);
  }

  bool apply_inbound(const std::string& name, std::string_view text, bool has_value, std::size_t at, Damage& damage) {
    if (name == "checksum") {
      damage.bad_checksum = true;
      return !has_value;
    }
    if (name == "source" || name == "destination") {
      const auto address = Address::parse(std::string(text));
      if (!address) in_.fail("an address", at);
      (name == "source" ? damage.source : damage.destination) = *address;
      return true;
    }
    if (name == "identification") {
      damage.identification = static_cast<std::uint16_t>(bounded(text, kU16Max, at));
      return true;
    }
    if (name == "ip-options") {
      const auto octets = hexadecimal(text);
      const bool fits = octets && !octets->empty() && octets->size() % 4 == 0 && octets->size() <= kOptionOctetsMax;
      if (!fits) in_.fail("4 to 40 octets in hexadecimal, a multiple of 4", at);
      damage.ip_options = *octets;
      return true;
    }
    if (name == "offset") {
      damage.data_offset = static_cast<std::uint8_t>(bounded(text, 15, at));
      return true;
    }
    if (name != "truncate") return false;
    damage.truncate = static_cast<std::uint16_t>(bounded(text, kU16Max, at));
    return true;
  }

  std::uint64_t bounded(std::string_view text, std::uint64_t most, std::size_t at) {
    const auto number = decimal(text);
    if (!number || *number > most) in_.fail(fmt::format("a number from 0 to {}", most), at);
    return *number;
  }

  ScriptReader& in_;
};

}  // namespace

void read_damage(ScriptReader& in, bool inbound, SegmentSpec& segment) {
  DamageParser(in).directive(inbound, segment);
}

}  // namespace tcpassay
