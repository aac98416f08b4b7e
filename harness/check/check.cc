// SPDX-License-Identifier: Apache-2.0
#include "harness/check/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "harness/base/processes.h"
#include "harness/script/parse.h"
#include "harness/session/run_log.h"
#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

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

bool is_script(const fs::path& path) {
  return path.extension() == ".pkt";
}

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

bool belongs(const ScenarioFile& filed, const std::string& suite) {
  if (suite.empty() || filed.scenario.about.suite == suite) return true;
  const fs::path folder = fs::path(filed.path).parent_path();
  return std::find(folder.begin(), folder.end(), fs::path(suite)) != folder.end();
}

std::string suites_of(const std::vector<ScenarioFile>& all) {
  std::set<std::string> names;
  for (const auto& filed : all) {
    if (!filed.scenario.about.suite.empty()) names.insert(filed.scenario.about.suite);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

OwnStackOptions own_options_of(const CheckOptions& options) {
  return {.defect = options.defect, .legal_variants = options.legal_variants};
}

// Not what --ip 4, the default, would play.
bool chosen_ipv6(const ScenarioFile& filed) {
  return filed.ip == 6 && !ip_version(filed.scenario);
}

std::string replay_command(const ScenarioFile& filed, const CheckOptions& options) {
  const std::string plant = options.defect.empty() ? "" : " --plant " + options.defect;
  const auto& names = options.legal_variants;
  const std::string temper = names.empty() ? "" : fmt::format(" --temper {}", fmt::join(names, ","));
  const char* const ip = chosen_ipv6(filed) ? " --ip 6" : "";
  const bool newest = options.edition == kNewest;
  const std::string ruleset = newest ? "" : fmt::format(" --ruleset {}", to_string(options.edition));
  return fmt::format("tcpassay run {} --target {}{}{}{}{}", filed.path, options.target, plant, temper, ip, ruleset);
}

// Whether the script says what the target does; if not, the results of its calls are only what usually comes.
bool asserts(const Scenario& scenario) {
  return std::any_of(scenario.steps.begin(), scenario.steps.end(), [](const Step& step) {
    return std::holds_alternative<Expect>(step.action) || std::holds_alternative<Code>(step.action);
  });
}

SessionOptions options_for(const Target& target, const CheckOptions& options, std::size_t number,
                           CaptureFile* capture) {
  const bool in_virtual_time = target.identity().can(Ability::kVirtualTime);
  SessionOptions session;
  session.edition = options.edition;
  session.keep_trace = false;
  session.assertions = false;
  session.capture = capture;
  session.seed = options.seed;
  if (in_virtual_time) {
    session.final_wait = kDelayedAckWait;
  } else {
    session.peer_port = static_cast<std::uint16_t>(kPeerPort + number % kPeerPorts);
  }
  return session;
}

// What became of one scenario.
struct Played {
  bool skipped = true;
  std::string why{};  // it was skipped
  Judged judged{};
  std::vector<Mismatch> mismatches{};
};

// Plays scenarios on one target and makes the target again when it dies.
class Player {
 public:
  Player(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options)
      : scenarios_(scenarios), options_(options), target_(make_target(options.target, own_options_of(options))) {}

  const Identity& identity() const { return target_->identity(); }

  Played play(std::size_t number) {
    const ScenarioFile& filed = scenarios_[number];
    const bool assertions = asserts(filed.scenario) && !options_.oracle_only;
    const auto why = Session::unsupported(filed.scenario, *target_, filed.ip, assertions);
    if (why) return {.why = *why};
    try {
      return judge(filed, number, assertions);
    } catch (const TargetError& error) {
      if (++deaths_ > kDeathsMax) throw;
      target_.reset();
      target_ = make_target(options_.target, own_options_of(options_));
      return {.why = fmt::format("the target died: {}", error.what())};
    }
  }

 private:
  Played judge(const ScenarioFile& filed, std::size_t number, bool assertions) {
    std::unique_ptr<CaptureFile> capture;
    std::unique_ptr<RunLog> log;
    if (!options_.pcap_folder.empty()) {
      const char* const ending = chosen_ipv6(filed) ? "_ipv6.pcap" : ".pcap";
      const fs::path file = fs::path(options_.pcap_folder) / (flat_name(filed.path) + ending);
      capture = std::make_unique<CaptureFile>(file.string());
      log = std::make_unique<RunLog>(run_log_of(file.string()));
    }
    SessionOptions session_options = options_for(*target_, options_, number, capture.get());
    session_options.observer = log.get();
    session_options.ip = filed.ip;
    session_options.assertions = assertions;
    Session session(*target_, session_options);
    session.play(filed.scenario);
    if (capture) capture->close();
    if (log) log->close();
    return {.skipped = false, .judged = judged_by(session.oracle()), .mismatches = session.mismatches()};
  }

  const std::vector<ScenarioFile>& scenarios_;
  const CheckOptions& options_;
  std::unique_ptr<Target> target_;
  std::size_t deaths_ = 0;
};

// --- Several processes. Each plays every n-th scenario and writes a line of JSON for each to its pipe.

Json to_json(const Identity& identity) {
  Json abilities = Json::array();
  for (const Ability ability : identity.abilities) abilities.push_back(static_cast<int>(ability));
  return {{"name", identity.name}, {"version", identity.version}, {"abilities", abilities}};
}

Identity identity_from(const Json& json) {
  Identity identity{.name = json["name"], .version = json["version"]};
  for (const int ability : json["abilities"]) identity.abilities.push_back(static_cast<Ability>(ability));
  return identity;
}

Json to_json(const Played& played) {
  if (played.skipped) return {{"why", played.why}};
  Json verdicts = Json::array(), counts = Json::array(), traits_seen = Json::array();
  for (const auto& verdict : played.judged.verdicts) {
    verdicts.push_back({static_cast<int>(verdict.kind), static_cast<int>(verdict.rule), verdict.event,
                        verdict.at.count(), verdict.state, verdict.allowed, verdict.seen, verdict.consequence});
  }
  for (const auto& count : played.judged.counts) counts.push_back({count.judged, count.broken, count.taken});
  for (const auto& trait : played.judged.traits) traits_seen.push_back(trait ? int{*trait} : -1);
  Json mismatches = Json::array();
  for (const auto& mismatch : played.mismatches) {
    mismatches.push_back({mismatch.where.file, mismatch.where.line, mismatch.expected, mismatch.seen});
  }
  return {{"verdicts", verdicts}, {"counts", counts}, {"traits", traits_seen}, {"mismatches", mismatches}};
}

Played played_from(const Json& json) {
  if (json.contains("why")) return {.why = json["why"]};
  Played played{.skipped = false};
  for (const auto& row : json["verdicts"]) {
    Verdict verdict;
    verdict.kind = static_cast<Verdict::Kind>(row[0].get<int>());
    verdict.rule = static_cast<Rule>(row[1].get<int>());
    verdict.event = row[2];
    verdict.at = Time(row[3].get<Time::rep>());
    verdict.state = row[4];
    verdict.allowed = row[5];
    verdict.seen = row[6];
    verdict.consequence = row[7];
    played.judged.verdicts.push_back(verdict);
  }
  for (const auto& row : json["counts"]) {
    played.judged.counts.push_back({.judged = row[0], .broken = row[1], .taken = row[2]});
  }
  for (const int value : json["traits"]) {
    played.judged.traits.push_back(value < 0 ? std::nullopt : std::optional<bool>(value != 0));
  }
  for (const auto& row : json["mismatches"]) {
    played.mismatches.push_back({.where = {.file = row[0], .line = row[1]}, .expected = row[2], .seen = row[3]});
  }
  return played;
}

void work(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options, std::size_t first, std::size_t step,
          const LineWriter& say) {
  const auto tell = [&](const Json& json) { return say(json.dump(-1, ' ', false, Json::error_handler_t::replace)); };
  Player player(scenarios, options);
  if (!tell({{"identity", to_json(player.identity())}})) return;
  for (std::size_t i = first; i < scenarios.size(); i += step) {
    if (!tell({{"number", i}, {"played", to_json(player.play(i))}})) return;
  }
}

std::vector<Played> play_in_processes(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options,
                                      Identity& identity) {
  const auto jobs = std::min(static_cast<std::size_t>(options.jobs), scenarios.size());
  std::vector<Played> played(scenarios.size(), Played{.why = "the process that played it ended early"});
  std::size_t done = 0;
  const auto take = [&](const std::string& text) {
    const Json line = Json::parse(text);
    if (line.contains("identity")) {
      identity = identity_from(line["identity"]);
      return;
    }
    const std::size_t number = line["number"];
    played[number] = played_from(line["played"]);
    if (options.progress) options.progress(++done, scenarios.size(), scenarios[number].path);
  };
  in_processes(
      static_cast<int>(jobs),
      [&](int job, const LineWriter& say) { work(scenarios, options, static_cast<std::size_t>(job), jobs, say); },
      take);
  return played;
}

std::vector<Played> play_here(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options,
                              Identity& identity) {
  Player player(scenarios, options);
  identity = player.identity();
  std::vector<Played> played;
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    played.push_back(player.play(i));
    if (options.progress) options.progress(i + 1, scenarios.size(), scenarios[i].path);
  }
  return played;
}

std::vector<Played> play(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options, Identity& identity) {
  const bool apart = options.jobs > 1 && scenarios.size() > 1;
  return apart ? play_in_processes(scenarios, options, identity) : play_here(scenarios, options, identity);
}

// The first violation of a rule that is not listed, if the scenario has one.
std::optional<Rule> unlisted_violation(const Played& played, const CheckOptions& options) {
  for (const auto& verdict : played.judged.verdicts) {
    if (verdict.kind != Verdict::Kind::kViolated || verdict.consequence) continue;
    const bool listed = std::any_of(options.deviations.begin(), options.deviations.end(),
                                    [&](const Deviation& deviation) { return deviation.rule == verdict.rule; });
    if (!listed) return verdict.rule;
  }
  return std::nullopt;
}

// In real time the harness or the machine may have been late, so what was found is looked for again, with nothing else
// going on. What does not happen again is not held against the target.
void confirm(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options, std::vector<Played>& played,
             CheckResult& result) {
  std::vector<std::size_t> numbers;
  std::vector<ScenarioFile> again;
  for (std::size_t i = 0; i < scenarios.size() && numbers.size() < kConfirmedMax; ++i) {
    if (!unlisted_violation(played[i], options) && played[i].mismatches.empty()) continue;
    numbers.push_back(i);
    again.push_back(scenarios[i]);
  }
  if (again.empty()) return;
  CheckOptions alone = options;
  alone.jobs = 1;
  alone.progress = {};
  std::vector<Played> second = play(again, alone, result.target);
  for (std::size_t k = 0; k < numbers.size(); ++k) {
    Played& first = played[numbers[k]];
    if (second[k].skipped) continue;
    first.mismatches = second[k].mismatches;
    const auto rule = unlisted_violation(first, options);
    if (!rule || unlisted_violation(second[k], options)) continue;
    result.unsteady.push_back({.scenario = again[k].path, .rule = *rule});
    first = std::move(second[k]);
  }
}

}  // namespace

