// SPDX-License-Identifier: Apache-2.0
#include "harness/check/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/base/version.h"
#include "harness/report/ladder.h"
#include "harness/report/run_report.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

const char* colour_of(Standing standing) {
  switch (standing) {
    case Standing::kObeyed:
      return kAnsiGreen;
    case Standing::kViolated:
      return kAnsiRed;
    case Standing::kDeparted:
    case Standing::kInconclusive:
      return kAnsiYellow;
    case Standing::kOption:
      return "";
    case Standing::kNotExercised:
    case Standing::kNotTestable:
      return kAnsiDim;
  }
  return "";
}

// Cut to `columns`, with dots where something was cut off.
std::string cut(std::string text, int columns) {
  if (static_cast<int>(text.size()) <= columns) return text;
  if (columns < 4) return "";
  text.resize(static_cast<std::size_t>(columns - 3));
  return text + "...";
}

std::string words_of(Standing standing) {
  std::string words = to_string(standing);
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

std::string section_of(const RuleInfo& rule) {
  return rule.rfc == 9293 ? std::string(rule.section) : fmt::format("{} {}", rule.rfc, rule.section);
}

std::string standing_text(const CheckResult& result, const RuleResult& rule) {
  const bool broken = rule.standing == Standing::kViolated || rule.standing == Standing::kDeparted;
  if (broken && result.is_listed(rule.rule)) return words_of(rule.standing) + ", listed";
  if (rule.standing == Standing::kOption) return "option " + rule.why;
  return words_of(rule.standing);
}

std::string table(const CheckResult& result, const TextStyle& style) {
  std::size_t id_width = 4, section_width = 7, standing_width = 8;
  for (const auto& rule : result.rules) {
    id_width = std::max(id_width, info(rule.rule).id.size());
    section_width = std::max(section_width, section_of(info(rule.rule)).size());
    standing_width = std::max(standing_width, standing_text(result, rule).size());
  }
  const auto line = [&](std::string_view id, std::string_view level, std::string_view section,
                        std::string_view standing, std::string_view judged, std::string_view broken) {
    return fmt::format("{:<{}} {:<6} {:<{}} {:<{}} {:>6} {:>6}  ", id, id_width, level, section, section_width,
                       standing, standing_width, judged, broken);
  };
  const std::string heading = line("RULE", "LEVEL", "SECTION", "STANDING", "JUDGED", "BROKEN") + "SENTENCE";
  std::string text = cut(heading, style.columns) + "\n";
  for (const auto& rule : result.rules) {
    const RuleInfo& about = info(rule.rule);
    std::string row = line(about.id, to_string(about.level), section_of(about), standing_text(result, rule),
                           std::to_string(rule.judged), std::to_string(rule.broken));
    const int left = style.columns - static_cast<int>(row.size());
    if (left > 8) row += cut(std::string(about.sentence), left);
    while (!row.empty() && row.back() == ' ') row.pop_back();
    text += painted(cut(row, style.columns), colour_of(rule.standing), style) + "\n";
  }
  return text;
}

std::string evidence_text(const Evidence& evidence, const TextStyle& style) {
  std::string text = fmt::format("  in {} at {:.6f} s, event {}\n", evidence.state.empty() ? "?" : evidence.state,
                                 seconds_of(evidence.at), evidence.event);
  text += wrapped("    allowed: " + evidence.allowed, style.columns, 13) + "\n";
  text += wrapped("    seen:    " + evidence.seen, style.columns, 13) + "\n";
  return text + "    replay:  " + evidence.replay + "\n";
}

// Every rule of one standing, with evidence.
std::string findings(const CheckResult& result, Standing standing, const char* heading, const TextStyle& style) {
  std::string text;
  for (const auto& rule : result.rules) {
    if (rule.standing != standing || rule.evidence.empty()) continue;
    const RuleInfo& about = info(rule.rule);
    const char* listed = result.is_listed(rule.rule) ? " (listed)" : "";
    const std::string title = fmt::format("{} {}{}", to_string(about.level), about.id, listed);
    const std::string sentence = fmt::format(": {} RFC {} section {}", about.sentence, about.rfc, about.section);
    text += wrapped(title + sentence, style.columns, 2) + "\n";
    for (std::size_t i = 0; i < std::min<std::size_t>(rule.evidence.size(), 3); ++i) {
      text += evidence_text(rule.evidence[i], style);
    }
    if (rule.broken > 3) text += fmt::format("  {} times in all\n", rule.broken);
  }
  return text.empty() ? "" : "\n" + painted(heading, colour_of(standing), style) + "\n" + text;
}

std::string profile_text(const CheckResult& result, const TextStyle& style) {
  std::string text;
  for (std::size_t i = 0; i < result.profile.size(); ++i) {
    const TraitInfo& trait = traits()[i];
    const std::string row = fmt::format("  {:<28} {:<8} {}", trait.name, to_string(result.profile[i]), trait.sentence);
    text += cut(row, style.columns) + "\n";
  }
  return text.empty() ? "" : "\nPROFILE\n" + text;
}

const char* fate_text(Listed::Fate fate) {
  switch (fate) {
    case Listed::Fate::kOccurs:
      return "occurs";
    case Listed::Fate::kGone:
      return "no longer occurs";
    case Listed::Fate::kNotJudged:
      return "not judged";
    case Listed::Fate::kOtherVersion:
      return "does not occur, but was seen on another version";
  }
  return "?";
}

std::string deviations_text(const CheckResult& result, const TextStyle& style) {
  std::string text;
  for (const auto& listed : result.deviations) {
    const std::string row =
        fmt::format("  {}: {} ({})", info(listed.deviation.rule).id, listed.deviation.reason, fate_text(listed.fate));
    const char* colour = listed.fate == Listed::Fate::kGone ? kAnsiRed : "";
    text += painted(wrapped(row, style.columns, 4), colour, style) + "\n";
  }
  return text.empty() ? "" : "\nLISTED DEVIATIONS\n" + text;
}

std::string failed_text(const CheckResult& result, const TextStyle& style) {
  if (result.failed.empty()) return "";
  std::string text = fmt::format("\nASSERTIONS OF SCRIPTS THAT FAILED {}\n", result.failed.size());
  for (const auto& [scenario, mismatch] : result.failed) {
    text += fmt::format("  {}:{}\n", scenario, mismatch.where.line);
    text += wrapped("    expected: " + mismatch.expected, style.columns, 14) + "\n";
    text += wrapped("    seen:     " + mismatch.seen, style.columns, 14) + "\n";
  }
  return text;
}

std::string skipped_text(const CheckResult& result, const TextStyle& style) {
  std::map<std::string, std::vector<std::string>> reasons;
  for (const auto& skipped : result.skipped) reasons[skipped.why].push_back(skipped.scenario);
  std::string text;
  for (const auto& [why, scenarios] : reasons) {
    const std::string more = scenarios.size() > 1 ? fmt::format(" and {} more", scenarios.size() - 1) : "";
    text += wrapped(fmt::format("  {}: {}{}", why, scenarios[0], more), style.columns, 4) + "\n";
  }
  return text.empty() ? "" : fmt::format("\nSKIPPED {}\n", result.skipped.size()) + text;
}

std::string unsteady_text(const CheckResult& result, const TextStyle& style) {
  std::string text;
  for (const auto& unsteady : result.unsteady) {
    text += wrapped(fmt::format("  {}: {}", info(unsteady.rule).id, unsteady.scenario), style.columns, 4) + "\n";
  }
  return text.empty() ? "" : "\nSEEN ONCE AND NOT AGAIN, NOT COUNTED\n" + text;
}

std::string summary_text(const CheckResult& result, const TextStyle& style) {
  const std::string counts =
      fmt::format("{} obeyed, {} violated, {} departed, {} options, {} inconclusive, {} not exercised, {} not testable",
                  result.count(Standing::kObeyed), result.count(Standing::kViolated), result.count(Standing::kDeparted),
                  result.count(Standing::kOption), result.count(Standing::kInconclusive),
                  result.count(Standing::kNotExercised), result.count(Standing::kNotTestable));
  const std::string ruleset =
      result.edition == kNewest ? "" : fmt::format(" held to ruleset {}", to_string(result.edition));
  const std::string played = fmt::format("{} {}{}: {} scenarios, {} steps, {:.2f} s", result.target.name,
                                         result.target.version, ruleset, result.scenarios, result.steps, result.wall_s);
  const bool conforms = result.exit_status() == 0;
  const std::string end = conforms ? "conforms" : "does not conform";
  return "\n" + wrapped(counts, style.columns, 2) + "\n" + wrapped(played, style.columns, 2) + "\n" +
         painted(end, conforms ? kAnsiGreen : kAnsiRed, style) + "\n";
}

Json evidence_json(const Evidence& evidence) {
  return Json{{"scenario", evidence.scenario}, {"event", evidence.event},     {"at_s", seconds_of(evidence.at)},
              {"state", evidence.state},       {"allowed", evidence.allowed}, {"seen", evidence.seen},
              {"replay", evidence.replay}};
}

Json rule_json(const CheckResult& result, const RuleResult& rule) {
  const RuleInfo& about = info(rule.rule);
  Json json{{"id", about.id},           {"level", to_string(about.level)},      {"rfc", about.rfc},
            {"section", about.section}, {"standing", to_string(rule.standing)}, {"judged", rule.judged},
            {"broken", rule.broken}};
  if (about.level == Level::kMay) json["taken"] = rule.taken;
  if (!rule.why.empty()) json["why"] = rule.why;
  if (result.is_listed(rule.rule)) json["listed"] = true;
  json["sentence"] = about.sentence;
  json["evidence"] = Json::array();
  for (const auto& evidence : rule.evidence) json["evidence"].push_back(evidence_json(evidence));
  return json;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  }
  return out;
}

