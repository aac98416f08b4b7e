// SPDX-License-Identifier: Apache-2.0
#include "harness/cli/description.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <istream>
#include <string>
#include <vector>

#include "harness/cli/commands.h"
#include "harness/cli/options.h"

namespace tcpassay {
namespace {

std::vector<VerbDescription> ours() {
  CLI::App app;
  CliOptions cli;
  add_verbs(app, cli);
  return describe(app);
}

const OptionDescription* option_of(const std::vector<VerbDescription>& verbs, const std::string& verb,
                                   const std::string& name) {
  for (const VerbDescription& each : verbs) {
    if (each.name != verb) continue;
    for (const OptionDescription& option : each.options) {
      if (std::count(option.names.begin(), option.names.end(), name)) return &option;
    }
  }
  return nullptr;
}

TEST(Description, HasWhatHelpHas) {
  const auto verbs = ours();
  const OptionDescription* ip = option_of(verbs, "check", "--ip");
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->choices, (std::vector<std::string>{"4", "6", "both"}));
  EXPECT_EQ(ip->preset, "4");
  const OptionDescription* strict = option_of(verbs, "check", "--strict");
  ASSERT_TRUE(strict);
  EXPECT_EQ(strict->value, "");
  const OptionDescription* rule = option_of(verbs, "explain", "RULE");
  ASSERT_TRUE(rule);
  EXPECT_TRUE(rule->positional);
  EXPECT_TRUE(std::count(rule->choices.begin(), rule->choices.end(), "MUST_10"));
}

TEST(Description, EveryVerbHasAnExampleAndAPage) {
  const auto verbs = ours();
  EXPECT_GT(verbs.size(), 10u);
  for (const VerbDescription& verb : verbs) {
    EXPECT_EQ(verb.example.find('\n'), std::string::npos) << verb.name;
    EXPECT_NE(verb.example.find("tcpassay " + verb.name), std::string::npos) << verb.name;
    const std::string page = manual_page(verbs, verb.name);
    EXPECT_NE(page.find(".SH OPTIONS\n"), std::string::npos) << verb.name;
    EXPECT_EQ(page.find("\n\n"), std::string::npos) << verb.name;
    EXPECT_NE(manual_page(verbs, "").find("\\fB" + verb.name.substr(0, 4)), std::string::npos) << verb.name;
  }
}

TEST(ManualPage, KeepsHyphensAndBackslashes) {
  const std::vector<VerbDescription> verbs{
      {.name = "do",
       .what = "does",
       .example = "tcpassay do",
       .options = {{.names = {"--so"}, .value = "TEXT", .choices = {}, .preset = "", .what = ".a\\b-c"}}}};
  EXPECT_NE(manual_page(verbs, "do").find("\\fB\\-\\-so\\fR \\fITEXT\\fR\n\\&.a\\eb\\-c\n"), std::string::npos);
}

// What bash offers for a command line whose last word is being typed.
std::string offered(const std::string& file, const std::string& words) {
  const std::string out = file + ".out";
  const std::string script = "source '" + file + "'; COMP_WORDS=(" + words +
                             "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _tcpassay; echo \"${COMPREPLY[*]}\"";
  std::ofstream(file + ".sh") << script << "\n";
  if (std::system(("bash '" + file + ".sh' > '" + out + "'").c_str()) != 0) return "bash failed";
  std::string line;
  std::getline(std::ifstream(out) >> std::ws, line);
  return line;
}

TEST(Completions, BashOffersWhatTheTablesHave) {
  if (::access("/bin/bash", X_OK) != 0) GTEST_SKIP() << "no bash";
  const std::string file = ::testing::TempDir() + "/tcpassay.bash";
  std::ofstream(file) << completions(ours(), "bash");
  EXPECT_EQ(offered(file, "tcpassay che"), "check");
  EXPECT_EQ(offered(file, "tcpassay check --all-r"), "--all-rows");
  EXPECT_EQ(offered(file, "tcpassay check --ip b"), "both");
  EXPECT_EQ(offered(file, "tcpassay check --target linux-"), "linux-raw");
  EXPECT_EQ(offered(file, "tcpassay check --plant rst_out_of_w"), "rst_out_of_window");
  EXPECT_EQ(offered(file, "tcpassay explain SA4_2_in"), "SA4_2_inexact");
}

TEST(Completions, OtherShellsAreWellQuoted) {
  const std::vector<VerbDescription> verbs{
      {.name = "do",
       .what = "a user's verb",
       .example = "",
       .options = {
           {.names = {"-s", "--so"}, .value = "TEXT", .choices = {"a:b", "c"}, .preset = "", .what = "so [it] is"}}}};
  const std::string zsh = completions(verbs, "zsh"), fish = completions(verbs, "fish");
  EXPECT_EQ(zsh.rfind("#compdef tcpassay\n", 0), 0u);
  EXPECT_NE(zsh.find("'do:a user'\\''s verb'"), std::string::npos) << zsh;
  EXPECT_NE(zsh.find("'*--so[so \\[it\\] is]:TEXT:(a\\:b c)'"), std::string::npos) << zsh;
  EXPECT_NE(fish.find("-s s -l so -x -a 'a:b c' -d 'so [it] is'"), std::string::npos) << fish;
}

}  // namespace
}  // namespace tcpassay
