// SPDX-License-Identifier: Apache-2.0
#include "harness/session/finding.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "harness/script/parse.h"
#include "harness/script/print.h"
#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

// A reset far outside of the window, amid steps that have nothing to do with it.
constexpr const char* kLong = R"(
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1460>
+0 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
+0 < P. 1:101(100) ack 1 win 65535
+1 read(4, ..., 100) = 100
+1 write(4, ..., 10) = 10
+0 < . 101:101(0) ack 11 win 65535
+2 < R 2147483748:2147483748(0) win 0
+1 < . 101:101(0) ack 11 win 65535
)";

TEST(Finding, IsShrunkToWhatShowsIt) {
  const auto target = make_target("own", "rst_out_of_window");
  Session session(*target, {.keep_trace = false, .assertions = false});
  const Scenario scenario = parse_script(kLong, "long");
  const auto rule = play_for_finding(scenario, session);
  ASSERT_TRUE(rule.has_value());
  const Scenario shortest = shrink(scenario, *rule, session);
  EXPECT_LT(shortest.steps.size(), scenario.steps.size()) << print_script(shortest);
  EXPECT_EQ(play_for_finding(shortest, session), rule) << print_script(shortest);
}

TEST(Finding, IsWrittenAsAScriptThatShowsItAgain) {
  const auto target = make_target("own", "rst_out_of_window");
  Session session(*target, {.keep_trace = false, .assertions = false});
  const Scenario scenario = parse_script(kLong, "long");
  const auto rule = play_for_finding(scenario, session);
  ASSERT_TRUE(rule.has_value());
  const std::string folder = ::testing::TempDir() + "findings";
  const std::string path = write_finding(scenario, info(*rule).id, folder);
  EXPECT_EQ(play_for_finding(read_script(path), session), rule);
  std::filesystem::remove_all(folder);
}

TEST(Finding, TheStackWithoutDefectHasNone) {
  const auto target = make_target("own");
  Session session(*target, {.keep_trace = false, .assertions = false});
  const auto rule = play_for_finding(parse_script(kLong, "long"), session);
  EXPECT_FALSE(rule.has_value()) << describe(*first_finding(session.oracle()));
}

}  // namespace
}  // namespace tcpassay
