// SPDX-License-Identifier: Apache-2.0
// A listener that a scenario leaves to the next one: it is the same socket, and nothing of the earlier scenario shows.
#include "harness/targets/linux/kept_listener.h"

#include <filesystem>
#include <set>

#include "harness/targets/linux/linux_test.h"

namespace tcpassay {
namespace {

constexpr std::uint16_t kOtherPort = 81;

class KeptListeners : public Linux {};

INSTANTIATE_TEST_SUITE_P(Kernel, KeptListeners, testing::ValuesIn(kKinds),
                         [](const auto& named) { return std::string(named.param.name); });

// "socket:[1234]" of each socket of this process.
std::set<std::string> open_sockets() {
  std::set<std::string> names;
  std::error_code gone;
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
    const std::string name = std::filesystem::read_symlink(each.path(), gone).string();
    if (name.starts_with("socket:")) names.insert(name);
  }
  return names;
}

// What answers a SYN to the port: "SYN-ACK", "RST" or nothing.
std::string answer_of(Peer& peer, std::uint16_t port, std::uint16_t remote) {
  peer.send({port, remote}, kSyn, kIss, 0);
  const auto answer = peer.receive();
  return !answer ? "" : answer->ctl.rst ? "RST" : answer->ctl.syn && answer->ctl.ack ? "SYN-ACK" : "another";
}

TEST_P(KeptListeners, TheNextScenarioListensOnTheSameSocket) {
  listening(*target_);
  const auto first = open_sockets();
  for (std::uint16_t round = 0; round < 3; ++round) {
    target_->reset(1);
    EXPECT_EQ(answer_of(*peer_, kPort, static_cast<std::uint16_t>(5100 + round)), "RST");
    target_->reset(1);
    const int listener = listening(*target_);
    EXPECT_EQ(open_sockets(), first);
    open_from_peer(*peer_, {kPort, 5001});
    UserCall call;
    EXPECT_GE(accepted(*target_, listener, &call), 0);
    EXPECT_EQ(call.tuple, (Tuple{kPort, 5001}));
  }
}

TEST_P(KeptListeners, CloseEndsListeningAtOnce) {
  const int listener = listening(*target_);
  open_from_peer(*peer_, {kPort, 5001});  // waits to be accepted
  EXPECT_EQ(call(*target_, {.kind = CallKind::kClose, .handle = listener}), 0);
  const auto reset = peer_->receive();
  EXPECT_TRUE(reset && reset->ctl.rst);
  EXPECT_EQ(answer_of(*peer_, kPort, 5002), "RST");
  EXPECT_EQ(call(*target_, {.kind = CallKind::kListen, .handle = listener, .length = 1}), -1);
  listening(*target_);
  EXPECT_EQ(answer_of(*peer_, kPort, 5002), "SYN-ACK");
}

TEST_P(KeptListeners, AnotherPortAndAnActiveOpenGetANewSocket) {
  listening(*target_);
  target_->reset(1);
  listening(*target_, kOtherPort);
  EXPECT_EQ(answer_of(*peer_, kPort, 5001), "RST");
  EXPECT_EQ(answer_of(*peer_, kOtherPort, 5001), "SYN-ACK");
  target_->reset(1);
  const int handle = static_cast<int>(call(*target_, {.kind = CallKind::kSocket}));
  UserCall made;
  call(*target_, {.kind = CallKind::kConnect, .handle = handle, .port = 5000}, &made);
  EXPECT_EQ(made.error, UserError::kInProgress);
  EXPECT_NE(made.tuple.local, kOtherPort);
}

TEST_P(KeptListeners, OnePortHasOneListener) {
  listening(*target_);
  target_->reset(1);
  const int first = static_cast<int>(call(*target_, {.kind = CallKind::kSocket}));
  listening(*target_);
  EXPECT_EQ(call(*target_, {.kind = CallKind::kBind, .handle = first, .port = kPort}), -1);
}

TEST_P(KeptListeners, AnOptionOfAListenerGoesWithItsScenario) {
  const auto ttl = [&](std::uint16_t remote) {
    peer_->send({kPort, remote}, kSyn, kIss, 0);
    const auto answer = peer_->receive();
    return answer ? int{answer->ttl} : -1;
  };
  listening(*target_);
  const int usual = ttl(5001);
  for (const bool listens : {false, true}) {
    target_->reset(1);
    const int listener = listens ? listening(*target_) : static_cast<int>(call(*target_, {.kind = CallKind::kSocket}));
    UserCall limit{.kind = CallKind::kSetOption, .handle = listener, .option = SocketOption::kTimeToLive, .value = 9};
    EXPECT_EQ(call(*target_, limit), 0);
    if (!listens) {
      EXPECT_EQ(call(*target_, {.kind = CallKind::kBind, .handle = listener, .port = kPort}), 0);
      EXPECT_EQ(call(*target_, {.kind = CallKind::kListen, .handle = listener, .length = 10}), 0);
    }
    EXPECT_EQ(ttl(5002), 9);
    target_->reset(1);
    listening(*target_);
    EXPECT_EQ(ttl(5003), usual);
  }
}

// The size of its receive buffer a socket has from its making.
TEST_P(KeptListeners, ASettingMakesANewSocket) {
  constexpr const char* kBuffers = "net.ipv4.tcp_rmem";
  if (!target_->has_tuning(kBuffers)) GTEST_SKIP() << "no " << kBuffers;
  const auto window = [&] {
    peer_->send({kPort, 5001}, kSyn, kIss, 0);
    const auto answer = peer_->receive();
    return answer ? int{answer->wnd} : -1;
  };
  listening(*target_);
  const int usual = window();
  target_->reset(1);
  ASSERT_TRUE(target_->tune(kBuffers, "4096 8192 8192"));
  listening(*target_);
  const int small = window();
  EXPECT_LT(small, usual);
  target_->reset(1);
  listening(*target_);
  EXPECT_EQ(window(), usual);
}

// What a scenario sees at its first socket, bound and not listening: the events, what accept() says, who else may be
// bound to the port, and what answers a SYN.
struct Bound {
  std::int64_t events = -1;
  UserError accept{}, listen_again{};
  std::string answer;
  friend bool operator==(const Bound&, const Bound&) = default;
};

// Nothing waits at the listener, so it may go on listening: nobody sees that.
TEST_P(KeptListeners, WhoHasNotListenedFindsNoListener) {
  const auto look = [&](int asked) {
    Bound bound;
    UserCall made;
    const int handle = static_cast<int>(call(*target_, {.kind = CallKind::kSocket}));
    EXPECT_EQ(call(*target_, {.kind = CallKind::kBind, .handle = handle, .port = kPort}), 0);
    if (asked == 0) bound.events = call(*target_, {.kind = CallKind::kPoll, .handle = handle});
    if (asked == 1) call(*target_, {.kind = CallKind::kAccept, .handle = handle}, &made);
    if (asked == 1) bound.accept = made.error;
    if (asked == 2) bound.answer = answer_of(*peer_, kPort, 5002);
    if (asked == 3) bound.events = target_->implementation_specific(handle, "tcpi_state", {}).value_or(-1);
    if (asked == 4) {
      const int other = static_cast<int>(call(*target_, {.kind = CallKind::kSocket}));
      bound.events = call(*target_, {.kind = CallKind::kBind, .handle = other, .port = kPort});
    }
    return bound;
  };
  for (int asked = 0; asked < 5; ++asked) {
    target_->reset(1);
    ASSERT_TRUE(target_->configure("syncookies", 0));  // so that the socket is a new one
    const Bound usual = look(asked);
    target_->reset(1);
    const int listener = listening(*target_);
    open_from_peer(*peer_, {kPort, 5001});
    EXPECT_GE(accepted(*target_, listener), 0);
    target_->reset(1);
    EXPECT_EQ(look(asked), usual) << asked;
  }
}

TEST_P(KeptListeners, CloseOfAListenerWhereNothingWaits) {
  for (int round = 0; round < 2; ++round) {
    const int listener = listening(*target_);
    open_from_peer(*peer_, {kPort, 5001});
    const int handle = accepted(*target_, listener);
    EXPECT_EQ(call(*target_, {.kind = CallKind::kClose, .handle = listener}), 0);
    expect_silence();
    EXPECT_EQ(answer_of(*peer_, kPort, 5002), "RST");
    EXPECT_EQ(call(*target_, {.kind = CallKind::kClose, .handle = handle}), 0);
    EXPECT_TRUE(peer_->receive());  // the FIN
    target_->reset(1);
    EXPECT_TRUE(remaining().empty());
  }
}

TEST_P(KeptListeners, TheBacklogIsTheScenariosOwn) {
  for (const std::uint32_t backlog : {10u, 3u, 3u, 10u}) {
    const int handle = static_cast<int>(call(*target_, {.kind = CallKind::kSocket}));
    call(*target_, {.kind = CallKind::kBind, .handle = handle, .port = kPort});
    EXPECT_EQ(call(*target_, {.kind = CallKind::kListen, .handle = handle, .length = backlog}), 0);
    EXPECT_EQ(target_->implementation_specific(handle, "tcpi_sacked", {}), backlog);  // what TCP_INFO of a listener has
    target_->reset(1);
  }
}

TEST_P(KeptListeners, RequestsOfAnEarlierScenarioTakeNoRoom) {
  for (int round = 0; round < 3; ++round) {
    listening(*target_);  // with a backlog of 10
    for (std::uint16_t remote = 10'000; remote < 10'100; ++remote) peer_->send({kPort, remote}, kSyn, kIss, 0);
    EXPECT_GT(peer_->drain(), 5);
    target_->reset(1);
    listening(*target_);
    EXPECT_EQ(answer_of(*peer_, kPort, 5001), "SYN-ACK");
    peer_->send({kPort, 10'000}, kAck, kIss + 1, 1);  // of the earlier scenario
    const auto answer = peer_->receive();
    EXPECT_TRUE(answer && answer->ctl.rst);
    target_->reset(1);
    EXPECT_TRUE(remaining().empty());
  }
}

}  // namespace
}  // namespace tcpassay
