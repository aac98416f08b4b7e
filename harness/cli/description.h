// SPDX-License-Identifier: Apache-2.0
// What the tables of commands say, as plain values: --help, the manual pages and the completions of shells have one
// source.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace tcpassay {

struct OptionDescription {
  std::vector<std::string> names;  // "-t", "--target"; of an argument without a name only "PATH"
  std::string value;               // "TEXT", "INT"; empty for a flag
  std::vector<std::string> choices;
  std::string preset;  // what holds where the option is not given
  std::string what;
  bool positional = false;
};

struct VerbDescription {
  std::string name, what, example;
  std::vector<OptionDescription> options;
};

std::vector<VerbDescription> describe(const CLI::App& app);

// The manual page (roff) of a verb, or of the whole program where `verb` is empty.
std::string manual_page(const std::vector<VerbDescription>& verbs, const std::string& verb);

// The file that a shell ("bash", "zsh", "fish") loads to complete the words of a command.
std::string completions(const std::vector<VerbDescription>& verbs, const std::string& shell);

}  // namespace tcpassay
