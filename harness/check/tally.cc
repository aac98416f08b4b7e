// SPDX-License-Identifier: Apache-2.0
#include "harness/check/tally.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace tcpassay {
namespace {

TraitValue joined(TraitValue known, std::optional<bool> seen) {
  if (!seen) return known;
  const TraitValue fresh = *seen ? TraitValue::kTrue : TraitValue::kFalse;
  return known == TraitValue::kUnknown || known == fresh ? fresh : TraitValue::kBoth;
}

std::string option_text(const RuleResult& result) {
  if (result.taken == 0) return "not taken";
  return result.taken < result.judged ? "both" : "taken";
}

Evidence evidence_of(const Verdict& verdict, const TraceResult& trace) {
  return {.scenario = trace.scenario,
          .event = verdict.event,
          .at = verdict.at,
          .state = verdict.state,
          .allowed = verdict.allowed,
          .seen = verdict.seen,
          .replay = trace.replay};
}

void keep(std::vector<Evidence>& all, Evidence one) {
  if (all.size() < kEvidenceMax) all.push_back(std::move(one));
}

}  // namespace

TraceResult result_of(const Oracle& oracle) {
  TraceResult result;
  result.verdicts = oracle.verdicts();
  result.tolerated = oracle.tolerated();
  result.freedoms = oracle.freedoms_taken();
  result.counts = oracle.counts();
  for (std::size_t i = 0; i < traits().size(); ++i) result.traits.push_back(oracle.trait(static_cast<Trait>(i)));
  result.profile_fits = oracle.profile_fits();
  return result;
}

Tally::Tally() : rows_(rules().size()), tolerated_(freedoms().size()), profile_(traits().size(), TraitValue::kUnknown) {
  for (std::size_t i = 0; i < tolerated_.size(); ++i) tolerated_[i].freedom = static_cast<Freedom>(i);
  for (std::size_t i = 0; i < rows_.size(); ++i) rows_[i].result.rule = static_cast<Rule>(i);
}

void Tally::add(const TraceResult& trace) {
  for (std::size_t i = 0; i < trace.counts.size() && i < rows_.size(); ++i) {
    rows_[i].result.judged += trace.counts[i].judged;
    rows_[i].result.broken += trace.counts[i].broken;
    rows_[i].result.taken += trace.counts[i].taken;
  }
  for (std::size_t i = 0; i < trace.traits.size() && i < profile_.size(); ++i) {
    profile_[i] = joined(profile_[i], trace.traits[i]);
  }
  for (std::size_t i = 0; i < profile_fits_.size(); ++i) {
    profile_fits_[i].connections += trace.profile_fits[i].connections;
    profile_fits_[i].explained += trace.profile_fits[i].explained;
  }
  for (const auto& verdict : trace.verdicts) {
    Row& row = rows_[static_cast<std::size_t>(verdict.rule)];
    if (verdict.kind == Verdict::Kind::kInconclusive) {
      row.inconclusive = true;
    } else if (verdict.consequence) {
      row.consequence = true;
      continue;
    } else {
      (verdict.kind == Verdict::Kind::kViolated ? row.violated : row.departed) = true;
    }
    for (const Rule rule : verdict.at_work) ++rows_[static_cast<std::size_t>(rule)].result.at_work;
    if (verdict.context) ++rows_[static_cast<std::size_t>(*verdict.context)].result.context;
    keep(row.result.evidence, evidence_of(verdict, trace));
  }
  freedoms_ |= trace.freedoms;
  for (const auto& verdict : trace.tolerated) {
    ++rows_[static_cast<std::size_t>(verdict.rule)].result.tolerated;
    ToleratedResult& use = tolerated_[static_cast<std::size_t>(*verdict.freedom)];
    ++use.count;
    keep(use.evidence, evidence_of(verdict, trace));
  }
}

void Tally::skip(const std::string& scenario, const std::string& why, const std::vector<std::string>& covers) {
  skipped_.push_back({.scenario = scenario, .why = why});
  for (const auto& id : covers) {
    if (const auto rule = rule_by_id(id)) rows_[static_cast<std::size_t>(*rule)].missing = why;
  }
}

// A rule that was broken only as a consequence of another violation counts neither as obeyed nor as broken.
Standing Tally::standing(const Row& row) const {
  if (row.violated) return Standing::kViolated;
  if (row.departed) return Standing::kDeparted;
  if (row.consequence) return Standing::kInconclusive;
  if (info(row.result.rule).level == Level::kMay && row.result.judged + row.result.taken > 0) return Standing::kOption;
  if (row.result.judged > 0) return Standing::kObeyed;
  if (row.inconclusive) return Standing::kInconclusive;
  return row.missing.empty() ? Standing::kNotExercised : Standing::kNotTestable;
}

void Tally::write_to(CheckResult& result) const {
  result.rules.clear();
  for (const auto& row : rows_) {
    RuleResult& rule = result.rules.emplace_back(row.result);
    rule.standing = standing(row);
    if (rule.standing == Standing::kNotTestable) rule.why = row.missing;
    if (rule.standing == Standing::kOption) rule.why = option_text(rule);
    if (rule.standing == Standing::kInconclusive && row.consequence) rule.why = "broken only as a consequence";
    if (!in_force(rule.rule, result.edition)) {
      rule.standing = Standing::kNotTestable;
      rule.why = fmt::format("not in ruleset {}", to_string(result.edition));
    }
  }
  result.profile = profile_;
  result.profile_fits = profile_fits_;
  result.skipped = skipped_;
  result.freedoms = freedoms_;
  std::copy_if(tolerated_.begin(), tolerated_.end(), std::back_inserter(result.tolerated),
               [](const ToleratedResult& use) { return use.count > 0; });
  for (auto& listed : result.deviations) {
    const Standing now = result.rules[static_cast<std::size_t>(listed.deviation.rule)].standing;
    const bool occurs = now == Standing::kViolated || now == Standing::kDeparted;
    listed.fate = occurs ? Listed::Fate::kOccurs : Listed::Fate::kNotJudged;
    if (now != Standing::kObeyed || !result.whole) continue;
    const bool expected = result.target.version.starts_with(listed.deviation.version);
    listed.fate = expected ? Listed::Fate::kGone : Listed::Fate::kOtherVersion;
  }
}

}  // namespace tcpassay
