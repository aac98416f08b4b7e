// SPDX-License-Identifier: Apache-2.0
#include "harness/offline/judge.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/script/parse.h"

namespace tcpassay {
namespace {

constexpr const char* kOpen = R"(
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,nop,wscale 6>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
)";

FileResult result(const std::string& script) {
  return judge_script(parse_script(script, "test.pkt"), "test.pkt");
}

std::vector<std::string> rules_of(const FileResult& judged) {
  std::vector<std::string> found;
  for (const Verdict& verdict : judged.verdicts) found.emplace_back(info(verdict.rule).id);
  return found;
}

TEST(Judge, AcceptsWhatIsRight) {
  const FileResult accepted = result(std::string(kOpen) + R"(
+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+.1 < . 1:1(0) ack 1001 win 257
+0 < P. 1:11(10) ack 1001 win 257
+0 > . 1001:1001(0) ack 11
+0 read(4, ..., 100) = 10
)");
  EXPECT_EQ(accepted.outcome, Outcome::kPass) << accepted.why;
  EXPECT_TRUE(accepted.verdicts.empty());
}

TEST(Judge, CondemnsWhatIsWrong) {
  const FileResult condemned = result(std::string(kOpen) + R"(
+0 < P. 1:11(10) ack 1 win 257
+0 > . 1:1(0) ack 500
)");
  EXPECT_EQ(condemned.outcome, Outcome::kFail);
  EXPECT_FALSE(condemned.why.empty());
  ASSERT_FALSE(condemned.verdicts.empty());
}

TEST(Judge, SilenceIsHeldAgainstNobodyAtTheEnd) {
  EXPECT_EQ(result(std::string(kOpen) + "+0 < P. 1:11(10) ack 1 win 257\n+5 < . 11:11(0) ack 1 win 257\n").outcome,
            Outcome::kPass);
}

TEST(Judge, SilenceBeforeALineIsHeldAgainstTheTarget) {
  // A RST outside the window is dropped; text is acknowledged within 500 ms, but here only after five seconds.
  const FileResult late = result(std::string(kOpen) + "+0 < P. 1:11(10) ack 1 win 257\n+5 > . 1:1(0) ack 11\n");
  EXPECT_EQ(late.outcome, Outcome::kFail);
}

TEST(Judge, WithoutALineOfTheTargetsThereIsNothingToJudge) {
  const FileResult scenario = result("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 < S 0:0(0) win 1000\n");
  EXPECT_EQ(scenario.outcome, Outcome::kInconclusive);
  EXPECT_NE(scenario.why.find("tcpassay run"), std::string::npos) << scenario.why;
}

constexpr const char* kComplete = R"(//! record: complete msl=30
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1460>
+.3 > S. 0:0(0) ack 1 win 65535 <mss 1460>
+.1 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
)";

// No text names a time for an answer, so it may come late; a complete record without it says that it never came.
TEST(Judge, InACompleteRecordAnswersMayBeLateButNotMissing) {
  const std::string old = std::string(kComplete) + "+0 < . 1:1(0) ack 77 win 65535\n";
  EXPECT_EQ(result(old + "+7 > . 1:1(0) ack 1 win 65535\n").outcome, Outcome::kPass);
  EXPECT_EQ(result(old).outcome, Outcome::kFail);
  const std::string twice = old + "+.1 < . 1:1(0) ack 78 win 65535\n";
  EXPECT_EQ(result(twice + "+1 > . 1:1(0) ack 1 win 65535\n").outcome, Outcome::kPass);
}

// Timers run from the last event on, before time passes: what had to leave in a silence is missed at its end.
TEST(Judge, ACompleteRecordMissesWhatIsNotSentAgain) {
  for (const char* end : {"+60 < . 1:1(0) ack 101 win 65535\n", "+60 > P. 1:101(100) ack 1 win 65535\n"}) {
    const FileResult missed =
        result(std::string(kComplete) + "+0 write(4, ..., 100) = 100\n" + "+0 > P. 1:101(100) ack 1 win 65535\n" + end);
    EXPECT_FALSE(missed.verdicts.empty()) << end;
  }
  const FileResult answered = result(std::string(kComplete) + "+0 write(4, ..., 100) = 100\n" +
                                     "+0 > P. 1:101(100) ack 1 win 65535\n+1 > P. 1:101(100) ack 1 win 65535\n" +
                                     "+.1 < . 1:1(0) ack 101 win 65535\n+60 < . 1:1(0) ack 101 win 65535\n");
  EXPECT_TRUE(answered.verdicts.empty()) << answered.why;
}

