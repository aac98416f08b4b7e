// SPDX-License-Identifier: Apache-2.0
// The kernel targets over IPv6.
#include "harness/targets/linux/linux_test.h"

namespace tcpassay {
namespace {

class LinuxIpv6 : public Linux {
 protected:
  void SetUp() override {
    Linux::SetUp();
    if (IsSkipped()) return;
    if (!target_->identity().can(Ability::kIpv6)) GTEST_SKIP() << "no IPv6 here";
    target_->use_ip(6);
    target_->reset(1);
    peer_->ipv6 = true;
  }
};

INSTANTIATE_TEST_SUITE_P(Kernel, LinuxIpv6, testing::ValuesIn(kKinds),
                         [](const auto& named) { return std::string(named.param.name); });

TEST_P(LinuxIpv6, AConnectionLeavesNothingBehind) {
  const int listener = listening(*target_);
  const Tuple tuple{kPort, 5000};
  peer_->send(tuple, kSyn, kIss, 0);
  const auto answer = peer_->receive();
  ASSERT_TRUE(answer && answer->ctl.syn && answer->ctl.ack);
  EXPECT_EQ(answer->source, target_->identity().ipv6_address);
  EXPECT_EQ(answer->opt.mss, 1440);
  EXPECT_EQ(state(*target_, tuple), State::kSynReceived);
  peer_->send(tuple, kAck, kIss + 1, answer->seq + 1);
  UserCall accepted_call;
  const int handle = accepted(*target_, listener, &accepted_call);
  ASSERT_GE(handle, 0);
  EXPECT_EQ(accepted_call.tuple, tuple);
  EXPECT_EQ(state(*target_, tuple), State::kEstablished);
  const Bytes text(1000, 'x');
  EXPECT_EQ(call(*target_, {.kind = CallKind::kWrite, .handle = handle, .length = 1000, .text = text}), 1000);
  EXPECT_EQ(peer_->receive()->text.size(), 1000u);
  expect_silence();
  target_->reset(1);
  EXPECT_TRUE(remaining().empty());
  EXPECT_FALSE(state(*target_, tuple));
}

TEST_P(LinuxIpv6, AnActiveOpen) {
  const int handle = static_cast<int>(call(*target_, {.kind = CallKind::kSocket}));
  UserCall made;
  call(*target_, {.kind = CallKind::kConnect, .handle = handle, .port = 5000}, &made);
  EXPECT_EQ(made.error, UserError::kInProgress);
  const auto syn = peer_->receive();
  ASSERT_TRUE(syn && syn->ctl.syn);
  peer_->send(made.tuple, {.syn = true, .ack = true}, kIss, syn->seq + 1);
  EXPECT_TRUE(peer_->receive());
  EXPECT_EQ(state(*target_, made.tuple), State::kEstablished);
  target_->reset(1);
  EXPECT_TRUE(remaining().empty());
}

// The kernel accepts a SYN after an extension header, and the target cleans up the connection.
TEST_P(LinuxIpv6, ExtensionHeaders) {
  listening(*target_);
  Bytes packet;
  encode({.source = target_->identity().ipv6_peer_address,
          .destination = target_->identity().ipv6_address,
          .source_port = 5000,
          .destination_port = kPort,
          .seq = kIss,
          .ctl = kSyn,
          .wnd = 65535},
         packet);
  const Bytes header{6, 0, 1, 4, 0, 0, 0, 0};
  packet.insert(packet.begin() + 40, header.begin(), header.end());
  packet[5] = static_cast<std::uint8_t>(packet[5] + header.size());
  packet[6] = 60;
  target_->inject(packet);
  EXPECT_TRUE(peer_->receive());
  expect_silence();
  target_->reset(1);
  EXPECT_TRUE(remaining().empty());
}

// Packets to the target may be longer than those that the target sends.
TEST_P(LinuxIpv6, PacketsLongerThanTheMtu) {
  for (const std::uint8_t ip : {std::uint8_t{4}, std::uint8_t{6}}) {
    target_->use_ip(ip);
    target_->reset(1);
    peer_->ipv6 = ip == 6;
    const int listener = listening(*target_);
    const Tuple tuple{kPort, 5000};
    const std::uint32_t next = open_from_peer(*peer_, tuple);
    const int handle = accepted(*target_, listener);
    const Bytes text(9000, 'x');
    peer_->send(tuple, kAck, kIss + 1, next, text);
    const auto answer = peer_->receive();
    ASSERT_TRUE(answer) << "IPv" << int{ip};
    EXPECT_EQ(answer->ack, kIss + 1 + 9000);
    expect_silence();
    EXPECT_EQ(call(*target_, {.kind = CallKind::kWrite, .handle = handle, .length = 9000, .text = text}), 9000);
    const auto sent = peer_->receive();
    ASSERT_TRUE(sent) << "IPv" << int{ip};
    EXPECT_LE(sent->text.size(), ip == 6 ? 1440u : 1460u);
  }
}

}  // namespace
}  // namespace tcpassay
