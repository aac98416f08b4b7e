// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "harness/check/player.h"
#include "harness/check/report.h"

namespace tcpassay {
namespace {

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

std::string check_junit(const CheckResult& result) {
  std::size_t failures = 0, skipped = 0, errors = 0;
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
  for (const Skipped& one : result.skipped) {
    const bool listed = std::any_of(result.died.begin(), result.died.end(), [&](const Died& each) {
      return each.scenario == one.scenario && !each.listed.empty();
    });
    const bool died = (one.why.starts_with(kTargetDied) || one.why.starts_with(kImplementationDied)) && !listed;
    (died ? errors : skipped) += 1;
    cases += fmt::format("  <testcase classname=\"scenarios\" name=\"{}\">\n    <{} message=\"{}\"/>\n  </testcase>\n",
                         escaped(one.scenario), died ? "error" : "skipped", escaped(one.why));
  }
  if (result.scenarios == 0) {
    ++errors;
    cases +=
        "  <testcase classname=\"scenarios\" name=\"played\">\n    <error message=\"no scenario was played\"/>\n"
        "  </testcase>\n";
  }
  failures += result.failed.size();
  const std::size_t tests =
      result.rules.size() + result.failed.size() + result.skipped.size() + (result.scenarios == 0 ? 1 : 0);
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuite name=\"tcpassay.{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3f}\">\n{}"
      "</testsuite>\n",
      escaped(result.target.name), tests, failures, errors, skipped, result.wall_s, cases);
}

}  // namespace tcpassay
