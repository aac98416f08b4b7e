// SPDX-License-Identifier: Apache-2.0
// Scripts of packetdrill mean what packetdrill takes them to mean. Beside each innocent one stands a guilty one.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/offline/judge.h"
#include "harness/offline/outcome.h"
#include "harness/script/error.h"
#include "harness/script/parse.h"
#include "harness/script/print.h"
#include "harness/script/scenario.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

const std::string kListen = R"(0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
)";
const std::string kOpen = kListen + R"(+0 < S 0:0(0) win 65535 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
)";
const std::string kConnect = R"(0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <mss 1460>
)";

FileResult judged(const std::string& text) {
  return judge_script(parse_script(text, "test.pkt"), "test.pkt");
}
void expect_innocent(const std::string& text) {
  const FileResult result = judged(text);
  EXPECT_EQ(result.outcome, Outcome::kPass) << text << result.why;
}
void expect_guilty(const std::string& text) {
  EXPECT_EQ(judged(text).outcome, Outcome::kFail) << text;
}

TEST(ForeignScript, CountsFromThePeersSyn) {
  const std::string opened = kConnect + "+.1 < S. 123:123(0) ack 1 win 5792 <mss 1460>\n+0 > . 1:1(0) ack 1\n" +
                             "+.1 < P. 1:101(100) ack 1 win 5792\n";
  expect_innocent(opened + "+0 > . 1:1(0) ack 101\n");
  expect_guilty(opened + "+0 > . 1:1(0) ack 224\n");
  const std::string arrived = kListen + "+0 < S 10000:10000(0) win 65535 <mss 1000>\n";
  expect_innocent(arrived + "+0 > S. 0:0(0) ack 10001 <mss 1460>\n+.1 < . 1:1(0) ack 1 win 65535\n");
  expect_guilty(arrived + "+0 > S. 0:0(0) ack 1 <mss 1460>\n");
}

TEST(ForeignScript, GoesOnFromThePeersSynIfItSaysSo) {
  expect_innocent("//! numbers: running\n" + kConnect + "+.1 < S. 123:123(0) ack 1 win 5792 <mss 1460>\n" +
                  "+0 > . 1:1(0) ack 124\n");
  for (const char* syn : {"+0 < S 5:5(0) win 9 <mss 1000>\n", "+0 < S 0:0(0) win 9 <mss 1000>\n"}) {
    const Scenario script = parse_script(kListen + syn + "+.1 < . 1:1(0) ack 1 win 9\n", "test.pkt");
    EXPECT_TRUE(parse_script(print_script(script), "test.pkt") == script) << print_script(script);
  }
}

// A connection that waits to be accepted ends with its listener: the next accept() is of the next listener.
TEST(ForeignScript, AnAcceptIsOfItsOwnListener) {
  const std::string fast = "+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN, [1], 4) = 0\n";
  const std::string first = kListen + fast + "+0 < S 0:10(10) win 32792 <mss 1460,FOEXP>\n" +
                            "+0 > S. 0:0(0) ack 1 <mss 1460,FOEXP TFO_COOKIE>\n+0 close(3) = 0\n";
  const std::string again = "+0" + kListen.substr(1) + fast + "+0 < S 0:10(10) win 32792 <mss 1460,FOEXP TFO_COOKIE>\n";
  expect_innocent(first + again + "+0 > S. 0:0(0) ack 11 <mss 1460>\n+0 accept(3, ..., ...) = 4\n" +
                  "+0 read(4, ..., 512) = 10\n");
  expect_guilty(first + again + "+0 > S. 0:0(0) ack 12 <mss 1460>\n+0 accept(3, ..., ...) = 4\n");
}

TEST(ForeignScript, AConnectToNoAddressEndsTheConnection) {
  const std::string away = kOpen + "+0 connect(4, AF_UNSPEC, ...) = 0\n";
  const std::string syn = "+0 connect(4, ..., ...) = -1 EINPROGRESS (in progress)\n+0 > S 0:0(0) <mss 1460>\n";
  expect_innocent(away + "+0 > R. 1:1(0) ack 1\n" + syn);
  expect_guilty(away + "+0 > F. 1:1(0) ack 1\n" + syn);
}

TEST(ForeignScript, TheMtuMayBeSetByACommand) {
  const std::string jumbo = kListen + "+0 < S 0:0(0) win 65535 <mss 8960>\n+0 > S. 0:0(0) ack 1 <mss 8960>\n";
  expect_innocent("`ip link set dev tun0 mtu 9000`\n" + jumbo);
  expect_innocent("--mtu=9000\n" + jumbo);
  expect_guilty(jumbo);
  expect_guilty("`ip link set dev tun0 mtu 8000`\n" + jumbo);
}

