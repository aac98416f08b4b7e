// SPDX-License-Identifier: Apache-2.0
#include "harness/offline/judge_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "models/rules.h"

namespace tcpassay {
namespace {

bool chosen(const Verdict& verdict, const JudgeFilter& filter) {
  const auto& rules = filter.rules;
  if (!rules.empty() && std::find(rules.begin(), rules.end(), verdict.rule) == rules.end()) return false;
  return !filter.level || info(verdict.rule).level == *filter.level;
}

bool chosen(const ConversationResult& one, const JudgeFilter& filter) {
  const bool any_rule = filter.rules.empty() && !filter.level;
  if (any_rule) return !filter.failed || one.outcome() == Outcome::kFail;
  return std::any_of(one.ends.begin(), one.ends.end(), [&](const EndpointResult& end) {
    return end.verdict && chosen(*end.verdict, filter) && (!filter.failed || end.outcome == Outcome::kFail);
  });
}

std::string place_of(const FileResult& result, const Verdict& verdict) {
  if (verdict.event >= result.trace.places.size() || result.trace.places[verdict.event].line == 0) return result.file;
  return fmt::format("{}:{}", result.file, result.trace.places[verdict.event].line);
}

}  // namespace

void keep_only(std::vector<FileResult>& results, const JudgeFilter& filter) {
  const bool any_rule = filter.rules.empty() && !filter.level;
  for (FileResult& result : results) {
    std::erase_if(result.verdicts, [&](const Verdict& verdict) { return !chosen(verdict, filter); });
    std::erase_if(result.tolerated, [&](const Verdict& verdict) { return !chosen(verdict, filter); });
    if (!result.capture) continue;
    std::erase_if(result.capture->conversations, [&](const ConversationResult& one) { return !chosen(one, filter); });
  }
  std::erase_if(results, [&](const FileResult& result) {
    if (result.unreadable) return false;
    if (filter.failed && result.outcome != Outcome::kFail) return true;
    const bool nothing = result.verdicts.empty() && (!result.capture || result.capture->conversations.empty());
    return !any_rule && nothing;
  });
}

std::vector<RuleSum> by_rule(const std::vector<FileResult>& results) {
  std::map<Rule, RuleSum> sums;
  const auto add = [&](Rule rule, const std::string& place) {
    RuleSum& sum = sums.try_emplace(rule, RuleSum{.rule = rule, .first = place}).first->second;
    ++sum.count;
  };
  for (const FileResult& result : results) {
    std::set<Rule> seen;
    for (const Verdict& verdict : result.verdicts) {
      const bool counts = !verdict.consequence && verdict.kind != Verdict::Kind::kInconclusive;
      if (counts && seen.insert(verdict.rule).second) add(verdict.rule, place_of(result, verdict));
    }
    if (!result.capture) continue;
    for (const ConversationResult& one : result.capture->conversations) {
      for (const EndpointResult& end : one.ends) {
        if (end.outcome != Outcome::kFail || !end.verdict) continue;
        add(end.verdict->rule, fmt::format("{}, frame {}", result.file, end.frame));
      }
    }
  }
  std::vector<RuleSum> all;
  for (const auto& [rule, sum] : sums) all.push_back(sum);
  std::stable_sort(all.begin(), all.end(), [](const RuleSum& a, const RuleSum& b) { return a.count > b.count; });
  return all;
}

std::string by_rule_text(const std::vector<RuleSum>& sums) {
  if (sums.empty()) return {};
  std::string text = "BY RULE (scripts and ends of conversations, and the first of them)\n";
  for (const RuleSum& sum : sums) {
    const RuleInfo& about = info(sum.rule);
    text += fmt::format("{:>7} {:<6} {:<28} {}\n", sum.count, to_string(about.level), about.id, sum.first);
  }
  return text;
}

}  // namespace tcpassay
