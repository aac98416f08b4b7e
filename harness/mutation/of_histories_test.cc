// SPDX-License-Identifier: Apache-2.0
#include "harness/mutation/of_histories.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "harness/check/corpus.h"
#include "harness/mutation/history.h"
#include "harness/mutation/history_edits.h"
#include "harness/mutation/passed_runs.h"
#include "harness/script/parse.h"
#include "harness/targets/registry.h"
#include "models/event.h"
#include "models/freedom.h"
#include "models/oracle.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

std::vector<ScenarioFile> corpus(const std::string& folder = "") {
  return read_scenarios({std::string(TCPASSAY_SOURCE_DIR) + "/corpus" + folder});
}

std::vector<ScenarioFile> scenario(const std::string& steps) {
  const std::string open = R"(
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 4000 <mss 1000>
+0 < . 1:1(0) ack 1 win 4000
+0 accept(3, ..., ...) = 4
)";
  return {{.path = "some.pkt", .scenario = parse_script(open + steps, "some.pkt")}};
}

// One class at all moments of the scenarios.
HistoryResult::Row row_of(const std::string& id, const std::vector<ScenarioFile>& scenarios) {
  const HistoryResult result = history_sensitivity(scenarios, {.samples = 100000, .classes = {id}});
  EXPECT_EQ(result.rows.size(), 1u);
  return result.rows.front();
}

bool names(const HistoryResult::Row& row, Rule rule) {
  return row.rules.contains(rule);
}

TEST(Histories, TheTextIsNamed) {
  std::set<std::string_view> ids;
  for (const HistoryClass& one : history_classes()) {
    EXPECT_TRUE(ids.insert(one.id).second) << one.id;
    EXPECT_FALSE(one.section.empty()) << one.id;
    EXPECT_TRUE(one.sentence.ends_with(".")) << one.id;
  }
  EXPECT_GE(ids.size(), 18u);
}

// The only ACK of ten octets is left out: the judge says so, by the rule of the delay.
TEST(Histories, ACaughtEdit) {
  const auto row = row_of("ack_left_out", scenario("+.1 < P. 1:11(10) ack 1 win 4000\n+1 read(4, ..., 10) = 10\n"));
  EXPECT_EQ(row.moments, 1u);
  EXPECT_EQ(row.noticed, 1u);
  EXPECT_TRUE(names(row, Rule::MUST_40));
}

// The first of two segments without a pause may go unanswered: no edit is made there.
TEST(Histories, WhatIsLegalDoesNotCount) {
  const auto both = scenario("+.1 < P. 1:11(10) ack 1 win 4000\n+.1 < P. 11:21(10) ack 1 win 4000\n+1 `true`\n");
  EXPECT_EQ(row_of("ack_left_out", both).moments, 1u);
  const auto given_up = scenario(
      "+0 setsockopt(4, SOL_TCP, TCP_USER_TIMEOUT, [5000], 4) = 0\n+0 write(4, ..., 100) = 100\n+1 < . 1:1(0) ack 101 "
      "win 4000\n");
  EXPECT_EQ(row_of("text_never_again", given_up).moments, 0u);
  EXPECT_EQ(row_of("text_never_sent", given_up).moments, 0u);
  const auto flies = scenario("+0 write(4, ..., 8000) = 8000\n+.1 < . 1:1(0) ack 4001 win 8000\n");
  EXPECT_GT(row_of("text_before_window", flies).moments, 0u);
  EXPECT_EQ(row_of("text_before_cwnd", flies).moments, 0u);  // an initial window of ten segments would allow it
}

// Whatever is altered, the run itself was accepted: a judge that says no to everything would not pass this.
TEST(Histories, TheRunsThemselvesAreSpared) {
  const auto scenarios = corpus("/textbook");
  const auto own = make_target("own");
  Oracle oracle;
  std::size_t plain = 0;
  for (const PassedRun& run : passed_runs(scenarios, *own)) {
    const auto history = History::of(run);
    if (!history) continue;
    ++plain;
    const Retelling whole(*history, history->size());
    oracle.start(run.terms);
    for (const Event& event : whole.events()) oracle.observe(event);
    oracle.finish();
    EXPECT_TRUE(oracle.verdicts().empty()) << run.trace.scenario;
  }
  EXPECT_GT(plain, 20u);
}

// What is read off a run: numbers, the window, the calls.
TEST(Histories, KnowsWhatHasHappened) {
  const auto own = make_target("own");
  const auto scenarios = scenario("+0 write(4, ..., 3000) = 3000\n+.1 < . 1:1(0) ack 1001 win 500\n+0 close(4) = 0\n");
  const auto runs = passed_runs(scenarios, *own);
  ASSERT_EQ(runs.size(), 1u);
  const auto history = History::of(runs.front());
  ASSERT_TRUE(history);
  const Known& known = history->before(history->size());
  EXPECT_TRUE(known.established());
  EXPECT_EQ(known.acked - *known.iss, 1001u);
  EXPECT_EQ(known.edge - *known.iss, 4001u);  // it never moves back
  EXPECT_EQ(known.window, 500u);
  EXPECT_EQ(known.written, 3000u);
  EXPECT_EQ(known.mss, 1000u);
  EXPECT_TRUE(known.closed);
  EXPECT_EQ(known.handle, -1);
}

// Nine of ten illegal histories are noticed, of each class.
TEST(Histories, NineOfTenAreNoticedInEachClass) {
  const HistoryResult result = history_sensitivity(corpus(), {.samples = 12000});
  EXPECT_GT(result.runs, 800u);
  for (const auto& row : result.rows) {
    EXPECT_GT(row.samples, 0u) << row.edit->id;
    EXPECT_GE(row.share(), 0.9) << row.edit->id << "\n" << history_text(result, {});
  }
}

// What passes is written down so that it can be judged again, and a freedom that lets it pass is named.
TEST(Histories, SurvivorsAreWrittenDown) {
  namespace fs = std::filesystem;
  const std::string folder = (fs::path(::testing::TempDir()) / "survivors").string();
  fs::remove_all(folder);
  const HistoryResult result = history_sensitivity(
      corpus("/regressions"), {.samples = 100000, .classes = {"text_repeated"}, .survivors = folder});
  const auto& row = result.rows.front();
  EXPECT_TRUE(row.freedoms.contains(Freedom::kWindowAheadDropped));
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    EXPECT_TRUE(read_script(entry.path().string()).about.complete_record);
    ++files;
  }
  EXPECT_EQ(files, row.samples - row.noticed);
  fs::remove_all(folder);
}

TEST(Histories, IsAFunctionOfItsSeed) {
  const auto all = corpus("/textbook");
  const auto told = [&](std::uint64_t seed) {
    return with_histories("", history_sensitivity(all, {.samples = 200, .seed = seed}));
  };
  EXPECT_EQ(told(1), told(1));
  const auto whole = nlohmann::json::parse(told(2));
  EXPECT_EQ(whole.at("histories").size(), history_classes().size());
  EXPECT_THROW(history_sensitivity(all, {.classes = {"no_such"}}), std::runtime_error);
}

}  // namespace
}  // namespace tcpassay