const char* to_string(Standing standing) {
  switch (standing) {
    case Standing::kObeyed:
      return "obeyed";
    case Standing::kViolated:
      return "violated";
    case Standing::kDeparted:
      return "departed";
    case Standing::kOption:
      return "option";
    case Standing::kInconclusive:
      return "inconclusive";
    case Standing::kNotExercised:
      return "not_exercised";
    case Standing::kNotTestable:
      return "not_testable";
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
  return failed.empty() ? 0 : 1;
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
    for (const Rule rule : verdict.at_work) ++rows_[static_cast<std::size_t>(rule)].result.at_work;
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
    if (!in_force(rule.rule, result.edition)) {
      rule.standing = Standing::kNotTestable;
      rule.why = fmt::format("not in ruleset {}", to_string(result.edition));
    }
  }
  result.profile = profile_;
  result.skipped = skipped_;
  for (auto& listed : result.deviations) {
    const Standing now = result.rules[static_cast<std::size_t>(listed.deviation.rule)].standing;
    const bool occurs = now == Standing::kViolated || now == Standing::kDeparted;
    listed.fate = occurs ? Listed::Fate::kOccurs : Listed::Fate::kNotJudged;
    if (now != Standing::kObeyed || !result.whole) continue;
    const bool expected = result.target.version.starts_with(listed.deviation.version);
    listed.fate = expected ? Listed::Fate::kGone : Listed::Fate::kOtherVersion;
  }
}

