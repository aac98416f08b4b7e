// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/peer_test.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace tcpassay {
namespace {

void put16(std::vector<std::uint8_t>& out, std::uint32_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}
void put32(std::vector<std::uint8_t>& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}
std::uint32_t read_number(const std::uint8_t* p, int octets) {
  std::uint32_t value = 0;
  for (int i = 0; i < octets; ++i) value = value << 8 | p[i];
  return value;
}

// RFC 9293 section 3.1, word by word: 0 over what is covered and its checksum.
std::uint32_t internet_checksum(const std::vector<std::uint8_t>& octets) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < octets.size(); i += 2) {
    sum += std::uint32_t{octets[i]} << 8;
    if (i + 1 < octets.size()) sum += octets[i + 1];
  }
  while (sum > 0xffff) sum = (sum >> 16) + (sum & 0xffff);
  return ~sum & 0xffff;
}

using Octets = std::vector<std::uint8_t>;

// 10.77.0.1 becomes 2001:db8:77::1, a multicast address the link's ff02::1.
Octets address_octets(std::uint32_t address, bool ipv6) {
  Octets octets;
  if (!ipv6) {
    put32(octets, address);
    return octets;
  }
  const bool multicast = address >> 28 == 0xe;
  put32(octets, multicast ? 0xff020000 : 0x20010db8);
  put32(octets, multicast ? 0 : 0x00770000);
  put32(octets, 0);
  put32(octets, address & 0xff);
  return octets;
}

// `addresses` is source and destination side by side. RFC 8200 section 8.1 has wider fields than RFC 9293.
std::uint32_t tcp_checksum(Octets covered, const Octets& tcp) {
  if (covered.size() == 32) {
    put32(covered, static_cast<std::uint32_t>(tcp.size()));
    put32(covered, 6);
  } else {
    put16(covered, 6);
    put16(covered, static_cast<std::uint32_t>(tcp.size()));
  }
  covered.insert(covered.end(), tcp.begin(), tcp.end());
  return internet_checksum(covered);
}

bool flag(const Put& put, char letter) {
  return put.flags.find(letter) != std::string::npos;
}

}  // namespace

std::uint8_t peer_text_octet(std::uint32_t offset) {
  return static_cast<std::uint8_t>((offset * 2654435761u) >> 20);
}

std::vector<std::uint8_t> peer_text(std::uint32_t offset, std::uint32_t length) {
  std::vector<std::uint8_t> text(length);
  for (std::uint32_t i = 0; i < length; ++i) text[i] = peer_text_octet(offset + i);
  return text;
}

std::string Heard::brief() const {
  return flags + " " + std::to_string(seq) + " " + std::to_string(ack) + " " + std::to_string(text.size());
}

std::string Heard::full() const {
  std::string line = std::to_string(at.count()) + " " + brief() + " wnd " + std::to_string(wnd) + " mss " +
                     std::to_string(mss) + (checksum_ok ? "" : " bad checksum") + " rsv " + std::to_string(reserved);
  line += " opt";
  for (const std::uint8_t octet : options) line += " " + std::to_string(octet);
  line += ' ';
  for (const std::uint8_t octet : text) line += static_cast<char>('a' + octet % 26);
  return line;
}

TestPeer::TestPeer(std::uint64_t seed, std::optional<own::Defect> defect) {
  target.plant(defect);
  target.reset(seed);
}

void TestPeer::use_ipv6() {
  ipv6 = true;
  target.use_ip(6);
}

void TestPeer::put(const Put& put) {
  std::vector<std::uint8_t> tcp;
  put16(tcp, remote);
  put16(tcp, local);
  put32(tcp, iss + put.seq);
  put32(tcp, flag(put, 'A') ? target_iss + put.ack : 0);
  const std::size_t words = (20 + put.options.size() + 3) / 4;
  const int offset = put.data_offset >= 0 ? put.data_offset : static_cast<int>(words);
  tcp.push_back(static_cast<std::uint8_t>(offset << 4 | put.reserved));
  tcp.push_back(static_cast<std::uint8_t>(flag(put, 'F') | flag(put, 'S') << 1 | flag(put, 'R') << 2 |
                                          flag(put, 'P') << 3 | flag(put, 'A') << 4 | flag(put, 'U') << 5));
  put16(tcp, put.wnd);
  put32(tcp, 0);
  tcp.insert(tcp.end(), put.options.begin(), put.options.end());
  tcp.resize(words * 4);
  const std::vector<std::uint8_t> text = peer_text(put.seq + flag(put, 'S') - 1, put.length);
  tcp.insert(tcp.end(), text.begin(), text.end());
  Octets addresses = address_octets(put.source, ipv6);
  const Octets destination = address_octets(put.destination, ipv6);
  addresses.insert(addresses.end(), destination.begin(), destination.end());
  const std::uint32_t sum = tcp_checksum(addresses, tcp) ^ (put.bad_checksum ? 0x0100 : 0);
  tcp[16] = static_cast<std::uint8_t>(sum >> 8);
  tcp[17] = static_cast<std::uint8_t>(sum);

  Octets packet{static_cast<std::uint8_t>(ipv6 ? 0x60 : 0x45), 0};
  if (ipv6) {
    put16(packet, 0);
    put16(packet, static_cast<std::uint32_t>(put.extension.size() + tcp.size()));
    packet.push_back(put.next);
    packet.push_back(64);
    packet.insert(packet.end(), addresses.begin(), addresses.end());
    packet.insert(packet.end(), put.extension.begin(), put.extension.end());
  } else {
    put16(packet, static_cast<std::uint32_t>(20 + tcp.size()));
    put32(packet, 0x00014000);
    put32(packet, 0x40060000);
    packet.insert(packet.end(), addresses.begin(), addresses.end());
    const std::uint32_t of_ip = internet_checksum(packet);
    packet[10] = static_cast<std::uint8_t>(of_ip >> 8);
    packet[11] = static_cast<std::uint8_t>(of_ip);
  }
  packet.insert(packet.end(), tcp.begin(), tcp.end());
  target.inject(packet);
}

