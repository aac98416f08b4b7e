// SPDX-License-Identifier: Apache-2.0
#include "harness/wire/packet.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cassert>
#include <cstring>

namespace tcpassay {
namespace {

constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kTcpHeader = 20;
constexpr std::size_t kOptionOctetsMax = 40;
constexpr std::size_t kPacketOctetsMax = 65535;
constexpr std::size_t kChecksumAt = 16;  // in the TCP header
constexpr std::uint8_t kProtocolTcp = 6;

constexpr std::uint8_t kEndOfOptions = 0, kNoOperation = 1, kMaximumSegmentSize = 2, kWindowScale = 3,
                       kSackPermitted = 4, kSack = 5, kTimestamps = 8, kMd5Signature = 19, kUserTimeout = 28,
                       kAuthentication = 29, kFastOpen = 34, kExperiment = 254;
constexpr std::uint16_t kFastOpenExperiment = 0xf989;  // RFC 7413 section 9, after RFC 6994

void put16(std::uint8_t* at, std::uint32_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}

void put32(std::uint8_t* at, std::uint32_t value) {
  put16(at, value >> 16);
  put16(at + 2, value);
}

std::uint16_t get16(const std::uint8_t* at) {
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}

std::uint32_t get32(const std::uint8_t* at) {
  return std::uint32_t{get16(at)} << 16 | get16(at + 2);
}

// The sum of RFC 1071 in the machine's byte order, not yet folded. An odd last octet counts as padded with zero, so
// only the last of several pieces may be odd.
std::uint64_t sum(ByteView octets) {
  std::uint64_t total = 0;
  const std::uint8_t* at = octets.data();
  std::size_t left = octets.size();
  for (; left >= 4; at += 4, left -= 4) {
    std::uint32_t word;
    std::memcpy(&word, at, 4);
    total += word;
  }
  std::uint32_t last = 0;
  if (left > 0) std::memcpy(&last, at, left);
  return total + last;
}

// Folds a sum to 16 bits and complements it; in the machine's byte order, to be stored with memcpy.
std::uint16_t fold(std::uint64_t total) {
  while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
  return static_cast<std::uint16_t>(~total);
}

// A 16-bit number as the machine reads it from the wire.
std::uint64_t network16(std::uint32_t value) {
  return htons(static_cast<std::uint16_t>(value));
}

// The pseudo header of RFC 9293 section 3.1; `addresses` is source and destination side by side.
std::uint64_t pseudo_header_sum(ByteView addresses, std::size_t tcp_length) {
  return sum(addresses) + network16(kProtocolTcp) + network16(static_cast<std::uint32_t>(tcp_length));
}

std::uint8_t control_bits(const Ctl& ctl) {
  return static_cast<std::uint8_t>(ctl.fin | ctl.syn << 1 | ctl.rst << 2 | ctl.psh << 3 | ctl.ack << 4 | ctl.urg << 5 |
                                   ctl.ece << 6 | ctl.cwr << 7);
}

Ctl control_of(std::uint8_t reserved, std::uint8_t bits) {
  return {.fin = (bits & 0x01) != 0,
          .syn = (bits & 0x02) != 0,
          .rst = (bits & 0x04) != 0,
          .psh = (bits & 0x08) != 0,
          .ack = (bits & 0x10) != 0,
          .urg = (bits & 0x20) != 0,
          .ece = (bits & 0x40) != 0,
          .cwr = (bits & 0x80) != 0,
          .reserved = reserved};
}

void put_ipv4_header(const PacketFields& fields, std::size_t total, std::uint8_t* ip) {
  constexpr std::uint32_t kDontFragment = 0x4000;
  const Bytes& options = fields.damage.ip_options;
  const std::size_t header = kIpv4Header + options.size();
  ip[0] = static_cast<std::uint8_t>(0x40 | header / 4);
  ip[1] = fields.traffic_class;
  put16(ip + 2, static_cast<std::uint32_t>(total));
  put16(ip + 4, fields.damage.identification.value_or(0));
  put16(ip + 6, kDontFragment);
  ip[8] = fields.ttl;
  ip[9] = kProtocolTcp;
  std::memcpy(ip + 12, fields.source.octets.data(), 4);
  std::memcpy(ip + 16, fields.destination.octets.data(), 4);
  if (!options.empty()) std::memcpy(ip + kIpv4Header, options.data(), options.size());
  const std::uint16_t checksum = fold(sum({ip, header}));
  std::memcpy(ip + 10, &checksum, 2);
}

void put_ipv6_header(const PacketFields& fields, std::size_t total, std::uint8_t* ip) {
  put32(ip, 6u << 28 | std::uint32_t{fields.traffic_class} << 20);
  put16(ip + 4, static_cast<std::uint32_t>(total - kIpv6Header));
  ip[6] = kProtocolTcp;
  ip[7] = fields.ttl;
  std::memcpy(ip + 8, fields.source.octets.data(), 16);
  std::memcpy(ip + 24, fields.destination.octets.data(), 16);
}

// Reads one option, `body` being what follows its length; false when it is not known or not as long as it must be.
bool read_option(std::uint8_t kind, ByteView body, Options& opt) {
  switch (kind) {
    case kMaximumSegmentSize:
      if (body.size() != 2) return false;
      opt.mss = get16(&body[0]);
      return true;
    case kWindowScale:
      if (body.size() != 1) return false;
      opt.window_scale = body[0];
      return true;
    case kSackPermitted:
      if (!body.empty()) return false;
      opt.sack_permitted = true;
      return true;
    case kSack:
      if (body.empty() || body.size() % 8 != 0 || body.size() / 8 > opt.block.size()) return false;
      opt.blocks = static_cast<std::uint8_t>(body.size() / 8);
      for (std::size_t i = 0; i < opt.blocks; ++i) opt.block[i] = {get32(&body[8 * i]), get32(&body[8 * i + 4])};
      return true;
    case kTimestamps:
      if (body.size() != 8) return false;
      opt.timestamps = {.value = get32(&body[0]), .echo = get32(&body[4])};
      return true;
    case kUserTimeout:
      if (body.size() != 2) return false;
      opt.user_timeout = get16(&body[0]);
      return true;
    case kFastOpen:
      if (body.size() > opt.cookie.size()) return false;
      opt.fast_open = true;
      opt.cookie_octets = static_cast<std::uint8_t>(body.size());
      std::copy(body.begin(), body.end(), opt.cookie.begin());
      return true;
    case kExperiment:
      if (body.size() < 2 || get16(&body[0]) != kFastOpenExperiment) return false;
      if (body.size() - 2 > opt.cookie.size()) return false;
      opt.fast_open_experiment = true;
      opt.cookie_octets = static_cast<std::uint8_t>(body.size() - 2);
      std::copy(body.begin() + 2, body.end(), opt.cookie.begin());
      return true;
    case kAuthentication:
      opt.authentication = true;
      [[fallthrough]];
    case kMd5Signature:
      opt.signature = true;
      return true;
    default:
      return false;
  }
}

// Reads the options into `opt`; false when an option's length is 0, 1 or runs past the header (MUST-7).
bool read_options(ByteView area, Options& opt) {
  opt.octets = static_cast<std::uint8_t>(area.size());
  std::uint64_t seen = 0;  // kinds below 64
  for (std::size_t at = 0; at < area.size();) {
    const std::uint8_t kind = area[at];
    if (kind == kEndOfOptions) {
      const ByteView rest = area.subspan(at + 1);
      opt.nonzero_after_end = std::any_of(rest.begin(), rest.end(), [](std::uint8_t octet) { return octet != 0; });
      return true;
    }
    if (kind == kNoOperation) {
      ++at;
      continue;
    }
    if (at + 1 >= area.size()) return false;
    const std::size_t length = area[at + 1];
    if (length < 2 || at + length > area.size()) return false;
    if (!read_option(kind, area.subspan(at + 2, length - 2), opt)) opt.unknown = true;
    if (kind < 64) {
      opt.repeated = opt.repeated || (seen >> kind & 1) != 0;
      seen |= std::uint64_t{1} << kind;
    }
    if (at % 4 != 0) opt.unaligned = true;
    if (at % 2 != 0) opt.at_odd_octet = true;
    at += length;
  }
  return true;
}

// The TCP segment within an IP packet, and the fields of the IP header that matter to TCP.
struct Carried {
  ByteView addresses{}, segment{};  // source and destination side by side; the TCP segment
  std::uint8_t ttl = 0, traffic_class = 0;
  std::uint16_t identification = 0;
  bool dont_fragment = true, options = false;
};

std::optional<Carried> read_ipv4(ByteView packet) {
  constexpr std::uint16_t kMoreFragmentsOrOffset = 0x3fff;
  if (packet.size() < kIpv4Header) return std::nullopt;
  const std::size_t header = (packet[0] & 0x0fu) * 4;
  const std::size_t total = get16(&packet[2]);
  if (header < kIpv4Header || total < header || total > packet.size()) return std::nullopt;
  if ((get16(&packet[6]) & kMoreFragmentsOrOffset) != 0 || packet[9] != kProtocolTcp) return std::nullopt;
  return Carried{.addresses = packet.subspan(12, 8),
                 .segment = packet.subspan(header, total - header),
                 .ttl = packet[8],
                 .traffic_class = packet[1],
                 .identification = get16(&packet[4]),
                 .dont_fragment = (packet[6] & 0x40) != 0,
                 .options = header > kIpv4Header};
}

// RFC 8200 section 4.2: a host that does not know an option drops the packet unless the option's two upper bits are
// zero.
bool only_skippable(ByteView options) {
  constexpr std::uint8_t kPad1 = 0, kPadN = 1;
  for (std::size_t at = 0; at < options.size();) {
    if (options[at] == kPad1) {
      ++at;
      continue;
    }
    if (at + 1 >= options.size() || (options[at] != kPadN && options[at] >= 0x40)) return false;
    at += options[at + 1] + 2u;
    if (at > options.size()) return false;
  }
  return true;
}

// The length of the extension header that stands in front; zero where the packet is not for TCP to see (section 4).
std::size_t extension_header(std::uint8_t kind, ByteView rest, bool first) {
  constexpr std::uint8_t kHopByHopOptions = 0, kRouting = 43, kFragment = 44, kDestinationOptions = 60;
  if (rest.size() < 8) return 0;
  if (kind == kFragment) return (get16(&rest[2]) & 0xfff9) == 0 ? 8 : 0;  // neither offset nor more: it is whole
  const std::size_t length = (rest[1] + std::size_t{1}) * 8;
  if (length > rest.size()) return 0;
  if (kind == kRouting) return rest[3] == 0 ? length : 0;  // segments left
  if (kind != kDestinationOptions && !(kind == kHopByHopOptions && first)) return 0;
  return only_skippable(rest.subspan(2, length - 2)) ? length : 0;
}

std::optional<Carried> read_ipv6(ByteView packet) {
  if (packet.size() < kIpv6Header) return std::nullopt;
  const std::size_t end = kIpv6Header + get16(&packet[4]);  // a jumbogram (RFC 2675) says zero here and is not decoded
  if (end > packet.size()) return std::nullopt;
  std::uint8_t next = packet[6];
  std::size_t at = kIpv6Header;
  while (next != kProtocolTcp) {
    const ByteView rest = packet.subspan(at, end - at);
    const std::size_t length = extension_header(next, rest, at == kIpv6Header);
    if (length == 0) return std::nullopt;
    next = rest[0];
    at += length;
  }
  return Carried{.addresses = packet.subspan(8, 32),
                 .segment = packet.subspan(at, end - at),
                 .ttl = packet[7],
                 .traffic_class = static_cast<std::uint8_t>(get16(&packet[0]) >> 4)};
}

Address address_of(ByteView octets) {
  Address address{.family = static_cast<std::uint8_t>(octets.size() == 4 ? 4 : 6)};
  std::copy(octets.begin(), octets.end(), address.octets.begin());
  return address;
}

// Fills in the fields of the fixed header that `tcp` is long enough to have.
void read_header(ByteView tcp, Decoded& decoded) {
  if (tcp.size() >= 2) decoded.source_port = get16(&tcp[0]);
  if (tcp.size() >= 4) decoded.destination_port = get16(&tcp[2]);
  if (tcp.size() >= 8) decoded.seq = get32(&tcp[4]);
  if (tcp.size() >= 12) decoded.ack = get32(&tcp[8]);
  if (tcp.size() >= 14) decoded.ctl = control_of(tcp[12] & 0x0f, tcp[13]);
  if (tcp.size() >= 16) decoded.wnd = get16(&tcp[14]);
  if (tcp.size() >= kTcpHeader) decoded.up = get16(&tcp[18]);
}

}  // namespace

std::optional<Address> Address::parse(const std::string& text) {
  Address address;
  address.family = text.find(':') == std::string::npos ? 4 : 6;
  const int family = address.family == 4 ? AF_INET : AF_INET6;
  if (inet_pton(family, text.c_str(), address.octets.data()) != 1) return std::nullopt;
  return address;
}

std::string Address::text() const {
  char buffer[INET6_ADDRSTRLEN] = "";
  inet_ntop(family == 4 ? AF_INET : AF_INET6, octets.data(), buffer, sizeof buffer);
  return buffer;
}

// Damage comes before the checksum, so that a packet has only the faults that were asked for: a wrong data offset still
// has a checksum that verifies, unless that is damaged too.
void encode(const PacketFields& fields, Bytes& out) {
  assert(fields.source.family == fields.destination.family);
  assert(fields.options.size() <= kOptionOctetsMax);
  const bool ipv4 = fields.source.family == 4;
  const std::size_t ip_header = ipv4 ? kIpv4Header + fields.damage.ip_options.size() : kIpv6Header;
  const std::size_t header = kTcpHeader + (fields.options.size() + 3) / 4 * 4;
  std::size_t length = header + fields.text.size();
  assert(ip_header + length <= kPacketOctetsMax);

  out.clear();
  out.resize(ip_header + length);
  std::uint8_t* tcp = out.data() + ip_header;
  put16(tcp, fields.source_port);
  put16(tcp + 2, fields.destination_port);
  put32(tcp + 4, fields.seq);
  put32(tcp + 8, fields.ack);
  const std::uint8_t data_offset = fields.damage.data_offset.value_or(static_cast<std::uint8_t>(header / 4));
  tcp[12] = static_cast<std::uint8_t>(data_offset << 4 | (fields.ctl.reserved & 0x0f));
  tcp[13] = control_bits(fields.ctl);
  put16(tcp + 14, fields.wnd);
  put16(tcp + 18, fields.up);
  if (!fields.options.empty()) std::memcpy(tcp + kTcpHeader, fields.options.data(), fields.options.size());
  if (!fields.text.empty()) std::memcpy(tcp + header, fields.text.data(), fields.text.size());

  if (fields.damage.truncate && *fields.damage.truncate < length) {
    length = *fields.damage.truncate;
    out.resize(ip_header + length);
  }
  if (ipv4) {
    put_ipv4_header(fields, out.size(), out.data());
  } else {
    put_ipv6_header(fields, out.size(), out.data());
  }
  if (length < kChecksumAt + 2) return;
  const ByteView addresses = ipv4 ? ByteView(out).subspan(12, 8) : ByteView(out).subspan(8, 32);
  const std::uint16_t checksum = fold(pseudo_header_sum(addresses, length) + sum({tcp, length}));
  std::memcpy(tcp + kChecksumAt, &checksum, 2);
  if (fields.damage.bad_checksum) tcp[kChecksumAt] ^= 0x01;  // never 0000 to ffff, which both verify
}

// The IPv4 header checksum is not verified, so that captures taken before the network card filled it in can be read.
std::optional<Decoded> decode(ByteView packet) {
  if (packet.empty()) return std::nullopt;
  const std::uint8_t version = packet[0] >> 4;
  std::optional<Carried> carried;
  if (version == 4) carried = read_ipv4(packet);
  if (version == 6) carried = read_ipv6(packet);
  if (!carried) return std::nullopt;

  const ByteView tcp = carried->segment;
  const std::size_t address = carried->addresses.size() / 2;
  Decoded decoded{.source = address_of(carried->addresses.first(address)),
                  .destination = address_of(carried->addresses.last(address)),
                  .ttl = carried->ttl,
                  .traffic_class = carried->traffic_class,
                  .identification = carried->identification,
                  .dont_fragment = carried->dont_fragment,
                  .ip_options = carried->options};
  read_header(tcp, decoded);
  if (tcp.size() < kTcpHeader) {
    decoded.fault = Fault::kTruncated;
    return decoded;
  }
  const std::size_t header = (tcp[12] >> 4) * std::size_t{4};
  if (header < kTcpHeader || header > tcp.size()) {
    decoded.fault = Fault::kDataOffset;
    return decoded;
  }
  decoded.options = tcp.subspan(kTcpHeader, header - kTcpHeader);
  decoded.text = tcp.subspan(header);
  const bool options_fit = read_options(decoded.options, decoded.opt);
  if (fold(pseudo_header_sum(carried->addresses, tcp.size()) + sum(tcp)) != 0) {
    decoded.fault = Fault::kChecksum;
  } else if (!options_fit) {
    decoded.fault = Fault::kOptionLength;
  }
  return decoded;
}

}  // namespace tcpassay
