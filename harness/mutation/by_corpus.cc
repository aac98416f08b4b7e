// SPDX-License-Identifier: Apache-2.0
#include "harness/mutation/by_corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <iterator>
#include <mutex>
#include <sstream>
#include <thread>

#include "harness/base/processes.h"
#include "harness/check/check.h"
#include "harness/mutation/proofs.h"
#include "harness/targets/own/defects.h"
#include "harness/targets/own/legal_variants.h"
#include "harness/targets/registry.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream in{std::string(text)};
  return {std::istream_iterator<std::string>(in), std::istream_iterator<std::string>()};
}

bool contains(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// The rules that a run of the corpus found broken.
std::vector<BrokenRule> broken_rules(const CheckResult& result) {
  std::vector<BrokenRule> all;
  for (const auto& rule : result.rules) {
    if (rule.standing != Standing::kViolated && rule.standing != Standing::kDeparted) continue;
    BrokenRule broken{.rule = rule.rule, .times = rule.broken};
    if (!rule.evidence.empty()) {
      broken.scenario = rule.evidence.front().scenario;
      broken.replay = rule.evidence.front().replay;
    }
    all.push_back(std::move(broken));
  }
  return all;
}

DefectFate fate_of(const own::DefectEntry& entry, const CheckResult& result) {
  DefectFate fate{.id = std::string(entry.id),
                  .origin = std::string(entry.origin),
                  .what = std::string(entry.what),
                  .expected = words_of(entry.rules),
                  .by = broken_rules(result)};
  const auto named = [&](const BrokenRule& broken) { return contains(fate.expected, info(broken.rule).id); };
  std::stable_partition(fate.by.begin(), fate.by.end(), named);
  fate.caught = !fate.by.empty() && (fate.expected.empty() || named(fate.by.front()));
  for (const auto& id : fate.expected) {
    const auto rule = rule_by_id(id);
    if (!rule) continue;
    const RuleResult& row = result.rules[static_cast<std::size_t>(*rule)];
    if (row.at_work > 0 || row.context > 0) fate.at_work.push_back(*rule);
    fate.caught = fate.caught || row.context > 0;  // the verdict names the rule as what was odd before
  }
  return fate;
}

// Evidence shows what is wrong only if what was allowed and what was seen read differently.
void add_indistinct(const CheckResult& result, const std::string& defect, std::vector<std::string>& all) {
  for (const RuleResult& rule : result.rules) {
    const bool same = std::any_of(rule.evidence.begin(), rule.evidence.end(),
                                  [](const Evidence& one) { return one.allowed == one.seen; });
    if (same) all.push_back(fmt::format("{}: {}", defect, info(rule.rule).id));
  }
}

// The SHOULDs that a combination departs from, so that the judge rightly reports them.
std::vector<std::string> departures(const std::vector<std::string>& legal_variants) {
  std::vector<std::string> all;
  for (const auto& id : legal_variants) {
    for (auto& rule : words_of(own::entry(*own::legal_variant_named(id)).departs)) all.push_back(std::move(rule));
  }
  return all;
}

// Defects that one version of IP alone has.
struct OfOneVersion {
  std::string_view id;
  std::uint8_t ip;
};
constexpr OfOneVersion kOfOneVersion[] = {{"ipv6_mss_of_ipv4", 6}, {"ipv6_without_checksum", 6}};

std::uint8_t version_of(std::string_view defect) {
  for (const OfOneVersion& each : kOfOneVersion) {
    if (each.id == defect) return each.ip;
  }
  return 0;
}

// Rules that no defect can visibly break.
struct Unprovable {
  Rule rule;
  const char* why;
};
constexpr Unprovable kUnprovable[] = {
    {Rule::R5961_7_throttle,
     "the limit of challenge ACKs is the administrator's to set (RFC 5961 section 7), so that no number of them proves "
     "that there is none"},
};

// Why no defect has to break the rule; empty when one has to.
std::string exemption(Rule rule) {
  if (info(rule).level == Level::kMay) return "an option: a stack conforms with it and without it";
  for (const Unprovable& each : kUnprovable) {
    if (each.rule == rule) return each.why;
  }
  return "";
}

// Runs `count` pieces of work on several threads; the first exception ends all of them and is thrown again. After an
// interrupt no new piece begins.
void in_threads(int jobs, std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex mutex;
  const auto worker = [&] {
    try {
      for (std::size_t i; !Interrupt::interrupted() && (i = next++) < count;) work(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      next = count;
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 1; i < jobs; ++i) threads.emplace_back(worker);
  worker();
  threads.clear();
  if (failure) std::rethrow_exception(failure);
}

std::vector<const own::DefectEntry*> chosen(const MutationTestOptions& options) {
  std::vector<const own::DefectEntry*> all;
  if (!options.plant) return all;
  for (const auto& entry : own::all_defects()) {
    if (options.defects.empty() || contains(options.defects, entry.id)) all.push_back(&entry);
  }
  return all;
}

// A rule is proven when a defect made it fail: it was blamed, or the defect negates it and the judge was applying it
// when it found the target to be wrong.
void find_proven(MutationTestResult& result) {
  std::vector<bool> proven(rules().size());
  for (const auto& fate : result.defects) {
    for (const auto& broken : fate.by) proven[static_cast<std::size_t>(broken.rule)] = true;
    for (const Rule rule : fate.at_work) proven[static_cast<std::size_t>(rule)] = true;
  }
  for (std::size_t i = 0; i < proven.size(); ++i) {
    if (proven[i]) {
      ++result.proven;
    } else {
      result.unproven.push_back({.rule = static_cast<Rule>(i), .why = exemption(static_cast<Rule>(i))});
    }
  }
}

std::string listed(const std::vector<std::string>& ids) {
  return fmt::format("{}", fmt::join(ids, " "));
}

// A legal variant may break the SHOULDs that it departs from, and nothing else.
void judge_variants(MutationTestResult& result, const std::vector<std::vector<std::string>>& variants,
                    std::vector<std::vector<BrokenRule>>& found) {
  result.combinations = variants.size();
  for (std::size_t i = 0; i < variants.size(); ++i) {
    const auto allowed = departures(variants[i]);
    std::erase_if(found[i], [&](const BrokenRule& broken) {
      return info(broken.rule).level == Level::kShould && contains(allowed, info(broken.rule).id);
    });
    result.clean += found[i].empty();
    for (auto& broken : found[i])
      result.false_positives.push_back({.legal_variants = variants[i], .broken = std::move(broken)});
  }
}

// Keeps only what was played before the interrupt.
void forget_unplayed(MutationTestResult& result, std::vector<std::vector<std::string>>& variants,
                     std::vector<std::vector<BrokenRule>>& found, const std::vector<bool>& played) {
  result.interrupted = true;
  result.whole = false;
  std::vector<DefectFate> defects;
  std::vector<std::vector<std::string>> kept;
  std::vector<std::vector<BrokenRule>> of_kept;
  for (std::size_t i = 0; i < played.size(); ++i) {
    if (!played[i]) continue;
    if (i < result.defects.size()) {
      defects.push_back(std::move(result.defects[i]));
    } else {
      kept.push_back(std::move(variants[i - result.defects.size()]));
      of_kept.push_back(std::move(found[i - result.defects.size()]));
    }
  }
  result.defects.swap(defects);
  variants.swap(kept);
  found.swap(of_kept);
}

}  // namespace

std::size_t MutationTestResult::caught() const {
  return static_cast<std::size_t>(
      std::count_if(defects.begin(), defects.end(), [](const DefectFate& fate) { return fate.caught; }));
}

std::size_t MutationTestResult::covered() const {
  return static_cast<std::size_t>(
      std::count_if(defects.begin(), defects.end(), [](const DefectFate& fate) { return fate.covered; }));
}

int MutationTestResult::exit_status() const {
  if (caught() < defects.size() || !false_positives.empty() || !indistinct.empty()) return 1;
  return interrupted || !unplayed.empty() || defects.size() + combinations == 0 ? 2 : 0;
}

std::vector<std::vector<std::string>> combinations(bool pairs) {
  const auto known = own::all_legal_variants();
  std::vector<std::vector<std::string>> all{{}};
  for (const auto& entry : known) all.push_back({std::string(entry.id)});
  // Rows of a pseudorandom matrix of bits: in so many rows every two variants meet in all four ways.
  std::uint64_t bits = 0x9e3779b97f4a7c15u;
  for (std::size_t row = 0; row < kManyAtOnce; ++row) {
    std::vector<std::string> many;
    for (const auto& entry : known) {
      bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
      if (bits >> 63) many.emplace_back(entry.id);
    }
    all.push_back(std::move(many));
  }
  for (std::size_t i = 0; pairs && i < known.size(); ++i) {
    for (std::size_t k = i + 1; k < known.size(); ++k) {
      all.push_back({std::string(known[i].id), std::string(known[k].id)});
    }
  }
  return all;
}

MutationTestResult mutation_test(const std::vector<ScenarioFile>& scenarios, const MutationTestOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  for (const auto& id : options.defects) make_target("own", id);  // or says that there is no such defect
  const auto defects = chosen(options);
  auto variants = options.legal_variants ? combinations(options.pairs) : std::vector<std::vector<std::string>>{};

  const auto over_both = over_ip(scenarios, {4, 6});
  const std::size_t pairs_from = combinations(false).size();

  MutationTestResult result{.whole = options.plant && options.defects.empty()};
  result.defects.resize(defects.size());
  std::vector<std::vector<BrokenRule>> found(variants.size());
  std::vector<bool> played(defects.size() + variants.size());
  std::mutex mutex;
  Proofs proofs(scenarios);
  std::size_t done = 0;
  in_threads(options.jobs, defects.size() + variants.size(), [&](std::size_t i) {
    std::string name;
    CheckResult checked;
    Strikes strikes(i < defects.size() ? words_of(defects[i]->rules) : std::vector<std::string>{});
    if (i < defects.size()) {
      name = defects[i]->id;
      const auto judged = [&](const ScenarioFile& file, const TraceResult& shown) { strikes.add(file, shown); };
      checked = check(over_both, {.defect = name, .strict = true, .judged = judged});
    } else {
      const std::size_t k = i - defects.size();
      name = listed(variants[k]);
      const bool both = k < pairs_from || options.pairs_over_both;
      checked = check(both ? over_both : scenarios, {.legal_variants = variants[k], .round_trip = options.round_trip});
    }
    const std::lock_guard lock(mutex);
    if (checked.interrupted) return;
    played[i] = true;
    if (checked.scenarios == 0 || checked.deaths > 0)
      result.unplayed.push_back(name.empty() ? "the stack as it is" : name);
    if (i < defects.size()) {
      result.defects[i] = fate_of(*defects[i], checked);
      result.defects[i].covered =
          defects[i]->rules.empty() || strikes.in_covering_scenarios(over_both, version_of(name));
      if (!result.defects[i].covered) result.defects[i].places = strikes.places();
      proofs.add(strikes);
      add_indistinct(checked, name, result.indistinct);
    } else {
      found[i - defects.size()] = broken_rules(checked);
    }
    if (options.progress) options.progress(++done, defects.size() + variants.size(), name);
  });

  if (Interrupt::interrupted()) forget_unplayed(result, variants, found, played);
  judge_variants(result, variants, found);
  if (result.whole) {
    find_proven(result);
    result.covers = proofs.all();
    result.covers_proven = proofs.proven();
    result.covers_by_name = proofs.proven_by_name();
    result.covers_unproven = proofs.unproven();
  }
  result.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

}  // namespace tcpassay
