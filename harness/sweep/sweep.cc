// SPDX-License-Identifier: Apache-2.0
#include "harness/sweep/sweep.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "harness/base/processes.h"
#include "harness/check/deviations.h"
#include "harness/check/player.h"
#include "harness/report/replay_command.h"
#include "harness/script/parse.h"
#include "harness/script/print.h"
#include "harness/script/scenario.h"
#include "harness/session/finding.h"
#include "harness/session/session.h"
#include "harness/sweep/cause_line.h"
#include "harness/sweep/deaths.h"
#include "harness/sweep/grid.h"
#include "harness/sweep/plan.h"
#include "harness/sweep/questioner.h"
#include "harness/sweep/roads.h"
#include "harness/target/target.h"
#include "harness/targets/registry.h"
#include "models/event.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kChunk = 256;  // cases in a row for one process
constexpr std::size_t kProgressEvery = 512;
constexpr std::size_t kDeathsMax = 20;    // times a target may die in one process and be made again
constexpr std::size_t kCausesMax = 500;   // at most so many scripts are shortened and written
constexpr std::size_t kUnwrittenMax = 3;  // reasons why findings could not be written
constexpr int kTries = 3;                 // to see a finding again

// Cases with the same rule, state and class of stimuli have the same cause.
using CauseKey = std::tuple<Rule, State, std::string>;
using Causes = std::map<CauseKey, Cause>;

// Plays one process's share of the cases.
class Worker {
 public:
  Worker(const Plan& plan, const SweepOptions& options, const LineWriter& write_line)
      : plan_(plan), options_(options), write_line_(write_line), roads_(plan.roads) {
    make_again();
  }

  void ask(std::size_t job, std::size_t jobs) {
    tell({{"identity", {target_->identity().name, target_->identity().version}},
          {"ipv6", target_->identity().can(Ability::kIpv6)}});
    std::size_t asked = 0;
    const std::size_t step = jobs * options_.shards;
    for (std::size_t chunk = job * options_.shards + options_.shard - 1; chunk * kChunk < plan_.cases();
         chunk += step) {
      const std::size_t end = std::min(plan_.cases(), (chunk + 1) * kChunk);
      for (std::size_t number = chunk * kChunk; number < end; ++number) {
        if (Interrupt::interrupted()) return report_sums();
        ask_one(number);
        if (++asked % kProgressEvery == 0) tell({{"done", kProgressEvery}, {"road", number / plan_.cells.size()}});
      }
    }
    tell({{"done", asked % kProgressEvery}, {"road", plan_.roads.size() - 1}});
    report_sums();
  }

 private:
  void make_again() {
    questioner_.reset();
    target_.reset();
    target_ = make_target(options_.target, options_.own_options);
    questioner_ = std::make_unique<Questioner>(*target_, options_.edition, options_.strict);
  }

  // What was found so far counts, whatever becomes of the rest.
  void ask_one(std::size_t number) {
    RoadSum& sum = roads_[number / plan_.cells.size()];
    Cell cell = plan_.cell(number);
    const bool too_often = lost_ > options_.lost_max || deaths_ > kDeathsMax;
    if (too_often) return void(++sum.unreachable[fmt::format("{} too often", kTargetDied)]);
    const auto begin = std::chrono::steady_clock::now();
    try {
      if (!questioner_) make_again();
      if (sum.ip == 6 && !target_->identity().can(Ability::kIpv6)) {
        ++sum.unreachable[target_->identity().name + " has no IPv6 here"];
        return;
      }
      const Answer* answer = &ask_surely(sum, cell);
      if (answer->finding && cell.dress != Dress::kPlain) {
        // If the plain segment shows the fault too, the cause is not what it carries beside.
        Cell plain = cell;
        plain.dress = Dress::kPlain;
        answer = &ask_surely(sum, plain);
        if (answer->finding) {
          cell = plain;
        } else {
          answer = &ask_surely(sum, cell);
        }
      }
      note(number, cell, sum, *answer);
    } catch (const TargetError& error) {
      if (dynamic_cast<const TargetDied*>(&error) != nullptr && questioner_) {
        note_death(number, cell, sum, error.what());
        lost_ += std::chrono::steady_clock::now() - begin;
      } else {  // it cannot be made, or the machine fails
        ++deaths_;
        ++sum.unreachable[fmt::format("{}: {}", kTargetDied, error.what())];
      }
      questioner_.reset();
    }
  }

