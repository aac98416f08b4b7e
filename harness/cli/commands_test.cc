// SPDX-License-Identifier: Apache-2.0
#include "harness/cli/commands.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <ios>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "models/rule.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

struct Outcome {
  int status = 0;
  std::string out, error;
};

Outcome run(std::vector<std::string> cli) {
  cli.insert(cli.begin(), "tcpassay");
  std::vector<char*> arguments;
  for (auto& word : cli) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.status = run_command(static_cast<int>(cli.size()), arguments.data());
  outcome.out = ::testing::internal::GetCapturedStdout();
  outcome.error = ::testing::internal::GetCapturedStderr();
  return outcome;
}

std::string file_with(const std::string& name, const std::string& text) {
  const std::string path = ::testing::TempDir() + "/" + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::string source(const std::string& path) {
  return std::string(TCPASSAY_SOURCE_DIR) + "/" + path;
}

// Exit status 2, nothing on stdout, and one line on stderr that says `what`.
void expect_complaint(const std::vector<std::string>& cli, const std::string& what) {
  const Outcome outcome = run(cli);
  EXPECT_EQ(outcome.status, 2) << what;
  EXPECT_EQ(outcome.out, "") << what;
  EXPECT_EQ(outcome.error.rfind("tcpassay: ", 0), 0u) << outcome.error;
  EXPECT_EQ(std::count(outcome.error.begin(), outcome.error.end(), '\n'), 1) << outcome.error;
  EXPECT_NE(outcome.error.find(what), std::string::npos) << outcome.error;
}

const std::string kTextbook = "corpus/textbook/client-closes-first.pkt";

constexpr const char* kLinesScript =
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 connect(3, ..., ...) = -1 EINPROGRESS (now)\n"
    "+0 > S 0:0(0) <mss 1460>\n";

TEST(Commands, ComplainInOneLine) {
  const std::string good = source(kTextbook);
  expect_complaint({"assay"}, "assay");
  expect_complaint({"check", "--targte", "own"}, "--targte");
  expect_complaint({"check", "--format", "yaml"}, "yaml");
  expect_complaint({"check", "--ip", "5", good}, "--ip");
  expect_complaint({"run", "--ip", "both", good}, "--ip");
  expect_complaint({"check", "--target", "nope", good}, "unknown target 'nope'; known are own, linux, linux-raw");
  expect_complaint({"check", "--plant", "rst_out_of_windo", good}, "did you mean rst_out_of_window?");
  expect_complaint({"check", "--target", "linux", "--plant", "rst_out_of_window", good}, "'own' only");
  expect_complaint({"check", "--corpus", "/no/such"}, "/no/such: no such folder");
  expect_complaint({"check", "--corpus", source("corpus"), "--suite", "nope"}, "no suite 'nope'");
  expect_complaint({"check", ::testing::TempDir() + "/none.pkt"}, "none.pkt");
  expect_complaint({"run"}, "FILE");
  expect_complaint(
      {"check", file_with("listn.pkt", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 listn(3, 1) = 0\n")},
      "perhaps listen");
  expect_complaint({"run", "/no/such.pkt"}, "/no/such.pkt");
  expect_complaint({"judge", "/no/such.pcap"}, "/no/such.pcap");
  expect_complaint({"explain", "MUST_6O"}, "did you mean MUST_6?");
  expect_complaint({"explain", "xyzzyxyzzy"}, "unknown rule 'xyzzyxyzzy'");
  expect_complaint({"bench", "--seconds", "-1"}, "--seconds");
}

TEST(Commands, NameThePlaceOfASyntaxError) {
  const std::string path = file_with("wrong.pkt", "+0 < S 0:0(0) win 100\n+0 < Q 0:0(0) win 100\n");
  for (const char* verb : {"run", "judge", "check"}) expect_complaint({verb, path}, "wrong.pkt:2:6");
}

TEST(Commands, RefuseWhatCannotBePlayed) {
  expect_complaint({"run", file_with("epoll.pkt", "+0 splice(3, NULL, 5, NULL, 9, 0) = 9\n")},
                   "skipped, cannot be played on own: splice");
}

TEST(Commands, RefuseACaptureThatIsCutOff) {
  std::string capture(24 + 16 + 10, '\0');
  const unsigned char header[] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 101};
  std::copy(std::begin(header), std::end(header), capture.begin());
  capture[24 + 8] = capture[24 + 12] = 60;  // sixty octets are said to follow, ten do
  expect_complaint({"judge", file_with("cut.pcap", capture)}, "cut.pcap");
}

TEST(Commands, RefuseABadDeviationsFile) {
  const std::string folder = ::testing::TempDir() + "/corpus_with_deviations";
  ASSERT_EQ(std::system(("mkdir -p " + folder + "/deviations").c_str()), 0);
  std::ofstream(folder + "/deviations/own.txt") << "NO_RULE: because\n";
  expect_complaint({"check", "--corpus", folder}, "own.txt:1: unknown rule 'NO_RULE'");
}

TEST(Commands, HelpHasAnExample) {
  for (const char* verb : {"targets", "check", "run", "judge", "explain", "catalogue", "bench"}) {
    const Outcome help = run({verb, "--help"});
    EXPECT_EQ(help.status, 0);
    EXPECT_NE(help.out.find("Example: tcpassay " + std::string(verb)), std::string::npos) << help.out;
  }
  EXPECT_EQ(run({"--version"}).status, 0);
}

TEST(Commands, CheckWritesAllFormats) {
  const std::string path = source(kTextbook);
  const auto checked = [&](const char* format) { return run({"check", path, "--format", format}); };
  EXPECT_EQ(nlohmann::json::parse(checked("json").out)["scenarios"], 1);
  EXPECT_EQ(checked("junit").out.rfind("<?xml", 0), 0u);
  EXPECT_NE(checked("text").out.find("conforms"), std::string::npos);
}

// What RFC 793 says of RSTs, SYNs and old ACKs conforms to RFC 793; RFC 5961 departs from it.
TEST(Commands, CheckHoldsATargetToAnEdition) {
  const auto checked = [&](const char* ruleset) {
    return run({"check", "--corpus", source("corpus"), "--temper", "rst_rfc793,syn_rfc793,ack_range_unchecked",
                "--ruleset", ruleset, "--format", "json"});
  };
  const Outcome old = checked("793");
  EXPECT_EQ(old.status, 0);
  const auto then = nlohmann::json::parse(old.out), now = nlohmann::json::parse(checked("9293+5961").out);
  EXPECT_EQ(then["ruleset"], "793");
  EXPECT_EQ(then["summary"]["departed"], 0);
  EXPECT_EQ(now["ruleset"], "9293+5961");
  EXPECT_GT(now["summary"]["departed"], 0);
  EXPECT_EQ(now["profile"]["challenges-rst"], "false");
  expect_complaint({"check", "--ruleset", "2018", source(kTextbook)}, "--ruleset");
}

TEST(Commands, RunTellsAViolationByItsStatus) {
  const std::string path = source(kTextbook);
  EXPECT_EQ(run({"run", path}).status, 0);
  const std::string rst = R"(
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 < S. 0:0(0) ack 1 win 65535
+0 < R 200000:200000(0) win 0
)";
  const std::string script = file_with("rst.pkt", rst);
  EXPECT_EQ(run({"run", script}).status, 0);
  const Outcome found = run({"run", script, "--plant", "rst_out_of_window", "--format", "json"});
  EXPECT_EQ(found.status, 1);
  EXPECT_FALSE(nlohmann::json::parse(found.out)["verdicts"].empty());
  EXPECT_EQ(run({"run", script, "--target", "own:rst_out_of_window"}).status, 1);
}

TEST(Commands, CheckPlaysWhatIsChosen) {
  const std::string corpus = source("corpus");
  const auto scenarios = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"check", "--corpus", corpus, "--format", "json"});
    return nlohmann::json::parse(run(options).out);
  };
  const auto listed = scenarios({"--list", "--section", "3.10.7.4", "--suite", "states,close"})["scenarios"];
  const auto played = scenarios({"--section", "3.10.7.4", "--suite", "states,close"})["played"];
  ASSERT_GT(listed.size(), 10u);
  ASSERT_EQ(played.size(), listed.size());
  for (std::size_t i = 0; i < listed.size(); ++i) EXPECT_EQ(played[i]["id"], listed[i]["id"]);
  EXPECT_EQ(scenarios({"--list-rules", "--rule", "MUST-10"})["rules"][0]["id"], "MUST_10");
  const Outcome quiet = run({"check", "--corpus", corpus, "--suite", "textbook", "--quiet"});
  EXPECT_EQ(std::count(quiet.out.begin(), quiet.out.end(), '\n'), 1) << quiet.out;
  expect_complaint({"check", "--corpus", corpus, "--suite", "textbok"}, "did you mean textbook?");
  expect_complaint({"check", "--corpus", corpus, "--section", "3.10.77"},
                   "no rule stands in section '3.10.77'; did you mean 3.10.");
  expect_complaint({"check", "--corpus", corpus, "--rule", "MUST_6O"}, "did you mean MUST_6?");
  expect_complaint({"check", "--corpus", corpus, "--list", "--format", "junit"}, "text or json");
}

