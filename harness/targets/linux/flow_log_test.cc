// SPDX-License-Identifier: Apache-2.0
// A connection is left alone at the end of its scenario only when it was seen to have ended.
#include "harness/targets/linux/flow_log.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "harness/targets/linux/kernel_wire.h"
#include "harness/targets/linux/linux_test.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

constexpr std::uint32_t kIrs = 5'000'000;  // the target's

class FlowLogs : public testing::Test {
 protected:
  std::optional<Flow> from_peer(Ctl ctl, std::uint32_t seq, std::uint32_t ack, PacketFields more = {}) {
    return log_.note_arriving(packet(more, true, ctl, seq, ack));
  }
  void from_target(Ctl ctl, std::uint32_t seq, std::uint32_t ack, PacketFields more = {}) {
    log_.note_leaving(packet(more, false, ctl, seq, ack));
  }
  std::optional<Flow> opens() {
    const auto again = from_peer(kSyn, kIss, 0);
    from_target({.syn = true, .ack = true}, kIrs, kIss + 1);
    from_peer(kAck, kIss + 1, kIrs + 1);
    return again;
  }
  void peer_closes() { from_peer(kFin, kIss + 1, kIrs + 1); }
  void target_closes() { from_target(kFin, kIrs + 1, kIss + 2); }
  void last_ack() { from_peer(kAck, kIss + 2, kIrs + 2); }
  void whole() {
    opens();
    peer_closes();
    target_closes();
    last_ack();
  }
  // Whether the connection is left alone.
  bool ended() { return log_.end_scenario().empty(); }

  Bytes packet(PacketFields fields, bool arrives, Ctl ctl, std::uint32_t seq, std::uint32_t ack) const {
    const Address target = ipv6_ ? kTargetIpv6 : kTargetAddress, peer = ipv6_ ? kPeerIpv6 : kPeerAddress;
    fields.source = arrives ? peer : target;
    fields.destination = arrives ? target : peer;
    fields.source_port = arrives ? port_ : kPort;
    fields.destination_port = arrives ? kPort : port_;
    fields.ctl = ctl;
    fields.seq = seq;
    fields.ack = ack;
    Bytes octets;
    encode(fields, octets);
    return octets;
  }

  std::uint16_t port_ = 6000;
  bool ipv6_ = false;
  FlowLog log_;
};

TEST_F(FlowLogs, FromLastAckToClosed) {
  for (const bool ipv6 : {false, true}) {
    ipv6_ = ipv6;
    whole();
    EXPECT_TRUE(ended());
  }
}

TEST_F(FlowLogs, TextWithTheFinsCounts) {
  const Bytes text(7, 'x');
  opens();
  from_peer(kFin, kIss + 1, kIrs + 1, {.text = text});
  from_target(kFin, kIrs + 1, kIss + 9, {.text = text});
  from_peer(kAck, kIss + 9, kIrs + 9);
  EXPECT_TRUE(ended());
}

TEST_F(FlowLogs, WhatTheTargetClosesFirstIsInTimeWait) {
  opens();
  from_target(kFin, kIrs + 1, kIss + 1);
  from_peer(kFin, kIss + 1, kIrs + 2);
  last_ack();
  EXPECT_FALSE(ended());
}

TEST_F(FlowLogs, FinsThatCrossAreInTimeWait) {
  opens();
  peer_closes();
  from_target(kFin, kIrs + 1, kIss + 1);
  target_closes();  // again, and now it acknowledges
  last_ack();
  EXPECT_FALSE(ended());
}

TEST_F(FlowLogs, NothingEndsBeforeTheLastAck) {
  opens();
  EXPECT_FALSE(ended());
  opens();
  peer_closes();
  EXPECT_FALSE(ended());
  opens();
  peer_closes();
  target_closes();
  EXPECT_FALSE(ended());
}

TEST_F(FlowLogs, AnAckThatMayBeDiscardedEndsNothing) {
  const Bytes option{1, 1, 1, 1}, text(1, 'x');
  struct {
    Ctl ctl;
    std::uint32_t seq, ack;
    PacketFields more{};
  } const acks[] = {{kAck, kIss + 1, kIrs + 2},
                    {kAck, kIss + 3, kIrs + 2},
                    {kAck, kIss + 2, kIrs + 1},
                    {kAck, kIss + 2, kIrs + 3},
                    {kRst, kIss + 2, kIrs + 2},
                    {{.rst = true, .ack = true}, kIss + 2, kIrs + 2},
                    {{.ack = true, .urg = true}, kIss + 2, kIrs + 2},
                    {kAck, kIss + 2, kIrs + 2, {.options = option}},
                    {kAck, kIss + 2, kIrs + 2, {.text = text}},
                    {kAck, kIss + 2, kIrs + 2, {.damage = {.bad_checksum = true}}}};
  for (const auto& ack : acks) {
    opens();
    peer_closes();
    target_closes();
    from_peer(ack.ctl, ack.seq, ack.ack, ack.more);
    EXPECT_FALSE(ended()) << &ack - acks;
  }
  opens();
  peer_closes();
  target_closes();
  Bytes without_checksum = packet({}, true, kAck, kIss + 2, kIrs + 2);
  without_checksum[10] ^= 0x01;  // of the IP header
  log_.note_arriving(without_checksum);
  EXPECT_FALSE(ended());
}

TEST_F(FlowLogs, WhatComesTwiceIsUnclear) {
  whole();
  opens();
  EXPECT_FALSE(ended());
  opens();
  peer_closes();
  peer_closes();
  target_closes();
  last_ack();
  EXPECT_FALSE(ended());
  opens();
  peer_closes();
  target_closes();
  target_closes();
  last_ack();
  EXPECT_FALSE(ended());
}

TEST_F(FlowLogs, NowAndThenTheKernelIsAsked) {
  int scenarios = 0;
  for (; !log_.overflowed() && scenarios < 40000; ++scenarios, ++port_) {
    whole();
    EXPECT_TRUE(ended());
  }
  EXPECT_EQ(scenarios, 16384);
  log_.forget();
  EXPECT_FALSE(log_.overflowed());
}

TEST_F(FlowLogs, ASynOfOneThatWasLeftAloneIsTold) {
  whole();
  EXPECT_TRUE(ended());
  ++port_;
  EXPECT_FALSE(opens());
  --port_;
  const auto again = opens();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->tuple, (Tuple{kPort, port_}));
  EXPECT_FALSE(opens());
  log_.forget();
  EXPECT_FALSE(opens());
}

// The kernel keeps a connection whose last ACK it discards: it is gone when the next scenario begins.
TEST_P(Linux, WhatDidNotEndIsDestroyed) {
  for (const bool damaged : {true, false}) {
    target_->reset(1);
    const Tuple tuple{kPort, 5020};
    const int listener = listening(*target_);
    const std::uint32_t ack = open_from_peer(*peer_, tuple);
    const int handle = accepted(*target_, listener);
    peer_->send(tuple, kFin, kIss + 1, ack);
    peer_->drain();
    call(*target_, {.kind = CallKind::kClose, .handle = handle});
    peer_->drain();
    peer_->send({.source_port = tuple.remote,
                 .destination_port = tuple.local,
                 .seq = kIss + 2,
                 .ack = ack + 1,
                 .ctl = kAck,
                 .damage = {.bad_checksum = damaged}});
    EXPECT_EQ(remaining().size(), damaged ? 2u : 1u);  // the listener is one
    target_->reset(1);
    EXPECT_TRUE(remaining().empty());
  }
}

}  // namespace
}  // namespace tcpassay
