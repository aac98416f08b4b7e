// SPDX-License-Identifier: Apache-2.0
#include "models/karn.h"

#include <algorithm>

#include "models/step.h"

namespace tcpassay::karn {
namespace {

// No clock, however coarse, makes this of a timeout.
Time beyond_doubt(Time timeout) {
  return timeout + timeout / 4 + kTimerTick;
}

// A timeout of `rto`, which is a second at least (2.4), is what was seen.
bool explains(Time rto, Time shortest, Time longest) {
  rto = std::max<Time>(rto, kRtoMin);
  return by_another_clock(rto) <= longest && by_another_clock(shortest) <= rto + kClockSlack;
}

}  // namespace

Time greatest_timeout(const RetransmissionTimer& timer) {
  return std::max<Time>({timer.all.rto(), timer.text.rto(), kRtoMin});
}

// The timeout is 3 s (5.7) or as far as it had backed off, which `first` tells until there is a sample.
bool syn_was_measured(const Tcb& tcb, Time shortest) {
  const RetransmissionTimer& timer = tcb.timer;
  const bool known = tcb.rexmits == 0 && timer.samples == 0 && timer.first > Time{} && !tcb.fast_open.opened;
  return known && shortest > timer.first + timer.first / 2 + kRtoMin;
}

void loss_is_acknowledged(Step& on) {
  RetransmissionTimer& timer = on.tcb.timer;
  const bool known = timer.exact && timer.text.srtt >= Time{} && timer.first_left >= Time{};
  if (!known || timer.of_resent >= Time{}) return;
  const Time rtt = std::min(on.env.since - timer.first_left, kRoundTripMax);
  RetransmissionTimer::Estimate all = timer.all, text = timer.text;
  all.sample(rtt);
  text.sample(rtt);
  timer.of_resent = all.rto();
  timer.of_resent_text = text.rto();
}

bool loss_was_not_measured(Step& on, Time least, Time shortest, Time longest) {
  const RetransmissionTimer& timer = on.tcb.timer;
  if (!timer.exact || timer.of_resent < Time{}) return true;
  const Time most = beyond_doubt(greatest_timeout(timer));
  const bool allowed = by_another_clock(least) <= longest && shortest <= most;
  const bool measured =
      explains(timer.of_resent, shortest, longest) || explains(timer.of_resent_text, shortest, longest);
  if (!allowed && measured) return on.refuse(Rule::R6298_3_karn, 1);
  if (allowed && most < timer.of_resent) on.cite(Rule::R6298_3_karn);
  return true;
}

}  // namespace tcpassay::karn
