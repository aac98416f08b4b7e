// SPDX-License-Identifier: Apache-2.0
// A peer for tests: it sends segments with relative numbers to the own target and records everything that the target
// sends. It has its own packet builder and reader, so that a mistake in packet.cc cannot cancel itself out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/targets/own/own_target.h"

namespace tcpassay {

// A segment of the peer. SEG.SEQ counts from the peer's SYN (0), SEG.ACK from the target's.
struct Put {
  std::string flags = "A";  // of S F R P A U
  std::uint32_t seq = 1, ack = 1;
  std::uint32_t length = 0;  // octets of text
  std::uint32_t wnd = 65535;
  std::vector<std::uint8_t> options{};
  std::uint8_t reserved = 0;
  bool bad_checksum = false;
  int data_offset = -1;                                         // in words; -1 for the right one
  std::uint32_t source = 0x0a4d0002, destination = 0x0a4d0001;  // over IPv6 what is like them
  std::vector<std::uint8_t> extension{};  // headers between that of IPv6 and TCP, the last of the kind `next`
  std::uint8_t next = 6;                  // what follows the IPv6 header
};

struct Heard {
  Time at{};
  std::string flags;
  std::uint32_t seq = 0, ack = 0, wnd = 0, mss = 0, reserved = 0;
  std::vector<std::uint8_t> text{}, options{};
  bool checksum_ok = true;

  std::string brief() const;  // "SA 0 1 0": flags, SEQ, ACK, octets of text
  std::string full() const;
};

class TestPeer {
 public:
  explicit TestPeer(std::uint64_t seed = 1, std::optional<own::Defect> defect = std::nullopt);

  OwnTarget target;
  bool ipv6 = false;                        // see use_ipv6()
  std::uint16_t local = 80, remote = 5000;  // the target's port and the peer's
  std::uint32_t iss = 1000;                 // the peer's
  std::uint32_t target_iss = 0;             // learnt from the target's SYN
  std::vector<std::string> transcript;      // all that was seen of the target

  void use_ipv6();
  void put(const Put& put);
  // What the target has sent since the last call, in short form, joined by "; ".
  std::string hears();
  std::vector<Heard> hear();
  // The same for a stimulus.
  std::string answer(const Put& stimulus);
  // Lets time pass; returns what the target sent meanwhile, each with the second: "1.0 S 0 0 0".
  std::string wait(double seconds);

  UserCall call(UserCall call);
  int socket() { return static_cast<int>(call({.kind = CallKind::kSocket}).result); }
  int listen(std::uint32_t backlog = 8);  // on `local`
  int connect();                          // `local` becomes the port that the target chose
  UserCall accept(int handle) { return call({.kind = CallKind::kAccept, .handle = handle}); }
  UserCall write(int handle, std::uint32_t length);
  UserCall read(int handle, std::uint32_t length = 100000);
  UserCall shutdown(int handle, int how) { return call({.kind = CallKind::kShutdown, .handle = handle, .how = how}); }
  UserCall close(int handle) { return call({.kind = CallKind::kClose, .handle = handle}); }
  UserCall set(int handle, SocketOption option, std::int64_t value);
  std::int64_t get(int handle, SocketOption option);

  // A connection in ESTABLISHED; the handle. The handshake is not among what is heard afterwards.
  int passive(std::vector<std::uint8_t> options = {2, 4, 5, 180}, std::uint32_t wnd = 65535);
  int active();
  State state();  // kClosed when the target knows nothing

  int listener = -1;  // of listen() and passive()

 private:
  bool connected_ = false;  // then a SYN,ACK tells no new number
  std::vector<std::uint8_t> text_;
};

std::uint8_t peer_text_octet(std::uint32_t offset);  // of the peer's stream; offset 0 follows the SYN
std::vector<std::uint8_t> peer_text(std::uint32_t offset, std::uint32_t length);

}  // namespace tcpassay
