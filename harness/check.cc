// SPDX-License-Identifier: Apache-2.0
#include "harness/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <stdexcept>

#include "harness/script.h"
#include "harness/targets.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDeathsMax = 20;  // times a target may die in one run and be made again
// The peer's ports go round, so that on a target that keeps TIME-WAIT between scenarios no pair is used again too soon.
constexpr std::size_t kPeerPorts = 20000;

TraitValue joined(TraitValue known, std::optional<bool> seen) {
  if (!seen) return known;
  const TraitValue fresh = *seen ? TraitValue::kTrue : TraitValue::kFalse;
  return known == TraitValue::kUnknown || known == fresh ? fresh : TraitValue::kBoth;
}

std::string option_text(const RuleResult& result) {
  if (result.taken == 0) return "not taken";
  return result.taken < result.judged ? "both" : "taken";
}

bool is_script(const fs::path& path) { return path.extension() == ".pkt"; }

void add_folder(const fs::path& folder, std::vector<std::string>& files) {
  std::error_code error;
  auto entries = fs::recursive_directory_iterator(folder, error);
  if (error) throw std::runtime_error(fmt::format("{}: {}", folder.string(), error.message()));
  for (auto entry = fs::begin(entries); entry != fs::end(entries); ++entry) {
    if (entry->is_directory() && entry->path().filename() == "deviations") {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file() && is_script(entry->path())) {
      files.push_back(entry->path().string());
    }
  }
}

bool belongs(const Filed& filed, const std::string& suite) {
  if (suite.empty() || filed.scenario.about.suite == suite) return true;
  const fs::path folder = fs::path(filed.path).parent_path();
  return std::find(folder.begin(), folder.end(), fs::path(suite)) != folder.end();
}

