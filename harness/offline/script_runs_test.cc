// SPDX-License-Identifier: Apache-2.0
// The scripts of harness/testdata/scripts, in the dialect of public suites: each is read, printed, played on the
// targets that can, and judged as a record.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "harness/check/corpus.h"
#include "harness/offline/judge.h"
#include "harness/script/parse.h"
#include "harness/script/print.h"
#include "harness/script/shell_commands.h"
#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

const char* const kScripts = TCPASSAY_SOURCE_DIR "/harness/offline/testdata/scripts";

std::string stem(const ScenarioFile& file) {
  return std::filesystem::path(file.path).stem().string();
}

std::string told(const std::vector<Mismatch>& mismatches) {
  std::string text;
  for (const Mismatch& each : mismatches) {
    text += each.where.file + ":" + std::to_string(each.where.line) + ": expected " + each.expected + ", seen " +
            each.seen + "\n";
  }
  return text;
}

// Plays all that the target can and returns the names of those that it cannot.
std::set<std::string> play_all(Target& target, SessionOptions options) {
  std::set<std::string> skipped;
  for (const ScenarioFile& file : read_scenarios({kScripts})) {
    if (Session::unsupported(file.scenario, target)) {
      skipped.insert(stem(file));
      continue;
    }
    Session session(target, options);
    session.play(file.scenario);
    EXPECT_TRUE(session.mismatches().empty()) << told(session.mismatches());
    for (const Verdict& verdict : session.oracle().verdicts()) {
      EXPECT_NE(verdict.kind, Verdict::Kind::kViolated)
          << file.path << ": " << info(verdict.rule).id << ": allowed " << verdict.allowed << ", seen " << verdict.seen;
    }
  }
  return skipped;
}

TEST(ScriptRuns, PrintAndParseAreInverse) {
  for (const ScenarioFile& file : read_scenarios({kScripts})) {
    EXPECT_TRUE(parse_script(print_script(file.scenario), file.path) == file.scenario) << file.path;
  }
}

TEST(ScriptRuns, OnTheOwnStack) {
  const auto own = make_target("own");
  EXPECT_EQ(play_all(*own, {.final_wait = kDelayedAckWait}),
            (std::set<std::string>{"calls-of-linux", "options-of-linux"}));
}

TEST(ScriptRuns, OnTheKernel) {
  const auto& table = target_table();
  const auto linux_entry =
      std::find_if(table.begin(), table.end(), [](const auto& entry) { return std::string(entry.name) == "linux"; });
  if (const auto missing = linux_entry->missing()) GTEST_SKIP() << *missing;
  const auto kernel = make_target("linux");
  EXPECT_EQ(play_all(*kernel, {}), std::set<std::string>{});
}

// A shell, where the user allows one, runs in the namespace of the target, and what it sets ends with the run.
TEST(ScriptRuns, AShellConfiguresOneRun) {
  const auto& table = target_table();
  const auto linux_entry =
      std::find_if(table.begin(), table.end(), [](const auto& entry) { return std::string(entry.name) == "linux"; });
  if (const auto missing = linux_entry->missing()) GTEST_SKIP() << *missing;
  const auto kernel = make_target("linux");
  const std::string opens =
      "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n"
      "+0 < S 0:0(0) win 32792 <mss 1460,sackOK,TS val 1 ecr 0>\n";
  const std::string loop = "`for x in sack; do echo 0 > /proc/sys/net/ipv4/tcp_$x; done`\n";
  const std::string without = opens + "+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val 9 ecr 1>\n";
  const std::string with = opens + "+0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 9 ecr 1>\n";
  Session session(*kernel, {});
  EXPECT_TRUE(Session::unsupported(parse_script(loop + without, "s.pkt"), *kernel));
  allow_shell(true);
  EXPECT_FALSE(Session::unsupported(parse_script(loop + without, "s.pkt"), *kernel));
  session.play(parse_script(loop + without, "s.pkt"));
  EXPECT_TRUE(session.mismatches().empty()) << told(session.mismatches());
  allow_shell(false);
  session.play(parse_script(with, "s.pkt"));
  EXPECT_TRUE(session.mismatches().empty()) << told(session.mismatches());
}

