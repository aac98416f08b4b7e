// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/linux_test.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <filesystem>
#include <iterator>
#include <thread>
#include <tuple>

namespace tcpassay {
namespace {

ino_t own_namespace() {
  struct stat file{};
  return stat("/proc/thread-self/ns/net", &file) == 0 ? file.st_ino : 0;
}

std::ptrdiff_t open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return std::distance(begin(files), end(files));
}

// True with the right (of root) to enter and leave network namespaces.
bool may_leave() {
  bool may = false;
  std::thread([&] { may = unshare(CLONE_NEWNET) == 0; }).join();  // the namespace goes with the thread
  return may;
}

INSTANTIATE_TEST_SUITE_P(Kernel, Linux, testing::ValuesIn(kKinds),
                         [](const auto& named) { return std::string(named.param.name); });

TEST_P(Linux, SaysWhatItIs) {
  const Identity& identity = target_->identity();
  EXPECT_FALSE(identity.version.empty());
  EXPECT_TRUE(identity.can(Ability::kSynchronous));
  EXPECT_FALSE(identity.can(Ability::kVirtualTime));
  EXPECT_EQ(identity.msl, 30s);
}

TEST_P(Linux, SynIsAnsweredAtOnce) {
  listening(*target_);
  peer_->send({kPort, 5000}, kSyn, kIss, 0);
  const auto answer = peer_->receive();
  ASSERT_TRUE(answer && answer->ctl.syn && answer->ctl.ack);
  EXPECT_EQ(answer->ack, kIss + 1);
  expect_silence();
}

TEST_P(Linux, ClosedPortResets) {
  peer_->send({81, 5000}, kSyn, kIss, 0);
  const auto answer = peer_->receive();
  ASSERT_TRUE(answer && answer->ctl.rst && answer->ctl.ack);
  EXPECT_EQ(answer->seq, 0u);
}

TEST_P(Linux, ListenerIgnoresReset) {
  listening(*target_);
  peer_->send({kPort, 5000}, kRst, kIss, 0);
  const Time before = target_->now();
  expect_silence();
  EXPECT_LT(target_->now() - before, 20ms);  // decided without waiting
}

TEST_P(Linux, WrongChecksumIsDropped) {
  listening(*target_);
  peer_->send(
      {.source_port = 5000, .destination_port = kPort, .seq = kIss, .ctl = kSyn, .damage = {.bad_checksum = true}});
  expect_silence();
  target_->advance(target_->now() + 5ms);
  expect_silence();
  EXPECT_FALSE(target_->state({kPort, 5000}));
  peer_->send({kPort, 5000}, kSyn, kIss, 0);
  EXPECT_TRUE(peer_->receive());
}

TEST_P(Linux, DataIsReadAndWritten) {
  const int listener = listening(*target_);
  const Tuple tuple{kPort, 5001};
  const std::uint32_t ack = open_from_peer(*peer_, tuple);
  UserCall answer;
  const int handle = accepted(*target_, listener, &answer);
  EXPECT_EQ(answer.tuple, tuple);

  const Bytes text{'a', 'b', 'c'};
  call(*target_, {.kind = CallKind::kRead, .handle = handle, .length = 100}, &answer);
  EXPECT_EQ(answer.error, UserError::kWouldBlock);
  peer_->send(tuple, kAck, kIss + 1, ack, text);
  EXPECT_EQ(call(*target_, {.kind = CallKind::kPoll, .handle = handle}), 1 + 4);
  EXPECT_EQ(call(*target_, {.kind = CallKind::kRead, .handle = handle, .length = 100}, &answer), 3);
  EXPECT_TRUE(std::ranges::equal(answer.text, text));

  peer_->drain();
  EXPECT_EQ(call(*target_, {.kind = CallKind::kWrite, .handle = handle, .length = 3, .text = text}), 3);
  const auto segment = peer_->receive();
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->seq, ack);
  EXPECT_TRUE(std::ranges::equal(segment->text, text));
}

