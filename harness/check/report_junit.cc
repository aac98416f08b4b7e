// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/markup.h"
#include "harness/check/check_result.h"
#include "harness/check/player.h"
#include "harness/check/report.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

// For attributes, too, in which XML takes a line break for a blank.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : escaped_markup(text)) {
    if (c == '\n') {
      out += "&#10;";
    } else {
      out += c;
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

enum class CaseOutcome { kPassed, kFailed, kSkipped };

CaseOutcome case_outcome(const CheckResult& result, const RuleResult& rule) {
  if (result.is_gone(rule.rule)) return CaseOutcome::kFailed;
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
                          result.is_gone(rule.rule) ? "a listed deviation no longer occurs" : escaped(about.sentence),
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

// Which rules a scenario has shown to be violated, and which of its assertions failed.
std::string failures_of(const CheckResult& result, const ScenarioResult& one) {
  std::string text;
  for (const Rule rule : one.violated) {
    text += fmt::format("{} violated: {}\n", info(rule).id, info(rule).sentence);
  }
  for (const auto& [scenario, mismatch] : result.failed) {
    if (scenario != one.path) continue;
    text += fmt::format("line {}: expected: {}; seen: {}\n", mismatch.where.line, mismatch.expected, mismatch.seen);
  }
  return text + (one.why.empty() ? "" : one.why + "\n");
}

std::string ids_of(const std::vector<Rule>& rules) {
  std::vector<std::string_view> ids;
  for (const Rule rule : rules) ids.push_back(info(rule).id);
  return fmt::format("{}", fmt::join(ids, ", "));
}

std::string listed_death(const CheckResult& result, const ScenarioResult& one) {
  for (const Died& died : result.died) {
    if (died.scenario == one.path) return died.listed;
  }
  return "";
}

struct Counts {
  std::size_t tests = 0, failures = 0, errors = 0, skipped = 0;
};

std::string scenario_case(const CheckResult& result, const ScenarioResult& one, Counts& counts) {
  const std::string name = one.id + (one.ip == 6 ? " (IPv6)" : "");
  const std::string open =
      fmt::format("  <testcase classname=\"scenarios\" name=\"{}\" file=\"{}\"", escaped(name), escaped(one.path));
  ++counts.tests;
  std::string inner;
  switch (one.outcome) {
    case ScenarioResult::Outcome::kPassed:
      return open + "/>\n";
    case ScenarioResult::Outcome::kFailed: {
      const bool died = !one.why.empty();
      (died ? counts.errors : counts.failures) += 1;
      const std::string message = died                   ? one.why
                                  : one.violated.empty() ? "an assertion of the script"
                                                         : ids_of(one.violated);
      inner = fmt::format("<{} message=\"{}\">{}</{}>", died ? "error" : "failure", escaped(message),
                          escaped(failures_of(result, one)), died ? "error" : "failure");
      break;
    }
    case ScenarioResult::Outcome::kSkipped: {
      const bool error = one.why.starts_with(kTargetDied) || one.why == kNotPlayed;
      (error ? counts.errors : counts.skipped) += 1;
      inner = fmt::format("<{} message=\"{}\"/>", error ? "error" : "skipped", escaped(one.why));
      break;
    }
    case ScenarioResult::Outcome::kListed:
    case ScenarioResult::Outcome::kInconclusive: {
      ++counts.skipped;
      const bool listed = one.outcome == ScenarioResult::Outcome::kListed;
      const std::string why = listed && one.violated.empty() ? "died, listed: " + listed_death(result, one)
                              : listed                       ? "violated, listed: " + ids_of(one.violated)
                                                             : "inconclusive: " + ids_of(one.inconclusive);
      inner = fmt::format("<skipped message=\"{}\"/>", escaped(why));
      break;
    }
  }
  return open + ">\n    " + inner + "\n  </testcase>\n";
}

}  // namespace

std::string check_junit(const CheckResult& result) {
  Counts counts;
  std::string cases;
  for (const auto& rule : result.rules) {
    const CaseOutcome outcome = case_outcome(result, rule);
    ++counts.tests;
    counts.failures += outcome == CaseOutcome::kFailed;
    counts.skipped += outcome == CaseOutcome::kSkipped;
    cases += testcase(result, rule);
  }
  for (const ScenarioResult& one : result.played) cases += scenario_case(result, one, counts);
  for (const ClaimResult& claim : result.claims) {
    ++counts.tests;
    const bool open = claim.claimed && claim.shown == ClaimResult::Shown::kNotTried;
    counts.failures += claim.missing();
    counts.skipped += open || !claim.claimed;
    const std::string inner = claim.missing()
                                  ? "<failure message=\"claimed, and not shown where the peer offered it\"/>"
                              : open           ? "<skipped message=\"not tried here\"/>"
                              : !claim.claimed ? "<skipped message=\"not claimed\"/>"
                                               : "";
    cases += fmt::format("  <testcase classname=\"claims\" name=\"{}\">{}</testcase>\n", escaped(claim.feature), inner);
  }
  if (result.scenarios == 0 && !result.shard) {
    ++counts.tests;
    ++counts.errors;
    cases +=
        "  <testcase classname=\"scenarios\" name=\"played\">\n    <error message=\"no scenario was played\"/>\n"
        "  </testcase>\n";
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuite name=\"tcpassay.{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3f}\">\n{}"
      "</testsuite>\n",
      escaped(result.target.name), counts.tests, counts.failures, counts.errors, counts.skipped, result.wall_s, cases);
}

}  // namespace tcpassay
