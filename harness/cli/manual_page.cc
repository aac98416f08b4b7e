// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>
#include <vector>

#include "harness/base/version.h"
#include "harness/cli/description.h"

namespace tcpassay {
namespace {

constexpr std::size_t kChoicesMax = 8;  // more than so many are not listed

// Text as roff takes it: no line of it is a request, and hyphens of options stay hyphens.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') out += "\\e";
    if (c == '-') out += "\\-";
    if (c != '\\' && c != '-') out += c;
  }
  return !out.empty() && (out[0] == '.' || out[0] == '\'') ? "\\&" + out : out;
}

std::string head(const std::string& name, const std::string& what) {
  std::string title = name;
  std::transform(title.begin(), title.end(), title.begin(), [](unsigned char c) { return std::toupper(c); });
  return fmt::format(".TH {} 1 \"\" \"tcpassay {}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n", roff(title), kVersion,
                     roff(name), roff(what));
}

std::string option_text(const OptionDescription& option) {
  std::string names;
  for (const std::string& name : option.names) {
    names += fmt::format("{}\\fB{}\\fR", names.empty() ? "" : ", ", roff(name));
  }
  const bool listed = !option.choices.empty() && option.choices.size() <= kChoicesMax;
  std::string value = option.positional ? "" : option.value;
  if (listed && !option.positional) value = fmt::format("{}", fmt::join(option.choices, "|"));
  const std::string preset = option.preset.empty() ? "" : fmt::format(" (default: {})", option.preset);
  return fmt::format(".TP\n{}{}\n{}{}\n", names, value.empty() ? "" : " \\fI" + roff(value) + "\\fR", roff(option.what),
                     roff(preset));
}

constexpr const char* kExitStatus =
    ".SH \"EXIT STATUS\"\n.TP\n0\nThe target conforms, listed deviations aside.\n.TP\n1\nIt does not.\n.TP\n2\n"
    "The command could not do its work, or nothing was played; one line says why.\n";

constexpr const char* kSurroundings =
    ".SH ENVIRONMENT\n.TP\nTCPASSAY_CORPUS\nThe folder with the scenarios, in place of the installed one.\n"
    ".TP\nTCPASSAY_TARGETS\nFolders with adapters, with colons between.\n"
    ".TP\nTCPASSAY_RFC_DIR\nA folder with the plain texts of the RFCs, which \\fBexplain\\fR quotes.\n";

std::string program_page(const std::vector<VerbDescription>& verbs) {
  std::string out = head("tcpassay", "judges TCP implementations by RFC 9293") +
                    ".SH SYNOPSIS\n\\fBtcpassay\\fR \\fIVERB\\fR [\\fIOPTION\\fR]...\n.SH VERBS\n";
  for (const VerbDescription& verb : verbs) {
    out += fmt::format(".TP\n\\fB{0}\\fR\n{1}: \\fBtcpassay\\-{0}\\fR(1)\n", roff(verb.name), roff(verb.what));
  }
  return out + kExitStatus + kSurroundings + ".SH EXAMPLE\n.nf\n" + roff("tcpassay check --target own") + "\n.fi\n";
}

std::string verb_page(const VerbDescription& verb) {
  std::string synopsis = fmt::format("\\fBtcpassay {}\\fR [\\fIOPTION\\fR]...", roff(verb.name));
  std::string arguments, options;
  for (const OptionDescription& option : verb.options) {
    (option.positional ? arguments : options) += option_text(option);
    if (option.positional) synopsis += " \\fI" + roff(option.names[0]) + "\\fR";
  }
  std::string out = head("tcpassay-" + verb.name, verb.what) + ".SH SYNOPSIS\n" + synopsis + "\n";
  if (!arguments.empty()) out += ".SH ARGUMENTS\n" + arguments;
  out += ".SH OPTIONS\n" + options + kExitStatus;
  if (!verb.example.empty()) out += ".SH EXAMPLE\n.nf\n" + roff(verb.example) + "\n.fi\n";
  return out + ".SH \"SEE ALSO\"\n\\fBtcpassay\\fR(1)\n";
}

}  // namespace

std::string manual_page(const std::vector<VerbDescription>& verbs, const std::string& verb) {
  const auto named = std::find_if(verbs.begin(), verbs.end(), [&](const auto& each) { return each.name == verb; });
  return named == verbs.end() ? program_page(verbs) : verb_page(*named);
}

}  // namespace tcpassay