TEST_P(Linux, OpensActively) {
  UserCall answer;
  const int handle = static_cast<int>(call(*target_, {.kind = CallKind::kSocket}));
  call(*target_, {.kind = CallKind::kConnect, .handle = handle, .port = 7000}, &answer);
  EXPECT_EQ(answer.error, UserError::kInProgress);
  const auto syn = peer_->receive();
  ASSERT_TRUE(syn && syn->ctl.syn && !syn->ctl.ack);
  const Tuple tuple{syn->source_port, 7000};
  EXPECT_EQ(answer.tuple, tuple);
  EXPECT_EQ(state(*target_, tuple), State::kSynSent);
  peer_->send(tuple, {.syn = true, .ack = true}, kIss, syn->seq + 1);
  EXPECT_TRUE(peer_->receive()->ctl.ack);
  EXPECT_EQ(state(*target_, tuple), State::kEstablished);
  peer_->send(tuple, kRst, kIss + 1, 0);
  call(*target_, {.kind = CallKind::kGetOption, .handle = handle, .option = SocketOption::kError}, &answer);
  EXPECT_EQ(answer.value, static_cast<int>(UserError::kReset));
  EXPECT_FALSE(target_->state(tuple));
}

TEST_P(Linux, ReportsStatesOfActiveClose) {
  const int listener = listening(*target_);
  const Tuple tuple{kPort, 5002};
  EXPECT_FALSE(target_->state(tuple));  // not the listener's
  peer_->send(tuple, kSyn, kIss, 0);
  EXPECT_EQ(state(*target_, tuple), State::kSynReceived);
  const std::uint32_t ack = peer_->receive()->seq + 1;
  peer_->send(tuple, kAck, kIss + 1, ack);
  EXPECT_EQ(state(*target_, tuple), State::kEstablished);  // before accept
  const int handle = accepted(*target_, listener);
  EXPECT_EQ(state(*target_, tuple), State::kEstablished);
  EXPECT_EQ(call(*target_, {.kind = CallKind::kShutdown, .handle = handle, .how = 1}), 0);
  EXPECT_EQ(state(*target_, tuple), State::kFinWait1);
  peer_->send(tuple, kAck, kIss + 1, ack + 1);
  EXPECT_EQ(state(*target_, tuple), State::kFinWait2);
  peer_->send(tuple, kFin, kIss + 1, ack + 1);
  EXPECT_EQ(state(*target_, tuple), State::kTimeWait);
}

TEST_P(Linux, ReportsStatesOfPassiveClose) {
  const int listener = listening(*target_);
  const Tuple tuple{kPort, 5003};
  const std::uint32_t ack = open_from_peer(*peer_, tuple);
  const int handle = accepted(*target_, listener);
  peer_->send(tuple, kFin, kIss + 1, ack);
  EXPECT_EQ(state(*target_, tuple), State::kCloseWait);
  EXPECT_EQ(call(*target_, {.kind = CallKind::kClose, .handle = handle}), 0);
  EXPECT_EQ(state(*target_, tuple), State::kLastAck);
  peer_->send(tuple, kAck, kIss + 2, ack + 1);
  EXPECT_FALSE(target_->state(tuple));
}

TEST_P(Linux, ReportsClosing) {
  const int listener = listening(*target_);
  const Tuple tuple{kPort, 5004};
  const std::uint32_t ack = open_from_peer(*peer_, tuple);
  call(*target_, {.kind = CallKind::kClose, .handle = accepted(*target_, listener)});
  peer_->send(tuple, kFin, kIss + 1, ack);  // crosses the target's FIN
  EXPECT_EQ(state(*target_, tuple), State::kClosing);
}

TEST_P(Linux, ForeignHandlesAreRefused) {
  UserCall answer;
  for (const int handle : {-1, 0, 1, 2, 3, 1'000'000}) {
    call(*target_, {.kind = CallKind::kClose, .handle = handle}, &answer);
    EXPECT_EQ(answer.error, UserError::kBadHandle);
  }
  const int handle = static_cast<int>(call(*target_, {.kind = CallKind::kSocket}));
  EXPECT_EQ(handle, 3);
  EXPECT_EQ(call(*target_, {.kind = CallKind::kClose, .handle = handle}), 0);
  EXPECT_EQ(call(*target_, {.kind = CallKind::kClose, .handle = handle}), -1);
}

