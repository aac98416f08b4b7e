// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "harness/base/text.h"
#include "harness/check/check_result.h"
#include "harness/check/claims.h"
#include "harness/check/player.h"
#include "harness/check/report.h"
#include "harness/check/selection.h"
#include "harness/check/tolerated.h"
#include "harness/report/run_report.h"
#include "harness/session/round_trip.h"
#include "models/congestion/profiles.h"
#include "models/edition.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

constexpr int kWholeRow = 100'000;  // columns: no row is as long

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

bool has_row(const CheckResult& result, const RuleResult& rule, const ReportChoice& choice) {
  if (choice.only_failed) return result.has_failed(rule);
  return result.whole || choice.all_rows || rule.standing != Standing::kNotExercised;
}

std::string table(const CheckResult& result, const TextStyle& style, const ReportChoice& choice) {
  std::size_t id_width = 4, section_width = 7, standing_width = 8;
  for (const auto& rule : result.rules) {
    id_width = std::max(id_width, info(rule.rule).id.size());
    section_width = std::max(section_width, section_text(info(rule.rule)).size());
    standing_width = std::max(standing_width, standing_text(result, rule).size());
  }
  const auto line = [&](std::string_view id, std::string_view level, std::string_view section,
                        std::string_view standing, std::string_view judged, std::string_view broken,
                        std::string_view tolerated) {
    return fmt::format("{:<{}} {:<6} {:<{}} {:<{}} {:>6} {:>6}{}  ", id, id_width, level, section, section_width,
                       standing, standing_width, judged, broken,
                       result.tolerated.empty() ? "" : fmt::format(" {:>9}", tolerated));
  };
  const std::string heading =
      line("RULE", "LEVEL", "SECTION", "STANDING", "JUDGED", "BROKEN", "TOLERATED") + "SENTENCE";
  std::string text = cut(heading, style.columns) + "\n";
  std::size_t hidden = 0;
  for (const auto& rule : result.rules) {
    if (!has_row(result, rule, choice)) {
      ++hidden;
      continue;
    }
    const RuleInfo& about = info(rule.rule);
    std::string row = line(about.id, to_string(about.level), section_text(about), standing_text(result, rule),
                           std::to_string(rule.judged), std::to_string(rule.broken),
                           rule.tolerated == 0 ? "" : std::to_string(rule.tolerated));
    const int left = style.columns - static_cast<int>(row.size());
    if (left > 8) row += cut(std::string(about.sentence), left);
    while (!row.empty() && row.back() == ' ') row.pop_back();
    text += painted(cut(row, style.columns), colour_of(rule.standing), style) + "\n";
  }
  if (hidden == result.rules.size()) return "";
  if (hidden == 0 || choice.only_failed) return text;
  return text + fmt::format("{} rules that were not exercised have no row (--all-rows shows them)\n", hidden);
}

std::string evidence_text(const Evidence& evidence, const TextStyle& style) {
  std::string text = fmt::format("  in {} at {:.6f} s, event {}\n", evidence.state.empty() ? "?" : evidence.state,
                                 seconds_of(evidence.at), evidence.event);
  text += wrapped("    allowed: " + evidence.allowed, style.columns, 13) + "\n";
  text += wrapped("    seen:    " + evidence.seen, style.columns, 13) + "\n";
  return text + "    replay:  " + evidence.replay + "\n";
}

