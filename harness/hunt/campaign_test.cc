// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/campaign.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <thread>

#include "harness/hunt/confirm.h"
#include "harness/hunt/hunt_corpus.h"
#include "harness/hunt/hunted.h"
#include "harness/script/parse.h"
#include "harness/script/scenario.h"

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

TEST_F(Campaign, CountsApartWhatTheTargetIsKnownToBreak) {
  HuntOptions asked = options("rst_out_of_window", 6000);
  hunt(asked);
  std::map<std::string, int> of_rule;
  for (const Hunted& found : read_findings(folder() / "findings")) ++of_rule[found.kind.rule];
  const auto most = std::max_element(of_rule.begin(), of_rule.end(),
                                     [](const auto& one, const auto& two) { return one.second < two.second; });
  ASSERT_NE(most, of_rule.end());
  ASSERT_GT(most->second, 2) << "a rule with more findings than are looked into where it is listed";
  fs::remove_all(folder());
  asked.listed = {.rules = {most->first}};
  const HuntStatus status = hunt(asked);
  EXPECT_GE(status.listed, 1u);
  EXPECT_LE(status.listed, 2u);  // two are looked into, and may be one when they are small
  EXPECT_EQ(status.findings.count(most->first), 0u);
  EXPECT_NE(status_text(status).find(std::to_string(status.listed) + " listed"), std::string::npos)
      << status_text(status);
  const std::string text = findings_text(read_findings(folder() / "findings"), asked.listed);
  EXPECT_NE(text.find(" listed "), std::string::npos) << text;
}

TEST_F(Campaign, ADeathThatIsKnownIsListed) {
  const FindingKind died{.rule = "died"};
  const ListedFaults listed{.deaths = {"no more room"}};
  EXPECT_TRUE(is_listed(died, listed, "signal 6: assertion no more room in line 7"));
  EXPECT_FALSE(is_listed(died, listed, "signal 11"));
  EXPECT_FALSE(is_listed(died, {}, "signal 6: assertion no more room in line 7"));
}

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
  EXPECT_GT(first.steps, first.inputs);
  EXPECT_GT(second.steps, first.steps + 900);
  EXPECT_GE(second.corpus, first.corpus);
}

std::set<std::string> found_rules(const fs::path& folder) {
  std::set<std::string> rules;
  for (const Hunted& found : read_findings(folder)) rules.insert(found.kind.rule);
  return rules;
}

// Of the inputs that are worth keeping.
std::set<std::uint64_t> kept_ids(const fs::path& folder) {
  std::set<std::uint64_t> ids;
  fs::create_directories(folder / "corpus");
  for (const auto& record : KeptFile(folder / "corpus/kept.pkts").read_new()) ids.insert(record.first);
  return ids;
}

// Out of time among its seeds, a campaign goes on with the next one.
TEST_F(Campaign, GoesOnAmongItsSeeds) {
  HuntOptions asked = options("", 0);
  asked.seeds = {TCPASSAY_SOURCE_DIR "/corpus"};
  asked.seconds = 0.05;
  HuntStatus status = hunt(asked);
  ASSERT_LT(status.seeds, status.seeds_total) << "this machine is too quick for this test";
  EXPECT_NE(status_text(status).find("seed "), std::string::npos) << status_text(status);
  const auto reached = status.seeds;
  asked.seconds = 1e-9;
  EXPECT_EQ(hunt(asked).seeds, reached);  // not from the beginning
  asked.seconds = 60;
  asked.inputs = 1;
  status = hunt(asked);
  EXPECT_EQ(status.seeds, status.seeds_total);
  EXPECT_EQ(status_text(status).find("seed "), std::string::npos) << status_text(status);
}

// Ten times, each a little later than the time before: all that was seen or kept stays there, the campaign goes on, and
// looks into what it had no time for.
// Each seed is played by one process.
TEST_F(Campaign, ProcessesShareTheSeedsWhereTimeIsReal) {
  try {
    make_target("linux");
  } catch (const TargetError& error) {
    GTEST_SKIP() << error.what();
  }
  HuntOptions three = options("", 1);
  three.terms.target = "linux";
  three.jobs = 3;
  three.seeds = {TCPASSAY_SOURCE_DIR "/corpus/textbook/client-closes-first.pkt",
                 TCPASSAY_SOURCE_DIR "/corpus/textbook/client-closes-last.pkt",
                 TCPASSAY_SOURCE_DIR "/corpus/textbook/client-half-closed-receives.pkt"};
  const HuntStatus status = hunt(three);
  EXPECT_EQ(status.seeds_total, 3u);
  // The seeds, and what each process changes; who begins late plays what the others have kept. All seeds three times
  // are nine.
  EXPECT_LT(status.inputs, 9u + 3u);
}

