// SPDX-License-Identifier: Apache-2.0
#include "harness/offline/agreement.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/check/corpus.h"
#include "harness/targets/own/defects.h"
#include "harness/targets/own/legal_variants.h"
#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

const std::vector<ScenarioFile>& corpus() {
  static const std::vector<ScenarioFile> all = read_scenarios({TCPASSAY_SOURCE_DIR "/corpus"});
  return all;
}

const ScenarioFile& scenario(const std::string& name) {
  for (const ScenarioFile& file : corpus()) {
    if (file.path.ends_with("/" + name)) return file;
  }
  throw std::runtime_error("no such scenario: " + name);
}

Agreement judged(const std::string& name, const std::string& defect, const std::vector<std::string>& variants = {}) {
  const auto target = make_target("own", OwnStackOptions{.defect = defect, .legal_variants = variants});
  return judge_four_ways(scenario(name).scenario, *target, {.folder = ::testing::TempDir()});
}

Difference of(const Agreement& one, Way way) {
  return one.differences[static_cast<std::size_t>(way)];
}

bool named(const std::string_view rules, const std::string& id) {
  return (" " + std::string(rules) + " ").find(" " + id + " ") != std::string::npos;
}

// Runs of the own stack with up to four legal variants and, in one of two, a defect; then the scenario is one that
// covers a rule of the defect, if there is one.
class RandomRuns {
 public:
  explicit RandomRuns(std::uint64_t seed) : random_(seed) {}

  struct Run {
    const ScenarioFile* file;
    OwnStackOptions own;
    AgreementOptions options;

    std::string text() const {
      std::string text = file->path + (options.ip == 6 ? " --ip 6" : "") + " --plant " + own.defect + " --temper ";
      for (const std::string& variant : own.legal_variants) text += variant + ",";
      return text + " --rtt " + std::to_string(options.round_trip.count() / 1000000);
    }
  };

  Run next() {
    Run run{.file = &corpus()[below(corpus().size())]};
    for (std::size_t n = below(5); n > 0; --n) {
      run.own.legal_variants.emplace_back(own::all_legal_variants()[below(own::kLegalVariants)].id);
    }
    run.options.folder = ::testing::TempDir();
    run.options.ip = below(2) == 0 ? 4 : 6;
    if (below(3) == 0) run.options.round_trip = std::chrono::milliseconds(40);
    if (below(2) == 0) return run;
    const own::DefectEntry& defect = own::all_defects()[below(own::all_defects().size())];
    run.own.defect = defect.id;
    std::vector<const ScenarioFile*> fit;
    for (const ScenarioFile& file : corpus()) {
      for (const std::string& id : file.scenario.about.covers) {
        if (named(defect.rules, id)) fit.push_back(&file);
      }
    }
    if (!fit.empty()) run.file = fit[below(fit.size())];
    return run;
  }

 private:
  std::size_t below(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_); }

  std::mt19937_64 random_;
};

TEST(Agreement, ALegalRunIsAcceptedInEachWay) {
  const Agreement one = judged("client-closes-first.pkt", "");
  for (std::size_t i = 0; i < kWays; ++i) {
    EXPECT_FALSE(one.findings[i].any()) << one.text();
    EXPECT_EQ(one.differences[i], Difference::kNone) << one.text();
  }
}

TEST(Agreement, ADefectIsFoundInEachWay) {
  const Agreement one = judged("recovery-ten.pkt", "ack_division");
  const Agreement other = judged("server-fin-consumes-one.pkt", "fin_not_counted");
  for (const Agreement& each : {one, other}) EXPECT_TRUE(each.holds()) << each.text();
  EXPECT_TRUE(other.findings[0].any()) << other.text();
  EXPECT_EQ(of(other, Way::kLog), Difference::kNone);
}

