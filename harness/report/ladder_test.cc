// SPDX-License-Identifier: Apache-2.0
#include "harness/report/ladder.h"

#include <gtest/gtest.h>

#include <sstream>

#include "harness/script/parse.h"
#include "harness/targets/own/own_target.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

std::string drawn(const std::string& script, std::optional<own::Defect> defect = {}) {
  OwnTarget target;
  target.plant(defect);
  Session session(target);
  session.play(parse_script(script, "test.pkt"));
  return ladder(session.trace(), session.oracle().verdicts(), {});
}

constexpr const char* kOpen = R"(//! numbers: running
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 100:100(0) win 1000 <mss 1460>
+0 < . 101:101(0) ack 1 win 1000
+0 accept(3, ..., ...) = 4
)";

TEST(Ladder, DrawsAConversation) {
  constexpr const char* kDrawn = R"(
    seconds | peer                                             | target
   0.000000 |                                                  | socket() = 3
            |                                                  | bind(3, 8080) = 0
            |                                                  | listen(3, 1) = 0
            |-- S 0 win 1000 <mss 1460> ---------------------->| SYN-RECEIVED
            |<-------------- S. 0 ack 1 win 65535 <mss 1460> --|
            |-- . 1 ack 1 win 1000 --------------------------->| ESTABLISHED
            |                                                  | accept(3) = 4
            |                                                  | write(4, 10) = 10
            |<------------------ P. 1:11(10) ack 1 win 65535 --|
   0.500000 |-- . 1 ack 11 win 1000 -------------------------->|
            |                                                  | accept(3) = -1 EAGAIN
            |                                                  | read(4, 65536) = -1 EAGAIN
)";
  const std::string rest = "+0 write(4, ..., 10) = 10\n+0.5 < . 101:101(0) ack 11 win 1000\n";
  EXPECT_EQ("\n" + drawn(kOpen + rest), kDrawn);
}

TEST(Ladder, PutsTheVerdictWhereItFalls) {
  const std::string rst_line = "+0 < R 200100:200100(0) win 0\n";
  const std::string text = drawn(kOpen + rst_line, own::Defect::rst_out_of_window);
  const auto rst = text.find("-- R 200000 win 0 "), verdict = text.find("## MUST ");
  ASSERT_NE(rst, std::string::npos) << text;
  ASSERT_NE(verdict, std::string::npos) << text;
  EXPECT_LT(rst, verdict);
  EXPECT_NE(text.find("allowed:", verdict), std::string::npos);
  EXPECT_NE(text.find("seen:", verdict), std::string::npos);
}

TEST(Ladder, FitsItsColumns) {
  const std::string text = drawn(std::string(kOpen) +
                                     "+0 < P.U 101:601(500) ack 1 win 65535 urg 65000 <nop,nop,mss 1460,nop,nop>\n"
                                     "+0 < . 4000000000:4000000500(500) ack 1 win 1000\n",
                                 own::Defect::rst_out_of_window);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
}

TEST(Ladder, NamesConversationsWhenThereAreMany) {
  const std::string text = drawn(std::string(kOpen) + "+0 < 40007 > 8080 S 0:0(0) win 1000\n");
  EXPECT_NE(text.find("8080:40000 "), std::string::npos) << text;
  EXPECT_NE(text.find("8080:40007 "), std::string::npos) << text;
}

TEST(Ladder, ColoursOnATerminalOnly) {
  Verdict verdict{.rule = Rule::MUST_2};
  EXPECT_EQ(verdict_text(verdict, {}, 2).find('\x1b'), std::string::npos);
  EXPECT_NE(verdict_text(verdict, {.colour = true}, 2).find("\x1b[31m"), std::string::npos);
}

}  // namespace
}  // namespace tcpassay