TEST_P(Linux, OptionsAreSetAndRead) {
  UserCall answer;
  const int handle = static_cast<int>(call(*target_, {.kind = CallKind::kSocket}));
  const auto set = [&](SocketOption option, std::int64_t value) {
    return call(*target_, {.kind = CallKind::kSetOption, .handle = handle, .option = option, .value = value});
  };
  const auto get = [&](SocketOption option) {
    call(*target_, {.kind = CallKind::kGetOption, .handle = handle, .option = option}, &answer);
    return answer.value;
  };
  EXPECT_EQ(set(SocketOption::kLinger, 5), 0);
  EXPECT_EQ(get(SocketOption::kLinger), 5);
  EXPECT_EQ(set(SocketOption::kLinger, -1), 0);
  EXPECT_EQ(get(SocketOption::kLinger), -1);
  EXPECT_EQ(set(SocketOption::kNoDelay, 1), 0);
  EXPECT_EQ(get(SocketOption::kNoDelay), 1);
  EXPECT_EQ(get(SocketOption::kReuseAddress), 1);
  EXPECT_EQ(set(SocketOption::kOther, 1), -1);
  get(SocketOption::kOther);
  EXPECT_EQ(answer.error, UserError::kNoProtocolOption);
}

// Leaves one connection in each state that can exist without a socket, and others with open sockets.
TEST_P(Linux, ResetLeavesNothing) {
  const int listener = listening(*target_);
  peer_->send({kPort, 6001}, kSyn, kIss, 0);  // SYN-RECEIVED
  peer_->drain();
  open_from_peer(*peer_, {kPort, 6002});  // never accepted
  UserCall answer;
  std::vector<Tuple> left{{kPort, 6001}};
  for (std::uint16_t remote = 6003; remote <= 6007; ++remote) {
    const Tuple tuple{kPort, remote};
    peer_->drain();
    const std::uint32_t ack = open_from_peer(*peer_, tuple);
    while (accepted(*target_, listener, &answer) >= 0 && answer.tuple != tuple) {
    }
    const int handle = static_cast<int>(answer.result);
    if (remote == 6007) continue;                                                       // ESTABLISHED
    if (remote == 6006) peer_->send(tuple, kFin, kIss + 1, ack);                        // LAST-ACK
    call(*target_, {.kind = CallKind::kClose, .handle = handle});                       // 6003: FIN-WAIT-1
    if (remote == 6004 || remote == 6005) peer_->send(tuple, kAck, kIss + 1, ack + 1);  // FIN-WAIT-2
    if (remote == 6005) peer_->send(tuple, kFin, kIss + 1, ack + 1);                    // TIME-WAIT
    left.push_back(tuple);
  }
  EXPECT_EQ(state(*target_, {kPort, 6003}), State::kFinWait1);
  EXPECT_EQ(state(*target_, {kPort, 6004}), State::kFinWait2);
  EXPECT_EQ(state(*target_, {kPort, 6005}), State::kTimeWait);
  EXPECT_EQ(state(*target_, {kPort, 6006}), State::kLastAck);
  EXPECT_GE(remaining().size(), 7u);
  target_->reset(1);
  expect_silence();
  EXPECT_EQ(remaining().size(), 0u);
  for (const Tuple tuple : left) EXPECT_FALSE(target_->state(tuple));
  target_->advance(target_->now() + 20ms);
  expect_silence();
}

TEST_P(Linux, ResetLeavesNothingOfVeryMany) {
  listening(*target_);
  for (std::uint16_t remote = 10'000; remote < 10'300; ++remote) peer_->send({kPort, remote}, kSyn, kIss, 0);
  peer_->drain();
  EXPECT_GT(remaining().size(), 5u);
  target_->reset(1);
  EXPECT_EQ(remaining().size(), 0u);
  expect_silence();
}

TEST_P(Linux, SettingsLastUntilTheNextReset) {
  const auto bits_of_answer = [&](std::uint16_t remote) {
    listening(*target_);
    peer_->send({.source_port = remote,
                 .destination_port = kPort,
                 .seq = kIss,
                 .ctl = {.syn = true, .ece = true, .cwr = true}});
    const auto answer = peer_->receive();
    return answer && answer->ctl.ece;
  };
  ASSERT_TRUE(target_->identity().has_setting("ecn"));
  EXPECT_FALSE(target_->configure("no-such-setting", 1));
  ASSERT_TRUE(target_->configure("ecn", 0));
  ASSERT_TRUE(target_->configure("ecn", 1));
  EXPECT_TRUE(bits_of_answer(6101));
  target_->reset(1);
  ASSERT_TRUE(target_->configure("ecn", 0));
  EXPECT_FALSE(bits_of_answer(6102));
  target_->reset(1);
  EXPECT_TRUE(bits_of_answer(6103));  // the default: agreed to when asked
}

