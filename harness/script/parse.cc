// SPDX-License-Identifier: Apache-2.0
#include "harness/script/parse.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "harness/script/defines.h"
#include "harness/script/packet_line.h"
#include "harness/script/packetdrill_numbers.h"
#include "harness/script/reader.h"
#include "harness/script/system_call.h"

namespace tcpassay {
namespace {

constexpr std::uint64_t kMslMax = 3600, kPeersMax = 1000, kRoundsMax = 10;

bool begins_word(char c) {
  return is_word_character(c) && !(c >= '0' && c <= '9');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& file, const std::vector<std::string>& defines)
      : in_(text, file, defines), from_syn_(text.find("//!") == std::string_view::npos) {
    scenario_.name = std::filesystem::path(file).stem().string();
  }

  Scenario parse() {
    for (in_.skip_space(); !in_.at_end(); in_.skip_space()) {
      if (in_.looking_at("//!")) {
        about();
      } else if (in_.looking_at("--")) {
        option_line();
      } else {
        scenario_.steps.push_back(step());
      }
    }
    in_.finish();
    if (from_syn_) read_as_packetdrill_counts(scenario_);
    return std::move(scenario_);
  }

 private:
  using Action = decltype(ScriptStep::action);

  // ---- Directives before the first step

  void about() {
    const std::size_t start = in_.at();
    in_.take("//!");
    in_.skip_blanks();
    const std::size_t at = in_.at();
    const std::string_view directive = in_.word();
    if (directive == "step") return hidden_step();
    if (!scenario_.steps.empty()) {
      in_.fail("a step (//! stands before the first step or at the end of a packet's line)", start);
    }
    About& about = scenario_.about;
    if (directive == "title") {
      about.title = once(about.title.empty(), "title", at);
    } else if (directive == "suite") {
      about.suite = once(about.suite.empty(), "suite", at);
    } else if (directive == "covers") {
      for (const auto& [word, where] : in_.take_directive("covers")) {
        if (!std::all_of(word.begin(), word.end(), is_word_character)) in_.fail("the id of a rule", where);
        about.covers.emplace_back(word);
      }
    } else if (directive == "tag") {
      in_.take_directive("tag");  // by which files are chosen, before they are parsed (check/corpus.h)
    } else if (directive == "needs") {
      for (const auto& [word, where] : in_.take_directive("needs")) about.needs.push_back(ability(word, where));
    } else if (directive == "settings") {
      for (const auto& [word, where] : in_.take_directive("settings")) about.settings.push_back(setting(word, where));
    } else if (directive == "peers") {
      about.peers = repetitions("peers", kPeersMax);
    } else if (directive == "rounds") {
      about.rounds = repetitions("rounds", kRoundsMax);
    } else if (directive == "numbers") {
      for (const auto& [word, where] : in_.take_directive("numbers")) {
        if (word != "running" && word != "from-syn") in_.fail("running or from-syn", where);
        from_syn_ = word == "from-syn";
      }
    } else if (directive == "record") {
      for (const auto& [word, where] : in_.take_directive("record")) {
        constexpr std::string_view kMsl = "msl=";
        const auto msl = word.starts_with(kMsl) ? decimal(word.substr(kMsl.size())) : std::nullopt;
        const bool good = msl && *msl > 0 && *msl <= kMslMax;
        if (word != "complete" && !good) in_.fail(fmt::format("complete or msl=N, N from 1 to {}", kMslMax), where);
        if (good) about.msl_s = static_cast<int>(*msl);
        about.complete_record = true;
      }
    } else if (directive == "expect") {
      about.expect = expectation();
    } else {
      in_.fail("title, suite, covers, tag, needs, settings, peers, rounds, record, expect, numbers or step");
    }
  }

  Expectation expectation() {
    Expectation made;
    for (const auto& [word, where] : in_.take_directive("expect")) {
      const bool outcome = word == "pass" || word == "fail" || word == "depart" || word == "inconclusive";
      if (made.outcome.empty() && !outcome) in_.fail("pass, fail, depart or inconclusive", where);
      const bool breaks = made.outcome == "fail" || made.outcome == "depart";
      if (!made.outcome.empty() && (!breaks || !made.rule.empty())) in_.fail("the end of the line", where);
      (made.outcome.empty() ? made.outcome : made.rule) = word;
    }
    return made;
  }

  // A step that packetdrill must ignore because it cannot express it: `//! step: +0 < . 1:1(0) //! damage: checksum`.
  void hidden_step() {
    in_.take_directive_name("step");
    scenario_.steps.push_back(step());
    scenario_.steps.back().hidden = true;
  }

