// SPDX-License-Identifier: Apache-2.0
#include "harness/judge.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/script.h"

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

Opinion opinion(const std::string& script) { return judge_script(parse_script(script, "test.pkt"), "test.pkt"); }

TEST(Judge, AcceptsWhatIsRight) {
  const Opinion accepted = opinion(std::string(kOpen) + R"(
+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+.1 < . 1:1(0) ack 1001 win 257
+0 < P. 1:11(10) ack 1001 win 257
+0 > . 1001:1001(0) ack 11
+0 read(4, ..., 100) = 10
)");
  EXPECT_EQ(accepted.kind, Opinion::Kind::kAccepted) << accepted.why;
  EXPECT_TRUE(accepted.verdicts.empty());
}

TEST(Judge, CondemnsWhatIsWrong) {
  const Opinion condemned = opinion(std::string(kOpen) + R"(
+0 < P. 1:11(10) ack 1 win 257
+0 > . 1:1(0) ack 500
)");
  EXPECT_EQ(condemned.kind, Opinion::Kind::kCondemned);
  EXPECT_FALSE(condemned.why.empty());
  ASSERT_FALSE(condemned.verdicts.empty());
}

TEST(Judge, SilenceIsHeldAgainstNobodyAtTheEnd) {
  EXPECT_EQ(opinion(std::string(kOpen) + "+0 < P. 1:11(10) ack 1 win 257\n+5 < . 11:11(0) ack 1 win 257\n").kind,
            Opinion::Kind::kAccepted);
}

TEST(Judge, SilenceBeforeALineIsHeldAgainstTheTarget) {
  // A RST outside the window is dropped; text is acknowledged within 500 ms, but here only after five seconds.
  const Opinion late = opinion(std::string(kOpen) + "+0 < P. 1:11(10) ack 1 win 257\n+5 > . 1:1(0) ack 11\n");
  EXPECT_EQ(late.kind, Opinion::Kind::kCondemned);
}

TEST(Judge, ReadsAnActiveOpenThatBlocks) {
  const Opinion accepted = opinion(R"(
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
0.1...0.2 connect(3, ..., ...) = 0
0.1 > S 0:0(0) <mss 1460>
0.2 < S. 0:0(0) ack 1 win 5792 <mss 1460>
0.2 > . 1:1(0) ack 1
0.3 write(3, ..., 100) = 100
0.3 > P. 1:101(100) ack 1
)");
  EXPECT_EQ(accepted.kind, Opinion::Kind::kAccepted) << accepted.why;
}

TEST(Judge, NamesWhatItCannotRead) {
  const auto why = [](const std::string& line) {
    const Opinion unread = opinion(std::string(kOpen) + line);
    EXPECT_EQ(unread.kind, Opinion::Kind::kUnsupported) << line;
    return unread.why;
  };
  EXPECT_EQ(why("+0 < icmp unreachable [0:0]\n").substr(0, 4), "ICMP");
  EXPECT_EQ(why("+0 < S 0:0(0) win 100 <mss 1460,FO 0123456789abcdef>\n").substr(0, 13), "TCP Fast Open");
  EXPECT_NE(why("+0 epoll_create(1) = 5\n").find("epoll_create"), std::string::npos);
}

TEST(Judge, IgnoresWhatRunsBesideTheScript) {
  const std::string before = "`sysctl -q net.ipv4.tcp_sack=1`\n", after = "+0 %{ assert tcpi_unacked == 0 }%\n";
  EXPECT_EQ(opinion(before + kOpen + after).kind, Opinion::Kind::kAccepted);
}

TEST(Judge, JsonKeepsItsContract) {
  const auto json = nlohmann::json::parse(judge_json({opinion(kOpen), opinion("+0 < icmp unreachable [0:0]\n")}));
  ASSERT_EQ(json["traces"].size(), 2u);
  for (const char* key : {"file", "verdict", "why", "rules"}) EXPECT_TRUE(json["traces"][0].contains(key)) << key;
  EXPECT_EQ(json["traces"][0]["verdict"], "accepted");
  EXPECT_EQ(json["summary"]["unsupported"], 1);
}

}  // namespace
}  // namespace tcpassay