  void note_death(std::size_t number, const Cell& cell, RoadSum& sum, const std::string& how) {
    ++sum.unreachable[std::string(kImplementationDied)];
    const DeathCause death{.state = sum.road->state,
                           .how = how,
                           .cases = 1,
                           .first = number,
                           .ip = sum.ip,
                           .road = std::string(sum.road->name),
                           .stimulus = to_text(cell),
                           .script = print_script(questioner_->scenario())};
    tell({{"death", tcpassay::to_json(death)}});
  }

  // On a real-time target a finding counts only if it occurs twice in a row: a timer of the target may have expired
  // while the harness was late.
  const Answer& ask_surely(RoadSum& sum, const Cell& cell) {
    const Answer* answer = &questioner_->ask(*sum.road, sum.ip, &cell);
    if (target_->identity().can(Ability::kVirtualTime)) return *answer;
    for (int i = 0; answer->finding && i < kTries; ++i) {
      const Rule before = answer->finding->rule;
      answer = &questioner_->ask(*sum.road, sum.ip, &cell);
      if (answer->finding && answer->finding->rule == before) return *answer;
      ++sum.unsteady;
    }
    return *answer;
  }

  void note(std::size_t number, const Cell& cell, RoadSum& sum, const Answer& answer) {
    if (answer.unreachable.empty()) {
      ++sum.visited;
      ++(answer.answered ? sum.answered : sum.silent);
      sum.ended += answer.ended;
      sum.inconclusive += answer.inconclusive;
    } else {
      ++sum.unreachable[answer.unreachable];
    }
    if (answer.on_the_way) note_finding(number, cell, sum, answer, *answer.on_the_way, true);
    if (!answer.finding) return;
    ++sum.broken;
    note_finding(number, cell, sum, answer, *answer.finding, !answer.unreachable.empty());
  }

  void note_finding(std::size_t number, const Cell& cell, const RoadSum& sum, const Answer& answer,
                    const Verdict& verdict, bool on_the_way) {
    const bool later = answer.after != FollowUp::kNone;
    const std::string stimuli = on_the_way ? "on the way there"
                                : later    ? fmt::format("then {}", to_string(answer.after))
                                           : stimulus_class(cell);
    const auto [place, fresh] = causes_.try_emplace({verdict.rule, sum.road->state, stimuli});
    Cause& cause = place->second;
    ++cause.cases;
    if (!fresh) return;
    cause = {.verdict = verdict,
             .state = sum.road->state,
             .stimuli = stimuli,
             .cases = 1,
             .first = number,
             .ip = sum.ip,
             .road = std::string(sum.road->name),
             .stimulus = on_the_way ? stimuli : to_text(cell) + (later ? ", " + stimuli : ""),
             .script = print_script(questioner_->scenario()),
             .beside = answer.on_the_way != nullptr && !on_the_way};
    tell({{"cause", cause_to_line(cause)}});
  }

  // Reports the sums, at the end or after an interrupt.
  void report_sums() {
    for (std::size_t i = 0; i < roads_.size(); ++i) {
      const RoadSum& sum = roads_[i];
      tell({{"sum", i},
            {"counts", {sum.visited, sum.answered, sum.silent, sum.ended, sum.broken, sum.inconclusive, sum.unsteady}},
            {"unreachable", sum.unreachable}});
    }
    for (const auto& [key, cause] : causes_) {
      tell({{"cases", cause.cases},
            {"rule", static_cast<int>(cause.verdict.rule)},
            {"state", static_cast<int>(cause.state)},
            {"stimuli", cause.stimuli}});
    }
  }