std::string result_of(const std::string& name, const std::vector<std::string>& cli) {
  return file_with(name, run(cli).out);
}

TEST(Commands, DiffTellsWhatChanged) {
  const std::string folder = source("corpus/3.10.7.4-2-rst");
  const std::string good = result_of("good.json", {"check", folder, "--format", "json"});
  const std::string bad = result_of("bad.json", {"check", folder, "--plant", "rst_out_of_window", "--format", "json"});
  EXPECT_EQ(run({"diff", good, good}).status, 0);
  const Outcome worse = run({"diff", good, bad});
  EXPECT_EQ(worse.status, 1);
  EXPECT_NE(worse.out.find("NEWLY FAILING"), std::string::npos) << worse.out;
  EXPECT_NE(worse.out.find("replay: tcpassay run"), std::string::npos) << worse.out;
  EXPECT_EQ(run({"diff", good, bad, "--fail-on", "never"}).status, 0);
  const Outcome better = run({"diff", bad, good, "--format", "json"});
  EXPECT_EQ(better.status, 0);
  EXPECT_FALSE(nlohmann::json::parse(better.out)["diffs"][0]["newly_conforming"].empty());
  expect_complaint({"diff", good, file_with("no.json", "{}")}, "no.json: no result; check and sweep");
  expect_complaint({"diff", good}, "OLD_AND_NEW");
}