// Every rule of one standing, with evidence.
std::string findings(const CheckResult& result, Standing standing, const char* heading, const TextStyle& style,
                     const ReportChoice& choice) {
  std::string text;
  for (const auto& rule : result.rules) {
    if (rule.standing != standing || rule.evidence.empty()) continue;
    if (choice.only_failed && !result.has_failed(rule)) continue;
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

// Which profiles of congestion control explain the target, where a loss tells them apart.
std::string profile_fits_text(const CheckResult& result, const TextStyle& style) {
  std::string text;
  for (std::size_t i = 0; i < result.profile_fits.size(); ++i) {
    const auto& [connections, explained] = result.profile_fits[i];
    if (connections == 0) continue;
    const ProfileInfo& profile = profiles()[i];
    const std::string fits = fmt::format("{} of {}", explained, connections);
    text += cut(fmt::format("  {:<8} {:<12} {}", profile.name, fits, profile.sentence), style.columns) + "\n";
  }
  return text.empty() ? "" : "\nCONGESTION CONTROL, connections with a loss that each profile explains\n" + text;
}

std::string deviations_text(const CheckResult& result, const TextStyle& style, const ReportChoice& choice) {
  std::string text;
  for (const auto& listed : result.deviations) {
    if (choice.only_failed && listed.fate != Listed::Fate::kGone) continue;
    const std::string row =
        fmt::format("  {}: {} ({})", info(listed.deviation.rule).id, listed.deviation.reason, to_string(listed.fate));
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
  std::size_t count = 0;
  for (const auto& skipped : result.skipped) {
    if (skipped.why.starts_with(kImplementationDied)) continue;  // not skipped for want of anything
    ++count;
    reasons[skipped.why].push_back(skipped.scenario);
  }
  std::string text;
  for (const auto& [why, scenarios] : reasons) {
    const std::string more = scenarios.size() > 1 ? fmt::format(" and {} more", scenarios.size() - 1) : "";
    text += wrapped(fmt::format("  {}: {}{}", why, scenarios[0], more), style.columns, 4) + "\n";
  }
  return text.empty() ? "" : fmt::format("\nSKIPPED {}\n", count) + text;
}

// One entry for each way to die, with the first scenario that shows it.
std::string died_text(const CheckResult& result, const TextStyle& style) {
  std::map<std::string, std::vector<const Died*>> ways;
  for (const Died& died : result.died) ways[died.how].push_back(&died);
  std::string text;
  for (const auto& [how, all] : ways) {
    const Died& first = *all.front();
    text += wrapped("  " + how, style.columns, 4) + "\n";
    if (!first.listed.empty()) text += wrapped("    listed: " + first.listed, style.columns, 12) + "\n";
    text += fmt::format("    in {} scenarios, first {}\n    replay:  {}\n", all.size(), first.scenario, first.replay);
  }
  const std::string heading = fmt::format("THE IMPLEMENTATION DIED IN {} SCENARIOS", result.died.size());
  return text.empty() ? "" : "\n" + painted(heading, kAnsiRed, style) + "\n" + text;
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
  const auto rtt = result.round_trip.count();
  const bool prompt = result.manner == PeerManner::kPrompt;
  const std::string manner = prompt ? "" : fmt::format(" ({})", kPeerManners[static_cast<std::size_t>(result.manner)]);
  const std::string trip = rtt == 0 ? "" : fmt::format(" at a round trip of {} ms{}", rtt, manner);
  const std::string played =
      fmt::format("{} {}{}{}: {} scenarios, {} steps, {:.2f} s", result.target.name, result.target.version, ruleset,
                  trip, result.scenarios, result.steps, result.wall_s);
  const bool conforms = result.conclusion().starts_with("conforms");
  return "\n" + wrapped(counts, style.columns, 2) + "\n" + wrapped(played, style.columns, 2) + "\n" +
         painted(result.conclusion(), conforms ? kAnsiGreen : kAnsiRed, style) + "\n";
}

}  // namespace

std::string standing_text(const CheckResult& result, const RuleResult& rule) {
  const bool broken = rule.standing == Standing::kViolated || rule.standing == Standing::kDeparted;
  if (broken && result.is_listed(rule.rule)) return words_of(rule.standing) + ", listed";
  if (rule.standing == Standing::kOption) return "option " + rule.why;
  return words_of(rule.standing);
}

std::string check_text(const CheckResult& result, const TextStyle& style, const ReportChoice& choice) {
  if (choice.quiet) {
    return fmt::format("{} {}: {}\n", result.target.name, result.target.version, result.conclusion());
  }
  TextStyle rows = style;
  if (choice.whole_rows) rows.columns = kWholeRow;
  std::string text = table(result, rows, choice) + findings(result, Standing::kViolated, "VIOLATED", style, choice);
  text += findings(result, Standing::kDeparted, "DEPARTED", style, choice);
  if (!choice.only_failed) {
    text += findings(result, Standing::kInconclusive, "INCONCLUSIVE", style, choice) +
            tolerated_text(result.tolerated, style.columns) + profile_text(result, rows) +
            profile_fits_text(result, rows);
  }
  if (!choice.only_failed || result.conclusion().find("is claimed and") != std::string::npos) {
    text += claims_text(result, style);
  }
  text += deviations_text(result, style, choice);
  if (!choice.only_failed) text += unsteady_text(result, style);
  text += failed_text(result, style) + died_text(result, style);
  if (!choice.only_failed) text += skipped_text(result, style);
  return text + summary_text(result, style);
}

}  // namespace tcpassay