// packetdrill's own link has 1500 octets; that of a complete record is what a line says, or what the target says.
TEST(ForeignScript, TheLinkOfACompleteRecordIsNotKnown) {
  const std::string record = "//! record: complete msl=60\n";
  const auto jumbo = [](const std::string& mss) {
    return kListen + "+0 < S 0:0(0) win 65535 <mss 8960>\n+0 > S. 0:0(0) ack 1 <mss " + mss + ">\n";
  };
  expect_innocent(record + jumbo("8960"));
  expect_innocent(record + jumbo("65495"));
  expect_guilty(record + jumbo("65496"));  // more than IP can carry
  expect_guilty("--mtu=1500\n" + record + jumbo("8960"));
  expect_guilty(jumbo("8960"));
}

TEST(ForeignScript, ASocketThatOpensLateAsksForACookie) {
  const std::string socket = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n";
  const std::string open =
      "+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)\n"
      "+0 > S 0:0(0) <mss 1460,FO,nop,nop>\n";
  expect_innocent(socket + "+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN_CONNECT, [1], 4) = 0\n" + open);
  expect_guilty(socket + open);
}

TEST(ForeignScript, AnAbsoluteNumberIsTakenAsItStands) {
  const Scenario script =
      parse_script(kListen + "+0 < S 70:70(0) win 9\n+0 < R 0:0(0)! win 0\n+0 < R 0:0(0) win 0\n", "test.pkt");
  EXPECT_EQ(std::get<Inject>(script.steps[4].action).segment.seq, 0u);
  EXPECT_EQ(std::get<Inject>(script.steps[5].action).segment.seq, 70u);
}