TEST_P(Linux, TuningLastsUntilTheNextReset) {
  EXPECT_TRUE(target_->has_tuning("net.ipv4.tcp_notsent_lowat"));
  EXPECT_FALSE(target_->has_tuning("net.ipv4.tcp_no_such_thing"));
  EXPECT_FALSE(target_->has_tuning("kernel.hostname"));
  EXPECT_FALSE(target_->has_tuning("net.ipv4/../../kernel/hostname"));
  EXPECT_FALSE(target_->tune("net.ipv4.tcp_notsent_lowat", "many"));
  EXPECT_TRUE(target_->has_tuning("net.ipv4.tcp_congestion_control reno"));
  EXPECT_FALSE(target_->has_tuning("net.ipv4.tcp_congestion_control no-such-control"));
  if (target_->has_tuning("tc")) {
    EXPECT_TRUE(target_->has_tuning("tc qdisc replace dev tun0 root pfifo limit 5"));
    EXPECT_TRUE(target_->has_tuning("tc qdisc del dev tun0 root"));
    EXPECT_FALSE(target_->has_tuning("tc qdisc add dev tun0 root handle 1: no-such-discipline"));
    EXPECT_FALSE(target_->has_tuning("ip route change 192.0.2.0/24 dev tun0 congctl no-such-control"));
    EXPECT_TRUE(target_->has_tuning("ip route change 192.0.2.0/24 dev tun0 congctl reno"));
  }
  ASSERT_TRUE(target_->tune("net.ipv4.tcp_syn_retries", "2"));
  target_->reset(1);
  ASSERT_TRUE(target_->tune("net.ipv4.tcp_rmem", "4096 65536 131072"));
}

TEST_P(Linux, ResetsLeakNoFile) {
  const auto scenario = [&] {
    const int listener = listening(*target_);
    open_from_peer(*peer_, {kPort, 5005});
    EXPECT_GE(accepted(*target_, listener), 0);
    target_->reset(1);
    EXPECT_FALSE(target_->collect());
  };
  scenario();
  const auto before = open_files();
  for (int i = 0; i < 1000; ++i) scenario();
  EXPECT_EQ(open_files(), before);
  EXPECT_EQ(remaining().size(), 0u);
}

TEST_P(Linux, TimePassesUntilThereIsSomething) {
  target_->advance(target_->now() + 10ms);
  EXPECT_GE(target_->now(), 10ms);
  listening(*target_);
  peer_->send({kPort, 5006}, kSyn, kIss, 0);
  EXPECT_TRUE(peer_->receive());
  target_->advance(target_->now() + 3s);  // the SYN-ACK is retransmitted after a second
  const auto again = target_->collect();
  ASSERT_TRUE(again);
  EXPECT_GT(again->until, 900ms);
  EXPECT_LT(again->until, 2500ms);
  EXPECT_LT(again->until - again->from, 500ms);
}

TEST_P(Linux, CallerKeepsItsNamespace) {
  const ino_t before = own_namespace();
  {
    const auto other = GetParam().make();
    const auto third = GetParam().make();
    listening(*other);
    listening(*third);
    if (may_leave()) {
      EXPECT_EQ(own_namespace(), before);
    }
  }
  if (may_leave()) {
    EXPECT_EQ(own_namespace(), before);
  }
  listening(*target_);
}

TEST_P(Linux, CheckIsCheapAndLeavesNothing) {
  const auto files = open_files();
  const ino_t before = own_namespace();
  EXPECT_FALSE(GetParam().missing());
  EXPECT_EQ(open_files(), files);
  EXPECT_EQ(own_namespace(), before);
}

