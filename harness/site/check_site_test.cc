// SPDX-License-Identifier: Apache-2.0
#include "harness/site/check_site.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "harness/check/check.h"
#include "harness/check/check_options.h"
#include "harness/check/corpus.h"
#include "harness/check/report.h"
#include "harness/script/parse.h"
#include "harness/site/check_report.h"
#include "harness/site/played_list.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kScript = R"(//! title: Hostile </title><script>alert(1)</script>
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 100:100(0) win 1000 <mss 1460>
+0 < R 101:101(0) win 0
)";

class CheckSiteTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_); }
  void TearDown() override { fs::remove_all(root_); }

  std::string captures() const { return (root_ / "captures").string(); }
  std::string report() const { return (root_ / "report").string(); }
  std::string read(const std::string& page) const {
    std::ifstream in(fs::path(report()) / page);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  // The own stack with a defect, which plays a script of this name.
  Json played(const std::string& path, const std::string& defect = "bad_checksum_accepted") {
    const ScenarioFile file{.path = path, .scenario = parse_script(kScript, path)};
    CheckOptions options{.defect = defect, .pcap_folder = captures(), .whole = false};
    PlayedList list;
    options.judged = [&](const auto& one, const auto& trace) { list.add(one, trace); };
    Json json = Json::parse(check_json(check({file}, options)));
    list.complete(json);
    return json;
  }

  fs::path root_ = fs::temp_directory_path() / ("tcpassay-check-site-" + std::to_string(::getpid()));
};

TEST_F(CheckSiteTest, HostileNamesAreShownAndDoNothing) {
  const std::string path = "corpus/<script>alert(1)<b>.pkt";
  SiteRun run{.name = "own</title><script>x()", .json = played(path), .recordings = captures()};
  write_check_site(report(), {run});
  std::size_t pages = 0;
  for (const auto& entry : fs::recursive_directory_iterator(report())) {
    if (entry.path().extension() != ".html") continue;
    ++pages;
    const std::string page = read(fs::relative(entry.path(), report()).string());
    EXPECT_EQ(page.find("<script>"), std::string::npos) << entry.path();
    EXPECT_NE(page.find("<main"), std::string::npos) << entry.path();
  }
  EXPECT_GT(pages, rules().size());
  EXPECT_NE(read("scenarios.html").find("&lt;script&gt;alert(1)&lt;b&gt;.pkt"), std::string::npos);
  EXPECT_NE(read("assets/index.js").find("<script>"), std::string::npos);  // in a string, in a file of its own
}

TEST_F(CheckSiteTest, APlayedScenarioHasLadderPacketsAndCapture) {
  write_check_site(report(), {{.name = "own", .json = played("corpus/a.pkt", ""), .recordings = captures()}});
  const std::string page = read("scenarios/own/corpus_a.html");
  EXPECT_NE(page.find("<svg class=\"ladder\""), std::string::npos);
  EXPECT_NE(page.find("SYN-RECEIVED"), std::string::npos);
  EXPECT_NE(page.find("Maximum segment size"), std::string::npos);
  EXPECT_NE(page.find("0000  45 00"), std::string::npos);
  EXPECT_TRUE(fs::exists(fs::path(report()) / "captures/own/corpus_a.pcapng"));
  // What the report keeps is enough to write it again.
  EXPECT_FALSE(recording_of((fs::path(report()) / "captures/own").string(), "corpus/a.pkt", 4).empty());
}

TEST_F(CheckSiteTest, SeveralTargetsHaveAMatrixAndWhatCouldNotBeTestedIsNamed) {
  const Json failed{{"target", "moon"}, {"failure", "no such target"}};
  SiteRun own{.name = "own", .json = played("corpus/a.pkt", "")};
  write_check_site(report(), {own, own, {.name = "moon", .json = failed}});
  EXPECT_NE(read("index.html").find("could not be tested: no such target"), std::string::npos);
  EXPECT_NE(read("matrix.html").find("own (2)"), std::string::npos);
  EXPECT_NE(read("targets/moon.html").find("no such target"), std::string::npos);
}

TEST_F(CheckSiteTest, JsonFromElsewhereDoesNoHarm) {
  const Json strange =
      Json::parse(R"({"rules":[{"id":"../x","standing":7,"evidence":[{}]},3],"played":[null],"profile":5})");
  write_check_site(report(), {{.name = "", .json = strange}});
  EXPECT_TRUE(fs::exists(fs::path(report()) / "index.html"));
  EXPECT_FALSE(fs::exists(root_ / "x.html"));
}

}  // namespace
}  // namespace tcpassay
