// SPDX-License-Identifier: Apache-2.0
#include "harness/export.h"

#include <gtest/gtest.h>

#include "harness/check.h"
#include "harness/judge.h"
#include "harness/script.h"
#include "harness/targets.h"

namespace tcpassay {
namespace {

constexpr const char* kPassive = R"(
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 1000:1000(0) win 65535 <mss 1460>
+0 < . 1001:1001(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
+0 < P. 1001:1101(100) ack 1 win 65535
+0 read(4, ..., 200) = 100
+0 write(4, ..., 3000) = 3000
+.1 < . 1101:1101(0) ack 2921 win 65535
+.1 < . 1101:1101(0) ack 3001 win 65535
+0 close(4) = 0
+.1 < . 1101:1101(0) ack 3002 win 65535
)";

std::string run_on_own(const Scenario& scenario, const std::string& defect = "") {
  const auto own = make_target("own", Manner{.defect = defect});
  Session session(*own, {.assertions = false, .final_wait = kDelayedAckWait});
  session.play(scenario);
  const std::uint8_t ip = ip_version(scenario).value_or(4);
  return export_run(scenario, session.trace(), session.take_packets(), own->identity(), ip);
}

Opinion judged(const std::string& text) {
  return judge_script(parse_script(text, "export.pkt"), "export.pkt");
}

TEST(Export, WritesWhatIsPlainAsItStands) {
  const Scenario scenario = parse_script(kPassive, "plain.pkt");
  EXPECT_TRUE(parse_script(export_scenario(scenario), "plain.pkt") == scenario);
}

// packetdrill passes over the line and waits as long as it would have waited there.
TEST(Export, SetsAsideWhatPacketdrillCannotSay) {
  const std::string text = export_scenario(parse_script(
      "//! settings: ecn=1\n+.5 < . 1:1(0) ack 1 win 9 //! damage: checksum\n+0 ioctl(4, SIOCATMARK, [1]) = 0\n",
      "d.pkt"));
  EXPECT_NE(text.find("// packetdrill cannot say (1): a wrong checksum\n"), std::string::npos) << text;
  EXPECT_NE(text.find("+0 `sysctl -q net.ipv4.tcp_ecn=1`\n"), std::string::npos) << text;
  const char* const aside = "+0.5 `true`\n//! step: +0 < . 1:1(0) ack 1 win 9 //! damage: checksum\n";
  EXPECT_NE(text.find(aside), std::string::npos) << text;
  EXPECT_NE(text.find("//! step: +0 ioctl(4, SIOCATMARK, [1]) = 0\n"), std::string::npos) << text;
  const Scenario again = parse_script(text, "d.pkt");
  EXPECT_TRUE(std::get<Inject>(again.steps[2].action).segment.damage.bad_checksum);
}

TEST(Export, WritesWhatWasSeen) {
  const std::string text = run_on_own(parse_script(kPassive, "seen.pkt"));
  EXPECT_NE(text.find("//! record: complete msl=120\n"), std::string::npos) << text;
  EXPECT_NE(text.find("> S. 0:0(0) ack 1001 win "), std::string::npos) << text;
  EXPECT_NE(text.find("> P. 2921:3001(80) ack 1101"), std::string::npos) << text;
  EXPECT_EQ(judged(text).kind, Opinion::Kind::kAccepted) << judged(text).why << text;
  const Scenario scenario = parse_script(text, "again.pkt");
  EXPECT_TRUE(parse_script(print_script(scenario), "again.pkt") == scenario);
}

TEST(Export, IsCondemnedWhereTheRunWas) {
  const Scenario scenario = parse_script(std::string(kPassive) + "+.1 < R 50000000:50000000(0) win 0\n", "bad.pkt");
  const std::string text = run_on_own(scenario, "rst_out_of_window");
  const Opinion opinion = judged(text);
  ASSERT_EQ(opinion.kind, Opinion::Kind::kCondemned) << text;
}

// The whole corpus, played on the own stack, written down, read again and judged without a target.
TEST(Export, TheCorpusIsAcceptedFromItsRecords) {
  const auto own = make_target("own");
  std::size_t judged_scripts = 0;
  for (const Filed& filed : read_scenarios({TCPASSAY_SOURCE_DIR "/corpus"})) {
    if (Session::unsupported(filed.scenario, *own)) continue;
    // Numbers count from the last SYN, so a record cannot tell those of a connection that comes back from TIME-WAIT.
    if (filed.path.ends_with("time-wait-syn-was-old.pkt")) continue;
    Session session(*own, {.assertions = false, .final_wait = kDelayedAckWait});
    session.play(filed.scenario);
    const auto& verdicts = session.oracle().verdicts();
    if (!verdicts.empty()) continue;
    const std::uint8_t ip = ip_version(filed.scenario).value_or(4);
    const std::string text = export_run(filed.scenario, session.trace(), session.take_packets(), own->identity(), ip);
    Scenario record;
    ASSERT_NO_THROW(record = parse_script(text, filed.path)) << filed.path << "\n" << text;
    const Opinion opinion = judge_script(record, filed.path);
    EXPECT_EQ(opinion.kind, Opinion::Kind::kAccepted) << filed.path << ": " << opinion.why;
    ++judged_scripts;
  }
  EXPECT_GT(judged_scripts, 900u);
}

// A record in which one field of one packet was altered is condemned at that packet's line.
TEST(Export, AnAlteredFieldIsCondemnedAtItsLine) {
  const Scenario record = parse_script(run_on_own(parse_script(kPassive, "altered.pkt")), "altered.pkt");
  ASSERT_EQ(judge_script(record, "altered.pkt").kind, Opinion::Kind::kAccepted);
  const auto altered = [&](std::size_t step, auto change) {
    Scenario changed = record;
    change(std::get<Expect>(changed.steps[step].action).segment);
    const Opinion opinion = judge_script(changed, "altered.pkt");
    EXPECT_EQ(opinion.kind, Opinion::Kind::kCondemned) << to_text(changed.steps[step]);
    if (opinion.verdicts.empty()) return;
    EXPECT_EQ(opinion.trace.places[opinion.verdicts[0].event].line, record.steps[step].where.line)
        << to_text(changed.steps[step]) << ": " << opinion.why;
  };
  int lines = 0;
  for (std::size_t i = 0; i < record.steps.size(); ++i) {
    const auto* line = std::get_if<Expect>(&record.steps[i].action);
    if (!line) continue;
    ++lines;
    altered(i, [](SegmentSpec& segment) { segment.ack = *segment.ack + 7; });
    altered(i, [](SegmentSpec& segment) { segment.ctl.ack = false; });
    altered(i, [](SegmentSpec& segment) { segment.ctl.rst = true; });
    if (!line->segment.ctl.syn) altered(i, [](SegmentSpec& segment) { segment.seq += 100000; });
  }
  EXPECT_GE(lines, 5);
}

}  // namespace
}  // namespace tcpassay
