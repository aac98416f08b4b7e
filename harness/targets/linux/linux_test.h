// SPDX-License-Identifier: Apache-2.0
// For the tests of the kernel targets: a peer that sends and receives single segments, and one target of each kind.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/targets/linux/linux.h"
#include "harness/targets/linux/linux_target.h"
#include "harness/wire/packet.h"

namespace tcpassay {

using namespace std::chrono_literals;

inline constexpr std::uint16_t kPort = 80;        // the target's
inline constexpr std::uint32_t kIss = 1'000'000;  // the peer's
inline constexpr Ctl kSyn{.syn = true}, kAck{.ack = true}, kRst{.rst = true}, kFin{.fin = true, .ack = true};

struct Kind {
  const char* name;
  std::unique_ptr<Target> (*make)();
  std::optional<std::string> (*missing)();
};
inline void PrintTo(const Kind& kind, std::ostream* out) {
  *out << kind.name;
}
inline const Kind kKinds[] = {{"linux", make_linux, linux_missing}, {"linux_raw", make_linux_raw, linux_raw_missing}};

// A peer that sends and receives single segments.
class Peer {
 public:
  explicit Peer(Target& target) : target_(target) {}

  bool ipv6 = false;

  void send(PacketFields fields) {
    fields.source = ipv6 ? target_.identity().ipv6_peer_address : target_.identity().peer_address;
    fields.destination = ipv6 ? target_.identity().ipv6_address : target_.identity().address;
    fields.wnd = 65535;
    encode(fields, packet_);
    target_.inject(packet_);
  }
  void send(Tuple tuple, Ctl ctl, std::uint32_t seq, std::uint32_t ack, ByteView text = {}) {
    send({.source_port = tuple.remote,
          .destination_port = tuple.local,
          .seq = seq,
          .ack = ack,
          .ctl = ctl,
          .text = text});
  }
  // The next packet that the target sent.
  std::optional<Decoded> receive() {
    const auto collected = target_.collect();
    if (!collected) return std::nullopt;
    EXPECT_LE(collected->from, collected->until);
    const auto decoded = decode(collected->packet);
    EXPECT_TRUE(decoded);
    EXPECT_EQ(decoded->fault, Fault::kNone);
    return decoded;
  }
  int drain() {
    int packets = 0;
    while (target_.collect()) ++packets;
    return packets;
  }

 private:
  Target& target_;
  Bytes packet_;
};

// Makes a call and returns its result; `answer` gets its other results too.
inline std::int64_t call(Target& target, UserCall made, UserCall* answer = nullptr) {
  target.call(made);
  if (answer) *answer = made;
  return made.result;
}

inline int listening(Target& target, std::uint16_t port = kPort) {
  const int handle = static_cast<int>(call(target, {.kind = CallKind::kSocket}));
  EXPECT_EQ(call(target, {.kind = CallKind::kBind, .handle = handle, .port = port}), 0);
  EXPECT_EQ(call(target, {.kind = CallKind::kListen, .handle = handle, .length = 10}), 0);
  return handle;
}

inline int accepted(Target& target, int listener, UserCall* answer = nullptr) {
  return static_cast<int>(call(target, {.kind = CallKind::kAccept, .handle = listener}, answer));
}

// The peer opens a connection; returns the peer's next SEG.ACK.
inline std::uint32_t open_from_peer(Peer& peer, Tuple tuple) {
  peer.send(tuple, kSyn, kIss, 0);
  const auto answer = peer.receive();
  EXPECT_TRUE(answer && answer->ctl.syn && answer->ctl.ack);
  if (!answer) return 0;
  peer.send(tuple, kAck, kIss + 1, answer->seq + 1);
  return answer->seq + 1;
}

inline std::optional<State> state(Target& target, Tuple tuple) {
  const auto report = target.state(tuple);
  return report ? std::optional(report->state) : std::nullopt;
}

// All tests use one target of each kind, as all scenarios of a run do.
class Linux : public testing::TestWithParam<Kind> {
 protected:
  static void SetUpTestSuite() {}
  static void TearDownTestSuite() { targets().clear(); }

  void SetUp() override {
    if (const auto missing = GetParam().missing()) GTEST_SKIP() << *missing;
    auto& made = targets()[GetParam().name];
    if (!made) made = GetParam().make();
    target_ = made.get();
    target_->use_ip(4);
    target_->reset(1);
    peer_.emplace(*target_);
  }
  std::vector<Flow> remaining() { return dynamic_cast<LinuxTarget&>(*target_).remaining(); }
  void expect_silence() { EXPECT_FALSE(target_->collect()); }

  Target* target_ = nullptr;
  std::optional<Peer> peer_;

 private:
  static std::map<std::string, std::unique_ptr<Target>>& targets() {
    static std::map<std::string, std::unique_ptr<Target>> made;
    return made;
  }
};

}  // namespace tcpassay