// Which octets a read has given, a record does not say; how many it could, it does.
// A time that the user has set ends the connection, also where nothing was sent again by then: only that is wrong.
TEST(Judge, ATimeThatTheUserHasSetEndsTheConnection) {
  const std::string set = std::string(kComplete) + "+0 setsockopt(4, SOL_TCP, TCP_USER_TIMEOUT, [4000], 4) = 0\n";
  const std::string lost = "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1 win 65535\n";
  const std::string ends = "+10 read(4, ..., 100) = -1 ETIMEDOUT (Connection timed out)\n";
  EXPECT_EQ(rules_of(result(set + lost + ends)), std::vector<std::string>{"R6298_5_4"});
  EXPECT_EQ(rules_of(result(kComplete + lost + ends)), (std::vector<std::string>{"R6298_5_4", "SHLD_11"}));
}

// SHLD-19: one ACK for three segments that came one after the other; those of one instant may have been joined.
TEST(Judge, AnAckForThreeSegmentsDeparts) {
  const auto three = [](const std::string& apart) {
    return std::string(kComplete) + "+0 < . 1:1461(1460) ack 1 win 65535\n" + apart +
           " < . 1461:2921(1460) ack 1 win 65535\n" + apart + " < P. 2921:4381(1460) ack 1 win 65535\n";
  };
  const std::string ack = "+.1 > . 1:1(0) ack 4381 win 65535\n";
  EXPECT_EQ(rules_of(result(three("+.01") + ack)), std::vector<std::string>{"SHLD_19"});
  EXPECT_EQ(rules_of(result(three("+0") + ack)), std::vector<std::string>{});
}

// 3.8.3: a connection that is given up too early, as its RST or the error of its user shows.
TEST(Judge, GivenUpTooEarly) {
  const std::string lost = "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1 win 65535\n";
  const std::string again = "+1 > P. 1:101(100) ack 1 win 65535\n+2 > P. 1:101(100) ack 1 win 65535\n";
  const std::string reset = "+4 > R. 101:101(0) ack 1 win 0\n";
  const std::string set = "+0 setsockopt(4, SOL_TCP, TCP_USER_TIMEOUT, [20000], 4) = 0\n";
  EXPECT_EQ(rules_of(result(kComplete + lost + again + reset)), std::vector<std::string>{"SHLD_11"});
  EXPECT_EQ(rules_of(result(kComplete + set + lost + again + reset)), std::vector<std::string>{"MUST_21"});
  EXPECT_EQ(rules_of(result(kComplete + lost + "+.5 > R. 101:101(0) ack 1 win 0\n")),
            std::vector<std::string>{"S3_5_2_unclear"});
}

// 3.10.5: ABORT flushes what waits for an acknowledgment; it does not go again, in TIME-WAIT either.
TEST(Judge, NothingGoesAgainBehindAnAbort) {
  const std::string aborts = std::string(kComplete) + R"(+0 write(4, ..., 100) = 100
+0 > P. 1:101(100) ack 1 win 65535
+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0
+0 close(4) = 0
+0 > R 101:101(0) win 0
)";
  EXPECT_EQ(result(aborts).outcome, Outcome::kPass);
  EXPECT_EQ(result(aborts + "+1 > P. 1:101(100) ack 1 win 65535\n").outcome, Outcome::kFail);
}

// SHLD-15 is about a window that was shrunk. The edge of an old segment is no such window.
TEST(Judge, TextByTheWindowOfAnOldSegmentIsCondemned) {
  const std::string shut = std::string(kComplete) + R"(+0 < P. 1:11(10) ack 1 win 1000
+0 > . 1:1(0) ack 11 win 65535
+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 11 win 65535
+0 < P. 11:21(10) ack 1001 win 0
+0 > . 1001:1001(0) ack 21 win 65535
+0 write(4, ..., 500) = 500
+0 < . 11:11(0) ack 1 win 5000
+0 > . 1001:1001(0) ack 21 win 65535
)";
  const std::string again = "+0 > P. 1001:1501(500) ack 21 win 65535\n";
  EXPECT_EQ(rules_of(result(shut + again)), std::vector<std::string>{"SA4_5_window"});
}

TEST(Judge, ATimedOutSynIsGivenUp) {
  const std::string opens = R"(//! record: complete msl=30
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) win 65535 <mss 1460>
+1 > S 0:0(0) win 65535 <mss 1460>
+2 > S 0:0(0) win 65535 <mss 1460>
+4 > S 0:0(0) win 65535 <mss 1460>
+7 getsockopt(3, SOL_SOCKET, SO_ERROR, )";
  EXPECT_EQ(rules_of(result(opens + "[ETIMEDOUT], [4]) = 0\n")), std::vector<std::string>{"MUST_23"});
  EXPECT_EQ(rules_of(result(opens + "[0], [4]) = 0\n")), std::vector<std::string>{});
}