  int repetitions(const char* directive, std::uint64_t most) {
    int number = 0;
    for (const auto& [word, at] : in_.take_directive(directive)) {
      const auto value = decimal(word);
      const bool good = number == 0 && value && *value != 0 && *value <= most;
      if (!good) in_.fail(fmt::format("a number from 1 to {}", most), at);
      number = static_cast<int>(*value);
    }
    return number;
  }

  std::string once(bool first, const char* directive, std::size_t at) {
    if (!first) in_.fail(fmt::format("one {} only", directive), at);
    in_.take_directive_name(directive);
    const std::size_t start = in_.at();
    const std::string_view line = in_.take_line();
    if (line.empty()) in_.fail("text", start);
    return std::string(line);
  }

  Ability ability(std::string_view word, std::size_t at) {
    std::string known;
    for (int i = 0; i < kAbilities; ++i) {
      const auto candidate = static_cast<Ability>(i);
      if (word == to_string(candidate)) return candidate;
      known += fmt::format("{}{}", i == 0 ? "" : i + 1 == kAbilities ? " or " : ", ", to_string(candidate));
    }
    in_.fail(known, at);
  }

  // NAME=VALUE, each name once.
  Setting setting(std::string_view word, std::size_t at) {
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const SettingInfo* known = setting_named(name);
    if (!known) in_.fail(setting_names(), at);
    const auto same = [&](const Setting& other) { return other.name == name; };
    const auto& others = scenario_.about.settings;
    if (std::any_of(others.begin(), others.end(), same)) in_.fail(fmt::format("{} once", name), at);
    const std::size_t value_at = equals == std::string_view::npos ? at + word.size() : at + equals + 1;
    if (equals == std::string_view::npos) in_.fail(fmt::format("{}=VALUE", name), at);
    const auto value = integer(word.substr(equals + 1));
    if (!value || *value < known->least || *value > known->most) {
      in_.fail(fmt::format("a number from {} to {}", known->least, known->most), value_at);
    }
    return {.name = std::string(name), .value = *value};
  }

  static std::string setting_names() {
    std::vector<std::string_view> names;
    for (const SettingInfo& setting : setting_table()) names.push_back(setting.name);
    return fmt::format("a setting ({})", fmt::join(names, ", "));
  }

  void option_line() {
    if (!scenario_.steps.empty()) in_.fail("a step (options stand before the first step)");
    const std::size_t at = in_.at();
    in_.take("--");
    std::string option = fmt::format("--{}", in_.take_word("an option's name"));
    in_.skip_blanks();
    if (in_.peek() == '=') {
      in_.take("=");
      in_.skip_blanks();
      const std::size_t start = in_.at();
      std::string value(in_.take_until_blank());
      if (option == "--ip_version") std::erase(value, '"');
      option += fmt::format("={}", value);
      if (option.back() == '=' && in_.at() == start) in_.fail("a value");
    }
    const std::string_view words = option;
    constexpr std::string_view kIpVersion = "--ip_version";
    if (words.starts_with(kIpVersion)) {
      const std::string_view version = words.substr(kIpVersion.size());
      const bool known = version == "=ipv4" || version == "=ipv6" || version == "=ipv4-mapped-ipv6";
      if (!known) in_.fail("--ip_version=ipv4, ipv6 or ipv4-mapped-ipv6", at);
    }
    scenario_.options.push_back(option);
  }

  // ---- Steps

  ScriptStep step() {
    ScriptStep step{.where = in_.place(in_.at())};
    const std::size_t start = in_.at();
    const bool timed = in_.peek() != '`';  // the first and the last command have no time
    if (timed) step.time = time();
    in_.skip_space();
    const std::size_t action = in_.at();
    bool outbound = false, call = false;
    if (in_.peek() == '<' || in_.peek() == '>') {
      outbound = in_.peek() == '>';
      step.action = read_packet(in_);
    } else if (in_.peek() == '`') {
      step.action = Shell{std::string(in_.take_quoted("`", "`", true))};
    } else if (in_.looking_at("%{")) {
      step.action = Code{std::string(in_.take_quoted("%{", "}%", false))};
    } else if (begins_word(in_.peek())) {
      call = true;
      step.action = system_call();
    } else {
      in_.fail("a packet, a system call, a command in backquotes or %{ code }%");
    }
    const bool point = step.time.form == StepTime::Form::kRelative || step.time.form == StepTime::Form::kAbsolute;
    if (!point && !outbound) in_.fail("an outbound packet after * or a range of time", action);
    if (step.time.returns && !call) in_.fail("a system call after the time at which it returns", action);
    if (step.time.returns && !point) in_.fail("a time without a range before ...", start);
    return step;
  }