std::string evidence_plain(const RuleResult& rule) {
  std::string text;
  for (const auto& evidence : rule.evidence) {
    text += fmt::format("{} event {} in {}\nallowed: {}\nseen: {}\nreplay: {}\n", evidence.scenario, evidence.event,
                        evidence.state, evidence.allowed, evidence.seen, evidence.replay);
  }
  return text;
}

bool is_gone(const CheckResult& result, Rule rule) {
  return std::any_of(result.deviations.begin(), result.deviations.end(), [&](const Listed& listed) {
    return listed.deviation.rule == rule && listed.fate == Listed::Fate::kGone;
  });
}

enum class CaseOutcome { kPassed, kFailed, kSkipped };

CaseOutcome case_outcome(const CheckResult& result, const RuleResult& rule) {
  if (is_gone(result, rule.rule)) return CaseOutcome::kFailed;
  switch (rule.standing) {
    case Standing::kViolated:
      return result.is_listed(rule.rule) ? CaseOutcome::kSkipped : CaseOutcome::kFailed;
    case Standing::kObeyed:
    case Standing::kDeparted:
    case Standing::kOption:
      return CaseOutcome::kPassed;
    default:
      return CaseOutcome::kSkipped;
  }
}

std::string testcase(const CheckResult& result, const RuleResult& rule) {
  const RuleInfo& about = info(rule.rule);
  const std::string open = fmt::format("  <testcase classname=\"RFC{}.{}\" name=\"{}\"", about.rfc,
                                       escaped(about.section), escaped(about.id));
  std::string inner;
  switch (case_outcome(result, rule)) {
    case CaseOutcome::kPassed:
      if (rule.standing == Standing::kDeparted) {
        inner = fmt::format("    <system-out>{}</system-out>\n", escaped(evidence_plain(rule)));
      }
      break;
    case CaseOutcome::kFailed:
      inner = fmt::format("    <failure message=\"{}\">{}</failure>\n",
                          is_gone(result, rule.rule) ? "a listed deviation no longer occurs" : escaped(about.sentence),
                          escaped(evidence_plain(rule)));
      break;
    case CaseOutcome::kSkipped: {
      const std::string why = rule.why.empty() ? "" : ": " + rule.why;
      inner = fmt::format("    <skipped message=\"{}\"/>\n", escaped(standing_text(result, rule) + why));
      break;
    }
  }
  return inner.empty() ? open + "/>\n" : open + ">\n" + inner + "  </testcase>\n";
}

}  // namespace

