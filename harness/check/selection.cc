// SPDX-License-Identifier: Apache-2.0
#include "harness/check/selection.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "harness/base/text.h"
#include "harness/check/corpus.h"
#include "models/rule.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Whether `text` is `pattern`, in which each `*` stands for any characters.
bool fits(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  for (std::size_t at = star; at <= text.size(); ++at) {
    if (fits(pattern.substr(star + 1), text.substr(at))) return true;
  }
  return false;
}

// The suite and the folders that a scenario belongs to.
std::vector<std::string> places_of(const ScenarioFile& file) {
  std::vector<std::string> places;
  if (!file.scenario.about.suite.empty()) places.push_back(file.scenario.about.suite);
  for (const fs::path& part : fs::path(file.id).parent_path()) places.push_back(part.string());
  return places;
}

// The suites and the folders of the corpus: what an error names.
std::set<std::string> suites_of(const std::vector<ScenarioFile>& all) {
  std::set<std::string> names;
  for (const auto& file : all) {
    if (!file.scenario.about.suite.empty()) names.insert(file.scenario.about.suite);
    const std::string folder = fs::path(file.id).parent_path().generic_string();
    if (!folder.empty()) names.insert(folder);
  }
  return names;
}

std::string perhaps(const std::string& word, const std::set<std::string>& known) {
  const std::vector<std::string_view> names(known.begin(), known.end());
  const std::string near = nearest(word, names);
  if (!near.empty()) return fmt::format("; did you mean {}?", near);
  return known.empty() ? "" : fmt::format("; there are {}", fmt::join(known, ", "));
}

bool has_word(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool covers(const ScenarioFile& file, const std::function<bool(Rule)>& wanted) {
  return std::any_of(file.scenario.about.covers.begin(), file.scenario.about.covers.end(), [&](const std::string& id) {
    const auto rule = rule_by_id(id);
    return rule && wanted(*rule);
  });
}

bool in_sections(const Selection& selection, Rule rule) {
  return std::any_of(selection.sections.begin(), selection.sections.end(),
                     [&](const Section& section) { return section.has(info(rule)); });
}

bool is_excluded(const ScenarioFile& file, const std::string& pattern) {
  const auto is = [&](const std::string& name) { return fits(pattern, name); };
  const auto places = places_of(file);
  const About& about = file.scenario.about;
  return is(file.id) || fits(pattern + "/*", file.id) || is(file.path) || is(fs::path(file.id).filename().string()) ||
         std::any_of(places.begin(), places.end(), is) || std::any_of(file.tags.begin(), file.tags.end(), is) ||
         std::any_of(about.covers.begin(), about.covers.end(), is);
}

// Takes "rfc" away, and "RFC " as people write it; false where it is not there.
bool without_document(std::string_view& word) {
  if (!word.starts_with("rfc") && !word.starts_with("RFC")) return false;
  word.remove_prefix(word.substr(3).starts_with(' ') ? 4 : 3);
  return true;
}

using Filter = std::function<bool(const ScenarioFile&)>;

// Those that pass the filter. `what` says which option left nothing.
std::vector<ScenarioFile> kept(const std::vector<ScenarioFile>& before, const Filter& filter, const std::string& what) {
  std::vector<ScenarioFile> after;
  std::copy_if(before.begin(), before.end(), std::back_inserter(after), filter);
  if (after.empty()) throw std::runtime_error(fmt::format("nothing is selected: {}", what));
  return after;
}

// Names that no scenario has are mistakes.
void require_known(const std::vector<ScenarioFile>& all, const Selection& selection) {
  const auto none = [&](const Filter& filter) { return std::none_of(all.begin(), all.end(), filter); };
  for (const std::string& suite : selection.suites) {
    if (!none([&](const ScenarioFile& file) { return has_word(places_of(file), suite); })) continue;
    throw std::runtime_error(fmt::format("no suite '{}' here{}", suite, perhaps(suite, suites_of(all))));
  }
  std::set<std::string> tags, names = suites_of(all);
  for (const ScenarioFile& file : all) {
    tags.insert(file.tags.begin(), file.tags.end());
    names.insert(file.id);
  }
  for (const std::string& tag : selection.tags) {
    if (tags.contains(tag)) continue;
    throw std::runtime_error(fmt::format("no scenario here has the tag '{}'{}", tag, perhaps(tag, tags)));
  }
  for (const std::string& pattern : selection.excluded) {
    if (!none([&](const ScenarioFile& file) { return is_excluded(file, pattern); })) continue;
    const std::vector<std::string_view> known(names.begin(), names.end());
    const std::string near = nearest(pattern, known);
    throw std::runtime_error(fmt::format("--exclude {} excludes nothing{}", pattern,
                                         near.empty() ? "" : fmt::format("; did you mean {}?", near)));
  }
}

}  // namespace

bool Section::has(const RuleInfo& rule) const {
  if (rule.rfc != rfc || !rule.section.starts_with(number)) return false;
  return number.empty() || rule.section.size() == number.size() || rule.section[number.size()] == '.';
}