std::vector<Heard> TestPeer::hear() {
  std::vector<Heard> all;
  while (const auto collected = target.collect()) {
    const ByteView ip = collected->packet;
    EXPECT_EQ(ip[0] >> 4, ipv6 ? 6 : 4);
    const std::uint8_t* tcp = ip.data() + (ipv6 ? 40 : 20);
    Heard heard{.at = collected->from};
    const std::uint32_t bits = tcp[13];
    for (const auto& [bit, letter] : {std::pair{2, 'S'}, {1, 'F'}, {4, 'R'}, {8, 'P'}, {16, 'A'}, {32, 'U'}}) {
      if ((bits & static_cast<std::uint32_t>(bit)) != 0) heard.flags += letter;
    }
    heard.seq = read_number(tcp + 4, 4);
    heard.ack = read_number(tcp + 8, 4);
    if ((bits & 2) != 0 && !(connected_ && (bits & 16) != 0)) target_iss = heard.seq;
    if ((bits & 4) == 0 || heard.seq != 0) heard.seq -= target_iss;
    if ((bits & 16) != 0) heard.ack -= iss;
    heard.wnd = read_number(tcp + 14, 2);
    heard.reserved = tcp[12] & 15u;
    const std::size_t header = std::size_t{tcp[12]} / 16 * 4;
    heard.options.assign(tcp + 20, tcp + header);
    if (header >= 24 && tcp[20] == 2) heard.mss = read_number(tcp + 22, 2);
    heard.text.assign(tcp + header, ip.data() + ip.size());
    std::vector<std::uint8_t> whole(tcp, ip.data() + ip.size());
    const ByteView addresses = ipv6 ? ip.subspan(8, 32) : ip.subspan(12, 8);
    heard.checksum_ok = tcp_checksum({addresses.begin(), addresses.end()}, whole) == 0;
    transcript.push_back(heard.full());
    all.push_back(std::move(heard));
  }
  return all;
}

std::string TestPeer::hears() {
  std::string joined;
  for (const Heard& heard : hear()) joined += (joined.empty() ? "" : "; ") + heard.brief();
  return joined;
}

std::string TestPeer::answer(const Put& stimulus) {
  put(stimulus);
  return hears();
}

std::string TestPeer::wait(double seconds) {
  const Time end = target.now() + Time(static_cast<std::int64_t>(seconds * 1e9));
  std::string joined;
  do {
    target.advance(end);
    for (const Heard& heard : hear()) {
      char at[32];
      std::snprintf(at, sizeof at, "%.1f ", static_cast<double>(heard.at.count()) / 1e9);
      joined += (joined.empty() ? "" : "; ") + std::string(at) + heard.brief();
    }
  } while (target.now() < end);
  return joined;
}

UserCall TestPeer::call(UserCall call) {
  target.call(call);
  std::string line = "call " + std::to_string(static_cast<int>(call.kind)) + " -> " + std::to_string(call.result) +
                     " " + std::to_string(static_cast<int>(call.error)) + " " + std::to_string(call.value) + " ";
  if (call.kind == CallKind::kRead) {
    text_.assign(call.text.begin(), call.text.end());  // stays for the test after the next call
    call.text = text_;
    for (const std::uint8_t octet : text_) line += static_cast<char>('a' + octet % 26);
  }
  transcript.push_back(line);
  return call;
}

int TestPeer::listen(std::uint32_t backlog) {
  listener = socket();
  call({.kind = CallKind::kBind, .handle = listener, .port = local});
  call({.kind = CallKind::kListen, .handle = listener, .length = backlog});
  return listener;
}

int TestPeer::connect() {
  const int handle = socket();
  connected_ = true;
  local = call({.kind = CallKind::kConnect, .handle = handle, .port = remote}).tuple.local;
  return handle;
}

UserCall TestPeer::write(int handle, std::uint32_t length) {
  const std::vector<std::uint8_t> text = peer_text(0, length);
  return call({.kind = CallKind::kWrite, .handle = handle, .length = length, .text = text});
}

UserCall TestPeer::read(int handle, std::uint32_t length) {
  return call({.kind = CallKind::kRead, .handle = handle, .length = length});
}

UserCall TestPeer::set(int handle, SocketOption option, std::int64_t value) {
  return call({.kind = CallKind::kSetOption, .handle = handle, .option = option, .value = value});
}

std::int64_t TestPeer::get(int handle, SocketOption option) {
  return call({.kind = CallKind::kGetOption, .handle = handle, .option = option}).value;
}

int TestPeer::passive(std::vector<std::uint8_t> options, std::uint32_t wnd) {
  if (listener < 0) listen();
  answer({.flags = "S", .seq = 0, .wnd = wnd, .options = std::move(options)});
  answer({.flags = "A", .seq = 1, .ack = 1, .wnd = wnd});
  return static_cast<int>(accept(listener).result);
}

int TestPeer::active() {
  const int handle = connect();
  hears();
  answer({.flags = "SA", .seq = 0, .ack = 1, .options = {2, 4, 5, 180}});
  return handle;
}

State TestPeer::state() {
  const auto report = target.state({.local = local, .remote = remote});
  return report ? report->state : State::kClosed;
}

}  // namespace tcpassay
