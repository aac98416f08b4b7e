// SPDX-License-Identifier: Apache-2.0
// tcpassay manual, tcpassay completions
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <vector>

#include "harness/cli/commands.h"
#include "harness/cli/description.h"
#include "harness/cli/options.h"
#include "harness/cli/verbs.h"

namespace tcpassay {
namespace {

std::vector<VerbDescription> all_verbs() {
  CLI::App app;
  CliOptions unused;
  add_verbs(app, unused);
  return describe(app);
}

}  // namespace

void manual_options(CLI::App& app, CliOptions& cli) {
  app.add_option("VERB", cli.verb, "the verb that the page is about; if not given, the program");
}

int run_manual(const CliOptions& cli) {
  const auto verbs = all_verbs();
  const bool known = std::any_of(verbs.begin(), verbs.end(), [&](const auto& each) { return each.name == cli.verb; });
  if (!cli.verb.empty() && !known) throw UsageError("there is no verb '" + cli.verb + "' (tcpassay --help lists them)");
  print(manual_page(verbs, cli.verb));
  return 0;
}

void completions_options(CLI::App& app, CliOptions& cli) {
  app.add_option("SHELL", cli.shell, "the shell")
      ->check(CLI::IsMember(std::vector<std::string>{"bash", "zsh", "fish"}))
      ->required();
}

int run_completions(const CliOptions& cli) {
  print(completions(all_verbs(), cli.shell));
  return 0;
}

}  // namespace tcpassay