TEST_F(Campaign, LosesNothingWhenItIsKilled) {
  std::set<std::string> rules;
  std::set<std::uint64_t> kept;
  const auto includes = [](const auto& all, const auto& some) {
    return std::includes(all.begin(), all.end(), some.begin(), some.end());
  };
  for (int kills = 0; kills < 10; ++kills) {
    const pid_t child = fork();
    if (child == 0) {
      setpgid(0, 0);
      hunt(options("rst_out_of_window", 0));
      _exit(0);
    }
    setpgid(child, child);
    constexpr std::size_t kLeast = 12;
    for (int i = 0; i < 3000 && kept_ids(folder()).size() < kLeast; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(30 * kills));
    kill(-child, SIGKILL);
    waitpid(child, nullptr, 0);
    const auto rules_now = found_rules(folder() / "findings");
    const auto kept_now = kept_ids(folder());
    EXPECT_TRUE(includes(rules_now, rules)) << "kill " << kills;
    EXPECT_TRUE(includes(kept_now, kept)) << "kill " << kills;
    rules = rules_now;
    kept = kept_now;
  }
  EXPECT_GE(kept.size(), 12u);
  hunt(options("rst_out_of_window", 5000));
  EXPECT_TRUE(includes(found_rules(folder() / "findings"), rules));
  for (const auto& entry : fs::directory_iterator(folder() / "findings")) {
    EXPECT_FALSE(is_half_written(entry.path())) << entry.path();
    const auto found = read_finding(entry.path());
    ASSERT_TRUE(found) << entry.path();
    EXPECT_NE(found->status, FindingStatus::kUnconfirmed) << entry.path();
    EXPECT_TRUE(fs::exists(entry.path() / "test_finding.py")) << entry.path();
  }
}

// Killed while it wrote what it has seen: the folder has no name of its own yet.
TEST_F(Campaign, AHalfWrittenFindingIsPlayedAgain) {
  HuntOptions asked = options("rst_out_of_window", 5000);
  asked.findings_max = 1;
  hunt(asked);
  const auto found = read_findings(folder() / "findings");
  ASSERT_FALSE(found.empty());
  const fs::path script = fs::temp_directory_path() / ("tcpassay-first-" + std::to_string(getpid()) + ".pkt");
  fs::copy_file(found[0].folder / "first.pkt", script, fs::copy_options::overwrite_existing);
  fs::remove_all(folder() / "findings");
  const fs::path half = folder() / "findings" / (found[0].kind.id() + ".part-0");
  fs::create_directories(half);
  fs::rename(script, half / "first.pkt");
  hunt(options("rst_out_of_window", 1));
  EXPECT_FALSE(fs::exists(half));
  EXPECT_EQ(found_rules(folder() / "findings").count(found[0].kind.rule), 1u);
}

TEST(KeptFile, ACutRecordCostsItselfOnly) {
  const fs::path path = fs::temp_directory_path() / ("tcpassay-kept-" + std::to_string(getpid()));
  fs::remove(path);
  const auto octets = [&] {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  {
    KeptFile file(path);
    for (const char* script : {"// one\n+0 close(3) = 0\n", "// two\n", "// three\n"}) {
      file.append(kept_id(script), script);
    }
    EXPECT_EQ(file.read_new().size(), 3u);
    EXPECT_TRUE(file.read_new().empty());
  }
  const std::string whole = octets();
  fs::remove(path);
  std::size_t used = 0;
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    const std::string torn = whole.substr(0, cut);
    const std::size_t before = kept_records(torn, used).size();
    EXPECT_LE(used, cut);
    EXPECT_EQ(kept_records(torn.substr(used) + whole.substr(cut), used).size(), 3 - before) << cut;  // it is finished
    EXPECT_EQ(kept_records(torn + whole, used).size(), before + 3) << cut;                           // it never is
  }
}

// A stack that lives in the process of the campaign takes the process with it; the next one says what killed it.
TEST_F(Campaign, ACrashInItsOwnProcessIsAFinding) {
  HuntOptions asked = options("", 50);
  asked.terms.target = "in-process:plugin:" TCPASSAY_TEST_PLUGINS "/own_plugin.so?assertion";
  asked.seeds = {TCPASSAY_SOURCE_DIR "/corpus/textbook/client-closes-first.pkt"};
  hunt(asked);
  const auto found = read_findings(folder() / "findings");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].kind.rule, "crashed");
  EXPECT_EQ(found[0].status, FindingStatus::kConfirmed);
  EXPECT_LE(found[0].steps, 8u);
  EXPECT_NE(found[0].verdict.find("signal 6"), std::string::npos) << found[0].verdict;
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
