// SPDX-License-Identifier: Apache-2.0
#include "harness/session/finding.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "harness/base/write_file.h"
#include "harness/script/print.h"
#include "harness/script/scenario.h"

namespace tcpassay {
namespace {

// FNV-1a: the same on every machine, so that the same steps always get the same file name.
std::uint32_t hash_of(const std::string& text) {
  std::uint32_t hash = 2166136261u;
  for (const char octet : text) hash = (hash ^ static_cast<std::uint8_t>(octet)) * 16777619u;
  return hash;
}

std::string steps_of(const Scenario& scenario) {
  std::string text;
  for (const ScriptStep& step : scenario.steps) text += to_text(step) + "\n";
  return text;
}

// Removes the steps [first, last); the steps after them keep their times.
Scenario without(const Scenario& scenario, std::size_t first, std::size_t last, bool keep_time) {
  Scenario shorter = scenario;
  Time passed{};
  for (std::size_t i = first; i < last; ++i) passed += scenario.steps[i].time.at;
  const auto at = [&](std::size_t i) { return shorter.steps.begin() + static_cast<std::ptrdiff_t>(i); };
  shorter.steps.erase(at(first), at(last));
  if (keep_time && first < shorter.steps.size()) shorter.steps[first].time.at += passed;
  return shorter;
}

}  // namespace

const Verdict* first_finding(const Oracle& oracle, std::size_t from) {
  const auto& verdicts = oracle.verdicts();
  for (std::size_t i = from; i < verdicts.size(); ++i) {
    if (verdicts[i].kind != Verdict::Kind::kInconclusive && !verdicts[i].consequence) return &verdicts[i];
  }
  return nullptr;
}

bool finds(const Scenario& scenario, Rule rule, Session& session, bool beside) {
  if (!beside) return play_for_finding(scenario, session) == rule;
  session.play(scenario);
  const auto& verdicts = session.oracle().verdicts();
  return std::any_of(verdicts.begin(), verdicts.end(), [&](const Verdict& verdict) {
    return verdict.rule == rule && verdict.kind != Verdict::Kind::kInconclusive && !verdict.consequence;
  });
}

std::optional<Rule> play_for_finding(const Scenario& scenario, Session& session) {
  session.play(scenario);
  const Verdict* found = first_finding(session.oracle());
  return found ? std::optional(found->rule) : std::nullopt;
}

Scenario shrink(const Scenario& scenario, Rule rule, Session& session, bool beside) {
  Scenario best = scenario;
  int plays = 0;
  const auto shows = [&](const Scenario& candidate) {
    return plays++ < kShrinkPlaysMax && finds(candidate, rule, session, beside);
  };
  const auto try_without = [&](std::size_t first, std::size_t last, bool keep_time) {
    Scenario candidate = without(best, first, last, keep_time);
    if (!shows(candidate)) return false;
    best = std::move(candidate);
    return true;
  };
  for (bool shorter = true; shorter && plays < kShrinkPlaysMax;) {
    shorter = false;
    for (std::size_t size = std::max<std::size_t>(best.steps.size() / 2, 1); size > 0; size /= 2) {
      for (std::size_t end = best.steps.size(); end >= size;) {
        const bool removed = try_without(end - size, end, false) || try_without(end - size, end, true);
        shorter = shorter || removed;
        end -= removed ? std::min(size, end) : 1;
      }
    }
  }
  for (std::size_t i = 0; i < best.steps.size(); ++i) {
    if (best.steps[i].time.at == Time{}) continue;
    Scenario candidate = best;
    candidate.steps[i].time.at = {};
    if (shows(candidate)) best = std::move(candidate);
  }
  return best;
}

std::string write_finding(const Scenario& scenario, std::string_view name, const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  const std::string file_name = fmt::format("{}-{:08x}.pkt", name, hash_of(steps_of(scenario)));
  const std::string path = (std::filesystem::path(folder) / file_name).string();
  write_file(path, "// SPDX-License-Identifier: Apache-2.0\n" + print_script(scenario));
  return path;
}

std::string describe(const Verdict& verdict) {
  const RuleInfo& rule = info(verdict.rule);
  const char* what = verdict.kind == Verdict::Kind::kViolated   ? "violated"
                     : verdict.kind == Verdict::Kind::kDeparted ? "departed from"
                                                                : "inconclusive:";
  return fmt::format("{} {} {} (RFC {} section {}){}\n  {}\n  state    {}\n  allowed  {}\n  seen     {}\n",
                     to_string(rule.level), what, rule.id, rule.rfc, rule.section,
                     verdict.consequence ? ", a consequence" : "", rule.sentence, verdict.state, verdict.allowed,
                     verdict.seen);
}

}  // namespace tcpassay