// One run for each kind of difference.
TEST(Agreement, EachDifferenceHasAName) {
  EXPECT_EQ(of(judged("client-closes-first.pkt", "", {"mss_not_offered"}), Way::kRecord), Difference::kLink);
  EXPECT_EQ(of(judged("client-closes-first.pkt", "mss_offered_too_large"), Way::kRecord), Difference::kLink);
  EXPECT_EQ(of(judged("iss-of-several-connections.pkt", "isn_clock_only"), Way::kRecord), Difference::kNumbers);
  EXPECT_EQ(of(judged("server-last-fin-acks-again.pkt", "fin_leaves_established"), Way::kRecord), Difference::kReports);
  EXPECT_EQ(of(judged("last-ack-for-ever.pkt", "last_ack_for_ever"), Way::kRecord), Difference::kSilence);
  EXPECT_EQ(of(judged("close-time-wait.pkt", "second_close_second_fin"), Way::kCapture), Difference::kName);
  EXPECT_EQ(of(judged("mss-tiny.pkt", "mss_ignored"), Way::kCapture), Difference::kPassedOver);
  EXPECT_EQ(of(judged("identification-repeated.pkt", "identification_tells_duplicates"), Way::kCapture),
            Difference::kPassedOver);
  EXPECT_EQ(of(judged("hard-port-established.pkt", "text_in_wrong_order"), Way::kCapture), Difference::kExcused);
  EXPECT_EQ(of(judged("hard-port-established.pkt", "text_in_wrong_order"), Way::kRecord), Difference::kOctets);
  EXPECT_EQ(of(judged("syn-sent-syn-only.pkt", "simopen_sends_wrong_seq"), Way::kRecord), Difference::kNotWritten);
  EXPECT_EQ(of(judged("rst-exact-established.pkt", "reset_reported_as_eof"), Way::kCapture), Difference::kCalls);
}

// A call that names nobody keeps that in its record.
TEST(Agreement, AnOpenWithoutARemoteSocketIsWritten) {
  const Agreement one = judged("open-active-no-remote.pkt", "connect_without_remote");
  EXPECT_TRUE(one.findings[0].any());
  EXPECT_EQ(of(one, Way::kRecord), Difference::kNone) << one.text();
}

// Of a packet longer than the MSS, no ACK tells how much of it was processed when it lies ahead of a gap.
TEST(Agreement, LongTextAheadOfAGapDoesNotWaitForItsAck) {
  const Agreement one = judged("text-behind-the-fin-again.pkt", "", {"mss_not_offered"});
  EXPECT_TRUE(one.holds()) << one.text();
}

// Nor does one tell it of a packet without ACK, which is dropped.
TEST(Agreement, LongTextWithoutAckDoesNotWaitForItsAck) {
  const Agreement one = judged("dropped-text-is-no-duplicate.pkt", "", {"mss_536"});
  EXPECT_TRUE(one.holds()) << one.text();
  EXPECT_EQ(of(one, Way::kCapture), Difference::kNone) << one.text();
}

TEST(Agreement, AnUnknownDifferenceIsNoAgreement) {
  Trace trace;
  const Findings guilty{.broken = {Rule{}}};
  EXPECT_EQ(difference_of_record(trace, {}, {}, guilty), Difference::kUnknown);
  EXPECT_EQ(difference_of_capture(trace, {}, {}, guilty), Difference::kUnknown);  // it accuses a target that is legal
  EXPECT_EQ(difference_of_capture(trace, {}, {}, {.inconclusive = true}), Difference::kExcused);
}

TEST(Agreement, OfRandomRuns) {
  RandomRuns runs(23);
  std::map<std::pair<Way, Difference>, int> counts;
  int played = 0, guilty = 0, by_record = 0, by_capture = 0;
  while (played < 1000) {
    const RandomRuns::Run run = runs.next();
    const auto target = make_target("own", run.own);
    if (Session::unsupported(run.file->scenario, *target, run.options.ip)) continue;
    const Agreement one = judge_four_ways(run.file->scenario, *target, run.options);
    EXPECT_TRUE(one.holds()) << run.text() << "\n" << one.text();
    ++played;
    guilty += one.findings[0].any();
    by_record += one.findings[0].any() && one.findings[2].any();
    by_capture += one.findings[0].any() && one.findings[3].any();
    for (std::size_t i = 0; i < kWays; ++i) ++counts[{static_cast<Way>(i), one.differences[i]}];
  }
  EXPECT_GT(guilty, 80);  // so that agreement is no matter of course
  EXPECT_GT(by_record, guilty * 3 / 4);
  EXPECT_GT(by_capture, 3);
  EXPECT_EQ((counts[{Way::kLog, Difference::kNone}]), played);
  EXPECT_GT((counts[{Way::kRecord, Difference::kNone}]), played * 8 / 10);
}

}  // namespace
}  // namespace tcpassay
