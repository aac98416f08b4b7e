// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/packet.h"

#include <cassert>
#include <cstring>

namespace own {
namespace {

constexpr std::uint8_t kProtocolTcp = 6;
constexpr std::uint8_t kTtl = 64;
constexpr std::uint8_t kEndOfOptionList = 0, kNoOperation = 1, kMaximumSegmentSize = 2;

std::uint16_t get16(const std::uint8_t* p) { return static_cast<std::uint16_t>(p[0] << 8 | p[1]); }
std::uint32_t get32(const std::uint8_t* p) { return std::uint32_t{get16(p)} << 16 | get16(p + 2); }

void put16(std::uint8_t* p, std::uint32_t value) {
  p[0] = static_cast<std::uint8_t>(value >> 8);
  p[1] = static_cast<std::uint8_t>(value);
}
void put32(std::uint8_t* p, std::uint32_t value) {
  put16(p, value >> 16);
  put16(p + 2, value & 0xffff);
}

// Source address, destination address, zero, PTCL and TCP length, in the order of the bytes in memory.
std::uint32_t pseudo_header(const std::uint8_t* addresses, std::size_t tcp_length) {
  std::uint8_t rest[4] = {0, kProtocolTcp, 0, 0};
  put16(rest + 2, static_cast<std::uint32_t>(tcp_length));
  return add_words(add_words(0, {addresses, 8}), rest);
}

// MUST-4, MUST-5, MUST-6: an option that is not known is skipped by its length. MUST-7: an impossible length is noted.
void parse_options(ByteView options, Segment& seg) {
  while (!options.empty()) {
    const std::uint8_t kind = options[0];
    if (kind == kEndOfOptionList) return;
    if (kind == kNoOperation) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) {
      seg.options_ok = false;
      return;
    }
    const std::uint8_t length = options[1];
    if (kind == kMaximumSegmentSize && length == 4) {
      seg.mss = get16(options.data() + 2);
    } else {
      seg.unknown_options = true;  // window scale, SACK and timestamps will have their place here
    }
    options = options.subspan(length);
  }
}

}  // namespace

std::uint32_t add_words(std::uint32_t sum, ByteView octets) {
  std::uint64_t total = sum;
  const std::uint8_t* p = octets.data();
  std::size_t left = octets.size();
  for (; left >= 4; p += 4, left -= 4) {
    std::uint32_t word;
    std::memcpy(&word, p, 4);
    total += word;
  }
  if (left > 0) {  // "padded on the right with zeros"
    std::uint32_t word = 0;
    std::memcpy(&word, p, left);
    total += word;
  }
  while (total >> 32 != 0) total = (total & 0xffffffff) + (total >> 32);
  return static_cast<std::uint32_t>(total);
}

std::uint16_t checksum(std::uint32_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::optional<Segment> parse(ByteView packet) {
  if (packet.size() < kIpHeader || packet[0] >> 4 != 4) return std::nullopt;  // IPv6 will have its place here
  const std::size_t header = std::size_t{packet[0] & 0x0fu} * 4;
  const std::size_t total = get16(&packet[2]);
  if (header < kIpHeader || total < header + kTcpHeader || total > packet.size()) return std::nullopt;
  if (packet[9] != kProtocolTcp) return std::nullopt;
  if ((get16(&packet[6]) & 0x3fff) != 0) return std::nullopt;  // a fragment
  if (checksum(add_words(0, packet.first(header))) != 0) return std::nullopt;

  const ByteView tcp = packet.subspan(header, total - header);
  const std::size_t data_offset = std::size_t{tcp[12]} / 16 * 4;
  if (data_offset < kTcpHeader || data_offset > tcp.size()) return std::nullopt;

  const std::uint8_t bits = tcp[13];
  std::optional<Segment> result{std::in_place};
  Segment& seg = *result;
  seg.source = get32(&packet[12]);
  seg.destination = get32(&packet[16]);
  seg.source_port = get16(&tcp[0]);
  seg.destination_port = get16(&tcp[2]);
  seg.seq = get32(&tcp[4]);
  seg.ack = get32(&tcp[8]);
  seg.wnd = get16(&tcp[14]);
  seg.up = get16(&tcp[18]);
  seg.reserved = tcp[12] & 0x0f;
  seg.ctl = {.fin = (bits & 1) != 0,
             .syn = (bits & 2) != 0,
             .rst = (bits & 4) != 0,
             .psh = (bits & 8) != 0,
             .ack = (bits & 16) != 0,
             .urg = (bits & 32) != 0,
             .ece = (bits & 64) != 0,
             .cwr = (bits & 128) != 0};
  seg.text = tcp.subspan(data_offset);
  seg.checksum_ok = checksum(add_words(pseudo_header(&packet[12], tcp.size()), tcp)) == 0;
  parse_options(tcp.subspan(kTcpHeader, data_offset - kTcpHeader), seg);
  return result;
}

std::span<std::uint8_t> begin_packet(std::vector<std::uint8_t>& wire, const Segment& seg, std::size_t text_length) {
  const std::size_t tcp_header = kTcpHeader + (seg.mss ? 4 : 0);
  const std::size_t total = kIpHeader + tcp_header + text_length;
  assert(total <= 0xffff);
  const std::size_t start = wire.size();
  wire.resize(start + total);

  std::uint8_t* ip = wire.data() + start;
  std::memset(ip, 0, kIpHeader);
  ip[0] = 0x45;
  put16(ip + 2, static_cast<std::uint32_t>(total));
  put16(ip + 6, 0x4000);  // don't fragment, so the identification means nothing and is zero (RFC 6864)
  ip[8] = kTtl;
  ip[9] = kProtocolTcp;
  put32(ip + 12, seg.source);
  put32(ip + 16, seg.destination);

  std::uint8_t* tcp = ip + kIpHeader;
  put16(tcp, seg.source_port);
  put16(tcp + 2, seg.destination_port);
  put32(tcp + 4, seg.seq);
  put32(tcp + 8, seg.ack);
  tcp[12] = static_cast<std::uint8_t>((tcp_header / 4) << 4 | seg.reserved);
  tcp[13] = static_cast<std::uint8_t>(seg.ctl.fin | seg.ctl.syn << 1 | seg.ctl.rst << 2 | seg.ctl.psh << 3 |
                                      seg.ctl.ack << 4);
  put16(tcp + 14, seg.wnd);
  put32(tcp + 16, 0);  // checksum, and an urgent pointer without URG
  if (seg.mss) {
    tcp[20] = kMaximumSegmentSize;
    tcp[21] = 4;
    put16(tcp + 22, *seg.mss);
  }
  return {tcp + tcp_header, text_length};
}

void finish_packet(std::vector<std::uint8_t>& wire, std::size_t start, bool pad_in_front) {
  std::uint8_t* ip = wire.data() + start;
  const ByteView tcp{ip + kIpHeader, wire.size() - start - kIpHeader};
  const std::uint16_t of_ip = checksum(add_words(0, {ip, kIpHeader}));
  std::memcpy(ip + 10, &of_ip, 2);

  std::uint32_t sum = pseudo_header(ip + 12, tcp.size());
  if (pad_in_front && tcp.size() % 2 != 0) {
    const std::uint8_t padded[2] = {0, tcp.back()};
    sum = add_words(add_words(sum, tcp.first(tcp.size() - 1)), padded);
  } else {
    sum = add_words(sum, tcp);
  }
  const std::uint16_t of_tcp = checksum(sum);
  std::memcpy(ip + kIpHeader + 16, &of_tcp, 2);
}

}  // namespace own
