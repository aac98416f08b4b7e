// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/packet.h"

#include <algorithm>
#include <cstring>

namespace own {
namespace {

constexpr std::uint8_t kEndOfOptionList = 0, kNoOperation = 1, kMaximumSegmentSize = 2, kWindowScale = 3,
                       kSackPermitted = 4, kSack = 5, kTimestamps = 8, kFastOpen = 34;

void parse_blocks(ByteView edges, Segment& seg) {
  for (seg.blocks = 0; edges.size() >= 8 && seg.blocks < seg.block.size(); edges = edges.subspan(8)) {
    seg.block[seg.blocks++] = {.left = get32(edges.data()), .right = get32(edges.data() + 4)};
  }
}

// MUST-4, MUST-5, MUST-6: an option that is not known is skipped by its length. MUST-7: an impossible length is noted.
void parse_options(const ByteView area, Segment& seg) {
  for (ByteView options = area; !options.empty();) {
    const std::uint8_t kind = options[0];
    if (kind == kEndOfOptionList) return;
    if (kind == kNoOperation) {
      seg.mss_behind_nop = !seg.mss;
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
      seg.mss_unaligned = (area.size() - options.size()) % 4 != 0;
    } else if (kind == kWindowScale && length == 3) {
      seg.window_scale = options[2];
    } else if (kind == kTimestamps && length == 10) {
      seg.timestamps = Timestamps{.value = get32(options.data() + 2), .echo = get32(options.data() + 6)};
      seg.stamps_elsewhere = area.size() - options.size() != 2;
    } else if (kind == kFastOpen && length <= 2 + seg.cookie.octet.size()) {
      seg.fast_open = true;
      seg.cookie.octets = static_cast<std::uint8_t>(length - 2);
      std::copy_n(options.begin() + 2, length - 2, seg.cookie.octet.begin());
    } else if (kind == kSackPermitted && length == 2) {
      seg.sack_permitted = true;
    } else if (kind == kSack && length > 2 && (length - 2) % 8 == 0) {
      parse_blocks(options.subspan(2, length - 2u), seg);
    } else {
      seg.corrupt_blocks = seg.corrupt_blocks || kind == kSack;
      seg.user_timeout_option |= kind == 28;
      seg.authentication_option |= kind == 29;
      seg.unknown_options = true;
      seg.unknown_at_end = length == options.size();
    }
    options = options.subspan(length);
  }
}

// RFC 7413 section 4.1.1, with the padding behind it.
std::uint32_t fast_open_octets(const Segment& seg) {
  if (!seg.fast_open && !seg.fast_open_experiment) return 0;
  return (2u + (seg.fast_open_experiment ? 2u : 0u) + seg.cookie.octets + 3u) / 4u * 4u;
}

void put_fast_open(std::uint8_t* at, const Segment& seg) {
  constexpr std::uint8_t kExperiment = 254, kNumber[] = {0xf9, 0x89};
  std::memset(at, kNoOperation, fast_open_octets(seg));
  at[0] = seg.fast_open ? kFastOpen : kExperiment;
  at[1] = static_cast<std::uint8_t>(2 + seg.cookie.octets + (seg.fast_open ? 0 : 2));
  std::uint8_t* cookie = at + 2;
  if (!seg.fast_open) cookie = std::copy_n(kNumber, 2, cookie);
  std::copy_n(seg.cookie.octet.begin(), seg.cookie.octets, cookie);
}

// Writes the options, each with No-Operation before it so that it ends on a word boundary.
void put_options(std::uint8_t* at, const Segment& seg) {
  if (seg.mss) {
    at[0] = kMaximumSegmentSize;
    at[1] = seg.length_too_long ? 60 : 4;
    put16(at + 2, *seg.mss);
    at += 4;
  }
  if (seg.window_scale) {
    at[0] = kNoOperation;
    at[1] = kWindowScale;
    at[2] = 3;
    at[3] = *seg.window_scale;
    at += 4;
  }
  if (seg.timestamps) {
    at[0] = at[1] = kNoOperation;
    at[2] = kTimestamps;
    at[3] = 10;
    put32(at + 4, seg.timestamps->value);
    put32(at + 8, seg.timestamps->echo);
    at += kTimestampsLength;
  }
  if (seg.sack_permitted) {
    at[0] = at[1] = kNoOperation;
    at[2] = kSackPermitted;
    at[3] = 2;
    at += 4;
  }
  if (seg.fast_open || seg.fast_open_experiment) {
    put_fast_open(at, seg);
    at += fast_open_octets(seg);
  }
  if (seg.blocks > 0) {
    at[0] = at[1] = kNoOperation;
    at[2] = kSack;
    at[3] = static_cast<std::uint8_t>(2 + 8 * seg.blocks);
    at += 4;
    for (int i = 0; i < seg.blocks; ++i, at += 8) {
      put32(at, seg.block[static_cast<std::size_t>(i)].left);
      put32(at + 4, seg.block[static_cast<std::size_t>(i)].right);
    }
  }
  if (seg.padded_with_ones) {
    at[0] = kEndOfOptionList;
    at[1] = at[2] = at[3] = kNoOperation;
  }
}

}  // namespace

std::uint32_t option_octets(const Segment& seg) {
  return (seg.mss ? 4u : 0u) + (seg.window_scale ? 4u : 0u) + (seg.timestamps ? kTimestampsLength : 0u) +
         (seg.sack_permitted ? 4u : 0u) + fast_open_octets(seg) + (seg.blocks > 0 ? 4u + 8u * seg.blocks : 0u) +
         (seg.padded_with_ones ? 4u : 0u);
}

std::optional<Segment> parse(ByteView packet) {
  const std::optional<Datagram> ip = parse_ip(packet);
  if (!ip) return std::nullopt;
  const ByteView tcp = ip->tcp;
  const std::size_t data_offset = std::size_t{tcp[12]} / 16 * 4;
  if (data_offset < kTcpHeader || data_offset > tcp.size()) return std::nullopt;

  const std::uint8_t bits = tcp[13];
  std::optional<Segment> result{std::in_place};
  Segment& seg = *result;
  seg.source = ip->source;
  seg.destination = ip->destination;
  seg.source_port = get16(&tcp[0]);
  seg.destination_port = get16(&tcp[2]);
  seg.seq = get32(&tcp[4]);
  seg.ack = get32(&tcp[8]);
  seg.wnd = get16(&tcp[14]);
  seg.up = get16(&tcp[18]);
  seg.reserved = tcp[12] & 0x0f;
  seg.ttl = ip->ttl;
  seg.ecn = ip->traffic_class & 0x03;
  seg.urgent_point = seg.seq + seg.up;
  seg.traffic_class = ip->traffic_class;
  const bool ipv4 = packet[0] >> 4 == 4;
  seg.identification = ipv4 ? get16(&packet[4]) : 0;
  seg.ip_options = ipv4 ? static_cast<std::uint8_t>((packet[0] & 0x0f) * 4 - kIpv4Header) : 0;
  seg.ctl = {.fin = (bits & 1) != 0,
             .syn = (bits & 2) != 0,
             .rst = (bits & 4) != 0,
             .psh = (bits & 8) != 0,
             .ack = (bits & 16) != 0,
             .urg = (bits & 32) != 0,
             .ece = (bits & 64) != 0,
             .cwr = (bits & 128) != 0};
  seg.text = tcp.subspan(data_offset);
  seg.checksum = get16(&tcp[16]);
  seg.checksum_ok = checksum(add_words(pseudo_header(ip->addresses, tcp.size()), tcp)) == 0;
  parse_options(tcp.subspan(kTcpHeader, data_offset - kTcpHeader), seg);
  return result;
}

std::span<std::uint8_t> begin_packet(std::vector<std::uint8_t>& wire, const Segment& seg, std::size_t text_length) {
  const std::size_t tcp_header = kTcpHeader + option_octets(seg);
  const std::size_t before = ip_header(seg.destination), total = before + tcp_header + text_length;
  const std::size_t start = wire.size();
  wire.resize(start + total);

  std::uint8_t* ip = wire.data() + start;
  const auto traffic_class = static_cast<std::uint8_t>((seg.traffic_class & 0xfc) | seg.ecn);
  put_ip_header(ip, seg.source, seg.destination, total, traffic_class, seg.ttl);
  std::uint8_t* tcp = ip + before;
  put16(tcp, seg.source_port);
  put16(tcp + 2, seg.destination_port);
  put32(tcp + 4, seg.seq);
  put32(tcp + 8, seg.ack);
  tcp[12] = static_cast<std::uint8_t>((tcp_header / 4) << 4 | seg.reserved);
  tcp[13] = static_cast<std::uint8_t>(seg.ctl.fin | seg.ctl.syn << 1 | seg.ctl.rst << 2 | seg.ctl.psh << 3 |
                                      seg.ctl.ack << 4 | seg.ctl.urg << 5 | seg.ctl.ece << 6 | seg.ctl.cwr << 7);
  put16(tcp + 14, seg.wnd);
  put16(tcp + 16, 0);  // checksum
  put16(tcp + 18, seg.up);
  put_options(tcp + kTcpHeader, seg);
  return {tcp + tcp_header, text_length};
}

void finish_packet(std::vector<std::uint8_t>& wire, std::size_t start, bool pad_in_front) {
  std::uint8_t* ip = wire.data() + start;
  const bool ipv4 = ip[0] >> 4 == 4;
  std::uint8_t* const segment = ip + (ipv4 ? kIpv4Header : kIpv6Header);
  const ByteView tcp{segment, wire.data() + wire.size()};
  std::uint32_t sum = pseudo_header(ipv4 ? ByteView{ip + 12, 8} : ByteView{ip + 8, 32}, tcp.size());
  if (pad_in_front && tcp.size() % 2 != 0) {
    const std::uint8_t padded[2] = {0, tcp.back()};
    sum = add_words(add_words(sum, tcp.first(tcp.size() - 1)), padded);
  } else {
    sum = add_words(sum, tcp);
  }
  const std::uint16_t of_tcp = checksum(sum);
  std::memcpy(segment + 16, &of_tcp, 2);
}

}  // namespace own
