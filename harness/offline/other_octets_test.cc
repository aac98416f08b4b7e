// SPDX-License-Identifier: Apache-2.0
// Records that say more than packetdrill can: octets of texts and headers, and several peers.
#include <gtest/gtest.h>

#include <string>

#include "harness/offline/judge.h"
#include "harness/offline/outcome.h"
#include "harness/script/error.h"
#include "harness/script/parse.h"
#include "harness/script/print.h"
#include "harness/script/scenario.h"
#include "models/rule.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

const std::string kListen = R"(//! record: complete
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
)";
const std::string kOpen = kListen + R"(+0 < S 0:0(0) win 65535 <mss 1000>
+0 > S. 0:0(0) ack 1 win 65535 <mss 1460>
+.1 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
)";

FileResult judged(const std::string& text) {
  const Scenario script = parse_script(text, "test.pkt");
  EXPECT_TRUE(parse_script(print_script(script), "test.pkt") == script) << print_script(script);
  return judge_script(script, "test.pkt");
}
void expect_innocent(const std::string& text) {
  const FileResult result = judged(text);
  EXPECT_EQ(result.outcome, Outcome::kPass) << text << result.why;
}
void expect_guilty(const std::string& text, Rule rule) {
  const FileResult result = judged(text);
  EXPECT_EQ(result.outcome, Outcome::kFail) << text << result.why;
  ASSERT_FALSE(result.verdicts.empty()) << text;
  EXPECT_EQ(info(result.verdicts.front().rule).id, info(rule).id) << text << result.why;
}

TEST(OtherOctets, TextThatLeavesAgainIsTheSame) {
  const std::string once = kOpen + "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1 win 65535\n";
  const std::string again = "+1 > P. 1:101(100) ack 1 win 65535";
  const std::string end = "+.1 < . 1:1(0) ack 101 win 65535\n";
  expect_innocent(once + again + "\n" + end);
  expect_guilty(once + again + " //! damage: text@7=ff\n" + end, Rule::S3_8_1_same_octets);
}

TEST(OtherOctets, AReadGivesWhatArrived) {
  const std::string arrived = kOpen + "+.1 < P. 1:101(100) ack 1 win 65535\n+0 > . 1:1(0) ack 101 win 65435\n";
  const std::string read = "+0 read(4, ", end = ", 1000) = 100\n";
  expect_innocent(arrived + read + "..." + end);
  expect_guilty(arrived + read + "\"\\xff\\x00\"" + end, Rule::S3_10_3_established);
}

TEST(OtherOctets, AWrongChecksumThatWasSentIsBlamed) {
  const std::string sent = kOpen + "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1 win 65535";
  const std::string end = "+.1 < . 1:1(0) ack 101 win 65535\n";
  expect_innocent(sent + "\n" + end);
  expect_guilty(sent + " //! damage: checksum\n" + end, Rule::MUST_2);
  expect_guilty(sent + " //! damage: tcp[16]=0102\n" + end, Rule::MUST_2);
}

// A host drops a packet whose IP header has a wrong version or checksum: whoever answers has not looked.
TEST(OtherOctets, APacketThatIpDropsIsNotAnswered) {
  const std::string text = "+.1 < P. 1:101(100) ack 1 win 65535";
  const std::string ack = "+0 > . 1:1(0) ack 101 win 65435\n";
  expect_innocent(kOpen + text + "\n" + ack);
  for (const char* damage : {"ip[10]=0000", "ip[0]=65", "ip[9]=11"}) {
    const std::string dropped = kOpen + text + " //! damage: " + damage + "\n";
    expect_innocent(dropped);
    EXPECT_EQ(judged(dropped + ack).outcome, Outcome::kFail) << damage;
  }
}

// The same port of two hosts: each has a connection of its own.
TEST(OtherOctets, PeersHaveConnectionsOfTheirOwn) {
  const std::string second = R"(+.1 < S 500:500(0) win 65535 <mss 1000> //! damage: peer=192.0.2.7
+0 > S. 0:0(0) ack 501 win 65535 <mss 1460> //! damage: peer=192.0.2.7
+.1 < . 501:501(0) ack 1 win 65535 //! damage: peer=192.0.2.7
+0 accept(3, ..., ...) = 5
+.1 < P. 501:601(100) ack 1 win 65535 //! damage: peer=192.0.2.7
)";
  const std::string mine = "+0 > . 1:1(0) ack 601 win 65435 //! damage: peer=192.0.2.7\n";
  expect_innocent(kOpen + second + mine + "+0 read(5, ..., 100) = 100\n");
  EXPECT_EQ(judged(kOpen + second + "+0 > . 1:1(0) ack 601 win 65435\n").outcome, Outcome::kFail);
}

TEST(OtherOctets, WhatIsWrongIsNamed) {
  for (const char* line :
       {"+0 < . 1:1(0) ack 1 win 9 //! damage: ip[60]=00\n", "+0 < . 1:1(0) ack 1 //! damage: tcp[=00\n",
        "+0 < . 1:5(4) ack 1 //! damage: text@3=0000\n", "+0 < . 1:1(0) ack 1 //! damage: peer=nobody\n",
        "+0 > . 1:1(0) ack 1 //! damage: source=1.1.1.1\n"}) {
    EXPECT_THROW(parse_script(kOpen + line, "test.pkt"), ScriptError) << line;
  }
}

}  // namespace
}  // namespace tcpassay
