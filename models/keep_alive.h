// SPDX-License-Identifier: Apache-2.0
// RFC 9293 section 3.8.4: keep-alives.
#pragma once

#include "models/step.h"

namespace tcpassay {

// The user chooses: SO_KEEPALIVE, idle time, interval, count.
void keep_alive_set(Step& on, const UserCall& call);

// Any segment arrives.
void keep_alive_hears(Step& on);

// <SEQ=SND.NXT-1>, empty or with one octet, while nothing is outstanding.
bool is_keep_alive(const Tcb& tcb, const Departing& seg);
void keep_alive_departs(Step& on, const Departing& seg);

// The target is silent: is a probe overdue?
void keep_alive_quiet(Step& on);

// May the connection be given up since its probes are not answered?
bool keep_alive_may_end(const Tcb& tcb, const Environment& env);

}  // namespace tcpassay