std::string suites_of(const std::vector<Filed>& all) {
  std::set<std::string> names;
  for (const auto& filed : all) {
    if (!filed.scenario.about.suite.empty()) names.insert(filed.scenario.about.suite);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string replay_command(const std::string& path, const CheckOptions& options) {
  const std::string plant = options.defect.empty() ? "" : " --plant " + options.defect;
  return fmt::format("tcpassay run {} --target {}{}", path, options.target, plant);
}

SessionOptions session_options(const Target& target, std::size_t number, CaptureFile* capture) {
  const bool in_virtual_time = target.identity().can(Ability::kVirtualTime);
  SessionOptions session;
  session.keep_trace = false;
  session.assertions = false;
  session.capture = capture;
  if (in_virtual_time) {
    session.final_wait = kDelayedAckWait;
  } else {
    session.peer_port = static_cast<std::uint16_t>(kPeerPort + number % kPeerPorts);
  }
  return session;
}

Judged play(const Filed& filed, Target& target, std::size_t number, const CheckOptions& options) {
  std::unique_ptr<CaptureFile> capture;
  if (!options.pcap_folder.empty()) {
    const fs::path file = fs::path(options.pcap_folder) / (flat_name(filed.path) + ".pcap");
    capture = std::make_unique<CaptureFile>(file.string());
  }
  Session session(target, session_options(target, number, capture.get()));
  session.play(filed.scenario);
  if (capture) capture->close();
  Judged judged = judged_by(session.oracle());
  judged.scenario = filed.path;
  judged.replay = replay_command(filed.path, options);
  return judged;
}

}  // namespace

const char* to_string(Standing standing) {
  switch (standing) {
    case Standing::kObeyed: return "obeyed";
    case Standing::kViolated: return "violated";
    case Standing::kDeparted: return "departed";
    case Standing::kOption: return "option";
    case Standing::kInconclusive: return "inconclusive";
    case Standing::kNotExercised: return "not_exercised";
    case Standing::kNotTestable: return "not_testable";
  }
  return "?";
}

std::size_t CheckResult::count(Standing standing) const {
  return static_cast<std::size_t>(
      std::count_if(rules.begin(), rules.end(), [&](const RuleResult& rule) { return rule.standing == standing; }));
}

bool CheckResult::is_listed(Rule rule) const {
  return std::any_of(deviations.begin(), deviations.end(),
                     [&](const Listed& listed) { return listed.deviation.rule == rule; });
}

int CheckResult::exit_status() const {
  for (const auto& rule : rules) {
    if (rule.standing == Standing::kViolated && !is_listed(rule.rule)) return 1;
  }
  for (const auto& listed : deviations) {
    if (listed.fate == Listed::Fate::kGone) return 1;
  }
  return 0;
}

Judged judged_by(const Oracle& oracle) {
  Judged judged;
  judged.verdicts = oracle.verdicts();
  judged.counts = oracle.counts();
  for (std::size_t i = 0; i < traits().size(); ++i) judged.traits.push_back(oracle.trait(static_cast<Trait>(i)));
  return judged;
}

Tally::Tally() : rows_(rules().size()), profile_(traits().size(), TraitValue::kUnknown) {
  for (std::size_t i = 0; i < rows_.size(); ++i) rows_[i].result.rule = static_cast<Rule>(i);
}

void Tally::add(const Judged& trace) {
  for (std::size_t i = 0; i < trace.counts.size() && i < rows_.size(); ++i) {
    rows_[i].result.judged += trace.counts[i].judged;
    rows_[i].result.broken += trace.counts[i].broken;
    rows_[i].result.taken += trace.counts[i].taken;
  }
  for (std::size_t i = 0; i < trace.traits.size() && i < profile_.size(); ++i) {
    profile_[i] = joined(profile_[i], trace.traits[i]);
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
    if (row.result.evidence.size() == kEvidenceMax) continue;
    row.result.evidence.push_back({.scenario = trace.scenario,
                                   .event = verdict.event,
                                   .at = verdict.at,
                                   .state = verdict.state,
                                   .allowed = verdict.allowed,
                                   .seen = verdict.seen,
                                   .replay = trace.replay});
  }
}

void Tally::skip(const std::string& scenario, const std::string& why, const std::vector<std::string>& covers) {
  skipped_.push_back({.scenario = scenario, .why = why});
  for (const auto& id : covers) {
    if (const auto rule = rule_by_id(id)) rows_[static_cast<std::size_t>(*rule)].missing = why;
  }
}

// A rule that was broken only as a consequence of something else was neither obeyed nor found broken.
Standing Tally::standing(const Row& row) const {
  if (row.violated) return Standing::kViolated;
  if (row.departed) return Standing::kDeparted;
  if (row.consequence) return Standing::kInconclusive;
  if (info(row.result.rule).level == Level::kMay && row.result.judged + row.result.taken > 0) return Standing::kOption;
  if (row.result.judged > 0) return Standing::kObeyed;
  if (row.inconclusive) return Standing::kInconclusive;
  return row.missing.empty() ? Standing::kNotExercised : Standing::kNotTestable;
}

void Tally::settle(CheckResult& result) const {
  result.rules.clear();
  for (const auto& row : rows_) {
    RuleResult& rule = result.rules.emplace_back(row.result);
    rule.standing = standing(row);
    if (rule.standing == Standing::kNotTestable) rule.why = row.missing;
    if (rule.standing == Standing::kOption) rule.why = option_text(rule);
    if (rule.standing == Standing::kInconclusive && row.consequence) rule.why = "broken only as a consequence";
  }
  result.profile = profile_;
  result.skipped = skipped_;
  for (auto& listed : result.deviations) {
    const Standing now = result.rules[static_cast<std::size_t>(listed.deviation.rule)].standing;
    const bool occurs = now == Standing::kViolated || now == Standing::kDeparted;
    listed.fate = occurs ? Listed::Fate::kOccurs : Listed::Fate::kNotJudged;
    if (now == Standing::kObeyed && result.whole) listed.fate = Listed::Fate::kGone;
  }
}

std::vector<Filed> read_scenarios(const std::vector<std::string>& paths, const std::string& suite) {
  std::vector<std::string> files;
  for (const auto& path : paths) {
    if (fs::is_directory(path)) {
      add_folder(path, files);
    } else {
      files.push_back(path);
    }
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  std::vector<Filed> all;
  for (const auto& file : files) all.push_back({.path = file, .scenario = read_script(file)});
  std::vector<Filed> chosen;
  std::copy_if(all.begin(), all.end(), std::back_inserter(chosen),
               [&](const Filed& filed) { return belongs(filed, suite); });
  if (!chosen.empty()) return chosen;
  const std::string where = fmt::format("{}", fmt::join(paths, ", "));
  if (all.empty()) throw std::runtime_error(fmt::format("no scenario (*.pkt) in {}", where));
  throw std::runtime_error(fmt::format("no suite '{}' in {}; there are {}", suite, where, suites_of(all)));
}

CheckResult check(const std::vector<Filed>& scenarios, const CheckOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  if (!options.pcap_folder.empty()) fs::create_directories(options.pcap_folder);
  std::unique_ptr<Target> target = make_target(options.target, options.defect);
  CheckResult result{.target = target->identity(), .defect = options.defect, .whole = options.whole};
  for (const auto& deviation : options.deviations) result.deviations.push_back({.deviation = deviation});

  Tally tally;
  std::size_t deaths = 0;
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    const Filed& filed = scenarios[i];
    if (options.progress) options.progress(i, scenarios.size(), filed.path);
    if (const auto why = Session::unsupported(filed.scenario, *target)) {
      tally.skip(filed.path, *why, filed.scenario.about.covers);
      continue;
    }
    try {
      tally.add(play(filed, *target, i, options));
      ++result.scenarios;
      result.steps += filed.scenario.steps.size();
    } catch (const TargetError& error) {
      tally.skip(filed.path, fmt::format("the target died: {}", error.what()));
      if (++deaths > kDeathsMax) throw;
      target.reset();
      target = make_target(options.target, options.defect);
    }
  }
  tally.settle(result);
  result.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

std::string flat_name(const std::string& path) {
  fs::path file(path);
  std::string name = file.replace_extension().lexically_normal().generic_string();
  while (!name.empty() && (name.front() == '/' || name.front() == '.')) name.erase(0, 1);
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

}  // namespace tcpassay