TEST(ScriptRuns, JudgedAsRecords) {
  for (const ScenarioFile& file : read_scenarios({kScripts})) {
    const FileResult result = judge_script(file.scenario, file.path);
    EXPECT_EQ(result.outcome, Outcome::kPass) << file.path << ": " << result.why;
  }
}

TEST(ScriptRuns, WhatATargetCannotDoIsNamedWithItsPlace) {
  const auto own = make_target("own");
  const auto why = [&](const std::string& line) {
    const Scenario script =
        parse_script("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n" + line + "\n+0 close(3) = 0\n", "s.pkt");
    return Session::unsupported(script, *own).value_or("");
  };
  EXPECT_EQ(why("+0 %{ assert tcpi_lost == 0 }%"), "the target does not tell tcpi_lost (s.pkt:2:1)");
  EXPECT_EQ(why("+0 %{ for x in y: pass }%"), "code `for` (s.pkt:2:1)");
  EXPECT_EQ(why("+0 `tc qdisc del dev tun0`"), "shell command `tc qdisc` (s.pkt:2:1)");
  EXPECT_EQ(why("+0 `sysctl net.ipv4.tcp_rmem=4096`"), "sysctl net.ipv4.tcp_rmem=4096 (s.pkt:2:1)");
  EXPECT_EQ(why("+0 `sysctl net.ipv4.tcp_retries2=3`"), "the target has no setting retries2 (s.pkt:2:1)");
  EXPECT_EQ(why("+0 > icmp unreachable"), "an ICMP message of the target (s.pkt:2:1)");
  EXPECT_EQ(why("+0 < icmp nothing"), "icmp nothing (s.pkt:2:1)");
  EXPECT_EQ(why("+0 < icmp unreachable [udp(8)]"), "icmp unreachable [udp(8)] (s.pkt:2:1)");
  EXPECT_EQ(why("+0 < udp (1000)"), "udp (s.pkt:2:1)");
  EXPECT_EQ(why("+0 epoll_create(1) = 4"), "");
  EXPECT_EQ(why("+0 epoll_wait(4, {events=EPOLLIN, fd=3}, 1, 0) = 1"), "epoll_wait EPOLL_WAIT (s.pkt:2:1)");
  EXPECT_EQ(why("+0 splice(3, NULL, 5, NULL, 10, 0) = 10"), "splice (s.pkt:2:1)");
  EXPECT_EQ(why("+0 recvmsg(3, {msg_iov(1)=[{..., 0}]}, MSG_ERRQUEUE) = 0"), "recvmsg MSG_ERRQUEUE (s.pkt:2:1)");
  EXPECT_EQ(why("+0 setsockopt(3, SOL_TCP, TCP_FASTOPEN_CONNECT, [1], 4) = 0"),
            "setsockopt TCP_FASTOPEN_CONNECT (s.pkt:2:1)");
  EXPECT_EQ(why("+0 setsockopt(3, SOL_TCP, TCP_INQ, [1], 4) = 0"), "setsockopt TCP_INQ (s.pkt:2:1)");
  EXPECT_EQ(why("+0 send(3, ..., 5, MSG_MORE) = 5"), "send MSG_MORE (s.pkt:2:1)");
  EXPECT_EQ(why("+0 < [flowlabel 0x9] . 1:1(0) ack 1"), "flowlabel (s.pkt:2:1)");
  EXPECT_EQ(why("+0 < . 1:1(0) ack 1 <md5 valid>"), "TCP MD5 signatures (RFC 2385) (s.pkt:2:1)");
}

TEST(ScriptRuns, WithoutAssertionsLessIsNeeded) {
  const auto own = make_target("own");
  const Scenario script = parse_script(
      "`sysctl net.ipv4.tcp_rmem=4096`\n+0 epoll_create(1) = 4\n+0 %{ assert tcpi_lost == 0 }%\n+0 close(3) = -1\n",
      "s.pkt");
  EXPECT_TRUE(Session::unsupported(script, *own));
  EXPECT_FALSE(Session::unsupported(script, *own, 4, false));
}

}  // namespace
}  // namespace tcpassay
