// SPDX-License-Identifier: Apache-2.0
#include "harness/script/schedule.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <variant>

namespace tcpassay {

using std::chrono::microseconds;
using std::chrono::milliseconds;

Schedule::Schedule(const std::vector<std::string>& options) {
  constexpr std::string_view kTolerance = "--tolerance_usecs=";
  for (const auto& option : options) {
    if (option.starts_with(kTolerance)) tolerance_ = microseconds(std::atoll(option.c_str() + kTolerance.size()));
  }
}

Schedule::Slot Schedule::next(const StepTime& time) {
  const bool relative = time.form == StepTime::Form::kRelative || time.form == StepTime::Form::kRelativeRange;
  const bool range = time.form == StepTime::Form::kRelativeRange || time.form == StepTime::Form::kAbsoluteRange;
  const Time base = relative ? last_ : Time{};
  Slot slot;
  if (time.form == StepTime::Form::kAny) {
    slot.any = true;
    slot.from = slot.until = last_;
    return slot;
  }
  slot.from = base + time.at;
  slot.until = range ? base + time.to : slot.from;
  slot.tolerance = tolerance_.value_or(std::max<Time>(milliseconds(4), (slot.until - last_) / 8));
  if (time.returns) slot.returns = base + *time.returns;
  last_ = slot.from;
  return slot;
}

Time length_of(const Scenario& scenario, Time round_trip) {
  Schedule schedule(scenario.options);
  Time end{}, answers{};
  for (const auto& step : scenario.steps) {
    const Schedule::Slot slot = schedule.next(step.time);
    end = std::max({end, slot.from, slot.returns.value_or(Time{})});
    if (std::holds_alternative<Inject>(step.action)) answers += round_trip;
  }
  return (end + answers) * (scenario.about.peers * scenario.about.rounds);
}

}  // namespace tcpassay