// The segments that a target sends in a fixed conversation, without what the kernel chooses at random.
std::vector<std::tuple<bool, bool, bool, bool, std::uint32_t, std::uint32_t, std::uint16_t, Bytes, Bytes>> converse(
    Target& target) {
  Peer peer(target);
  std::vector<std::tuple<bool, bool, bool, bool, std::uint32_t, std::uint32_t, std::uint16_t, Bytes, Bytes>> said;
  std::optional<std::uint32_t> irs;
  const auto listen = [&] {
    while (const auto it = peer.receive()) {
      if (it->ctl.syn) irs = it->seq;
      Bytes text(it->text.begin(), it->text.end()), options(it->options.begin(), it->options.end());
      said.emplace_back(it->ctl.syn, it->ctl.ack, it->ctl.rst, it->ctl.fin, it->seq - irs.value_or(it->seq), it->ack,
                        it->wnd, options, text);
    }
  };
  const Tuple tuple{kPort, 5007};
  const Bytes text(3000, 'x'), some(100, 'y');
  const Bytes mss{2, 4, 2, 0};  // 512
  const int listener = listening(target);
  peer.send({.source_port = tuple.remote, .destination_port = tuple.local, .seq = kIss, .ctl = kSyn, .options = mss});
  listen();
  const std::uint32_t ack = irs.value_or(0) + 1;
  peer.send(tuple, kAck, kIss + 1, ack);
  const int handle = accepted(target, listener);
  peer.send(tuple, kAck, kIss + 1, ack, some);
  peer.send(tuple, kAck, kIss + 301, ack, some);         // a gap: duplicate ACK
  peer.send(tuple, kRst, kIss + 150, ack);               // in the window: challenge ACK
  peer.send(tuple, kSyn, kIss + 101, ack);               // challenge ACK
  peer.send(tuple, kAck, kIss + 101 + 0x10000000, ack);  // outside of the window
  listen();
  call(target, {.kind = CallKind::kWrite, .handle = handle, .length = 3000, .text = text});
  listen();
  peer.send(tuple, kAck, kIss + 101, ack + 3000);
  peer.send(tuple, kFin, kIss + 101, ack + 3000);
  call(target, {.kind = CallKind::kClose, .handle = handle});
  listen();
  peer.send({81, 5008}, kAck, kIss, 77);
  irs.reset();
  listen();
  return said;
}

TEST(LinuxTargets, BothSayTheSame) {
  if (const auto missing = linux_missing()) GTEST_SKIP() << *missing;
  if (const auto missing = linux_raw_missing()) GTEST_SKIP() << *missing;
  const auto linux_says = converse(*make_linux());
  EXPECT_GE(linux_says.size(), 10u);
  EXPECT_EQ(linux_says, converse(*make_linux_raw()));
}

// Packets that leave while nobody collects all come in the end, and the wire is known to be empty after the last.
TEST(LinuxTargets, NoPacketIsForgotten) {
  if (const auto missing = linux_missing()) GTEST_SKIP() << *missing;
  const auto target = make_linux();
  Peer peer(*target);
  for (int round = 0; round < 3; ++round) {
    target->reset(1);
    constexpr int kPackets = 1000;
    for (int i = 0; i < kPackets; ++i) peer.send({81, 5011}, kAck, kIss, 77);
    EXPECT_EQ(peer.drain(), kPackets);
    EXPECT_EQ(peer.drain(), 0);
    peer.send({81, 5011}, kAck, kIss, 77);  // uncollected at the reset
  }
}

// A child process gives up root and plays in a user namespace, as an ordinary user does.
TEST(LinuxTargets, AnOrdinaryUserPlaysToo) {
  constexpr uid_t kNobody = 65534;
  constexpr int kPlayed = 0, kMissing = 1, kFailed = 2;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (geteuid() == 0 && (setresgid(kNobody, kNobody, kNobody) != 0 || setresuid(kNobody, kNobody, kNobody) != 0)) {
      _exit(kMissing);
    }
    prctl(PR_SET_DUMPABLE, 1);  // so that /proc/self belongs to that user
    try {
      if (linux_raw_missing()) _exit(kMissing);
      const auto target = make_linux_raw();
      Peer peer(*target);
      listening(*target);
      peer.send({kPort, 5007}, kSyn, kIss, 0);
      const auto answer = peer.receive();
      _exit(answer && answer->ctl.syn && answer->ctl.ack ? kPlayed : kFailed);
    } catch (const std::exception&) {
      _exit(kFailed);
    }
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kMissing) GTEST_SKIP() << "an ordinary user has no raw target here";
  EXPECT_EQ(WEXITSTATUS(status), kPlayed) << "said to be ready, and does not work";
}

TEST(LinuxTargets, WorkInAnyThreadOfTheProcess) {
  if (!may_leave()) GTEST_SKIP() << "without root the process stays in the private network namespace";
  if (const auto missing = linux_missing()) GTEST_SKIP() << *missing;
  const auto target = make_linux();
  std::thread([&] {
    const ino_t before = own_namespace();
    listening(*target);
    EXPECT_EQ(own_namespace(), before);
  }).join();
  Peer peer(*target);
  open_from_peer(peer, {kPort, 5009});
}

}  // namespace
}  // namespace tcpassay