TEST(Judge, ReadsOfARecordAreCounted) {
  const std::string urgent = std::string(kComplete) +
                             "+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n"
                             "+0 < PU. 1:11(10) ack 1 win 65535 urg 10\n+0 > . 1:1(0) ack 11 win 65535\n"
                             "+0 read(4, ..., 100) = 9\n+0 read(4, ..., 100) = -1 EAGAIN\n"
                             "+1 < P. 11:21(10) ack 1 win 65535\n+0 > . 1:1(0) ack 21 win 65535\n";
  EXPECT_EQ(result(urgent + "+0 read(4, ..., 100) = 10\n").outcome, Outcome::kPass);
  EXPECT_EQ(result(urgent + "+0 read(4, ..., 100) = 9\n+0 read(4, ..., 100) = -1 EAGAIN\n").outcome, Outcome::kFail);
  EXPECT_EQ(result(urgent + "+0 read(4, ..., 100) = 11\n").outcome, Outcome::kFail);
}

// Ports that only the packets name: the call opens the connection whose SYN comes next.
TEST(Judge, AnActiveOpenTakesThePortsOfItsSyn) {
  const std::string opens = R"(//! record: complete msl=30
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > 40001 > 8080 S 0:0(0) win 65535 <mss 1460>
+.1 < 8080 > 40001 S. 0:0(0) ack 1 win 65535 <mss 1460>
)";
  EXPECT_EQ(result(opens + "+0 > 40001 > 8080 . 1:1(0) ack 1 win 65535\n").outcome, Outcome::kPass);
  EXPECT_EQ(result(opens + "+0 > 40001 > 8080 . 1:1(0) ack 2 win 65535\n").outcome, Outcome::kFail);
}

TEST(Judge, ReadsAnActiveOpenThatBlocks) {
  const FileResult accepted = result(R"(
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
0.1...0.2 connect(3, ..., ...) = 0
0.1 > S 0:0(0) <mss 1460>
0.2 < S. 0:0(0) ack 1 win 5792 <mss 1460>
0.2 > . 1:1(0) ack 1
0.3 write(3, ..., 100) = 100
0.3 > P. 1:101(100) ack 1
)");
  EXPECT_EQ(accepted.outcome, Outcome::kPass) << accepted.why;
}

TEST(Judge, NamesWhatItCannotRead) {
  const auto why = [](const std::string& line) {
    const FileResult unread = result(std::string(kOpen) + line);
    EXPECT_EQ(unread.outcome, Outcome::kUnsupported) << line;
    return unread.why;
  };
  EXPECT_EQ(why("+0 < icmp nothing [0:0]\n"), "icmp nothing [0:0] (test.pkt:10:1)");
  EXPECT_EQ(why("+0 tee(4, 6, 9, 0) = 9\n"), "tee (test.pkt:10:1)");
}

// A state in which the connection cannot be is held against the target as if it had reported it.
TEST(Judge, TakesStatesThatAreAsserted) {
  EXPECT_EQ(result(std::string(kOpen) + "+0 %{ assert tcpi_state == TCP_ESTABLISHED }%\n").outcome, Outcome::kPass);
  EXPECT_EQ(result(std::string(kOpen) + "+0 %{ assert tcpi_state == TCP_CLOSE_WAIT }%\n").outcome, Outcome::kFail);
}

// A script of stimuli says nothing of the target; one with > lines does.
TEST(Judge, AScriptWithoutSegmentsOfTheTargetIsNoRecord) {
  const std::string stimuli = R"(
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 1000 <mss 1460>
+.1 < . 1:1(0) ack 1 win 1000
+0 accept(3, ..., ...) = 4
)";
  const FileResult unknown = result(stimuli);
  EXPECT_EQ(unknown.outcome, Outcome::kInconclusive);
  EXPECT_EQ(unknown.why.substr(0, 12), "no line says") << unknown.why;
  EXPECT_EQ(result(stimuli + "+0 > R 500:500(0)\n").outcome, Outcome::kFail);
  EXPECT_EQ(result("").outcome, Outcome::kUnsupported);
}

// packetdrill's interface joins what the target has cut: a line may be several segments.
TEST(Judge, TakesALineForSeveralSegments) {
  const std::string wrote = std::string(kOpen) + "+0 write(4, ..., 2000) = 2000\n";
  EXPECT_EQ(result(wrote + "+0 > P. 1:2001(2000) ack 1\n").outcome, Outcome::kPass) << result(wrote).why;
  EXPECT_EQ(result("--strict_segments\n" + wrote + "+0 > P. 1:2001(2000) ack 1\n").outcome, Outcome::kFail);
  EXPECT_EQ(result(wrote + "+0 > P. 1:2101(2100) ack 1\n").outcome, Outcome::kFail);  // more than was written
}