  void tell(const Json& json) {
    if (!write_line_(json.dump(-1, ' ', false, Json::error_handler_t::replace))) throw TargetError("nobody listens");
  }

  const Plan& plan_;
  const SweepOptions& options_;
  const LineWriter& write_line_;
  std::vector<RoadSum> roads_;
  Causes causes_;
  std::unique_ptr<Target> target_;
  std::unique_ptr<Questioner> questioner_;
  std::size_t deaths_ = 0;
  std::chrono::nanoseconds lost_{};  // in cases during which the implementation died
};

// Writes a script of the cause. When that fails the sweep goes on, and its result says why: no file is named then.
std::string write_if_possible(const Scenario& scenario, const Cause& cause, const SweepOptions& options,
                              SweepResult& result) {
  try {
    return write_finding(scenario, info(cause.verdict.rule).id, options.findings);
  } catch (const std::exception& error) {
    const bool known =
        std::find(result.unwritten.begin(), result.unwritten.end(), error.what()) != result.unwritten.end();
    if (!known && result.unwritten.size() < kUnwrittenMax) result.unwritten.emplace_back(error.what());
    return {};
  }
}

// Collects what the processes report.
class Gathering {
 public:
  Gathering(const Plan& plan, const SweepOptions& options, SweepResult& result)
      : plan_(plan), options_(options), result_(result) {}

  void take(const std::string& line) {
    const Json json = Json::parse(line);
    if (json.contains("identity")) {
      result_.target = {.name = json["identity"][0], .version = json["identity"][1]};
      if (json["ipv6"]) result_.target.abilities.push_back(Ability::kIpv6);
    } else if (json.contains("done")) {
      done_ += json["done"].get<std::size_t>();
      const RoadSum& road = plan_.roads[json["road"].get<std::size_t>()];
      if (options_.progress) options_.progress(done_, plan_.cases() / options_.shards, progress_text(road));
    } else if (json.contains("death")) {
      deaths.add(death_from_json(json["death"]));
    } else if (json.contains("cause")) {
      add_cause(cause_from_line(json["cause"]));
    } else if (json.contains("sum")) {
      add_sum(json);
    } else {
      const CauseKey key{static_cast<Rule>(json["rule"].get<int>()), static_cast<State>(json["state"].get<int>()),
                         json["stimuli"]};
      causes[key].cases += json["cases"].get<std::uint64_t>();
    }
  }

  Causes causes{};
  Deaths deaths{};

 private:
  std::string progress_text(const RoadSum& sum) const {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    return fmt::format("{:.0f}/s, {} causes, {} {}", static_cast<double>(done_) / std::max(seconds, 0.001),
                       causes.size(), to_string(sum.road->state), sum.road->name);
  }

  // Writes a finding at once, so that it is not lost however the sweep ends.
  void add_cause(Cause cause) {
    const auto [place, fresh] = causes.try_emplace({cause.verdict.rule, cause.state, cause.stimuli});
    if (!fresh && place->second.first <= cause.first) return;
    if (fresh && !options_.findings.empty()) {
      cause.file = write_if_possible(parse_script(cause.script, "finding"), cause, options_, result_);
    } else {
      cause.file = place->second.file;
    }
    cause.cases = place->second.cases;
    place->second = std::move(cause);
  }

  void add_sum(const Json& json) {
    RoadSum& sum = result_.roads[json["sum"].get<std::size_t>()];
    const Json& counts = json["counts"];
    std::uint64_t* const into[] = {&sum.visited, &sum.answered,     &sum.silent,  &sum.ended,
                                   &sum.broken,  &sum.inconclusive, &sum.unsteady};
    for (std::size_t i = 0; i < std::size(into); ++i) *into[i] += counts[i].get<std::uint64_t>();
    for (const auto& [why, cells] : json["unreachable"].items()) sum.unreachable[why] += cells.get<std::uint64_t>();
  }

