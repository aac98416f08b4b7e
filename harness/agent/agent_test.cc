// SPDX-License-Identifier: Apache-2.0
#include "harness/agent/agent.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "harness/base/file_descriptor.h"
#include "harness/target/inconclusive.h"
#include "harness/target/target.h"
#include "harness/targets/linux/namespace.h"
#include "harness/targets/linux/netlink.h"
#include "harness/targets/remote/agent_client.h"
#include "harness/targets/remote/agent_protocol.h"
#include "harness/targets/remote/remote_target.h"
#include "harness/wire/packet.h"
#include "models/event.h"
#include "models/segment.h"

namespace tcpassay {
namespace {

using namespace std::chrono_literals;

constexpr Ctl kSyn{.syn = true}, kAck{.ack = true};

// The tap device tap0 in this namespace, there until the namespace goes; false where the machine has none.
bool make_tap() {
  const FileDescriptor device(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  ifreq request{};
  std::strncpy(request.ifr_name, "tap0", sizeof request.ifr_name - 1);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  return device && ioctl(device.get(), TUNSETIFF, &request) == 0 && ioctl(device.get(), TUNSETPERSIST, 1) == 0;
}

// This machine's kernel behind the agent in a namespace of its own, and our side in another one. Or the kernel has a
// tap device, and our side is its wire.
enum class Wire : std::uint8_t { kPair, kTap };

class Bed {
 public:
  explicit Bed(Wire wire = Wire::kPair) {
    if (wire == Wire::kTap) {
      const NetworkNamespace::Visit visit(there_);
      has_tap_ = make_tap();
      if (has_tap_) {
        Interfaces().add_address("tap0", {.octets = {10, 77, 0, 1}}, 24);
        Interfaces().bring_up("tap0");
      }
    } else {
      const NetworkNamespace::Visit visit(there_);
      Interfaces interfaces;
      interfaces.add_veth({.name = "target0", .link_address = {2, 0, 10, 77, 0, 1}},
                          {.name = "peer0", .link_address = {2, 0, 10, 77, 0, 3}}, here_.fd(), 1500);
      interfaces.add_address("target0", {.octets = {10, 77, 0, 1}}, 24);
      interfaces.bring_up("target0");
    }
    if (wire == Wire::kPair) {
      const NetworkNamespace::Visit visit(here_);
      Interfaces().bring_up("peer0");
    }
    agent_ = fork();
    if (agent_ != 0) return;
    const NetworkNamespace::Visit for_good(there_);
    Agent agent({.listen = "unix:" + path_, .addresses = {"10.77.0.1"}, .dedicated = true});
    for (;;) agent.serve(-1);
  }
  ~Bed() {
    kill(agent_, SIGKILL);
    waitpid(agent_, nullptr, 0);
    unlink(path_.c_str());
  }

  std::string place() const { return "unix:" + path_; }
  void wait_for_agent() const {
    for (int i = 0; i < 100 && access(path_.c_str(), F_OK) != 0; ++i) usleep(20000);
    usleep(20000);  // between its bind() and its listen()
  }
  // With options as "port=7", or with the agent.
  std::unique_ptr<Target> make(const std::string& options) const {
    const NetworkNamespace::Visit visit(here_);
    return make_remote("remote:10.77.0.1?interface=peer0&from=10.77.0.16&" + options);
  }
  std::unique_ptr<Target> make() const {
    wait_for_agent();
    return make("agent=" + place());
  }
  bool has_tap() const { return has_tap_; }
  // By the tap device, under a name such as "tap0".
  std::unique_ptr<Target> make_by(const std::string& device) const {
    wait_for_agent();
    const NetworkNamespace::Visit visit(there_);
    return make_remote("tap:" + device + "?target=10.77.0.1&from=10.77.0.16&agent=" + place());
  }
  // A socket that listens on the target's machine.
  FileDescriptor service(std::uint16_t port) const {
    const NetworkNamespace::Visit visit(there_);
    FileDescriptor fd(socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    EXPECT_EQ(listen(fd.get(), 5), 0);
    return fd;
  }

 private:
  std::string path_ = "/tmp/tcpassay-agent-test-" + std::to_string(getpid());
  NetworkNamespace there_, here_;
  pid_t agent_ = -1;
  bool has_tap_ = false;
};

class Remote : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "making network namespaces needs root";
  }
};

std::int64_t call(Target& target, UserCall made) {
  target.call(made);
  return made.result;
}

void send(Target& target, Tuple tuple, Ctl ctl, std::uint32_t seq, std::uint32_t ack) {
  Bytes packet;
  encode({.source = target.identity().peer_address,
          .destination = target.identity().address,
          .source_port = tuple.remote,
          .destination_port = tuple.local,
          .seq = seq,
          .ack = ack,
          .ctl = ctl,
          .wnd = 65535},
         packet);
  target.inject(packet);
}

int listener(Target& target, std::uint16_t port) {
  const int handle = static_cast<int>(call(target, {.kind = CallKind::kSocket}));
  EXPECT_EQ(call(target, {.kind = CallKind::kBind, .handle = handle, .port = port}), 0);
  EXPECT_EQ(call(target, {.kind = CallKind::kListen, .handle = handle, .length = 5}), 0);
  return handle;
}

void expect_a_connection(Target* target) {
  const int handle = listener(*target, 8080);
  const Tuple tuple{.local = 8080, .remote = 40000};
  send(*target, tuple, kSyn, 1000, 0);
  const auto collected = target->collect();
  ASSERT_TRUE(collected);
  const auto syn = decode(collected->packet);
  ASSERT_TRUE(syn);
  EXPECT_EQ(syn->fault, Fault::kNone);
  EXPECT_TRUE(syn->ctl.syn && syn->ctl.ack);
  EXPECT_EQ(syn->source_port, 8080);
  EXPECT_EQ(syn->ack, 1001u);
  ASSERT_TRUE(target->state(tuple));
  EXPECT_EQ(target->state(tuple)->state, State::kSynReceived);
  send(*target, tuple, kAck, 1001, syn->seq + 1);
  EXPECT_FALSE(target->collect());
  EXPECT_GE(call(*target, {.kind = CallKind::kAccept, .handle = handle}), 0);
  EXPECT_EQ(target->state(tuple)->state, State::kEstablished);
}

TEST_F(Remote, TheKernelBehindTheAgentAnswersASyn) {
  const Bed bed;
  expect_a_connection(bed.make().get());
}

TEST_F(Remote, TheKernelAnswersASynOnATapDevice) {
  const Bed bed(Wire::kTap);
  if (!bed.has_tap()) GTEST_SKIP() << "no tap devices here (/dev/net/tun)";
  expect_a_connection(bed.make_by("tap0").get());
}

TEST_F(Remote, ATapDeviceOfEachProcessHasItsNumber) {
  const Bed bed(Wire::kTap);
  if (!bed.has_tap()) GTEST_SKIP() << "no tap devices here (/dev/net/tun)";
  expect_a_connection(bed.make_by("tap%").get());
}

TEST_F(Remote, AResetLeavesNothingBehind) {
  const Bed bed;
  const auto target = bed.make();
  listener(*target, 8080);
  const Tuple tuple{.local = 8080, .remote = 40001};
  send(*target, tuple, kSyn, 1000, 0);
  target->reset(0);
  EXPECT_FALSE(target->collect());
  EXPECT_FALSE(target->state(tuple));
}

TEST_F(Remote, TwoProcessesListenOnTheSamePort) {
  const Bed bed;
  const auto first = bed.make(), second = bed.make();
  listener(*first, 8080);
  listener(*second, 8080);
  EXPECT_NE(first->identity().peer_address, second->identity().peer_address);
  send(*second, {.local = 8080, .remote = 40000}, kSyn, 1, 0);
  EXPECT_TRUE(second->collect());
  EXPECT_FALSE(first->collect());
}

TEST_F(Remote, ADedicatedAgentChangesSettings) {
  const Bed bed;
  const auto first = bed.make(), second = bed.make();
  EXPECT_FALSE(first->configure("no-such-setting", 0));
  EXPECT_TRUE(first->configure("sack", 0));
  EXPECT_TRUE(second->configure("sack", 0));
  EXPECT_GE(call(*first, {.kind = CallKind::kSocket}), 0);
  EXPECT_GE(call(*second, {.kind = CallKind::kSocket}), 0);  // the same settings: they play at the same time
}

TEST_F(Remote, WhoNeedsOtherSettingsWaits) {
  const Bed bed;
  const auto first = bed.make(), second = bed.make();
  EXPECT_TRUE(first->configure("sack", 0));
  EXPECT_GE(call(*first, {.kind = CallKind::kSocket}), 0);
  std::atomic<bool> begun = false;
  std::thread other([&] {
    call(*second, {.kind = CallKind::kSocket});
    begun = true;
  });
  std::this_thread::sleep_for(100ms);
  EXPECT_FALSE(begun);
  first->reset(0);
  other.join();
  EXPECT_TRUE(begun);
}

TEST_F(Remote, WithoutAnAgentAClosedPortAnswers) {
  const Bed bed;
  const auto target = bed.make("settle=0");
  EXPECT_FALSE(target->identity().can(Ability::kPassiveOpen));
  send(*target, {.local = 8080, .remote = 40000}, kSyn, 1000, 0);
  const auto collected = target->collect();
  ASSERT_TRUE(collected);
  EXPECT_TRUE(decode(collected->packet)->ctl.rst);
}

TEST_F(Remote, AServiceListensAndDoesNotTellMore) {
  const Bed bed;
  const FileDescriptor service = bed.service(7);
  const auto target = bed.make("port=7");
  const int handle = listener(*target, 8080);
  send(*target, {.local = 8080, .remote = 40000}, kAck, 1000, 77);
  auto collected = target->collect();
  ASSERT_TRUE(collected);
  EXPECT_TRUE(decode(collected->packet)->ctl.rst);
  EXPECT_EQ(call(*target, {.kind = CallKind::kAccept, .handle = handle}), -1);
  send(*target, {.local = 8080, .remote = 40000}, kSyn, 1000, 0);
  collected = target->collect();
  ASSERT_TRUE(collected);
  const auto syn = decode(collected->packet);
  EXPECT_EQ(syn->source_port, 8080);
  EXPECT_TRUE(syn->ctl.syn && syn->ctl.ack);
  send(*target, {.local = 8080, .remote = 40000}, kAck, 1001, syn->seq + 1);
  EXPECT_THROW(call(*target, {.kind = CallKind::kAccept, .handle = handle}), Inconclusive);
}

// What a server sets before it listens counts as set; what nobody can set is no question.
TEST_F(Remote, AServiceHasSetWhatServersSet) {
  const Bed bed;
  const FileDescriptor service = bed.service(7);
  const auto target = bed.make("port=7");
  EXPECT_TRUE(target->identity().has_option(SocketOption::kReuseAddress));
  EXPECT_FALSE(target->identity().has_option(SocketOption::kNoDelay));
  UserCall socket{.kind = CallKind::kSocket};
  const int handle = static_cast<int>(call(*target, socket));
  EXPECT_EQ(call(*target,
                 {.kind = CallKind::kSetOption, .handle = handle, .option = SocketOption::kReuseAddress, .value = 1}),
            0);
  EXPECT_THROW(
      call(*target, {.kind = CallKind::kSetOption, .handle = handle, .option = SocketOption::kNoDelay, .value = 1}),
      Inconclusive);
}

TEST_F(Remote, TheAgentRefusesWhatItWasNotStartedFor) {
  const Bed bed;
  bed.wait_for_agent();
  try {
    const AgentClient client(bed.place(), {.target = "127.0.0.1", .peer = "10.77.0.16"});
    FAIL() << "a client may name another address of the machine";
  } catch (const TargetError& error) {
    EXPECT_NE(std::string(error.what()).find("no address that this agent was started for"), std::string::npos);
  }
}

TEST(AgentClient, SaysHowToStartAnAgent) {
  try {
    const AgentClient client("unix:/nowhere/agent", {});
    FAIL() << "there is no agent";
  } catch (const TargetError& error) {
    EXPECT_NE(std::string(error.what()).find("start it on the machine under test"), std::string::npos);
  }
}

TEST(AgentProtocol, CallsAndResultsComeThrough) {
  const Bytes text{1, 2, 3};
  MessageWriter question(Ask::kCall);
  put_call(question, {.kind = CallKind::kWrite, .handle = 4, .urgent = true, .value = -7, .text = text});
  MessageReader asked(question.finish().subspan(kLengthField));
  EXPECT_EQ(asked.word(), static_cast<std::uint8_t>(Ask::kCall));
  UserCall call = take_call(asked);
  ASSERT_TRUE(asked.good());
  EXPECT_EQ(call.handle, 4);
  EXPECT_TRUE(call.urgent);
  EXPECT_EQ(call.value, -7);
  EXPECT_EQ(call.text.size(), 3u);
  call.result = -1;
  call.error = UserError::kPipe;
  MessageWriter answer(Answer::kDone);
  put_results(answer, call);
  MessageReader told(answer.finish().subspan(kLengthField));
  EXPECT_EQ(told.word(), 0);
  UserCall received;
  take_results(told, received);
  EXPECT_TRUE(told.good());
  EXPECT_EQ(received.result, -1);
  EXPECT_EQ(received.error, UserError::kPipe);
}

TEST(AgentProtocol, WhatIsCutShortIsNotGood) {
  MessageWriter question(Ask::kCall);
  put_call(question, {});
  const ByteView whole = question.finish().subspan(kLengthField);
  for (std::size_t size = 1; size < whole.size(); ++size) {
    MessageReader cut(whole.first(size));
    cut.word();
    take_call(cut);
    EXPECT_FALSE(cut.good()) << size;
  }
}

}  // namespace
}  // namespace tcpassay
