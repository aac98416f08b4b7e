// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/campaign.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "harness/hunt/confirm.h"
#include "harness/script/parse.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

// A folder of its own for each test, removed at its end.
class Campaign : public ::testing::Test {
 protected:
  Campaign() { fs::remove_all(folder_); }
  ~Campaign() override { fs::remove_all(folder_); }

  HuntOptions options(const std::string& defect, std::uint64_t inputs) const {
    return {.terms = {.own_options = {.defect = defect}},
            .folder = folder_,
            .inputs = inputs,
            .seeds = {TCPASSAY_SOURCE_DIR "/corpus/textbook"}};
  }
  const fs::path& folder() const { return folder_; }

 private:
  fs::path folder_ = fs::temp_directory_path() / ("tcpassay-hunt-" + std::to_string(getpid()));
};

TEST_F(Campaign, FindsAPlantedDefectAndMakesItSmall) {
  HuntOptions asked = options("rst_out_of_window", 5000);
  asked.findings_max = 1;
  const HuntStatus status = hunt(asked);
  EXPECT_GE(status.unlisted, 1u) << status_text(status);
  const auto found = read_findings(folder() / "findings");
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].status, FindingStatus::kConfirmed) << found[0].kind.text();
  EXPECT_LE(found[0].steps, 12u);
  Witness witness(asked.terms);
  const auto shown = witness.shown_by(read_script((found[0].folder / "finding.pkt").string()));
  ASSERT_TRUE(shown);
  EXPECT_TRUE(same_fault(*shown, found[0].kind)) << shown->text();
  for (const char* form : {"first.pkt", "finding.json", "finding.pcapng", "finding.run", "test_finding.py"}) {
    EXPECT_TRUE(fs::exists(found[0].folder / form)) << form;
  }
}

TEST_F(Campaign, GoesOnWhereItStopped) {
  const HuntStatus first = hunt(options("", 800));
  EXPECT_GT(first.transitions, 50u);
  EXPECT_GT(first.rules, 50u);
  EXPECT_GT(first.corpus, 10u);
  const HuntStatus second = hunt(options("", 900));
  EXPECT_GE(second.inputs, first.inputs + 900);
  EXPECT_GE(second.corpus, first.corpus);
}

// Whenever it is killed: what was seen is there, and the next campaign looks into it.
TEST_F(Campaign, LosesNothingWhenItIsKilled) {
  const pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    hunt(options("rst_out_of_window", 0));
    _exit(0);
  }
  const auto seen = [&] { return !read_findings(folder() / "findings").empty(); };
  for (int i = 0; i < 300 && !seen(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  kill(-child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_TRUE(seen());
  hunt(options("rst_out_of_window", 500));
  for (const Hunted& found : read_findings(folder() / "findings")) {
    EXPECT_NE(found.status, FindingStatus::kUnconfirmed) << found.folder;
  }
}

TEST_F(Campaign, AnUnconfirmedFindingIsLookedInto) {
  const FindingKind kind{.rule = "MUST_1", .state = "LISTEN", .stimulus = "S", .seen = "nothing"};
  const fs::path place = folder() / "findings" / kind.id();
  fs::create_directories(place);
  fs::copy_file(TCPASSAY_SOURCE_DIR "/corpus/textbook/client-closes-first.pkt", place / "first.pkt");
  const HuntTerms terms;
  write_finding_json({.kind = kind, .folder = place}, terms);
  hunt(options("", 100));
  const auto found = read_finding(place);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->status, FindingStatus::kUnsteady);  // the script shows nothing
}

TEST_F(Campaign, DeathsAreFindings) {
  HuntOptions asked = options("", 50);
  asked.terms.target = "plugin:" TCPASSAY_TEST_PLUGINS "/own_plugin.so?segfault";
  asked.seeds = {TCPASSAY_SOURCE_DIR "/corpus/textbook/client-closes-first.pkt"};
  asked.seconds = 20;
  asked.findings_max = 1;
  hunt(asked);
  const auto found = read_findings(folder() / "findings");
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0].kind.rule, "died");
  EXPECT_EQ(found[0].status, FindingStatus::kConfirmed);
  EXPECT_LE(found[0].steps, 8u);
  EXPECT_TRUE(fs::exists(found[0].folder / "finding.pkt"));
}

TEST(FindingKind, IsTheSameWhereOnlyNumbersDiffer) {
  const FindingKind a{.rule = "MUST_1", .state = "LISTEN", .stimulus = "S", .seen = "no segment"};
  FindingKind b = a;
  EXPECT_EQ(a.id(), b.id());
  b.state = "CLOSED";
  EXPECT_NE(a.id(), b.id());
}

TEST(FindingKind, OfADeathLeavesOutAddresses) {
  const Scenario none;
  EXPECT_EQ(kind_of_death("signal 11 at 0x1234", true, none).id(), kind_of_death("signal 6 at 0x99", true, none).id());
  EXPECT_NE(kind_of_death("hung", true, none).id(), kind_of_death("signal 6", true, none).id());
}

}  // namespace
}  // namespace tcpassay