TEST(Commands, MergeJoinsShards) {
  const std::string folder = source("corpus/3.10.7.4-2-rst");
  const auto part = [&](const char* shard, const char* name) {
    return result_of(name, {"check", folder, "--shard", shard, "--format", "json"});
  };
  const std::string one = part("1/2", "1.json"), two = part("2/2", "2.json");
  auto whole = nlohmann::json::parse(run({"check", folder, "--format", "json"}).out);
  const Outcome merged = run({"merge", two, one});
  EXPECT_EQ(merged.status, 0) << merged.error;
  auto found = nlohmann::json::parse(merged.out);
  whole.erase("wall_s");
  found.erase("wall_s");
  EXPECT_EQ(found, whole);
  expect_complaint({"merge", one}, "missing: shard 2/2");
  expect_complaint({"merge", one, one, two}, "shard 1/2 is in");
  expect_complaint({"check", folder, "--shard", "3/2"}, "--shard 3/2: expected I/N");
  const std::string out = ::testing::TempDir() + "/merged.json";
  EXPECT_EQ(run({"merge", one, two, "-o", out, "--format", "text"}).out, "");
  std::ifstream written(out);
  EXPECT_NE(std::string(std::istreambuf_iterator<char>(written), {}).find("conforms"), std::string::npos);
}

TEST(Commands, MergeJoinsShardsOfASweep) {
  const auto sweep = [](const char* shard, const char* name) {
    return result_of(name, {"sweep", "--state", "LISTEN", "--one-in", "97", "--plant", "rst_out_of_window",
                            "--findings", "", "--format", "json", "--shard", shard});
  };
  const std::string one = sweep("1/2", "s1.json"), two = sweep("2/2", "s2.json"), all = sweep("1/1", "s.json");
  auto whole = nlohmann::json::parse(run({"merge", all}).out),
       found = nlohmann::json::parse(run({"merge", two, one}).out);
  for (const char* key : {"wall_s", "cases_per_s"}) {
    whole.erase(key);
    found.erase(key);
  }
  EXPECT_GT(found["cases"], 100);
  EXPECT_EQ(found, whole);
  expect_complaint({"merge", one}, "missing: shard 2/2");
}

TEST(Commands, DeviationsExcuseARunToo) {
  const std::string rst =
      "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 connect(3, ..., ...) = -1 EINPROGRESS (now)\n"
      "+0 < S. 0:0(0) ack 1 win 65535\n+0 < R 200000:200000(0) win 0\n";
  const std::vector<std::string> command{"run", file_with("listed.pkt", rst), "--plant", "rst_out_of_window"};
  const Outcome found = run(command);
  ASSERT_EQ(found.status, 1);
  auto json = command;
  json.insert(json.end(), {"--format", "json"});
  const std::string rule = nlohmann::json::parse(run(json).out)["verdicts"][0]["rule"];
  auto listed = command;
  listed.insert(listed.end(), {"--deviations", file_with("known.txt", rule + ": a choice\n")});
  const Outcome known = run(listed);
  EXPECT_EQ(known.status, 0) << known.out;
  EXPECT_NE(known.out.find("listed: " + rule + ": a choice"), std::string::npos) << known.out;
  expect_complaint({"run", command[1], "--deviations", "/no/such"}, "/no/such: no such file or folder");
}