std::vector<ScenarioFile> read_scenarios(const std::vector<std::string>& paths, const std::string& suite,
                                         const std::vector<std::string>& defines) {
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
  std::vector<ScenarioFile> all;
  for (const auto& file : files) all.push_back({.path = file, .scenario = read_script(file, defines)});
  std::vector<ScenarioFile> chosen;
  std::copy_if(all.begin(), all.end(), std::back_inserter(chosen),
               [&](const ScenarioFile& filed) { return belongs(filed, suite); });
  if (!chosen.empty()) return chosen;
  const std::string where = fmt::format("{}", fmt::join(paths, ", "));
  if (all.empty()) throw std::runtime_error(fmt::format("no scenario (*.pkt) in {}", where));
  throw std::runtime_error(fmt::format("no suite '{}' in {}; there are {}", suite, where, suites_of(all)));
}

std::vector<ScenarioFile> over_ip(const std::vector<ScenarioFile>& scenarios,
                                  const std::vector<std::uint8_t>& versions) {
  std::vector<ScenarioFile> all;
  for (const std::uint8_t version : versions) {
    for (ScenarioFile filed : scenarios) {
      filed.ip = version;
      if (version == versions.front() || !ip_version(filed.scenario)) all.push_back(std::move(filed));
    }
  }
  return all;
}

CheckResult check(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  if (!options.pcap_folder.empty()) fs::create_directories(options.pcap_folder);
  CheckResult result{.defect = options.defect, .edition = options.edition, .whole = options.whole};
  for (const auto& deviation : options.deviations) result.deviations.push_back({.deviation = deviation});

  std::vector<Played> played = play(scenarios, options, result.target);
  if (!result.target.can(Ability::kVirtualTime)) confirm(scenarios, options, played, result);
  Tally tally;
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    const ScenarioFile& filed = scenarios[i];
    if (played[i].skipped) {
      tally.skip(filed.path, played[i].why, filed.scenario.about.covers);
      continue;
    }
    played[i].judged.scenario = filed.path;
    played[i].judged.replay = replay_command(filed, options);
    tally.add(played[i].judged);
    for (const Mismatch& each : played[i].mismatches) {
      result.failed.push_back({.scenario = filed.path, .mismatch = each});
    }
    ++result.scenarios;
    result.steps += filed.scenario.steps.size();
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