TEST(Judge, TakesASendThatOpens) {
  const auto sends = [](const std::string& text) {
    return result(R"(
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 sendto(3, ..., 100, 0, ..., ...) = 100
+0 > S 0:0(0) win 65535 <mss 1460>
+.1 < S. 0:0(0) ack 1 win 5792 <mss 1460>
+0 > P. )" + text +
                  " ack 1\n")
        .outcome;
  };
  EXPECT_EQ(sends("1:101(100)"), Outcome::kPass);
  EXPECT_EQ(sends("1:102(101)"), Outcome::kFail);
}

// TCP_CORK that the user sets before the connection is there counts for it: SEND without PUSH.
TEST(Judge, ACorkOfBeforeTheConnectionCounts) {
  const auto sends = [](const std::string& cork) {
    return result(R"(//! record: complete msl=30
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
)" + cork + R"(+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) win 65535 <mss 1460>
+.1 < S. 0:0(0) ack 1 win 65535 <mss 1000>
+0 > . 1:1(0) ack 1 win 65535
+.1 write(3, ..., 1000) = 1000
+0 > . 1:1001(1000) ack 1 win 65535
+.1 < . 1:1(0) ack 1001 win 65535
)");
  };
  EXPECT_EQ(rules_of(sends("+0 setsockopt(3, SOL_TCP, TCP_CORK, [1], 4) = 0\n")), std::vector<std::string>{});
  EXPECT_EQ(rules_of(sends("")), std::vector<std::string>{"MUST_61"});
}

TEST(Judge, APeekLeavesTheTextWhereItIs) {
  const std::string peeked =
      std::string(kOpen) + "+0 < P. 1:11(10) ack 1 win 257\n+0 > . 1:1(0) ack 11\n+0 recv(4, ..., 10, MSG_PEEK) = 10\n";
  EXPECT_EQ(result(peeked + "+0 read(4, ..., 10) = 10\n").outcome, Outcome::kPass);
  EXPECT_EQ(result(peeked + "+0 read(4, ..., 11) = 11\n").outcome, Outcome::kFail);
}

TEST(Judge, NamesTheLine) {
  const FileResult condemned = result(std::string(kOpen) + "+0 < P. 1:11(10) ack 1 win 257\n+0 > . 1:1(0) ack 500\n");
  EXPECT_EQ(condemned.why.substr(0, 9), "line 11: ") << condemned.why;
}

// The script's numbers are its own, and so is its clock as long as --tcp_ts_tick_usecs is not given.
TEST(Judge, TakesTimestampsInTheScriptsNumbers) {
  const std::string script = R"(
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1460,sackOK,TS val 700 ecr 0,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 100 ecr 700,nop,wscale 8>
+.1 < . 1:1(0) ack 1 win 257 <nop,nop,TS val 800 ecr 100>
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 100) = 100
+0 > P. 1:101(100) ack 1 <nop,nop,TS val 100 ecr 800>
+.1 < . 1:1(0) ack 101 win 257 <nop,nop,TS val 900 ecr 100>
)";
  EXPECT_EQ(result(script).outcome, Outcome::kPass) << result(script).why;
}

TEST(Judge, TakesMessagesOfIcmp) {
  const std::string before = std::string(kOpen) +
                             "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n"
                             "+0 < icmp unreachable host_unreachable [1:101(100)]\n";
  const FileResult kept = result(before +
                                 "+.1 < . 1:1(0) ack 101 win 257\n+0 write(4, ..., 10) = 10\n"
                                 "+0 > P. 101:111(10) ack 1\n");
  EXPECT_EQ(kept.outcome, Outcome::kPass) << kept.why;
}

TEST(Judge, IgnoresWhatRunsBesideTheScript) {
  const std::string before = "`sysctl -q net.ipv4.tcp_sack=1`\n", after = "+0 %{ assert tcpi_unacked == 0 }%\n";
  EXPECT_EQ(result(before + kOpen + after).outcome, Outcome::kPass);
}

TEST(Judge, JsonKeepsItsContract) {
  const auto json = nlohmann::json::parse(judge_json({result(kOpen), result("+0 < icmp nothing [0:0]\n")}));
  ASSERT_EQ(json["traces"].size(), 2u);
  for (const char* key : {"file", "verdict", "why", "rules"}) EXPECT_TRUE(json["traces"][0].contains(key)) << key;
  EXPECT_EQ(json["traces"][0]["verdict"], "accepted");
  EXPECT_EQ(json["summary"]["unsupported"], 1);
}

}  // namespace
}  // namespace tcpassay
