// SPDX-License-Identifier: Apache-2.0
// Karn's algorithm (RFC 6298 section 3): no round trip is measured of a segment that was sent again. A timeout that is
// as long as such a sample would have made it, and not as any other sample does, shows that one was taken.
#pragma once

#include "models/event.h"

namespace tcpassay {

struct RetransmissionTimer;
struct Step;
struct Tcb;

inline constexpr Time kTimerTick = std::chrono::milliseconds(500);  // of the coarsest timers in use

// A timeout may seem shorter than it was, since the clocks of the target and of the trace run at different rates.
constexpr Time by_another_clock(Time time) {
  return time - time / 20;
}

namespace karn {

// The timeout if nothing was measured of what left again.
Time greatest_timeout(const RetransmissionTimer& timer);
// The SYN was sent more than once, and its round trip was measured: the timer has expired after `shortest` or more.
bool syn_was_measured(const Tcb& tcb, Time shortest);
// An ACK covers only what fast retransmit has sent again.
void loss_is_acknowledged(Step& on);
// The timer has expired after `shortest` to `longest`, and can have been no shorter than `least`. Refuses, and returns
// false, when only the sample of such an ACK explains this.
bool loss_was_not_measured(Step& on, Time least, Time shortest, Time longest);

}  // namespace karn
}  // namespace tcpassay