TEST(ForeignScript, EachConnectionHasAPortOfItsOwn) {
  const std::string two = kConnect + R"(+.1 < S. 0:0(0) ack 1 win 5792 <mss 1460>
+0 > . 1:1(0) ack 1
+.1 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4
+0 connect(4, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <mss 1460>
+.1 < S. 0:0(0) ack 1 win 5792 <mss 1460>
)";
  expect_innocent(two + "+0 > . 1:1(0) ack 1\n");
  expect_guilty(two + "+0 > . 1:1(0) ack 2\n");
  const std::string again = kOpen + R"(+.1 socket(..., SOCK_STREAM, IPPROTO_TCP) = 5
+0 setsockopt(5, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 close(3) = 0
+0 bind(5, ..., ...) = 0
+0 listen(5, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1000>
)";
  expect_innocent(again + "+0 > S. 0:0(0) ack 1 <mss 1460>\n+.1 < . 1:1(0) ack 1 win 65535\n");
  expect_guilty(again + "+0 > . 1:1(0) ack 1\n");
}

TEST(ForeignScript, AServerMayKnowACookie) {
  for (const char* option : {"FO d140680b94845c31", "FO TFO_COOKIE", "FOEXP TFO_COOKIE"}) {
    const std::string syn = "+0 < S 0:10(10) win 65535 <mss 1460,nop,nop," + std::string(option) + ">\n";
    const std::string taken = syn + "+0 > S. 0:0(0) ack 11 <mss 1460>\n+0 accept(3, ..., ...) = 4\n";
    const std::string enabled = kListen + "+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN, [1], 4) = 0\n";
    expect_innocent(enabled + taken);
    expect_innocent(enabled + syn + "+0 > S. 0:0(0) ack 1 <mss 1460>\n+.1 < . 11:11(0) ack 1 win 65535\n");
    expect_guilty(enabled + syn + "+0 > S. 0:0(0) ack 12 <mss 1460>\n");
    expect_guilty(kListen + taken);
    std::string without_cookies = "`sysctl net.ipv4.tcp_fastopen=0x602`\n";
    expect_innocent(without_cookies.append(kListen).append(taken));
  }
}

TEST(ForeignScript, AValidCookieWithoutTextNotifiesTheUser) {
  const std::string opened = kListen + "+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN, [1], 4) = 0\n";
  const std::string rest = "+0 > S. 0:0(0) ack 1 <mss 1460>\n+0 accept(3, ..., ...) = 4\n";
  expect_innocent(opened + "+0 < S 0:0(0) win 65535 <mss 1460,nop,nop,FO d140680b94845c31>\n" + rest);
  expect_guilty(opened + "+0 < S 0:0(0) win 65535 <mss 1460,nop,nop,FO>\n" + rest);
  expect_guilty(opened + "+0 < S 0:0(0) win 65535 <mss 1460>\n" + rest);
}

TEST(ForeignScript, TimesOfTheTargetAreTakenWithATolerance) {
  const std::string text = kOpen + "+.1 < P. 1:101(100) ack 1 win 65535\n";
  expect_innocent(text + "+.51 > . 1:1(0) ack 101\n");
  expect_guilty(text + "+.6 > . 1:1(0) ack 101\n");
  expect_guilty("--tolerance_usecs=1000\n" + text + "+.51 > . 1:1(0) ack 101\n");
}

TEST(ForeignScript, AStarIsAnyTime) {
  const std::string sent = kOpen + "+.1 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n";
  expect_innocent(sent + "* > P. 1:101(100) ack 1\n");
  expect_guilty(sent + "+.001 > P. 1:101(100) ack 1\n");
  expect_guilty(sent + "* > P. 2:102(100) ack 1\n");
}

TEST(ForeignScript, AWindowThatIsNotSaidIsNotTheLargest) {
  const std::string text = kOpen + "+.1 < . 4001:5001(1000) ack 1 win 65535\n+0 > . 1:1(0) ack 1 win 8000\n";
  EXPECT_TRUE(judged(text + "+.1 < . 1:1001(1000) ack 1 win 65535\n").verdicts.empty());
  EXPECT_FALSE(judged(text + "+.1 < . 1:1001(1000) ack 1 win 65535\n+0 > . 1:1(0) ack 1001 win 6000\n" +
                      std::string("+.5 < P. 1001:1101(100) ack 1 win 65535\n+0 > . 1:1(0) ack 1101\n"))
                   .verdicts.empty());
}

TEST(ForeignScript, AResultWithoutAnErrorIsNoRefusal) {
  const std::string open =
      "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 connect(3, ..., ...) = -1\n+0 > S 0:0(0) <mss 1460>\n";
  expect_innocent(open + "+.1 < S. 0:0(0) ack 1 win 5792 <mss 1460>\n+0 > . 1:1(0) ack 1\n");
  expect_guilty("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 connect(3, ..., ...) = -1 EINVAL (Invalid)\n" +
                std::string("+0 > S 0:0(0) <mss 1460>\n"));
}

TEST(ForeignScript, ASocketMayOpenWithItsFirstWrite) {
  const std::string open =
      "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN_CONNECT, [1], 4) = 0\n"
      "+0 connect(3, ..., ...) = 0\n";
  const std::string syn = "+.1 write(3, ..., 100) = 100\n+0 > S 0:100(100) <mss 1460,nop,nop,FO d140680b94845c31>\n";
  const std::string answer = "+.1 < S. 0:0(0) ack 101 win 5792 <mss 1460>\n";
  expect_innocent(open + syn + answer + "+0 > . 101:101(0) ack 1\n");
  expect_guilty(open + syn + answer + "+0 > . 101:101(0) ack 2\n");
  expect_guilty("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 connect(3, ..., ...) = 0\n" + syn);
}

TEST(ForeignScript, OptionsOfSocketsThatAreNotKnownShowInTheRecord) {
  for (const char* option :
       {"IPPROTO_TCP, 1234, [1], 4", "IPPROTO_TCP, TCP_NOOPT, [1], 4", "SOL_TCP, TCP_SYNCNT, [3], 4",
        "SOL_IP, IP_TOS, [IPTOS_DSCP_CS1], 4", "SOL_IP, IP_MTU_DISCOVER, [IP_PMTUDISC_DONT], 4"}) {
    expect_innocent(kOpen + "+0 setsockopt(4, " + option + ") = 0\n+.1 < P. 1:101(100) ack 1 win 65535\n" +
                    "+0 > . 1:1(0) ack 101\n");
  }
  EXPECT_EQ(judged(kListen + "+0 setsockopt(3, SOL_TCP, TCP_DEFER_ACCEPT, [1], 4) = 0\n+0 > . 1:1(0) ack 1\n").outcome,
            Outcome::kUnsupported);
}

TEST(ForeignScript, SegmentsInUdpAreSegments) {
  const std::string udp = " /udp(9899 > 9900)\n";
  const std::string opened = kListen + "+0 < S 0:0(0) win 65535 <mss 1460>" + udp + "+0 > S. 0:0(0) ack 1 <mss 1452>" +
                             udp + "+.1 < . 1:1(0) ack 1 win 65535" + udp +
                             "+0 accept(3, ..., ...) = 4\n+.1 write(4, ..., 3000) = 3000\n";
  expect_innocent(opened + "+0 > P. 1:3001(3000) ack 1" + udp);
  expect_innocent("--strict_segments\n" + opened + "+0 > . 1:1453(1452) ack 1" + udp + "+0 > P. 1453:2905(1452) ack 1" +
                  udp);
  expect_guilty(opened + "+0 > P. 2:3001(2999) ack 1" + udp);
  // Only a stray segment came in UDP: the connection has none of it.
  const std::string stray = kListen + "+0 < S 0:0(0) win 65535 <mss 1460>\n+0 > S. 0:0(0) ack 1 <mss 1460>\n" +
                            "+.1 < F. 1:1(0) ack 1 win 65535" + udp;
  expect_innocent(stray + "+0 > R 1:1(0)" + udp);
  const Scenario script = parse_script(opened, "test.pkt");
  EXPECT_TRUE(parse_script(print_script(script), "test.pkt") == script) << print_script(script);
}

TEST(ForeignScript, WhatIsNotComparedIsWrittenAsAStar) {
  const std::string syn = kListen + "+0 < S 0:0(0) win 65535 <mss 1000>\n";
  expect_innocent(syn + "+0 > S. 0:0(0) ack 1 win * <mss *>\n");
  expect_guilty(syn + "+0 > S. 0:0(0) ack 2 win * <mss *>\n");
  EXPECT_THROW(parse_script(kListen + "+0 < S 0:0(0) win 65535 <mss *>\n", "test.pkt"), ScriptError);
}

TEST(ForeignScript, TheQuotedSegmentOfAnIcmpMessageMayStandInFront) {
  const Scenario script =
      parse_script(kOpen + "+0 < [1:1461(1460)] icmp unreachable frag_needed mtu 1400\n", "test.pkt");
  EXPECT_EQ(std::get<Icmp>(script.steps.back().action).text, "icmp unreachable frag_needed mtu 1400 [1:1461(1460)]");
}

TEST(ForeignScript, MultipathTcpIsNamed) {
  for (const char* line : {"+0 < S 0:0(0) win 9 <mss 1460,mp_capable v1 flags[flag_h] nokey>\n",
                           "+0 < addr[caddr0] > addr[saddr0] S 0:0(0) win 9 <mss 1460>\n",
                           "+0 > . 1:1(0) ack 1 <dss dack4=1 ssn=1 dll=0 nocs>\n"}) {
    EXPECT_EQ(judged(kListen + line).why.find("Multipath TCP"), 0u) << line;
  }
}

TEST(ForeignScript, WhatIsSeenShowsTheValue) {
  const FileResult result = judged(kOpen + "+.1 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0\n");
  ASSERT_FALSE(result.verdicts.empty());
  EXPECT_EQ(result.verdicts[0].seen, "getsockopt = 0 [ECONNRESET]");
}

// No line says that nothing happened in between: the second timeout is one all the same.
TEST(ForeignScript, ATimerMayExpireTwice) {
  const std::string lost =
      kOpen + "+0 write(4, ..., 2000) = 2000\n+0 > P. 1:2001(2000) ack 1\n" + "+.1 < . 1:1(0) ack 1001 win 65535\n";
  expect_innocent(lost + "+1 > P. 1001:2001(1000) ack 1\n+2 > P. 1001:2001(1000) ack 1\n");
  const std::string early = "+.01 > P. 1001:2001(1000) ack 1\n";
  expect_guilty(lost + early + early + early);
}

// TCP_KEEPINIT says how long an attempt to open may last, TCP_SYNCNT how often the SYN leaves again.
TEST(ForeignScript, TheUserMayLimitAnAttemptToOpen) {
  const std::string begin = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n";
  const std::string opened = "0 connect(3, ..., ...) = -1 EINPROGRESS (in progress)\n+0 > S 0:0(0) <mss 1460>\n" +
                             std::string("+1 > S 0:0(0) <mss 1460>\n+2 > S 0:0(0) <mss 1460>\n");
  const std::string told = "+2 getsockopt(3, SOL_SOCKET, SO_ERROR, [ETIMEDOUT], [4]) = 0\n";
  const auto limit = [&](const std::string& option) { return begin + "+0 setsockopt(3, " + option + ", 4) = 0\n"; };
  expect_innocent(limit("IPPROTO_TCP, TCP_KEEPINIT, [5]") + opened + told);
  expect_innocent(limit("SOL_TCP, TCP_SYNCNT, [2]") + opened + told);
  expect_guilty(begin + opened + told);
  expect_guilty(limit("IPPROTO_TCP, TCP_KEEPINIT, [50]") + opened + told);
  expect_innocent("`sysctl -q net.ipv4.tcp_syn_retries=2`\n" + begin + opened + told);
  expect_guilty("`sysctl -q net.ipv4.tcp_syn_retries=6`\n" + begin + opened + told);
}

// The lines whose times are not told may be those of a timer that doubles.
TEST(ForeignScript, StarsMayBeTimeouts) {
  const std::string syn = "> S 0:0(0) <mss 1460>\n";
  const std::string lost = kConnect + "+1 " + syn + "+2.2 " + syn;
  std::string stars;
  for (int i = 0; i < 6; ++i) stars.append("* ").append(syn);
  expect_innocent(lost + stars);
  expect_guilty(lost + "+1 " + syn + stars);
}

// What is no error message concerns no connection.
TEST(ForeignScript, AnEchoEndsNoAttemptToOpen) {
  const std::string syn = "+1 > S 0:0(0) <mss 1460>\n";
  const std::string told = "+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [EHOSTUNREACH], [4]) = 0\n";
  for (const char* message : {"echo_reply", "redirect", "timestamp_request", "address_mask_reply"}) {
    std::string arrived = kConnect;
    arrived.append("+.1 < icmp ").append(message).append("\n");
    expect_innocent(arrived + syn);
    expect_guilty(arrived.append(told).append(syn));
  }
  expect_innocent(kConnect + "+.1 < [0:0(0)] icmp time_exceeded ttl_exceeded_in_transit\n" + told);
  expect_innocent(kConnect + "+.1 < icmp time_exceeded frag_reass_exceeded [0:0(0)]\n" + syn);
}

TEST(ForeignScript, AValueOrTheTrafficClassMayBeWrittenOtherwise) {
  const std::string syn = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 connect(3, ..., ...) = -1 // EINPROGRESS\n" +
                          std::string("+0 > S 0:0(0) <mss 1460,sackOK,TS val ... ecr 0>\n");
  expect_innocent(syn + "+.1 < S. 0:0(0) ack 1 win 9000 <mss 1460>\n+0 > . 1:1(0) ack 1\n");
  expect_guilty(syn + "+.1 < S. 0:0(0) ack 1 win 9000 <mss 1460>\n+0 > . 1:1(0) ack 2\n");
  const Scenario script = parse_script(syn, "test.pkt");
  EXPECT_TRUE(parse_script(print_script(script), "test.pkt") == script) << print_script(script);
  expect_innocent(kListen + "+0 < (class 0x28) S 0:0(0) win 9 <mss 1000>\n+0 > S. 0:0(0) ack 1 <mss 1460>\n");
  expect_innocent(kListen + "+0 < S 0:0(0)! win 9 <mss 1000>\n+0 > S. 0:0(0) ack 1 <mss 1460>\n");
}

// A RST that answers a segment without ACK has the number zero, not the ISS.
TEST(ForeignScript, ANumberOfTheTargetMayStandAsItIs) {
  const std::string closed = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n" +
                             std::string("+0 < S 5:5(0) win 9 <mss 1000>\n");
  expect_innocent(closed + "+0 > R. 0:0(0)! ack 1\n");
  expect_guilty(closed + "+0 > R. 7:7(0)! ack 1\n");
}

TEST(ForeignScript, MultipathTcpIsNamedByEveryConstruct) {
  const std::string socket = "0 socket(..., SOCK_STREAM, IPPROTO_MPTCP) = 3\n";
  const std::string lines[] = {
      "+0 < S 0:0(0) win 9 <mss 1000,mpcapable v1 flags[flag_h] nokey>\n",
      "+0 > S. 0:0(0) ack 1 <mss 1460,mpcapable v1 flags[flag_h] key[skey=2,ckey]>\n",
      "+0 > > addr[saddr] S 0:0(0) win 9 <mss 1460,mp_join_syn backup=1 address_id=0 token=sha256_32(skey)>\n"};
  for (const std::string& line : lines) {
    for (const FileResult& result : {judged(kListen + line), judged(socket + line)}) {
      EXPECT_EQ(result.outcome, Outcome::kUnsupported) << line;
      EXPECT_EQ(result.why.find("Multipath TCP"), 0u) << result.why;
    }
  }
}

// The FIN had left when the peer's was injected, so it acknowledges less. What nothing called for is guilty in any
// order.
TEST(ForeignScript, APacketMayHaveLeftBeforeTheLineAboveIt) {
  const std::string closing = kOpen + "+.1 close(4) = 0\n+0 < F. 1:1(0) ack 1 win 65535\n";
  const std::string left = "+0 > F. 1:1(0) ack 1\n+0 > . 2:2(0) ack 2\n";
  expect_innocent(closing + left);
  expect_guilty(kOpen + "+.1 close(4) = 0\n+.1 < F. 1:1(0) ack 1 win 65535\n+.1 > F. 1:1(0) ack 1\n");
  expect_guilty(kOpen + "+.1 < F. 1:1(0) ack 1 win 65535\n+0 > . 1:1(0) ack 1\n+0 > . 1:1(0) ack 2\n");
  expect_guilty("//! record: complete\n" + closing + left);
}

TEST(ForeignScript, ALineMayBeSeveralSegments) {
  const std::string sent = kOpen + "+.1 write(4, ..., 2500) = 2500\n+0 > P. 1:2501(2500) ack 1\n";
  expect_innocent(sent);
  expect_guilty("--strict_segments\n" + sent);
  expect_guilty(kOpen + "+.1 write(4, ..., 2500) = 2500\n+0 > P. 1:2601(2600) ack 1\n");
}

TEST(ForeignScript, ASendToAnAddressOpensTheConnection) {
  const std::string socket = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n";
  const std::string rest =
      "+0 > S 0:0(0) <mss 1460>\n+.1 < S. 0:0(0) ack 1 win 5792 <mss 1460>\n"
      "+0 > P. 1:101(100) ack 1\n";
  expect_innocent(socket + "+0 sendto(3, ..., 100, 0, ..., ...) = 100\n" + rest);
  expect_guilty(socket + "+0 write(3, ..., 100) = 100\n" + rest);
  expect_guilty(socket + "+0 sendto(3, ..., 10, 0, ..., ...) = 10\n" + rest);
}

TEST(ForeignScript, WhatFollowsMayBeWaitedFor) {
  const std::string more = "+.1 send(4, ..., 100, MSG_MORE) = 100\n+.1 send(4, ..., 100, 0) = 100\n";
  expect_innocent(kOpen + more + "+0 > P. 1:201(200) ack 1\n");
  expect_guilty(kOpen + more + "+0 > P. 1:301(300) ack 1\n");
}

// A late ACK of text out of order departs from a SHOULD. It is the one that was owed, and a second one is not.
TEST(ForeignScript, AnAckThatComesLateIsTheOneThatWasOwed) {
  const std::string text = kListen +
                           "+0 < S 0:0(0) win 65535 <mss 1000,sackOK,nop,nop>\n"
                           "+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>\n"
                           "+.1 < . 1:1(0) ack 1 win 65535\n+0 accept(3, ..., ...) = 4\n"
                           "+.1 < P. 1001:2001(1000) ack 1 win 65535\n";
  const std::string ack = " > . 1:1(0) ack 1 <nop,nop,sack 1001:2001>\n";
  expect_innocent(text + "+.03" + ack);
  expect_guilty(text + "+.03" + ack + "+.03" + ack);
}

// After a timeout the window is one segment and grows with each ACK, with SACK as without.
TEST(ForeignScript, SlowStartAfterATimeoutIsNotHeldToHalfOfTheFlight) {
  for (const std::string permitted : {"", ",nop,nop,sackOK"}) {
    const std::string lost = fmt::format(
        "{0}+0 < S 0:0(0) win 65535 <mss 1000{1}>\n+0 > S. 0:0(0) ack 1 <mss 1460{1}>\n"
        "+.1 < . 1:1(0) ack 1 win 65535\n+0 accept(3, ..., ...) = 4\n"
        "+0 write(4, ..., 40000) = 40000\n+0 > . 1:10001(10000) ack 1\n"
        "+1.1 > . 1:1001(1000) ack 1\n+.1 < . 1:1(0) ack 1001 win 65535\n",
        kListen, permitted);
    std::string grows = "+0 > . 1001:3001(2000) ack 1\n";
    for (int i = 1; i <= 3; ++i) {
      const auto octet = [](int segment) { return segment * 1000 + 1; };
      grows += fmt::format("+.1 < . 1:1(0) ack {} win 65535\n+0 > . {}:{}(2000) ack 1\n", octet(i + 1),
                           octet(2 * i + 1), octet(2 * i + 3));
    }
    expect_innocent(lost + grows);
    expect_guilty(lost + "+0 > . 1001:5001(4000) ack 1\n");
  }
}

// Ten segments are injected at once; the target has acknowledged every second one meanwhile.
TEST(ForeignScript, AnAckStandsBehindWhatItAcknowledges) {
  std::string text = kOpen, acks;
  for (int i = 0; i < 10; ++i) {
    const std::string from = std::to_string(i * 1000 + 1), to = std::to_string(i * 1000 + 1001);
    text.append(i == 0 ? "+.1 < . " : "+0 < . ").append(from).append(":").append(to);
    text.append("(1000) ack 1 win 65535\n");
    if (i % 2 == 1) acks += "+0 > . 1:1(0) ack " + to + "\n";
  }
  expect_innocent(text + acks);
  expect_guilty(text + "+0 > . 1:1(0) ack 2002\n");
  expect_guilty(text + "+0 > . 1:1(0) ack 4001\n+0 > . 1:1(0) ack 2001\n");
}

// The line that stands in the way of the accused one moves first: three segments at once, and an ACK for each. A FIN
// that leaves again before its time is guilty of that, wherever it stands, and never stands before what it
// acknowledges.
TEST(ForeignScript, LinesOfTheTargetKeepTheirOrderWhenTheyMove) {
  const std::string three = kConnect + "+.1 < S. 0:100(100) ack 1 win 5792 <mss 1460>\n" +
                            "+0 < . 101:201(100) ack 1 win 5792\n+0 < P. 201:301(100) ack 1 win 5792\n";
  const std::string acks = "+0 > . 1:1(0) ack 101\n+0 > . 1:1(0) ack 201\n+0 > . 1:1(0) ack 301\n";
  expect_innocent(three + acks);
  expect_guilty(three + acks + "+0 > . 1:1(0) ack 301\n");
  const FileResult again = judged(kOpen + "+.1 close(4) = 0\n+0 < F. 1:1(0) ack 1 win 65535\n+0 > F. 1:1(0) ack 1\n" +
                                  "+0 < . 2:2(0) ack 2 win 65535\n+0 > F. 1:1(0) ack 2\n");
  ASSERT_FALSE(again.verdicts.empty());
  EXPECT_EQ(again.verdicts.front().rule, Rule::R6298_5_early);
}

// BSD's TCP_FASTOPEN asks for Fast Open at either end.
TEST(ForeignScript, ASocketOptionAsksForACookie) {
  const std::string socket = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n";
  const std::string asks = "+0 setsockopt(3, IPPROTO_TCP, TCP_FASTOPEN, [1], 4) = 0\n";
  const std::string first = "+0 sendto(3, ..., 100, 0, ..., ...) = 100\n+0 > S 0:0(0) <mss 1460,FO,nop,nop>\n";
  const std::string granted = "+.1 < S. 0:0(0) ack 1 win 5792 <mss 1460,FO 0102030405060708,nop,nop>\n";
  const std::string rest = "+0 > P. 1:101(100) ack 1\n";
  expect_innocent(socket + asks + first + granted + rest);
  expect_innocent(socket + asks + "+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)\n" +
                  "+0 > S 0:0(0) <mss 1460,FO,nop,nop>\n");
  expect_guilty(socket + first + granted + rest);
  expect_guilty(socket + asks + "+0 setsockopt(3, IPPROTO_TCP, TCP_FASTOPEN, [0], 4) = 0\n" + first + granted + rest);
  expect_guilty(socket + asks + first + granted + "+0 > P. 1:102(101) ack 1\n");
}

// RFC 7413 section 4.2.2: what the SYN,ACK leaves of the SYN's text goes with its ACK, and is no loss.
TEST(ForeignScript, TheTextOfASynMayBeAcknowledgedInPart) {
  const std::string open =
      "`sysctl net.ipv4.tcp_fastopen=1`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
      "+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n+0 sendto(3, ..., 4000, MSG_FASTOPEN, ..., ...) = 1420\n"
      "+0 > S 0:1420(1420) <mss 1460,nop,nop,sackOK,FO abcd1234,nop,nop>\n"
      "+.01 < S. 9999:9999(0) ack 101 win 65535 <mss 1000,nop,nop,sackOK>\n+0 > P. 101:1421(1320) ack 1\n";
  expect_innocent(open + "+0 write(3, ..., 4000) = 4000\n+0 > P. 1421:5421(4000) ack 1\n");
  expect_guilty(open + "+0 write(3, ..., 12000) = 12000\n+0 > P. 1421:13421(12000) ack 1\n");
  expect_guilty(open + "+0 write(3, ..., 4000) = 4000\n+0 > P. 1422:5421(3999) ack 1\n");
}

// Who takes text beyond the window, against a SHOULD, has RCV.NXT behind it: a RST there resets.
TEST(ForeignScript, AResetBehindTextBeyondTheWindowIsExact) {
  const std::string text = kListen +
                           "+0 < S 0:0(0) win 32792 <mss 1000>\n+0 > S. 0:0(0) ack 1 win 8000 <mss 1460>\n"
                           "+.1 < . 1:1(0) ack 1 win 257\n+0 accept(3, ..., ...) = 4\n"
                           "+0 < P. 1:9001(9000) ack 1 win 257\n";
  const std::string gone = "+0 < . 9001:9001(0) ack 1 win 257\n+0 > R 1:1(0)\n";
  expect_innocent(text + "+0 < R. 9001:9001(0) ack 1 win 257\n" + gone);
  expect_guilty(text + "+0 < R. 9000:9000(0) ack 1 win 257\n" + gone);
  expect_guilty(text + gone);
}

// The user's port is in TIME-WAIT: a SYN of the target's own is too early, and named so.
TEST(ForeignScript, APortInTimeWaitIsNotOpenedAgain) {
  const std::string open =
      "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n"
      "+0 connect(3, ..., ...) = -1 EINPROGRESS (in progress)\n+0 > S 0:0(0) <mss 1460>\n";
  const std::string closed = open +
                             "+.1 < S. 0:0(0) ack 1 win 65535 <mss 1460>\n+0 > . 1:1(0) ack 1\n"
                             "+.1 close(3) = 0\n+0 > F. 1:1(0) ack 1\n"
                             "+.1 < F. 1:1(0) ack 2 win 65535\n+0 > . 2:2(0) ack 2\n";
  const FileResult early = judged(closed + open);
  EXPECT_EQ(early.outcome, Outcome::kFail);
  ASSERT_FALSE(early.verdicts.empty());
  EXPECT_EQ(info(early.verdicts[0].rule).id, std::string("MUST_13"));
  expect_innocent(closed + "+300 " + open.substr(3));
}

// RFC 2385 says nothing of a signature where there is no key; with a key a segment without one is dropped.
TEST(ForeignScript, SignedSegmentsAreJudged) {
  const std::string digest = " <md5 000102030405060708090a0b0c0d0e0f,nop,nop>\n";
  const std::string text = kOpen + "+.1 < P. 1:11(10) ack 1 win 65535" + digest;
  const std::string next = "+.1 < P. 11:21(10) ack 1 win 65535\n";
  expect_innocent(text + "+.01 > . 1:1(0) ack 11\n" + next + "+.01 > . 1:1(0) ack 21\n");
  expect_innocent(text + next + "+0 > . 1:1(0) ack 1\n");
  expect_guilty(text + "+.01 > . 1:1(0) ack 5\n");
  const std::string keyed =
      "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
      "+0 setsockopt(3, IPPROTO_TCP, TCP_MD5SIG, [1], 4) = 0\n"
      "+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n"
      "+0 < S 0:0(0) win 65535 <mss 1000,md5 valid>\n"
      "+0 > S. 0:0(0) ack 1 <mss 1460,md5 valid>\n"
      "+.1 < . 1:1(0) ack 1 win 65535 <md5 valid>\n+0 accept(3, ..., ...) = 4\n";
  const std::string ack = "+.01 > . 1:1(0) ack 11 <md5 valid>\n";
  expect_innocent(keyed + "+.1 < P. 1:11(10) ack 1 win 65535 <md5 valid>\n" + ack);
  expect_guilty(keyed + "+.1 < P. 1:11(10) ack 1 win 65535\n" + ack);
  const Scenario script = parse_script(keyed + ack, "test.pkt");
  EXPECT_TRUE(parse_script(print_script(script), "test.pkt") == script) << print_script(script);
}

// splice() moves nothing at the mark of urgent data, which is no end of the stream.
TEST(ForeignScript, ASpliceIsARead) {
  const std::string text = kOpen + "+0 pipe([5, 6]) = 0\n+.1 < P. 1:101(100) ack 1 win 65535\n";
  expect_innocent(text + "+0 splice(4, NULL, 6, NULL, 99, 0) = 99\n+0 splice(4, NULL, 6, NULL, 1, 0) = 0\n" +
                  "+0 > . 1:1(0) ack 101\n");
  expect_guilty(text + "+0 splice(4, NULL, 6, NULL, 200, 0) = 120\n+0 > . 1:1(0) ack 101\n");
}

TEST(ForeignScript, AKeyForFastOpenIsRead) {
  const std::string set = "+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN_KEY, ";
  const Scenario script = parse_script(kListen + set + "\"\\xa1\\x02\", 2) = 0\n", "test.pkt");
  EXPECT_EQ(std::get<Call>(script.steps.back().action).implementation_specific, "SOL_TCP.TCP_FASTOPEN_KEY=a102");
  EXPECT_TRUE(parse_script(print_script(script), "test.pkt") == script) << print_script(script);
  expect_innocent(kOpen + "+0 sendto(4, ..., 0, MSG_FASTOPEN, AF_UNSPEC, ...) = -1 EOPNOTSUPP (not supported)\n");
}

TEST(ForeignScript, AnAceDigitMayStandInFront) {
  const std::string asked = kListen + "+0 < SEWA 0:0(0) win 9 <mss 1000>\n+0 > SW. 0:0(0) ack 1 <mss 1460>\n";
  const FileResult named = judged(asked + "+.1 < [noecn] 5. 1:1(0) ack 1 win 9\n+0 accept(3, ..., ...) = 4\n");
  EXPECT_NE(named.outcome, Outcome::kUnsupported) << named.why;
  EXPECT_NE(named.outcome, Outcome::kFail) << named.why;
}

}  // namespace
}  // namespace tcpassay
