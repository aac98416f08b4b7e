// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/linux.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <thread>
#include <tuple>
#include <vector>

#include "harness/targets/linux/linux_target.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 80;        // the target's
constexpr std::uint32_t kIss = 1'000'000;  // the peer's
constexpr Ctl kSyn{.syn = true}, kAck{.ack = true}, kRst{.rst = true}, kFin{.fin = true, .ack = true};

ino_t own_namespace() {
  struct stat file{};
  return stat("/proc/thread-self/ns/net", &file) == 0 ? file.st_ino : 0;
}

std::ptrdiff_t open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return std::distance(begin(files), end(files));
}

// Whether the caller's namespace need not be given up, which takes a right that root has.
bool may_leave() {
  bool may = false;
  std::thread([&] { may = unshare(CLONE_NEWNET) == 0; }).join();  // the namespace goes with the thread
  return may;
}

struct Kind {
  const char* name;
  std::unique_ptr<Target> (*make)();
  std::optional<std::string> (*missing)();
};
void PrintTo(const Kind& kind, std::ostream* out) {
  *out << kind.name;
}
const Kind kKinds[] = {{"linux", make_linux, linux_missing}, {"linux_raw", make_linux_raw, linux_raw_missing}};

// A peer that speaks segment by segment to a target.
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
  // What came out, without its text.
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

// The result of a call, and the call's other answers where they are wanted.
std::int64_t call(Target& target, UserCall made, UserCall* answer = nullptr) {
  target.call(made);
  if (answer) *answer = made;
  return made.result;
}

int listening(Target& target, std::uint16_t port = kPort) {
  const int handle = static_cast<int>(call(target, {.kind = CallKind::kSocket}));
  EXPECT_EQ(call(target, {.kind = CallKind::kBind, .handle = handle, .port = port}), 0);
  EXPECT_EQ(call(target, {.kind = CallKind::kListen, .handle = handle, .length = 10}), 0);
  return handle;
}

int accepted(Target& target, int listener, UserCall* answer = nullptr) {
  return static_cast<int>(call(target, {.kind = CallKind::kAccept, .handle = listener}, answer));
}

// The peer opens; returns the number that the peer acknowledges next.
std::uint32_t open_from_peer(Peer& peer, Tuple tuple) {
  peer.send(tuple, kSyn, kIss, 0);
  const auto answer = peer.receive();
  EXPECT_TRUE(answer && answer->ctl.syn && answer->ctl.ack);
  if (!answer) return 0;
  peer.send(tuple, kAck, kIss + 1, answer->seq + 1);
  return answer->seq + 1;
}

std::optional<State> state(Target& target, Tuple tuple) {
  const auto report = target.state(tuple);
  return report ? std::optional(report->state) : std::nullopt;
}

// One target of each kind serves all tests, as it serves all scenarios of a run.
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

INSTANTIATE_TEST_SUITE_P(Kernel, Linux, testing::ValuesIn(kKinds),
                         [](const auto& named) { return std::string(named.param.name); });

TEST_P(Linux, SaysWhatItIs) {
  const Identity& identity = target_->identity();
  EXPECT_FALSE(identity.version.empty());
  EXPECT_TRUE(identity.can(Ability::kSynchronous));
  EXPECT_FALSE(identity.can(Ability::kVirtualTime));
  EXPECT_EQ(identity.msl, 30s);
}

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

// Behind an extension header the kernel finds the SYN, and the target what it leaves.
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

// The way to the target carries more than the target itself sends in one packet.
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

// One connection is left in each state that outlives its socket, and others with their sockets open.
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

// What a target says to a fixed conversation, but for what the kernel chooses at random.
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
