// SPDX-License-Identifier: Apache-2.0
// RFC 9293 section 3.8.4: keep-alives.
#pragma once

#include "models/step.h"

namespace tcpassay {

// The user chooses: SO_KEEPALIVE, idle time, interval, count.
constexpr bool is_of_keep_alive(SocketOption option) {
  return SocketOption::kKeepAlive <= option && option <= SocketOption::kKeepCount;
}
void keep_alive_set(Step& on, const UserCall& call);

// A segment arrives, whatever it is: the connection is not idle.
void keep_alive_hears(Step& on, const Arriving& seg);

// <SEQ=SND.NXT-1>, empty or with one octet, while nothing is outstanding.
bool is_keep_alive(const Tcb& tcb, const Departing& seg);
void keep_alive_departs(Step& on, const Departing& seg);

// The target is quiet: is a probe overdue?
void keep_alive_quiet(Step& on);

// May the target end the connection because its probes were not answered?
bool keep_alive_may_end(const Tcb& tcb, const Environment& env);

}  // namespace tcpassay
