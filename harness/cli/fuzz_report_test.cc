// SPDX-License-Identifier: Apache-2.0
#include "harness/cli/fuzz_report.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/hunt/confirm.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(FuzzReport, HasEachFindingWithWhatWasSaidOfIt) {
  const fs::path campaign = fs::temp_directory_path() / ("tcpassay-fuzz-report-" + std::to_string(getpid()));
  const HuntTerms terms;
  Hunted broken{.kind = {.rule = "MUST_10", .state = "LISTEN", .stimulus = "S"},
                .steps = 3,
                .verdict = "MUST violated MUST_10\n  state    LISTEN\n  allowed  a reset\n  seen     <nothing>\n"};
  ASSERT_TRUE(
      write_first(broken, campaign / "findings", {.script = "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"}, terms));
  fs::copy_file(broken.folder / kFirstScript, broken.folder / "finding.pkt");
  write_forms(broken, terms);
  Hunted died{.kind = {.rule = "died", .stimulus = "R"}, .verdict = "signal 11"};
  ASSERT_TRUE(
      write_first(died, campaign / "findings", {.script = "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"}, terms));

  const auto findings = read_findings(campaign / "findings");
  const auto json = fuzz_json(campaign, findings, terms, {});
  ASSERT_EQ(json.at("violations").size(), 1u);
  const auto& violation = json.at("violations").at(0);
  EXPECT_EQ(violation.at("rule"), "MUST_10");
  EXPECT_EQ(violation.at("allowed"), "a reset");
  EXPECT_EQ(violation.at("seen"), "<nothing>");
  EXPECT_FALSE(violation.at("listed").get<bool>());
  EXPECT_EQ(json.at("died").size(), 1u);
  EXPECT_EQ(json.at("conclusion").get<std::string>().substr(0, 10), "2 findings");
  EXPECT_TRUE(
      fuzz_json(campaign, findings, terms, {.rules = {"MUST_10"}}).at("violations").at(0).at("listed").get<bool>());

  const fs::path pages = campaign / "pages", captures = campaign / "captures";
  fs::create_directories(captures);
  write_fuzz_site(pages.string(), json, findings, captures.string());
  const std::string page = read(pages / "index.html");
  EXPECT_NE(page.find("MUST_10"), std::string::npos);
  EXPECT_NE(page.find("&lt;nothing&gt;"), std::string::npos);
  EXPECT_NE(page.find("signal 11"), std::string::npos);
  EXPECT_TRUE(fs::exists(pages / "findings/own/1-MUST_10.html"));
  fs::remove_all(campaign);
}

}  // namespace
}  // namespace tcpassay
