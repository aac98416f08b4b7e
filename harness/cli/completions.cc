// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <string>
#include <vector>

#include "harness/cli/description.h"

namespace tcpassay {
namespace {

constexpr const char* kByHand = "# SPDX-License-Identifier: Apache-2.0\n# Written by `tcpassay completions {}`.\n";

// In single quotes, for any of the shells.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += "'\\''";
    if (c != '\'') out += c;
  }
  return out + "'";
}

std::vector<std::string> named_options(const VerbDescription& verb) {
  std::vector<std::string> names;
  for (const OptionDescription& option : verb.options) {
    if (!option.positional) names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return names;
}

// The values of the first argument without a name, such as the rules of `explain`.
std::vector<std::string> argument_values(const VerbDescription& verb) {
  for (const OptionDescription& option : verb.options) {
    if (option.positional) return option.choices;
  }
  return {};
}

std::string bash_verb(const VerbDescription& verb) {
  std::string values;
  for (const OptionDescription& option : verb.options) {
    if (option.positional || option.value.empty()) continue;
    const std::string words = option.choices.empty()
                                  ? "COMPREPLY=($(compgen -f -- \"$word\")); return"
                                  : fmt::format("COMPREPLY=($(compgen -W {} -- \"$word\")); return",
                                                quoted(fmt::format("{}", fmt::join(option.choices, " "))));
    values += fmt::format("        {}) {} ;;\n", fmt::join(option.names, "|"), words);
  }
  return fmt::format("    {})\n      case $before in\n{}      esac\n      options={}\n      arguments={}\n      ;;\n",
                     verb.name, values, quoted(fmt::format("{}", fmt::join(named_options(verb), " "))),
                     quoted(fmt::format("{}", fmt::join(argument_values(verb), " "))));
}

std::string bash(const std::vector<VerbDescription>& verbs) {
  std::string names, cases;
  for (const VerbDescription& verb : verbs) {
    names += verb.name + " ";
    cases += bash_verb(verb);
  }
  return fmt::format(kByHand, "bash") + "_tcpassay() {\n" +
         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} options='' arguments=''\n" +
         "  COMPREPLY=()\n  if ((COMP_CWORD == 1)); then\n" +
         fmt::format("    COMPREPLY=($(compgen -W '{}--help --version' -- \"$word\"))\n    return\n  fi\n", names) +
         "  case ${COMP_WORDS[1]} in\n" + cases + "  esac\n" +
         "  if [[ $word == -* ]]; then\n    COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n    return\n  fi\n" +
         "  if [[ $arguments ]]; then\n    COMPREPLY=($(compgen -W \"$arguments\" -- \"$word\"))\n    return\n  fi\n" +
         "  COMPREPLY=($(compgen -f -- \"$word\"))\n}\ncomplete -o filenames -F _tcpassay tcpassay\n";
}

// What stands within brackets or behind a colon in the specifications of zsh.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_values(const OptionDescription& option) {
  if (option.choices.empty()) return ":_files";
  std::vector<std::string> choices;
  for (const std::string& choice : option.choices) choices.push_back(zsh_text(choice));
  return fmt::format(":({})", fmt::join(choices, " "));
}

std::string zsh_option(const OptionDescription& option) {
  if (option.positional) {
    return " \\\n        " + quoted(fmt::format("*:{}{}", zsh_text(option.names[0]), zsh_values(option)));
  }
  std::string out;
  for (const std::string& name : option.names) {
    const std::string value = option.value.empty() ? "" : ":" + option.value + zsh_values(option);
    out += " \\\n        " + quoted(fmt::format("*{}[{}]{}", name, zsh_text(option.what), value));
  }
  return out;
}

std::string zsh(const std::vector<VerbDescription>& verbs) {
  std::string names, cases;
  for (const VerbDescription& verb : verbs) {
    names += "    " + quoted(verb.name + ":" + verb.what) + "\n";
    cases += "    " + verb.name + ")\n      _arguments";
    for (const OptionDescription& option : verb.options) cases += zsh_option(option);
    cases += "\n      ;;\n";
  }
  return "#compdef tcpassay\n" + fmt::format(kByHand, "zsh") + "_tcpassay() {\n  local -a verbs=(\n" + names +
         "  )\n  if ((CURRENT == 2)); then\n    _describe verb verbs\n    return\n  fi\n" +
         "  local verb=${words[2]}\n  shift words\n  ((CURRENT--))\n  case $verb in\n" + cases +
         "  esac\n}\n_tcpassay \"$@\"\n";
}

std::string fish_option(const std::string& verb, const OptionDescription& option) {
  const std::string when = fmt::format("complete -c tcpassay -n {}", quoted("__fish_seen_subcommand_from " + verb));
  const std::string choices = quoted(fmt::format("{}", fmt::join(option.choices, " ")));
  if (option.positional) {
    return option.choices.empty() ? fmt::format("{} -F\n", when) : fmt::format("{} -f -a {}\n", when, choices);
  }
  std::string out = when;
  for (const std::string& name : option.names) {
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!option.value.empty()) out += option.choices.empty() ? " -r -F" : " -x -a " + choices;
  return out + " -d " + quoted(option.what) + "\n";
}

std::string fish(const std::vector<VerbDescription>& verbs) {
  std::string out = fmt::format(kByHand, "fish") + "complete -c tcpassay -f\n";
  for (const VerbDescription& verb : verbs) {
    out += fmt::format("complete -c tcpassay -n __fish_use_subcommand -a {} -d {}\n", verb.name, quoted(verb.what));
    for (const OptionDescription& option : verb.options) out += fish_option(verb.name, option);
  }
  return out;
}

}  // namespace

std::string completions(const std::vector<VerbDescription>& verbs, const std::string& shell) {
  if (shell == "zsh") return zsh(verbs);
  if (shell == "fish") return fish(verbs);
  return bash(verbs);
}

}  // namespace tcpassay