const char* to_string(TraitValue value) {
  switch (value) {
    case TraitValue::kUnknown:
      return "unknown";
    case TraitValue::kFalse:
      return "false";
    case TraitValue::kTrue:
      return "true";
    case TraitValue::kBoth:
      return "both";
  }
  return "?";
}

std::string check_text(const CheckResult& result, const TextStyle& style) {
  return table(result, style) + findings(result, Standing::kViolated, "VIOLATED", style) +
         findings(result, Standing::kDeparted, "DEPARTED", style) +
         findings(result, Standing::kInconclusive, "INCONCLUSIVE", style) + profile_text(result, style) +
         deviations_text(result, style) + unsteady_text(result, style) + failed_text(result, style) +
         skipped_text(result, style) + summary_text(result, style);
}

std::string check_json(const CheckResult& result) {
  Json abilities = Json::array();
  for (const Ability ability : result.target.abilities) abilities.push_back(to_string(ability));
  Json json{{"tool", "tcpassay"},
            {"version", kVersion},
            {"target", {{"name", result.target.name}, {"version", result.target.version}, {"abilities", abilities}}},
            {"ruleset", to_string(result.edition)},
            {"scenarios", result.scenarios},
            {"steps", result.steps},
            {"wall_s", result.wall_s}};
  if (!result.defect.empty()) json["target"]["plant"] = result.defect;
  json["rules"] = Json::array();
  for (const auto& rule : result.rules) json["rules"].push_back(rule_json(result, rule));
  json["profile"] = Json::object();
  for (std::size_t i = 0; i < result.profile.size(); ++i) {
    json["profile"][std::string(traits()[i].name)] = to_string(result.profile[i]);
  }
  json["summary"] = Json{{"obeyed", result.count(Standing::kObeyed)},
                         {"violated", result.count(Standing::kViolated)},
                         {"departed", result.count(Standing::kDeparted)},
                         {"not_exercised", result.count(Standing::kNotExercised)},
                         {"inconclusive", result.count(Standing::kInconclusive)},
                         {"not_testable", result.count(Standing::kNotTestable)},
                         {"options", result.count(Standing::kOption)}};
  json["skipped"] = Json::array();
  for (const auto& skipped : result.skipped) {
    json["skipped"].push_back({{"scenario", skipped.scenario}, {"why", skipped.why}});
  }
  json["deviations"] = Json::array();
  for (const auto& listed : result.deviations) {
    json["deviations"].push_back({{"rule", info(listed.deviation.rule).id},
                                  {"reason", listed.deviation.reason},
                                  {"fate", fate_text(listed.fate)}});
  }
  json["unsteady"] = Json::array();
  for (const auto& unsteady : result.unsteady) {
    json["unsteady"].push_back({{"scenario", unsteady.scenario}, {"rule", info(unsteady.rule).id}});
  }
  json["assertions"] = Json::array();
  for (const auto& [scenario, mismatch] : result.failed) {
    json["assertions"].push_back({{"scenario", scenario},
                                  {"line", mismatch.where.line},
                                  {"expected", mismatch.expected},
                                  {"seen", mismatch.seen}});
  }
  return dump(json);
}

std::string check_junit(const CheckResult& result) {
  std::size_t failures = 0, skipped = 0;
  std::string cases;
  for (const auto& rule : result.rules) {
    const CaseOutcome outcome = case_outcome(result, rule);
    failures += outcome == CaseOutcome::kFailed;
    skipped += outcome == CaseOutcome::kSkipped;
    cases += testcase(result, rule);
  }
  for (const auto& [scenario, mismatch] : result.failed) {
    cases += fmt::format(
        "  <testcase classname=\"scripts\" name=\"{}:{}\">\n    <failure message=\"the script's own assertion\">"
        "expected: {}\nseen: {}</failure>\n  </testcase>\n",
        escaped(scenario), mismatch.where.line, escaped(mismatch.expected), escaped(mismatch.seen));
  }
  failures += result.failed.size();
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuite name=\"tcpassay.{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{:.3f}\">\n{}"
      "</testsuite>\n",
      escaped(result.target.name), result.rules.size() + result.failed.size(), failures, skipped, result.wall_s, cases);
}

}  // namespace tcpassay
