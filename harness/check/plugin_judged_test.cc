// SPDX-License-Identifier: Apache-2.0
// A stack behind the plugin interface is judged as without it, in process and in a child; and what a broken adapter
// does shows in the report.
#include <gtest/gtest.h>

#include <string>

#include "harness/check/check.h"
#include "harness/check/report.h"
#include "harness/script/parse.h"

namespace tcpassay {
namespace {

const std::string kOwnPlugin = "plugin:" TCPASSAY_TEST_PLUGINS "/own_plugin.so";

CheckResult checked(const std::string& target, const std::string& suite = "", std::vector<ListedDeath> listed = {}) {
  const auto scenarios = read_scenarios({TCPASSAY_SOURCE_DIR "/corpus"}, suite);
  return check(scenarios, {.target = target, .listed_deaths = std::move(listed)});
}

TEST(PluginJudged, InProcessAndInAChildAlike) {
  const CheckResult here = checked("in-process:" + kOwnPlugin), there = checked(kOwnPlugin);
  EXPECT_GT(here.scenarios, 900u);
  EXPECT_EQ(here.scenarios, there.scenarios);
  EXPECT_EQ(here.exit_status(), 0);
  EXPECT_EQ(there.exit_status(), 0);
  for (std::size_t i = 0; i < here.rules.size(); ++i) {
    EXPECT_EQ(here.rules[i].judged, there.rules[i].judged) << info(here.rules[i].rule).id;
    EXPECT_EQ(here.rules[i].standing, there.rules[i].standing) << info(here.rules[i].rule).id;
  }
}

TEST(PluginJudged, AsTheOwnStackItself) {
  const CheckResult own = checked("own"), behind = checked("in-process:" + kOwnPlugin);
  for (std::size_t i = 0; i < own.rules.size(); ++i) {
    EXPECT_EQ(own.rules[i].judged > 0, behind.rules[i].judged > 0) << info(own.rules[i].rule).id;
    EXPECT_EQ(own.rules[i].standing, behind.rules[i].standing) << info(own.rules[i].rule).id;
  }
}

// An adapter that cannot close in SYN-SENT says so, and nothing is closed.
TEST(PluginJudged, ARefusedShutdownClosesNothing) {
  const std::string script = R"(+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 connect(3, ..., ...) = -1 EINPROGRESS
+0 shutdown(3, SHUT_WR) = -1 ENOTCONN
+0 shutdown(3, SHUT_WR) = -1 ENOTCONN
+0 < S. 0:0(0) ack 1 win 65535
+0 write(3, ..., 10) = 10
)";
  const std::vector<ScenarioFile> scenarios{{.path = "a.pkt", .scenario = parse_script(script, "a.pkt")}};
  const CheckResult result = check(scenarios, {.target = "in-process:" + kOwnPlugin + "?half-close-late"});
  EXPECT_EQ(result.exit_status(), 0) << result.count(Standing::kViolated);
  EXPECT_EQ(result.scenarios, 1u);
}

// A socket whose half-closed connection was reset opens another one, which is whole.
TEST(PluginJudged, AConnectionOpenedAgainIsNotHalfClosed) {
  const std::string script = R"(+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 connect(3, ..., ...) = -1 EINPROGRESS
+0 < S. 0:0(0) ack 1 win 65535
+0 shutdown(3, SHUT_WR) = 0
+0 < R. 1:1(0) ack 2 win 0
+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS
+0 < S. 0:0(0) ack 1 win 65535
+0 write(3, ..., 10) = 10
)";
  const std::vector<ScenarioFile> scenarios{{.path = "a.pkt", .scenario = parse_script(script, "a.pkt")}};
  const CheckResult result = check(scenarios, {.target = "in-process:" + kOwnPlugin});
  EXPECT_EQ(result.exit_status(), 0) << result.count(Standing::kViolated);
  EXPECT_EQ(result.scenarios, 1u);
}

TEST(PluginJudged, EachDeathIsAFindingWithItsScenario) {
  const CheckResult result = checked(kOwnPlugin + "?segfault", "textbook");
  ASSERT_FALSE(result.died.empty());
  EXPECT_EQ(result.exit_status(), 1);
  EXPECT_NE(result.died[0].how.find("signal 11"), std::string::npos);
  EXPECT_NE(result.died[0].replay.find("tcpassay run " + result.died[0].scenario), std::string::npos);
  EXPECT_NE(check_text(result, {}).find("THE IMPLEMENTATION DIED IN"), std::string::npos);
  EXPECT_NE(check_json(result).find("\"died\": ["), std::string::npos);
}

TEST(PluginJudged, AListedDeathIsAccepted) {
  const std::vector<ListedDeath> listed{{.text = "signal 11", .reason = "known", .where = ""}};
  const CheckResult result = checked(kOwnPlugin + "?segfault", "3.4-sequence", listed);
  ASSERT_FALSE(result.died.empty());
  EXPECT_EQ(result.died[0].listed, "known");
  EXPECT_EQ(result.exit_status(), result.scenarios == 0 ? 2 : 0);  // nothing played shows nothing
  EXPECT_EQ(checked(kOwnPlugin + "?assertion", "3.4-sequence", listed).exit_status(), 1);
}

}  // namespace
}  // namespace tcpassay
