// SPDX-License-Identifier: Apache-2.0
// The cases of a sweep during which the implementation crashed, hung or was killed, reduced to causes.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "harness/base/text.h"
#include "harness/check/deviations.h"
#include "harness/report/replay_command.h"
#include "harness/script/scenario.h"
#include "models/event.h"

namespace tcpassay {

struct SweepOptions;

// One way to die in one state.
struct DeathCause {
  State state{};
  std::string how{};  // as reported the first time
  std::uint64_t cases = 0;
  std::uint64_t first = 0;  // number of the case that stands for all of them
  std::uint8_t ip = 4;
  std::string road{}, stimulus{}, script{};  // of that case
  std::string file{}, replay{};
  bool steady = true;    // it occurred again when the script was played alone
  std::string listed{};  // the reason, if it is a listed death
};

// Deaths by state and by what is told of them, numbers left out: addresses and processes differ.
class Deaths {
 public:
  // Counts one; true if it is the first of its kind.
  bool add(const DeathCause& death);
  std::vector<DeathCause> all() const;

 private:
  std::map<std::pair<State, std::string>, DeathCause> causes_{};
};

// How a script of a sweep is played again.
ReplayOptions replay_options(const SweepOptions& options);

nlohmann::ordered_json to_json(const DeathCause& death);
DeathCause death_from_json(const nlohmann::ordered_json& json);

// Plays the script of each cause alone, leaves out the steps that are not needed, writes it to options.findings, and
// looks for it among the listed deaths.
void shrink_deaths(std::vector<DeathCause>& deaths, const SweepOptions& options);

std::string deaths_text(const std::vector<DeathCause>& deaths, const TextStyle& style);
nlohmann::ordered_json deaths_json(const std::vector<DeathCause>& deaths);

}  // namespace tcpassay
