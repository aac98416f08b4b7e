// SPDX-License-Identifier: Apache-2.0
#include "harness/script/packet_damage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "harness/script/packet_options.h"
#include "harness/script/reader.h"
#include "harness/script/scenario.h"
#include "harness/script/tcp_options.h"
#include "harness/wire/other_octets.h"
#include "harness/wire/packet.h"
#include "models/segment.h"

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
    std::string seen(" ");
    for (const auto& [word, at] : in_.take_directive("damage")) {
      const std::size_t equals = word.find('=');
      const std::string name(word.substr(0, equals));
      if (seen.find(' ' + name + ' ') != std::string::npos) in_.fail(fmt::format("{} once", name), at);
      seen += name + ' ';
      const std::size_t value_at = equals == std::string_view::npos ? at + word.size() : at + equals + 1;
      if (equals != std::string_view::npos || name == "checksum") {
        const std::string_view text = word.substr(std::min(value_at - at, word.size()));
        if (apply(inbound, name, text, equals != std::string_view::npos, value_at, segment)) continue;
      }
      in_.fail(inbound ? "checksum, offset=N, truncate=N, reserved=N, options=HEX, source=ADDRESS, "
                         "destination=ADDRESS, identification=N, ip-options=HEX, ip[N]=HEX, tcp[N]=HEX, text=HEX, "
                         "text@N=HEX or peer=ADDRESS"
                       : "reserved=N, options=HEX, checksum, ip[N]=HEX, tcp[N]=HEX, text=HEX, text@N=HEX or "
                         "peer=ADDRESS",
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
    if (name == "checksum" && !inbound) return !has_value && beyond(kChecksumSaid, 0, {}, segment);
    if (name == "peer") {
      const auto address = Address::parse(std::string(text));
      if (!address) in_.fail("an address", at);
      const auto octets = ByteView(address->octets).first(address->family == 4 ? 4 : 16);
      return beyond(kPeerSaid, 0, Bytes(octets.begin(), octets.end()), segment);
    }
    if (octets_at(name, text, at, segment)) return true;
    return inbound && apply_inbound(name, text, has_value, at, segment.damage);
  }

  static bool beyond(const char* what, std::uint32_t place, Bytes octets, SegmentSpec& segment) {
    segment.options.push_back(
        {.kind = OptionSpec::Kind::kRaw, .values = {place}, .octets = std::move(octets), .name = what});
    return true;
  }

  // ip[8]=01, tcp[18]=0001, text=6869, text@5=ff. False when the word is none of these.
  bool octets_at(const std::string& name, std::string_view text, std::size_t at, SegmentSpec& segment) {
    constexpr std::uint64_t kHeaderMax = 60;
    const bool ip = name.starts_with("ip["), tcp = name.starts_with("tcp["), of_text = name.starts_with("text");
    if (!ip && !tcp && !of_text) return false;
    std::optional<std::uint64_t> place;
    if (of_text) {
      place = name == "text" ? 0 : name[4] == '@' ? decimal(std::string_view(name).substr(5)) : std::nullopt;
    } else if (name.back() == ']') {
      const std::size_t open = name.find('[') + 1;
      place = decimal(std::string_view(name).substr(open, name.size() - open - 1));
    }
    const auto octets = hexadecimal(text);
    if (!octets || octets->empty()) in_.fail("pairs of hexadecimal digits", at);
    const std::uint64_t end = of_text ? segment.length : kHeaderMax;
    if (!place || *place + octets->size() > end) in_.fail(fmt::format("octets below the number {}", end), at);
    const char* what = of_text ? kTextSaid : ip ? kIpSaid : kTcpSaid;
    return beyond(what, static_cast<std::uint32_t>(*place), *octets, segment);
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

std::string damage_word(const OptionSpec& said) {
  const std::uint32_t place = said.values.empty() ? 0 : said.values[0];
  if (said.name == kPeerSaid) return "peer=" + peer_of({.options = {said}})->text();
  if (said.name == kChecksumSaid) return said.name;
  std::string octets;
  for (const std::uint8_t octet : said.octets) octets += fmt::format("{:02x}", octet);
  const bool of_text = said.name == kTextSaid;
  return fmt::format("{}{}{}{}={}", said.name, of_text ? "@" : "[", place, of_text ? "" : "]", octets);
}

std::optional<Address> peer_of(const SegmentSpec& segment) {
  for (const OptionSpec& said : segment.options) {
    if (said.kind != OptionSpec::Kind::kRaw || said.name != kPeerSaid) continue;
    Address address{.family = static_cast<std::uint8_t>(said.octets.size() == 4 ? 4 : 6)};
    std::copy(said.octets.begin(), said.octets.end(), address.octets.begin());
    return address;
  }
  return std::nullopt;
}

void put_text_said(const SegmentSpec& segment, std::uint32_t from, Bytes& text) {
  for (const OptionSpec& said : segment.options) {
    if (said.kind != OptionSpec::Kind::kRaw || said.name != kTextSaid) continue;
    for (std::size_t i = 0; i < said.octets.size(); ++i) {
      const std::size_t at = said.values[0] + i;
      if (at >= from && at - from < text.size()) text[at - from] = said.octets[i];
    }
  }
}

void put_headers_said(const SegmentSpec& segment, Bytes& packet) {
  for (const OptionSpec& said : segment.options) {
    if (said.kind != OptionSpec::Kind::kRaw) continue;
    if (said.name == kIpSaid) put_octets(Header::kIp, said.values[0], said.octets, packet);
    if (said.name == kTcpSaid) put_octets(Header::kTcp, said.values[0], said.octets, packet);
    if (said.name == kChecksumSaid) spoil_checksum(packet);
  }
  const bool again = segment.damage.bad_checksum && !packet.empty() && decode(packet) &&
                     decode(packet)->fault == Fault::kNone;  // it was made again
  if (again) spoil_checksum(packet);
}

bool has_what_is_said(const SegmentSpec& segment, ByteView packet) {
  const auto decoded = decode(packet);
  if (!decoded) return false;
  return std::all_of(segment.options.begin(), segment.options.end(), [&](const OptionSpec& said) {
    if (said.kind != OptionSpec::Kind::kRaw || said.name.empty()) return true;
    if (said.name == kIpSaid) return has_octets(Header::kIp, said.values[0], said.octets, packet);
    if (said.name == kTcpSaid) return has_octets(Header::kTcp, said.values[0], said.octets, packet);
    if (said.name == kChecksumSaid) return decoded->fault == Fault::kChecksum;
    if (said.name != kTextSaid || said.values[0] + said.octets.size() > decoded->text.size()) return false;
    return std::equal(said.octets.begin(), said.octets.end(), decoded->text.begin() + said.values[0]);
  });
}

void read_damage(ScriptReader& in, bool inbound, SegmentSpec& segment) {
  DamageParser(in).directive(inbound, segment);
}

}  // namespace tcpassay