TEST(Commands, FailOnSaysWhatCounts) {
  const auto status = [](std::vector<std::string> options) {
    options.insert(options.begin(), {"check", "--corpus", source("corpus"), "--suite", "rfc5961,states", "--quiet"});
    return run(options).status;
  };
  EXPECT_EQ(status({"--temper", "rst_rfc793"}), 0);  // departs from SHOULDs
  EXPECT_EQ(status({"--temper", "rst_rfc793", "--fail-on", "should"}), 1);
  EXPECT_EQ(status({"--plant", "rst_out_of_window"}), 1);
  EXPECT_EQ(status({"--plant", "rst_out_of_window", "--fail-on", "never"}), 0);
}

TEST(Commands, ExplainKnowsSections) {
  const Outcome text = run({"explain", "3.10.7.4", "--corpus", source("corpus")});
  EXPECT_EQ(text.status, 0);
  EXPECT_NE(text.out.find("SA4_1_rst MUST, section 3.10.7.4\n"), std::string::npos) << text.out;
  EXPECT_NE(text.out.find("3.10.7.4-2-rst/"), std::string::npos);
  const auto json = nlohmann::json::parse(run({"explain", "rfc7323", "--format", "json"}).out);
  EXPECT_EQ(json["rules"][0]["rfc"], 7323);
  expect_complaint({"explain", "3.10.78"}, "no rule stands in section '3.10.78'");
}

TEST(Commands, TheSameTwice) {
  const auto result = [] {
    auto json = nlohmann::json::parse(
        run({"check", "--corpus", source("corpus"), "--suite", "textbook", "--format", "json"}).out);
    json.erase("wall_s");
    return json;
  };
  EXPECT_EQ(result(), result());
}

TEST(Commands, ExplainNamesScenarios) {
  const Outcome explained = run({"explain", "MUST-10", "--corpus", source("corpus"), "--format", "json"});
  EXPECT_EQ(explained.status, 0);
  const auto json = nlohmann::json::parse(explained.out);
  EXPECT_EQ(json["id"], "MUST_10");
  for (const char* key : {"judged_by", "covered_by", "code", "unit_tests", "defects"}) {
    EXPECT_FALSE(json[key].empty()) << key;
  }
}

TEST(Commands, ExplainKnowsRequirementsToo) {
  const Outcome explained = run({"explain", "RFC9293-MUST-10"});
  EXPECT_EQ(explained.status, 0);
  EXPECT_NE(explained.out.find("stated by MUST_10"), std::string::npos) << explained.out;
  const auto json = nlohmann::json::parse(run({"explain", "RFC9293-MUST-10", "--format", "json"}).out);
  EXPECT_EQ(json["rules"][0], "MUST_10");
  EXPECT_EQ(json["explanations"][0]["paragraph"], info(Rule::MUST_10).paragraph);
}

TEST(Commands, CatalogueCountsRequirements) {
  const auto json = nlohmann::json::parse(run({"catalogue", "--format", "json"}).out);
  EXPECT_EQ(json["appendix_b"]["rows"], 119);
  EXPECT_NE(run({"catalogue"}).out.find("Appendix B: "), std::string::npos);
  EXPECT_NE(run({"catalogue", "--horizons"}).out.find("kHeldText 60 s: MUST_60"), std::string::npos);
  EXPECT_NE(run({"explain", "MUST_60"}).out.find("horizon: kHeldText 60 s"), std::string::npos);
  expect_complaint({"catalogue", "--zoo", "/none"}, "/none: cannot be read");
}