bool looks_like_section(std::string_view word) {
  without_document(word);
  return !word.empty() && is_digit(word.front());
}

Section section_named(const std::string& word) {
  std::string_view rest = word;
  const bool document = without_document(rest);
  Section section;
  const auto colon = rest.find(':');
  if (document || colon != std::string_view::npos) {
    const std::string_view digits = rest.substr(0, colon);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), section.rfc);
    if (error != std::errc() || end != digits.data() + digits.size()) section.rfc = 0;
    rest = colon == std::string_view::npos ? "" : rest.substr(colon + 1);
  }
  section.number = rest;
  if (!rules_of(section).empty() && (document || !rest.empty())) return section;
  std::set<std::string> known;
  for (const RuleInfo& rule : rules()) {
    if (std::to_string(rule.rfc) == word) {
      throw std::runtime_error(fmt::format("no rule stands in section '{0}'; did you mean rfc{0}?", word));
    }
    if (rule.rfc == 9293) known.emplace(rule.section);
    if (rule.rfc != 9293) known.insert(fmt::format("{}:{}", rule.rfc, rule.section));
  }
  const std::vector<std::string_view> names(known.begin(), known.end());
  const std::string near = nearest(word, names);
  throw std::runtime_error(fmt::format(
      "no rule stands in section '{}'{}", word,
      near.empty() ? " (write 3.10.7.4, or 7323:5.3 of another RFC)" : fmt::format("; did you mean {}?", near)));
}

std::vector<Rule> rules_of(const Section& section) {
  std::vector<Rule> found;
  for (std::size_t i = 0; i < rules().size(); ++i) {
    if (section.has(rules()[i])) found.push_back(static_cast<Rule>(i));
  }
  return found;
}

Rule rule_named(const std::string& word) {
  std::string id = word;
  std::replace(id.begin(), id.end(), '-', '_');
  std::replace(id.begin(), id.end(), '.', '_');
  if (const auto rule = rule_by_id(id)) return *rule;
  std::vector<std::string_view> known;
  for (const auto& rule : rules()) known.push_back(rule.id);
  const std::string near = nearest(id, known);
  throw std::runtime_error(
      fmt::format("unknown rule '{}'{}", word,
                  near.empty() ? " ('tcpassay check --list-rules' lists them)" : "; did you mean " + near + "?"));
}

std::vector<ScenarioFile> selected(const std::vector<ScenarioFile>& all, const Selection& selection) {
  require_known(all, selection);
  std::vector<ScenarioFile> left = all;
  if (!selection.suites.empty()) {
    const auto belongs = [&](const ScenarioFile& file) {
      const auto places = places_of(file);
      return std::any_of(selection.suites.begin(), selection.suites.end(),
                         [&](const std::string& suite) { return has_word(places, suite); });
    };
    left = kept(left, belongs, "--suite leaves no scenario");
  }
  if (!selection.rules.empty()) {
    std::vector<std::string> ids;
    for (const Rule rule : selection.rules) ids.emplace_back(info(rule).id);
    const auto names = [&](Rule rule) {
      return std::find(selection.rules.begin(), selection.rules.end(), rule) != selection.rules.end();
    };
    left = kept(
        left, [&](const ScenarioFile& file) { return covers(file, names); },
        fmt::format("no scenario here names {} ('tcpassay explain {}' lists those that judge it)",
                    fmt::join(ids, " or "), ids.front()));
  }
  if (!selection.sections.empty()) {
    left = kept(
        left,
        [&](const ScenarioFile& file) { return covers(file, [&](Rule rule) { return in_sections(selection, rule); }); },
        "no scenario here names a rule of the section");
  }
  if (!selection.tags.empty()) {
    const auto tagged = [&](const ScenarioFile& file) {
      return std::any_of(selection.tags.begin(), selection.tags.end(),
                         [&](const std::string& tag) { return has_word(file.tags, tag); });
    };
    left = kept(left, tagged, "no scenario that is left has the tag");
  }
  if (selection.excluded.empty()) return left;
  const auto stays = [&](const ScenarioFile& file) {
    return std::none_of(selection.excluded.begin(), selection.excluded.end(),
                        [&](const std::string& pattern) { return is_excluded(file, pattern); });
  };
  return kept(left, stays, "--exclude leaves no scenario");
}

std::vector<Rule> chosen_rules(const std::vector<ScenarioFile>& scenarios, const Selection& selection) {
  std::vector<Rule> chosen;
  for (std::size_t i = 0; i < rules().size(); ++i) {
    const Rule rule = static_cast<Rule>(i);
    const bool by_rule = !selection.rules.empty() || !selection.sections.empty();
    const bool named = std::find(selection.rules.begin(), selection.rules.end(), rule) != selection.rules.end() ||
                       in_sections(selection, rule);
    const bool covered = std::any_of(scenarios.begin(), scenarios.end(), [&](const ScenarioFile& file) {
      return covers(file, [&](Rule other) { return other == rule; });
    });
    if (selection.empty() || (by_rule ? named : covered)) chosen.push_back(rule);
  }
  return chosen;
}

}  // namespace tcpassay