  StepTime time() {
    const std::size_t start = in_.at();
    if (in_.accept("*")) return {.form = StepTime::Form::kAny};
    const bool relative = in_.accept("+");
    in_.skip_space();
    if (!is_digit(in_.peek()) && !(in_.peek() == '.' && is_digit(in_.peek(1)))) {
      in_.fail(relative ? "a time in seconds" : "a time such as +0.1");
    }
    StepTime time{.form = relative ? StepTime::Form::kRelative : StepTime::Form::kAbsolute, .at = in_.take_time()};
    if (in_.accept("~")) {
      time.form = relative ? StepTime::Form::kRelativeRange : StepTime::Form::kAbsoluteRange;
      if (relative) in_.take("+");
      time.to = in_.take_time();
      if (time.to < time.at) in_.fail("a range that ends after it starts", start);
    } else if (in_.accept("...")) {
      time.returns = in_.take_time();
      if (*time.returns < time.at) in_.fail("a call that returns after it starts", start);
    }
    return time;
  }

  // ---- System calls: name(arguments) = result [ERROR] [(note)]

  Action system_call() {
    const std::size_t start = in_.at();
    WrittenCall written{.name = std::string(in_.take_word("a system call"))};
    std::vector<std::size_t> places;
    in_.take("(");
    in_.skip_space();
    if (in_.peek() != ')') arguments(written, places);
    in_.skip_space();
    places.push_back(in_.at());
    in_.take(")");
    in_.take("=");
    in_.skip_space();
    const std::size_t result_at = in_.at();
    written.result = result();
    in_.skip_space();
    if (begins_word(in_.peek())) error_name(written);
    if (in_.accept("(")) {
      written.note = in_.take_balanced(")");
      in_.take(")");
    }
    return meaning(written, places, start, result_at);
  }

  void arguments(WrittenCall& written, std::vector<std::size_t>& places) {
    do {
      in_.skip_space();
      places.push_back(in_.at());
      written.arguments.push_back(in_.take_balanced(",)"));
      if (written.arguments.back().empty()) in_.fail("an argument");
    } while (in_.accept(","));
  }

  // A number, a symbol, several joined by |, or `...`.
  std::string result() {
    if (in_.accept("...")) return "...";
    std::string text = in_.accept("-") ? "-" : "";
    text += in_.take_word("a result");
    while (in_.accept("|")) text += fmt::format("|{}", in_.take_word("a result"));
    return text;
  }

  void error_name(WrittenCall& written) {
    if (in_.peek() != 'E') in_.fail("the name of an error, a note in parentheses or the next step");
    if (written.result != "-1") in_.fail("no error after a result other than -1");
    written.error = in_.take_word("the name of an error");
  }

  Action meaning(const WrittenCall& written, const std::vector<std::size_t>& places, std::size_t start,
                 std::size_t result_at) {
    try {
      auto read = read_call(written);
      if (const auto* unsupported = std::get_if<Unsupported>(&read)) return *unsupported;
      if (written.result != "..." && !integer(written.result)) in_.fail("a number or ...", result_at);
      return std::get<Call>(std::move(read));
    } catch (const WrongArgument& wrong) {
      in_.fail(wrong.what(), wrong.argument < places.size() ? places[wrong.argument] : start);
    }
  }

  ScriptReader in_;
  Scenario scenario_;
  bool from_syn_;  // numbers count from the SYN's, as in packetdrill
};

}  // namespace

Scenario parse_script(std::string_view text, const std::string& file, const std::vector<std::string>& defines) {
  if (text.size() > kScriptOctetsMax) {
    throw ScriptError({.file = file}, fmt::format("longer than {} octets", kScriptOctetsMax));
  }
  Defines known(text, defines);
  const std::string replaced = known.replaced(text);
  try {
    Scenario scenario = Parser(replaced, file, known.names()).parse();
    for (ScriptStep& step : scenario.steps) known.restore(step.where);
    return scenario;
  } catch (const ScriptError& problem) {
    Place where = problem.where;
    known.restore(where);
    throw ScriptError(where, problem.message);
  }
}

Scenario read_script(const std::string& path, const std::vector<std::string>& defines) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) errno = 0;
  if (file) text << file.rdbuf();
  const bool empty_file = file && text.tellp() <= 0 && errno == 0;
  if (!file || (!text && !empty_file)) {
    throw ScriptError({.file = path}, fmt::format("cannot be read: {}", std::strerror(errno != 0 ? errno : EIO)));
  }
  return parse_script(text.str(), path, defines);
}

}  // namespace tcpassay
