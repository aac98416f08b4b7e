// SPDX-License-Identifier: Apache-2.0
#include "harness/check/claims.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness/base/read_file.h"
#include "harness/base/text.h"
#include "harness/check/check_result.h"
#include "models/rule.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;
using Shown = ClaimResult::Shown;

constexpr Feature kFeatures[] = {
    {"window-scale", Rule::R7323_2_2_offer, Trait::kScalesWindows, 7323, "2"},
    {"timestamps", Rule::R7323_3_2_syn, Trait::kStamps, 7323, "3 4"},
    {"paws", std::nullopt, Trait::kChecksTimestamps, 7323, "5"},
    {"sack", Rule::R2018_4_elect, std::nullopt, 2018, ""},
    {"d-sack", std::nullopt, Trait::kReportsDuplicates, 2883, ""},
    {"ecn", Rule::R3168_6_1_1_synack_may, std::nullopt, 3168, ""},
    {"fast-open", Rule::R7413_4_2_1_grant, std::nullopt, 7413, ""},
    {"challenge-acks", std::nullopt, Trait::kChallengesRst, 5961, ""},
};

bool is_about(const RuleInfo& rule, const Feature& feature) {
  if (rule.rfc != feature.rfc) return false;
  if (feature.sections.empty()) return true;
  std::istringstream sections{std::string(feature.sections)};
  for (std::string section; sections >> section;) {
    if (rule.section == section || rule.section.starts_with(section + ".")) return true;
  }
  return false;
}

Shown shown_by(const Feature& feature, const CheckResult& result) {
  Shown shown = Shown::kNotTried;
  if (feature.shown) {
    const RuleResult& rule = result.rules[static_cast<std::size_t>(*feature.shown)];
    if (rule.taken > 0) return Shown::kShown;
    if (rule.judged > 0) shown = Shown::kNotShown;
  }
  if (!feature.trait) return shown;
  const TraitValue value = result.profile[static_cast<std::size_t>(*feature.trait)];
  if (value == TraitValue::kTrue || value == TraitValue::kBoth) return Shown::kShown;
  return value == TraitValue::kFalse ? Shown::kNotShown : shown;
}

const char* words_of(const ClaimResult& claim) {
  if (claim.shown == Shown::kShown) return claim.claimed ? "claimed, shown" : "not claimed, shown";
  if (!claim.claimed) return "not claimed";
  return claim.shown == Shown::kNotShown ? "claimed, NOT SHOWN where the peer offered it" : "claimed, not tried here";
}

}  // namespace

std::span<const Feature> features() {
  return kFeatures;
}

std::vector<std::string> read_claims(const std::string& file) {
  std::istringstream in(read_whole_file(file));
  std::vector<std::string_view> known;
  for (const Feature& feature : kFeatures) known.push_back(feature.name);
  std::vector<std::string> claims;
  bool any = false;
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string word;
    if (!(words >> word)) continue;
    if (word != "claims:") throw std::runtime_error(fmt::format("{}:{}: expected 'claims: NAME ...'", file, number));
    any = true;
    while (words >> word) {
      if (std::find(known.begin(), known.end(), word) == known.end()) {
        const std::string near = nearest(word, known);
        throw std::runtime_error(fmt::format("{}:{}: no option is called '{}'{}", file, number, word,
                                             near.empty() ? fmt::format("; there are {}", fmt::join(known, ", "))
                                                          : fmt::format("; did you mean {}?", near)));
      }
      claims.push_back(word);
    }
  }
  if (!any) throw std::runtime_error(file + ": no line 'claims: NAME ...' is in it");
  return claims;
}

void apply_claims(const std::vector<std::string>& claims, CheckResult& result) {
  for (const Feature& feature : kFeatures) {
    const bool claimed = std::find(claims.begin(), claims.end(), feature.name) != claims.end();
    const Shown shown = shown_by(feature, result);
    result.claims.push_back({.feature = std::string(feature.name), .claimed = claimed, .shown = shown});
    if (claimed || shown == Shown::kShown) continue;
    for (RuleResult& rule : result.rules) {
      const bool open = rule.standing == Standing::kNotExercised || rule.standing == Standing::kNotTestable ||
                        (rule.standing == Standing::kOption && rule.taken == 0);
      if (!open || !is_about(info(rule.rule), feature)) continue;
      rule.standing = Standing::kNotTestable;
      rule.why = "not claimed";
    }
  }
}

std::string claims_text(const CheckResult& result, const TextStyle& style) {
  std::string text;
  for (const ClaimResult& claim : result.claims) {
    const char* colour = claim.missing() ? kAnsiRed : "";
    text += painted(fmt::format("  {:<16} {}", claim.feature, words_of(claim)), colour, style) + "\n";
  }
  return text.empty() ? "" : "\nCLAIMS\n" + text;
}

Json claims_json(const CheckResult& result) {
  constexpr const char* kShown[] = {"not_tried", "not_shown", "shown"};
  Json all = Json::array();
  for (const ClaimResult& claim : result.claims) {
    all.push_back({{"option", claim.feature},
                   {"claimed", claim.claimed},
                   {"shown", kShown[static_cast<std::size_t>(claim.shown)]}});
  }
  return all;
}

}  // namespace tcpassay
