// SPDX-License-Identifier: Apache-2.0
#include "harness/script/parse.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <ios>
#include <optional>
#include <string>
#include <vector>

#include "harness/script/addresses.h"
#include "harness/script/error.h"
#include "harness/script/print.h"
#include "harness/script/scenario.h"
#include "harness/script/system_call.h"
#include "harness/script/testing.h"
#include "harness/target/target.h"
#include "models/event.h"
#include "models/segment.h"

namespace tcpassay {
namespace {

using namespace std::chrono_literals;
using Kind = OptionSpec::Kind;

// The only step of a script.
ScriptStep step(const std::string& text) {
  const Scenario scenario = parse(text);
  EXPECT_EQ(scenario.steps.size(), 1u) << text;
  return scenario.steps.empty() ? ScriptStep{} : scenario.steps[0];
}

template <class Action>
Action as(const std::string& text) {
  const ScriptStep only = step(text);
  const Action* action = std::get_if<Action>(&only.action);
  EXPECT_NE(action, nullptr) << text;
  return action != nullptr ? *action : Action{};
}

SegmentSpec in(const std::string& text) {
  return as<Inject>("+0 < " + text).segment;
}
SegmentSpec out(const std::string& text) {
  return as<Expect>("+0 > " + text).segment;
}
Call call(const std::string& text) {
  return as<Call>("+0 " + text);
}
Unsupported unsupported(const std::string& text) {
  return as<Unsupported>("+0 " + text);
}

std::string error(const std::string& text) {
  try {
    parse(text);
  } catch (const ScriptError& problem) {
    return problem.what();
  }
  return "no error";
}

TEST(Script, KnowsTheVersionsOfIp) {
  const auto version = [](const std::string& text) { return ip_version(parse_script(text, "v.pkt")); };
  EXPECT_EQ(version("--ip_version=ipv6\n"), 6);
  EXPECT_EQ(version("--ip_version=ipv4\n"), 4);
  EXPECT_EQ(version("--mss=1400\n"), std::nullopt);
  EXPECT_THROW(version("--ip_version=ipv5\n"), ScriptError);
}

TEST(Script, ReadsTimes) {
  EXPECT_EQ(step("+0.1 close(3) = 0").time, (StepTime{.at = 100ms}));
  EXPECT_EQ(step("+.002 close(3) = 0").time, (StepTime{.at = 2ms}));
  EXPECT_EQ(step("1.000000001 close(3) = 0").time, (StepTime{.form = StepTime::Form::kAbsolute, .at = 1000000001ns}));
  EXPECT_EQ(step("* > . 1:1(0)").time.form, StepTime::Form::kAny);
  EXPECT_EQ(step("+1~+2 > . 1:1(0)").time, (StepTime{.form = StepTime::Form::kRelativeRange, .at = 1s, .to = 2s}));
  EXPECT_EQ(step("1 ~ 2 > . 1:1(0)").time, (StepTime{.form = StepTime::Form::kAbsoluteRange, .at = 1s, .to = 2s}));
  EXPECT_EQ(step("+0...0.5 close(3) = 0").time, (StepTime{.returns = 500ms}));
  EXPECT_EQ(step("+.1 ... 0.5 close(3) = 0").time, (StepTime{.at = 100ms, .returns = 500ms}));
}

TEST(Script, ReadsFlags) {
  EXPECT_EQ(in("S 0:0(0)").ctl, (Ctl{.syn = true}));
  EXPECT_EQ(in("FP. 0:0(0)").ctl, (Ctl{.fin = true, .psh = true, .ack = true}));
  EXPECT_EQ(in("RU 0:0(0)").ctl, (Ctl{.rst = true, .urg = true}));
  EXPECT_EQ(in("SEWA 0:0(0)").ctl, (Ctl{.syn = true, .ece = true, .cwr = true, .reserved = 1}));
  EXPECT_EQ(in("- 0:0(0)").ctl, Ctl{});
  EXPECT_EQ(in(".5 0:0(0)").ctl, (Ctl{.ack = true, .ece = true, .reserved = 1}));
  EXPECT_EQ(in("F5. 0:0(0)").ace, 5);
}

TEST(Script, ReadsNumbers) {
  const SegmentSpec segment = in("P. 4294967290:4(10) ack 4294967295 win 65535 urg 7");
  EXPECT_EQ(segment.seq, 4294967290u);
  EXPECT_EQ(segment.length, 10u);
  EXPECT_EQ(segment.ack, 4294967295u);
  EXPECT_EQ(segment.wnd, 65535);
  EXPECT_EQ(segment.up, 7);
  EXPECT_FALSE(in(". 1:1(0)").wnd);
}

// The first port is the sender's.
TEST(Script, ReadsPorts) {
  EXPECT_EQ(in("2000 > 8080 . 1:1(0)").remote_port, 2000);
  EXPECT_EQ(in("2000 > 8080 . 1:1(0)").local_port, 8080);
  EXPECT_EQ(out("8080 > 2000 . 1:1(0)").local_port, 8080);
  EXPECT_EQ(out("8080 > 2000 . 1:1(0)").remote_port, 2000);
}

TEST(Script, ReadsWhatTheIpHeaderHas) {
  EXPECT_EQ(in("[noecn] . 1:1(0)").traffic_class, 0);
  EXPECT_EQ(in("[ect0] . 1:1(0)").traffic_class, 2);
  EXPECT_EQ(in("(ect1) . 1:1(0)").traffic_class, 1);
  EXPECT_EQ(in("[ce, ttl 9] . 1:1(0)").traffic_class, 3);
  EXPECT_EQ(in("[ce, ttl 9] . 1:1(0)").ttl, 9);
  EXPECT_EQ(in("[tos 0xb8] . 1:1(0)").traffic_class, 0xb8);
  EXPECT_EQ(unsupported("> [ect01] . 1:1(0)").construct, "ect01");
  EXPECT_EQ(unsupported("< [ect0, flowlabel 0x1] . 1:1(0)").construct, "flowlabel");
}

TEST(Script, ReadsOptions) {
  const auto options = in("S 0:0(0) <mss 1460,nop,wscale 7,sackOK,TS val 1 ecr 2,sack 1:2 3:4,eol>").options;
  ASSERT_EQ(options.size(), 7u);
  EXPECT_EQ(options[0], (OptionSpec{.kind = Kind::kMss, .values = {1460}}));
  EXPECT_EQ(options[2], (OptionSpec{.kind = Kind::kWindowScale, .values = {7}}));
  EXPECT_EQ(options[4], (OptionSpec{.kind = Kind::kTimestamp, .values = {1, 2}}));
  EXPECT_EQ(options[5], (OptionSpec{.kind = Kind::kSack, .values = {1, 2, 3, 4}}));
  EXPECT_EQ(in("S 0:0(0) <FO 0aff>").options[0], (OptionSpec{.kind = Kind::kFastOpen, .octets = {0x0a, 0xff}}));
  EXPECT_EQ(in("S 0:0(0) <FOEXP>").options[0], (OptionSpec{.kind = Kind::kFastOpenExp}));
  EXPECT_EQ(in("S 0:0(0) <ECN e1b 1 ceb 2>").options[0],
            (OptionSpec{.kind = Kind::kAccEcn, .values = {1, 2}, .name = "e1b ceb"}));
  EXPECT_TRUE(out("S 0:0(0) <...>").any_options);
}

// The name of one kind of damage is the end of the name of another.
TEST(Script, DamageOfBothKindsOfOptionsIsRead) {
  const SegmentSpec segment = in(". 1:1(0) ack 1 win 9 //! damage: ip-options=01010101 options=c8020a");
  EXPECT_EQ(segment.damage.ip_options.size(), 4u);
  ASSERT_EQ(segment.options.size(), 1u);
  EXPECT_EQ(segment.options[0], (OptionSpec{.kind = Kind::kRaw, .octets = {0xc8, 2, 10}}));
}

TEST(Script, ReadsDamage) {
  const SegmentSpec segment =
      in("S 0:0(0) <mss 5> //! damage: checksum offset=3 truncate=12 reserved=14 options=c8020a");
  EXPECT_TRUE(segment.damage.bad_checksum);
  EXPECT_EQ(segment.damage.data_offset, 3);
  EXPECT_EQ(segment.damage.truncate, 12);
  EXPECT_EQ(segment.ctl.reserved, 14);
  ASSERT_EQ(segment.options.size(), 2u);
  EXPECT_EQ(segment.options[1], (OptionSpec{.kind = Kind::kRaw, .octets = {0xc8, 2, 10}}));
}

TEST(Script, ReadsCalls) {
  EXPECT_EQ(call("socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3").result, 3);
  EXPECT_EQ(call("bind(3, {sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr(\"1.2.3.4\")}, 1) = 0").port,
            80);
  EXPECT_EQ(call("connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)").error, UserError::kInProgress);
  const Call group = call(
      "connect(3, {sa_family = AF_INET6, sin6_port = htons(80), "
      "inet_pton(AF_INET6, \"ff02::1\", &sin6_addr)}, ...) = -1 ENETUNREACH (...)");
  EXPECT_EQ(group.address, "ff02::1");
  EXPECT_EQ(group.port, 80);
  EXPECT_EQ(host_of(group, {}), Host::kMulticast);
  EXPECT_EQ(call("listen(3, 5) = 0").length, 5u);
  EXPECT_EQ(call("accept(3, ..., ...) = 4").handle, 3);
  EXPECT_EQ(call("sendto(4, ..., 70, MSG_DONTWAIT|MSG_NOSIGNAL, ..., ...) = 70").kind, CallKind::kWrite);
  EXPECT_EQ(call("recv(4, ..., 70, 0) = -1 EWOULDBLOCK").error, UserError::kWouldBlock);
  EXPECT_EQ(call("shutdown(4, SHUT_WR) = 0").how, 1);
  EXPECT_EQ(call("setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=3}, 8) = 0").value, 3);
  EXPECT_EQ(call("setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=0, linger=3}, 8) = 0").value, -1);
  EXPECT_EQ(call("setsockopt(4, IPPROTO_TCP, TCP_NODELAY, [1], 4) = 0").option, SocketOption::kNoDelay);
  EXPECT_EQ(call("getsockopt(4, SOL_SOCKET, SO_ERROR, [111], [4]) = 0").value, static_cast<int>(UserError::kRefused));
  EXPECT_EQ(call("getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0").value, 0);
}

// The octets of all vectors together.
TEST(Script, ReadsVectors) {
  EXPECT_EQ(call("writev(4, [{..., 10}, {\"ab\", 2}], 2) = 12").length, 12u);
  EXPECT_EQ(call("sendmsg(4, {msg_name(...)=..., msg_iov(2)=[{..., 7}, {..., 8}], msg_flags=0}, 0) = 15").length, 15u);
  EXPECT_EQ(call("recvmsg(4, {msg_iov(1)=[{..., 30}], msg_control=[{cmsg_level=SOL_TCP}]}, MSG_TRUNC) = 3").length,
            30u);
  EXPECT_EQ(call("sendfile(4, 5, [0], 500) = 500").kind, CallKind::kWrite);
  EXPECT_EQ(error("+0 writev(4, [{..., x}], 1) = 1"), "dir/s.pkt:1:14: expected [{..., N}, ...], found '['");
  EXPECT_EQ(error("+0 sendmsg(4, {a=1}, 0) = 1"), "dir/s.pkt:1:15: expected {..., msg_iov(N)=[...], ...}, found '{'");
  EXPECT_EQ(error("+0 ioctl(4, SIOCINQ, 7) = 0"), "dir/s.pkt:1:22: expected a number in brackets, found '7'");
}

TEST(Script, KnowsOptionsByNumber) {
  EXPECT_EQ(call("setsockopt(4, 6, 1, [1], 4) = 0").option, SocketOption::kNoDelay);
  EXPECT_EQ(call("setsockopt(4, IPPROTO_TCP, 36, [1], 4) = 0").implementation_specific, "SOL_TCP.TCP_INQ");
  EXPECT_EQ(call("ioctl(4, FIONREAD, [9]) = 0").implementation_specific, "SIOCINQ");
  EXPECT_EQ(unsupported("setsockopt(4, SOL_TCP, 99, [1], 4) = 0").construct, "setsockopt 99");
}

// A define stands for a whole word outside comments and strings; places are those of the text as it was.
TEST(Script, ReplacesWhatIsDefined) {
  const auto with = [](const std::string& text) { return parse_script(text, "d.pkt", {"N=12345678", "M=4", "ON"}); };
  EXPECT_EQ(std::get<Call>(with("+0 read(M, ..., N) = N").steps[0].action).length, 12345678u);
  EXPECT_EQ(with("#ifdef ON\n+0 close(M) = 0\n#endif").steps.size(), 1u);
  EXPECT_EQ(std::get<Call>(with("+0 write(4, \"M\", 1) = 1 // M").steps[0].action).arguments[1], "\"M\"");
  EXPECT_EQ(std::get<Call>(parse("--define=K=7\n+0 close(K) = 0").steps[0].action).handle, 7);
  try {
    with("+0 close(N) = 0\n+0 read(M, N, ...) = x");
    FAIL();
  } catch (const ScriptError& problem) {
    EXPECT_STREQ(problem.what(), "d.pkt:2:15: expected a number from 0 to 4294967295, found '...'");
  }
}

TEST(Script, ReadsStepsThatAreHiddenFromPacketdrill) {
  const std::string line = "//! step: +0 < . 1:1(0) ack 1 win 5 //! damage: checksum";
  EXPECT_TRUE(step(line).hidden);
  EXPECT_TRUE(std::get<Inject>(step(line).action).segment.damage.bad_checksum);
  EXPECT_EQ(to_text(step(line)), line);
  EXPECT_EQ(parse("//! record: complete msl=30\n").about.msl_s, 30);
  EXPECT_EQ(parse("//! expect: depart SHLD_7\n").about.expect->rule, "SHLD_7");
  EXPECT_EQ(error("//! expect: good"), "dir/s.pkt:1:13: expected pass, fail, depart or inconclusive, found 'good'");
  EXPECT_EQ(error("//! expect: pass MUST_1"), "dir/s.pkt:1:18: expected the end of the line, found 'MUST_1'");
  EXPECT_EQ(error("//! record: all"), "dir/s.pkt:1:13: expected complete or msl=N, N from 1 to 3600, found 'all'");
  EXPECT_EQ(error("//! step: +0 < X"),
            "dir/s.pkt:1:16: expected a flag of F S R P . U E W A or an ACE digit, each once, "
            "found 'X'");
}

// The asked events stand in value and those that came in result.
TEST(Script, ReadsPoll) {
  const Call poll = call("poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLOUT|POLLHUP}], 1, 0) = 1");
  EXPECT_EQ(poll.handle, 4);
  EXPECT_EQ(poll.value, 1 | 4);
  EXPECT_EQ(poll.result, 4 | 16);
  EXPECT_EQ(call("poll([{fd=4, events=POLLIN}], 1, 0) = 0").result, 0);
}

TEST(Script, NamesWhatItDoesNotPlay) {
  EXPECT_EQ(unsupported("epoll_create(1) = 5").construct, "epoll_create");
  EXPECT_EQ(unsupported("send(4, ..., 1, MSG_DONTROUTE) = 1").construct, "send MSG_DONTROUTE");
  EXPECT_EQ(unsupported("setsockopt(4, SOL_TCP, TCP_DEFER_ACCEPT, [1], 4) = 0").construct,
            "setsockopt TCP_DEFER_ACCEPT");
  EXPECT_EQ(unsupported("socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3").construct, "socket SOCK_DGRAM");
  EXPECT_EQ(unsupported("write(4, ..., 1) = -1 EFAULT (Bad address)").construct, "errno EFAULT");
  EXPECT_EQ(unsupported("recvmsg(4, {msg_iov(1)=[{..., \"x)\"}],\n  b=2}, MSG_PEEK) = 1").text,
            "recvmsg(4, {msg_iov(1)=[{..., \"x)\"}], b=2}, MSG_PEEK) = 1");
  EXPECT_EQ(unsupported("< ipv4 1.1.1.1 > 2.2.2.2: gre:\n  mpls (label 1): . 1:2(1) // no").text,
            "< ipv4 1.1.1.1 > 2.2.2.2: gre: mpls (label 1): . 1:2(1)");
  EXPECT_TRUE(unsupported("fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0").harmless);
  EXPECT_TRUE(unsupported("splice(4, [5], 6, NULL, 10, 0) = 10").watches);
  EXPECT_TRUE(unsupported("send(4, NULL, 1, 0) = -1").harmless);
  EXPECT_TRUE(unsupported("pipe([5, 6]) = 0").harmless);
  EXPECT_TRUE(unsupported("epoll_wait(5, {events=EPOLLIN, fd=4}, 2, 0) = 1").watches);
}

TEST(Script, ReadsWhatTheSystemTellsBesideTheRules) {
  const Call told = call("epoll_wait(5, {events=EPOLLERR|EPOLLOUT, fd=4}, 1, 0) = 1");
  EXPECT_EQ(told.handle, 4);
  EXPECT_EQ(told.value, 8 | 4);
  EXPECT_EQ(print_call(told), "epoll_wait(5, {events=EPOLLERR|EPOLLOUT, fd=4}, 1, 0) = 1");
  EXPECT_EQ(call("epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLOUT|EPOLLET, fd=4}) = 0").value, 4 | 1ll << 31);
  const Call queued = call(
      "recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{...,0}], msg_control=[{cmsg_data={ee_errno=0, ee_code=0, "
      "ee_info=SCM_TSTAMP_ACK, ee_data=2963}}]}, MSG_ERRQUEUE) = 0");
  EXPECT_EQ(queued.implementation_specific, "MSG_ERRQUEUE");
  EXPECT_EQ(queued.value, 2 << 24 | 2963);
  EXPECT_EQ(call("setsockopt(4, SOL_IP, IP_MTU_DISCOVER, [IP_PMTUDISC_DO], 4) = 0").value, 2);
  EXPECT_EQ(call("setsockopt(4, SOL_SOCKET, SO_TIMESTAMPING, [SOF_TIMESTAMPING_TX_SOFTWARE | "
                 "SOF_TIMESTAMPING_OPT_ID], 4) = 0")
                .value,
            2 | 128);
  const Call sent = call("send(4, ..., 1, MSG_MORE|MSG_EOR|MSG_ZEROCOPY) = 1");
  EXPECT_TRUE(sent.more && sent.record_end && sent.zero_copy);
}

TEST(Script, ReadsWhatStandsBeforeTheSteps) {
  const Scenario scenario = parse(kServer);
  EXPECT_EQ(scenario.name, "s");
  EXPECT_EQ(scenario.about.title, "Text is delivered, whatever the window");
  EXPECT_EQ(scenario.about.suite, "textbook");
  EXPECT_EQ(scenario.about.covers, (std::vector<std::string>{"MUST_10", "SA3_4_syn", "MUST_11"}));
  EXPECT_EQ(scenario.about.needs, (std::vector<Ability>{Ability::kVirtualTime, Ability::kState}));
  EXPECT_EQ(scenario.options, (std::vector<std::string>{"--tolerance_usecs=50000", "--define=NAME=\"two words\""}));
  EXPECT_EQ(scenario.steps.size(), 18u);
}

TEST(Script, ReadsThePreprocessorLinesOfBsd) {
  EXPECT_EQ(parse(kClient).options, (std::vector<std::string>{"--non_fatal=packet"}));
  EXPECT_EQ(parse_script(kClient, "s", {"UDP"}).options, (std::vector<std::string>{"--udp_encapsulation=9899"}));
  EXPECT_EQ(parse("#ifndef A\n#ifdef B\n1 close(1) = 0\n#else\n1 close(2) = 0\n#endif\n#endif").steps.size(), 1u);
  EXPECT_EQ(error("\n#ifdef A\n"), "dir/s.pkt:2:1: expected #endif for each #ifdef, found '#'");
  EXPECT_EQ(error("#else\n"), "dir/s.pkt:1:1: expected #ifdef before #else, found '#'");
  EXPECT_EQ(error("  #define A\n"), "dir/s.pkt:1:3: unsupported construct: #define");
}

TEST(Script, SaysWhereAndWhatWasExpected) {
  EXPECT_EQ(error("+0 < S 0:5(4) win 1"), "dir/s.pkt:1:10: expected 4 (= 0 + 4), found '5'");
  EXPECT_EQ(error("\n  +0 < S 0:0(0) win 65536"), "dir/s.pkt:2:21: expected a number from 0 to 65535, found '65536'");
  EXPECT_EQ(error("+0 < SX 0:0(0)"),
            "dir/s.pkt:1:7: expected a flag of F S R P . U E W A or an ACE digit, each once, found 'X'");
  EXPECT_EQ(error("+0 < S 0:0(0) <mmss 5>"),
            "dir/s.pkt:1:16: expected a TCP option (mss, wscale, sackOK, sack, TS, nop, eol, md5, FO, FOEXP or ECN), "
            "found 'mmss'");
  EXPECT_EQ(error("+0 close(3) 0"), "dir/s.pkt:1:13: expected '=', found '0'");
  EXPECT_EQ(error("+0 read(3, ...) = 0"), "dir/s.pkt:1:15: expected 3 arguments of read, found ')'");
  EXPECT_EQ(error("+0 read(3, ..., x) = 0"), "dir/s.pkt:1:17: expected a number from 0 to 4294967295, found 'x'");
  EXPECT_EQ(error("+0 sendmsg(3, {1, 2) = 0"), "dir/s.pkt:1:20: expected '}', found ')'");
  EXPECT_EQ(error("+0 close(3"), "dir/s.pkt:1:11: expected ',', found end of file");
  EXPECT_EQ(error("+0 write(3, \"abc"), "dir/s.pkt:1:13: expected a closing \" for this string, found '\"'");
  EXPECT_EQ(
      error("//! cover: A"),
      "dir/s.pkt:1:5: expected title, suite, covers, tag, needs, settings, peers, rounds, record, expect, numbers or "
      "step, found 'cover'");
  EXPECT_EQ(error("//! peers: 0"), "dir/s.pkt:1:12: expected a number from 1 to 1000, found '0'");
  EXPECT_EQ(error("//! needs: power"),
            "dir/s.pkt:1:12: expected virtual-time, synchronous, state, passive-open, active-open, ipv6, urgent-data, "
            "half-close, abort or second-address, found 'power'");
  EXPECT_EQ(error("//! settings: ecn=3"), "dir/s.pkt:1:19: expected a number from 0 to 2, found '3'");
  EXPECT_EQ(error("//! settings: ecn"), "dir/s.pkt:1:15: expected ecn=VALUE, found 'ecn'");
  EXPECT_EQ(error("//! settings: sack=0 sack=1"), "dir/s.pkt:1:22: expected sack once, found 'sack'");
  EXPECT_EQ(error("//! settings: ecm=1").substr(0, 64),
            "dir/s.pkt:1:15: expected a setting (ecn, fast-open, timestamps, ");
  EXPECT_EQ(error("+0 < . 1:1(0) //! damage: sum"),
            "dir/s.pkt:1:27: expected checksum, offset=N, truncate=N, reserved=N, options=HEX, source=ADDRESS, "
            "destination=ADDRESS, identification=N, ip-options=HEX, ip[N]=HEX, tcp[N]=HEX, text=HEX, text@N=HEX or "
            "peer=ADDRESS, found 'sum'");
  EXPECT_EQ(
      error("+0 > . 1:1(0) //! damage: source=1.1.1.1"),
      "dir/s.pkt:1:27: expected reserved=N, options=HEX, checksum, ip[N]=HEX, tcp[N]=HEX, text=HEX, text@N=HEX or "
      "peer=ADDRESS, found 'source'");
  EXPECT_EQ(error("* < . 1:1(0)"), "dir/s.pkt:1:3: expected an outbound packet after * or a range of time, found '<'");
  EXPECT_EQ(error("/* open"), "dir/s.pkt:1:1: expected */ after this comment, found '/'");
  EXPECT_EQ(error("\x01"), "dir/s.pkt:1:1: expected a time such as +0.1, found '\\x01'");
}

TEST(Script, ReadsFiles) {
  const std::string path = testing::TempDir() + "script_test_file.pkt";
  std::ofstream(path) << kServer;
  EXPECT_EQ(read_script(path), parse(kServer));
  EXPECT_EQ(read_script(path).name, "script_test_file");
  std::ofstream(path, std::ios::trunc).flush();
  EXPECT_TRUE(read_script(path).steps.empty());
  std::filesystem::remove(path);
  try {
    read_script(path);
    ADD_FAILURE() << "a file that is not there was read";
  } catch (const ScriptError& problem) {
    EXPECT_NE(std::string(problem.what()).find("No such file"), std::string::npos) << problem.what();
  }
  EXPECT_THROW(read_script(testing::TempDir()), ScriptError);
}

// ---- parse and print are inverse

void expect_inverse(const std::string& text) {
  const Scenario scenario = parse(text);
  const std::string printed = print_script(scenario);
  const Scenario again = parse(printed);
  ASSERT_TRUE(again == scenario) << text << "\nbecame\n" << printed;
  ASSERT_EQ(print_script(again), printed);
}

TEST(Script, PrintsWhatItReads) {
  expect_inverse(kServer);
  expect_inverse(kClient);
  expect_inverse("");
}

TEST(Script, NamesTheCookieOfTheTarget) {
  const std::string line = "+0 < S 0:100(100) win 65535 <mss 1460,FO TFO_COOKIE>";
  expect_inverse(line);
  EXPECT_EQ(std::get<Inject>(step(line).action).segment.options[1].name, kCookieOfTarget);
  expect_inverse("+0 < S 0:0(0) <FO TFO_COOKIE_CHANGED,nop>");
  const ScriptStep opens = step("+0 sendto(3, ..., 100, MSG_FASTOPEN, ..., ...) = 100");
  EXPECT_EQ(std::get<Call>(opens.action).kind, CallKind::kSendTo);
  EXPECT_EQ(to_text(opens), "+0 sendto(3, ..., 100, MSG_FASTOPEN, ..., ...) = 100");
  const ScriptStep by_number = step("+0 sendto(3, ..., 100, 0x20000000, ..., ...) = 100");
  EXPECT_EQ(std::get<Call>(by_number.action).kind, CallKind::kSendTo);
}

TEST(Script, PrintsTheCorpus) {
  int scripts = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(TCPASSAY_SOURCE_DIR "/corpus")) {
    if (entry.path().extension() != ".pkt") continue;
    const Scenario scenario = read_script(entry.path().string());
    EXPECT_TRUE(parse(print_script(scenario)) == scenario) << entry.path();
    ++scripts;
  }
  EXPECT_GT(scripts, 0);
}

// A call whose fields were changed is printed by its fields, not as it was written.
TEST(Script, PrintsChangedCalls) {
  ScriptStep changed = step("+0 sendto(4, ..., 1000, 0, ..., ...) = 1000");
  EXPECT_EQ(to_text(changed), "+0 sendto(4, ..., 1000, 0, ..., ...) = 1000");
  std::get<Call>(changed.action).length = 10;
  std::get<Call>(changed.action).result.reset();
  EXPECT_EQ(to_text(changed), "+0 write(4, ..., 10) = ...");
}

TEST(Script, PrintsOneStepOnOneLine) {
  const Scenario scenario = parse(kServer);
  for (const ScriptStep& one : scenario.steps) EXPECT_EQ(to_text(one).find('\n'), std::string::npos);
  EXPECT_EQ(to_text(scenario.steps[0]), "+0 `../defaults.sh ...`");
}

}  // namespace
}  // namespace tcpassay