TEST(Commands, BenchKeepsItsContract) {
  const auto json = nlohmann::json::parse(run({"bench", "--seconds", "0.01", "--format", "json"}).out);
  for (const char* key : {"target", "bare_steps_per_s", "judged_steps_per_s", "overhead"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  EXPECT_EQ(json["verdicts"], 0);
  EXPECT_EQ(json["jobs"], 1);
}

// The rates are added; what a round is and what the judge costs is not.
TEST(Commands, BenchMeasuresProcessesTogether) {
  const auto asked = [](const char* jobs) {
    return nlohmann::json::parse(run({"bench", "--seconds", "0.3", "--format", "json", "--jobs", jobs}).out);
  };
  const auto one = asked("1"), eight = asked("8");
  EXPECT_EQ(eight["jobs"], 8);
  EXPECT_EQ(eight["target"], "own");
  EXPECT_EQ(eight["verdicts"], 0);
  EXPECT_GT(eight["overhead"], 1.0);
  EXPECT_LT(eight["overhead"], 4 * one["overhead"].get<double>());
  EXPECT_LT(eight["rounds"], 4 * one["rounds"].get<int>() + 4);
  EXPECT_LT(eight["judged_connections_per_processor_s"], 4 * one["judged_connections_per_processor_s"].get<double>());
}

TEST(Commands, TargetsSaysWhatIsHere) {
  const auto json = nlohmann::json::parse(run({"targets", "--format", "json"}).out);
  EXPECT_EQ(json["targets"][0]["name"], "own");
  EXPECT_EQ(json["targets"][0]["ready"], true);
  EXPECT_NE(run({"targets", "--defects"}).out.find("rst_out_of_window"), std::string::npos);
}

// One line for each file, and before it one for each conversation of a capture; each is JSON of its own.
TEST(Commands, JudgeWritesJsonLines) {
  const std::string script = file_with("lines.pkt", kLinesScript);
  const Outcome outcome = run({"judge", "--format", "jsonl", script, script});
  std::istringstream lines(outcome.out);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_EQ(nlohmann::json::parse(line)["verdict"], "accepted") << line;
  }
  EXPECT_EQ(count, 2);
}

TEST(Commands, ACommentNeedsACapture) {
  const std::string script = file_with("lines.pkt", kLinesScript);
  expect_complaint({"judge", "--annotate", "x.pcapng", script}, "need one capture");
}

// What no target plays shows nothing of any target.
TEST(Commands, NothingPlayedIsNoConformance) {
  const std::string script = file_with("tee.pkt", "0 tee(4, 6, 9, 0) = 9\n");
  const Outcome outcome = run({"check", "--target", "own", script});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_NE(outcome.out.find("shows no conformance; no scenario was played"), std::string::npos) << outcome.out;
  EXPECT_EQ(run({"judge", file_with("empty.pkt", "")}).status, 2);
}

TEST(Commands, AWordThatIsNoCommandIsNamed) {
  expect_complaint({"chek"}, "there is no command 'chek'; perhaps check");
  expect_complaint({}, "name a command: targets, check");
  const Outcome help = run({"help", "zoo"});
  EXPECT_EQ(help.status, 0);
  EXPECT_NE(help.out.find("--both-ip"), std::string::npos);
  EXPECT_EQ(run({"help"}).status, 0);
}

TEST(Commands, NamesThatCannotBeAreRefused) {
  const std::string script = source("corpus/textbook/client-closes-first.pkt");
  expect_complaint({"run", script, "-D", "9X=3"}, "'9X' is no name");
  expect_complaint({"run", file_with("covers.pkt", "//! covers: MUST_999\n0 socket(..., SOCK_STREAM, 0) = 3\n")},
                   "covers: ");
  expect_complaint({"check", file_with("covers2.pkt", "//! covers: MUST_999\n0 socket(..., SOCK_STREAM, 0) = 3\n")},
                   "covers: ");
}

TEST(Commands, AnEmptyScriptShowsNothing) {
  const std::string empty = file_with("empty.pkt", "");
  expect_complaint({"run", empty}, "nothing is in it");
  const Outcome checked = run({"check", empty});
  EXPECT_EQ(checked.status, 2);
  EXPECT_NE(checked.out.find("nothing is in it"), std::string::npos);
}

TEST(Commands, TheSweepSaysWhyItChoosesNoScenarios) {
  for (const std::string option : {"--rule=MUST_10", "--section=3.4", "--list", "--only=failed"}) {
    expect_complaint({"sweep", option}, "choose cells with --state");
  }
  expect_complaint({"zoo", "--sweep", "--rule", "MUST_10"}, "there are none to choose");
  const Outcome chosen = run({"zoo", "--rule", "MUST_10", "--list"});
  EXPECT_EQ(chosen.status, 0) << chosen.error;
  EXPECT_NE(chosen.out.find("MUST_10"), std::string::npos);
}

}  // namespace
}  // namespace tcpassay
