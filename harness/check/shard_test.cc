// SPDX-License-Identifier: Apache-2.0
#include "harness/check/shard.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "harness/check/check.h"
#include "harness/check/check_options.h"
#include "harness/check/check_result.h"
#include "harness/check/corpus.h"
#include "harness/check/player.h"
#include "harness/check/report.h"
#include "harness/check/result_diff.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

std::vector<ScenarioFile> corpus() {
  return over_ip(read_scenarios({TCPASSAY_SOURCE_DIR "/corpus"}, "close"), {4, 6});
}

CheckOptions options() {
  CheckOptions made{.defect = "rst_out_of_window"};
  made.deviations = {{.rule = *rule_by_id("MUST_10"), .reason = "a choice", .where = "own.txt:1"}};
  return made;
}

// What `check --shard I/N --format json` prints.
Json part(std::size_t index, std::size_t of, const CheckOptions& made = options()) {
  const auto all = corpus();
  const Shard shard{.index = index, .of = of};
  Json records = Json::array();
  CheckOptions piece = made;
  piece.shard = true;
  piece.whole = false;
  piece.record = [&](const ScenarioFile& file, const Played& played) { records.push_back(record_json(file, played)); };
  const CheckResult result = check(in_shard(all, shard), piece);
  return Json::parse(check_json(result, {}, shard_json(shard, all, made, result, std::move(records))));
}

std::string error_of(const std::vector<NamedResult>& shards) {
  try {
    merged(shards);
  } catch (const UnusableResult& error) {
    return error.what();
  }
  return "";
}

TEST(Shard, TheMergedShardsSayWhatTheWholeRunSays) {
  const CheckResult whole = check(corpus(), options());
  std::vector<NamedResult> shards;
  for (const std::size_t index : {3, 1, 2}) shards.emplace_back(std::to_string(index), part(index, 3));
  Json expected = Json::parse(check_json(whole)), found = Json::parse(check_json(merged(shards)));
  expected.erase("wall_s");
  found.erase("wall_s");
  EXPECT_EQ(found, expected);
  EXPECT_EQ(check_junit(merged(shards)).size(), check_junit(whole).size());
  EXPECT_EQ(merged(shards).exit_status(), whole.exit_status());
}

TEST(Shard, EachScenarioIsInOneShardWhateverElseIsThere) {
  const auto all = corpus();
  std::size_t sum = 0;
  for (std::size_t index = 1; index <= 5; ++index) {
    const auto chosen = in_shard(all, {.index = index, .of = 5});
    EXPECT_GT(chosen.size(), all.size() / 10);  // fair
    sum += chosen.size();
    for (const ScenarioFile& file : chosen) EXPECT_EQ(in_shard({file}, {.index = index, .of = 5}).size(), 1u);
  }
  EXPECT_EQ(sum, all.size());
  EXPECT_EQ(shard_of("3.4-sequence/wrap/4", 8), shard_of("3.4-sequence/wrap/4", 8));
}

TEST(Shard, RefusesWhatIsNotTheWholeRunByName) {
  const NamedResult one{"one.json", part(1, 2)}, two{"two.json", part(2, 2)};
  EXPECT_EQ(error_of({one, two}), "");
  EXPECT_EQ(error_of({two}), "missing: shard 1/2");
  EXPECT_EQ(error_of({one, two, {"again.json", two.second}}), "shard 2/2 is in two.json and in again.json");
  EXPECT_NE(error_of({one, {"third.json", part(1, 3)}}).find("one.json and third.json: shards of different runs"),
            std::string::npos);
  CheckOptions other = options();
  other.defect = "";
  EXPECT_NE(error_of({one, {"other.json", part(2, 2, other)}}).find("options differ"), std::string::npos);
  EXPECT_NE(error_of({{"whole.json", Json::parse(check_json(check(corpus(), options())))}}).find("not written with"),
            std::string::npos);
  Json broken = one.second;
  broken["shard"]["records"][0].erase("played");
  EXPECT_NE(error_of({{"one.json", broken}, two}).find("not what 'tcpassay check --shard' writes"), std::string::npos);
  Json short_of_one = one.second;
  short_of_one["shard"]["records"].erase(0);
  EXPECT_NE(error_of({{"one.json", short_of_one}, two}), "");
}

TEST(Shard, APartWithoutScenariosIsNoFailure) {
  CheckOptions piece;
  piece.shard = true;
  const CheckResult nothing = check({}, piece);
  EXPECT_EQ(nothing.exit_status(), 0);
  piece.shard = false;
  EXPECT_EQ(check({}, piece).exit_status(), 2);
}

TEST(Shard, NamesAreRead) {
  EXPECT_EQ(shard_named("2/8").index, 2u);
  EXPECT_EQ(shard_named("2/8").of, 8u);
  for (const char* word : {"", "2", "0/3", "4/3", "a/3", "1/", "/3", "1/3x", "1/99999", "-1/3"}) {
    EXPECT_THROW(shard_named(word), std::runtime_error) << word;
  }
}

}  // namespace
}  // namespace tcpassay
