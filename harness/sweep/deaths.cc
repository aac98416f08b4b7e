// SPDX-License-Identifier: Apache-2.0
#include "harness/sweep/deaths.h"

#include <fmt/format.h>

#include <cctype>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "harness/report/replay_command.h"
#include "harness/script/parse.h"
#include "harness/session/finding.h"
#include "harness/session/session.h"
#include "harness/sweep/sweep.h"
#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShrunkMax = 20;  // causes whose scripts are shortened

// What is told without its numbers.
std::string kind_of(const std::string& how) {
  std::string kind;
  for (const char c : how) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) kind += c;
  }
  return kind.substr(0, 100);
}

// Plays scripts on targets that may die.
class Mortal {
 public:
  explicit Mortal(const SweepOptions& options) : options_(options) {}

  // What is told of the death, or nothing when the scenario comes to its end.
  std::optional<std::string> death_of(const Scenario& scenario) {
    try {
      if (!target_) target_ = make_target(options_.target, options_.own_options);
      SessionOptions session_options{
          .edition = options_.edition, .strict = options_.strict, .keep_trace = false, .assertions = false};
      if (target_->identity().can(Ability::kVirtualTime)) session_options.final_wait = kDelayedAckWait;
      Session(*target_, session_options).play(scenario);
    } catch (const TargetDied& died) {
      target_.reset();
      return died.what();
    } catch (const TargetError&) {
      target_.reset();
    }
    return std::nullopt;
  }

 private:
  const SweepOptions& options_;
  std::unique_ptr<Target> target_;
};

// Leaves out each step, from the last to the first, without which the implementation dies in the same way.
Scenario shrink_death(Scenario scenario, const std::string& how, Mortal& mortal) {
  for (std::size_t i = scenario.steps.size(); i > 0; --i) {
    Scenario shorter = scenario;
    shorter.steps.erase(shorter.steps.begin() + static_cast<std::ptrdiff_t>(i - 1));
    const auto death = mortal.death_of(shorter);
    if (death && kind_of(*death) == kind_of(how)) scenario = std::move(shorter);
  }
  return scenario;
}

}  // namespace

ReplayOptions replay_options(const SweepOptions& options) {
  return {.target = options.target,
          .defect = options.own_options.defect,
          .legal_variants = options.own_options.legal_variants,
          .edition = options.edition,
          .strict = options.strict};
}

bool Deaths::add(const DeathCause& death) {
  const auto [place, fresh] = causes_.try_emplace({death.state, kind_of(death.how)}, death);
  if (fresh) return true;
  DeathCause& known = place->second;
  const std::uint64_t cases = known.cases + death.cases;
  if (death.first < known.first) known = death;
  known.cases = cases;
  return false;
}

std::vector<DeathCause> Deaths::all() const {
  std::vector<DeathCause> all;
  for (const auto& [key, death] : causes_) all.push_back(death);
  return all;
}

Json to_json(const DeathCause& death) {
  return {{"state", static_cast<int>(death.state)},
          {"how", death.how},
          {"cases", death.cases},
          {"first", death.first},
          {"ip", death.ip},
          {"road", death.road},
          {"stimulus", death.stimulus},
          {"script", death.script}};
}

DeathCause death_from_json(const Json& json) {
  return {.state = static_cast<State>(json["state"].get<int>()),
          .how = json["how"],
          .cases = json["cases"],
          .first = json["first"],
          .ip = json["ip"],
          .road = json["road"],
          .stimulus = json["stimulus"],
          .script = json["script"]};
}

void shrink_deaths(std::vector<DeathCause>& deaths, const SweepOptions& options) {
  Mortal mortal(options);
  for (std::size_t i = 0; i < deaths.size(); ++i) {
    DeathCause& death = deaths[i];
    for (const ListedDeath& listed : options.listed_deaths) {
      if (death.how.find(listed.text) != std::string::npos) death.listed = listed.reason;
    }
    const Scenario scenario = parse_script(death.script, "finding");
    const auto again = i < kShrunkMax ? mortal.death_of(scenario) : std::nullopt;
    death.steady = i >= kShrunkMax || again.has_value();
    const Scenario shortest = again ? shrink_death(scenario, *again, mortal) : scenario;
    if (options.findings.empty()) continue;
    try {
      death.file = write_finding(shortest, "died", options.findings);
      death.replay = replay_command(death.file, replay_options(options));
    } catch (const std::runtime_error& error) {
      death.replay = fmt::format("not written: {}", error.what());
    }
  }
}

std::string deaths_text(const std::vector<DeathCause>& deaths, const TextStyle& style) {
  std::string text;
  for (const DeathCause& death : deaths) {
    const std::string listed = death.listed.empty() ? "" : " (listed: " + death.listed + ")";
    text += "\n" + painted(wrapped(fmt::format("DIED in {}: {}{}", to_string(death.state), death.how, listed),
                                   style.columns, 2),
                           kAnsiRed, style);
    text += "\n" + wrapped(fmt::format("  {} cases; first {}, {}{}", death.cases, death.road, death.stimulus,
                                       death.steady ? "" : "; not again when played alone"),
                           style.columns, 4);
    text += "\n" + (death.replay.empty() ? "" : fmt::format("  replay:  {}\n", death.replay));
  }
  return text;
}

Json deaths_json(const std::vector<DeathCause>& deaths) {
  Json all = Json::array();
  for (const DeathCause& death : deaths) {
    all.push_back({{"state", to_string(death.state)},
                   {"how", death.how},
                   {"cases", death.cases},
                   {"road", death.road},
                   {"stimulus", death.stimulus},
                   {"ip", death.ip},
                   {"steady", death.steady},
                   {"listed", death.listed},
                   {"file", death.file},
                   {"replay", death.replay}});
  }
  return all;
}

}  // namespace tcpassay