  const Plan& plan_;
  const SweepOptions& options_;
  SweepResult& result_;
  std::size_t done_ = 0;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// Plays the script of the cause alone and shortens it.
void shrink_cause(Cause& cause, Session& session, const SweepOptions& options, SweepResult& result) {
  const Scenario scenario = parse_script(cause.script, "finding");
  cause.steady = false;
  for (int i = 0; i < kTries && !cause.steady; ++i)
    cause.steady = finds(scenario, cause.verdict.rule, session, cause.beside);
  const Scenario shortest = cause.steady ? shrink(scenario, cause.verdict.rule, session, cause.beside) : scenario;
  cause.script = print_script(shortest);
  if (options.findings.empty()) return;
  const std::string first_written = cause.file;
  cause.file = write_if_possible(shortest, cause, options, result);
  if (cause.file.empty()) cause.file = first_written;
  if (!first_written.empty() && first_written != cause.file) std::remove(first_written.c_str());
}

// A target that is made again after each death, and a session on it.
class Bed {
 public:
  explicit Bed(const SweepOptions& options)
      : target_(make_target(options.target, options.own_options)), session_(*target_, of(options, *target_)) {}
  Session& session() { return session_; }

 private:
  static SessionOptions of(const SweepOptions& options, const Target& target) {
    SessionOptions made{.edition = options.edition, .strict = options.strict, .keep_trace = false, .assertions = false};
    if (target.identity().can(Ability::kVirtualTime)) made.final_wait = kDelayedAckWait;
    return made;
  }

  std::unique_ptr<Target> target_;
  Session session_;
};

// Where the implementation dies of a shorter script, the cause keeps the script that it has.
void shrink_causes(SweepResult& result, const SweepOptions& options) {
  std::vector<Cause>& causes = result.causes;
  std::optional<Bed> bed;
  for (std::size_t i = 0; i < causes.size(); ++i) {
    Cause& cause = causes[i];
    if (i < kCausesMax && !Interrupt::interrupted()) {
      try {
        if (!bed) bed.emplace(options);
        shrink_cause(cause, bed->session(), options, result);
      } catch (const TargetError&) {
        bed.reset();
      }
    }
    if (!cause.file.empty()) cause.replay = replay_command(cause.file, replay_options(options));
    if (options.progress)
      options.progress(i + 1, causes.size(), fmt::format("shrinking {}", info(cause.verdict.rule).id));
  }
}

bool covers(const Deviation& deviation, const Cause& cause) {
  const auto& states = deviation.states;
  return deviation.rule == cause.verdict.rule && (deviation.ip == 0 || deviation.ip == cause.ip) &&
         (states.empty() || std::find(states.begin(), states.end(), cause.state) != states.end());
}

}  // namespace

SweepResult sweep(const SweepOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  const Plan plan = plan_of(options);
  SweepResult result{.defect = options.own_options.defect, .edition = options.edition, .roads = plan.roads};
  result.fail_on = options.fail_on;
  Gathering gathering(plan, options, result);
  const Interrupt interrupt;
  {
    const int jobs = std::clamp(options.jobs, 1, kJobsMax);
    const auto ends = in_processes(
        jobs,
        [&](int job, const LineWriter& write_line) {
          Worker(plan, options, write_line).ask(static_cast<std::size_t>(job), static_cast<std::size_t>(jobs));
        },
        [&](const std::string& line) { gathering.take(line); });
    result.interrupted = Interrupt::interrupted();
    for (const std::string& how : ends) {
      if (!how.empty() && !result.interrupted) result.deaths.push_back(how);
    }
  }
  result.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  for (auto& [key, cause] : gathering.causes) {
    for (const Deviation& deviation : options.deviations) {
      if (covers(deviation, cause)) cause.listed = deviation.reason;
    }
    result.causes.push_back(std::move(cause));
  }
  shrink_causes(result, options);
  result.died = gathering.deaths.all();
  shrink_deaths(result.died, options);
  return result;
}

}  // namespace tcpassay
