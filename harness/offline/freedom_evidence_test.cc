// SPDX-License-Identifier: Apache-2.0
// Each freedom of models/catalogue/freedoms.def is needed by somebody: by the own stack or one of its legal variants
// over the corpus, by a record of harness/offline/records/, by the host kernel, or by an end of a capture.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string>

#include "harness/check/check.h"
#include "harness/offline/judge.h"
#include "harness/script/parse.h"
#include "harness/target/target.h"
#include "models/freedom.h"

namespace tcpassay {
namespace {

// Legal variants and editions that take what the own stack does not take.
struct Taker {
  const char* variant;
  Edition edition;
};
constexpr Taker kTakers[] = {
    {"", kNewest},         {"", Edition::k793},         {"syn_text_dropped", kNewest},
    {"window_1", kNewest}, {"backlog_resets", kNewest}, {"reset_echo_checked", kNewest},
};

// Only the host kernel shows these, in the corpus.
constexpr Freedom kOfLinux[] = {Freedom::kFastOpenNotTaken, Freedom::kSynReceivedResets};

// Only where the calls of the user are not known: models/passive_oracle_test.cc.
constexpr Freedom kOfCaptures[] = {Freedom::kNoPassiveOpen};

std::string source(const char* folder) {
  return std::string(TCPASSAY_SOURCE_DIR) + "/" + folder;
}

// The freedom that a record is named after: "rst-behind-fin.pkt" is kRstBehindFin.
std::optional<Freedom> named_by(const std::filesystem::path& path) {
  std::string id = "k";
  bool large = true;
  for (const char c : path.stem().string()) {
    if (c != '-') id += large ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    large = c == '-';
  }
  return freedom_by_id(id);
}

FreedomSet only(Freedom freedom) {
  FreedomSet set;
  set.set(static_cast<std::size_t>(freedom));
  return set;
}

// What is held against the target: every verdict, departures too.
std::size_t findings(const FileResult& result) {
  return static_cast<std::size_t>(std::count_if(result.verdicts.begin(), result.verdicts.end(),
                                                [](const Verdict& verdict) { return !verdict.consequence; }));
}

FreedomSet shown_by_records() {
  FreedomSet shown;
  for (const auto& entry : std::filesystem::directory_iterator(source("harness/offline/records"))) {
    const std::string path = entry.path().string();
    const auto freedom = named_by(entry.path());
    if (!freedom) {
      ADD_FAILURE() << path << " is named after no freedom";
      continue;
    }
    const Scenario scenario = read_script(path, {});
    const Edition edition = *freedom == Freedom::kOldAckKeepsWindow ? Edition::k793 : kNewest;
    const FileResult result = judge_script(scenario, path, edition);
    EXPECT_EQ(result.outcome, Outcome::kPass) << path << ": " << result.why;
    const FileResult without = judge_script(scenario, path, edition, false, only(*freedom));
    const bool needed = (result.freedoms & only(*freedom)).any() || findings(without) > findings(result);
    EXPECT_TRUE(needed) << path << ": the record is as good without the freedom";
    if (needed) shown |= only(*freedom);
  }
  return shown;
}

FreedomSet shown_by_own() {
  FreedomSet shown;
  const auto scenarios = read_scenarios({source("corpus")});
  for (const Taker& taker : kTakers) {
    CheckOptions options{.edition = taker.edition};
    if (*taker.variant) options.legal_variants = {taker.variant};
    shown |= check(scenarios, options).freedoms;
  }
  return shown;
}

TEST(Freedoms, EachIsNeededBySomebody) {
  FreedomSet shown = shown_by_records() | shown_by_own();
  for (const Freedom freedom : kOfLinux) shown |= only(freedom);
  for (const Freedom freedom : kOfCaptures) shown |= only(freedom);
  for (std::size_t i = 0; i < kFreedoms; ++i) {
    EXPECT_TRUE(shown.test(i)) << freedoms()[i].id << " is needed by nobody";
  }
}

TEST(Freedoms, SomeAreNeededByTheHostKernel) {
  const auto scenarios = read_scenarios({source("corpus/3.10.7.4-4-syn"), source("corpus/rfc7413")});
  FreedomSet shown;
  try {
    shown = check(scenarios, {.target = "linux", .jobs = 4}).freedoms;
  } catch (const TargetError& error) {
    GTEST_SKIP() << error.what();
  }
  for (const Freedom freedom : kOfLinux) {
    EXPECT_TRUE((shown & only(freedom)).any()) << info(freedom).id << " is not taken any more";
  }
}

}  // namespace
}  // namespace tcpassay
