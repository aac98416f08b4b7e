// SPDX-License-Identifier: Apache-2.0
// RFC 9293 section 3.10.7, SEGMENT ARRIVES: everything that a conforming endpoint may do.
#pragma once

#include "models/step.h"

namespace tcpassay {

// One segment at one possible TCB. The replies it calls for stand in the TCB afterwards.
void segment_arrives(Step& on, const Arriving& seg);

// How a segment stands to the receive window (3.10.7.4, Table 6). Where RCV.NXT or the right edge are not known exactly
// there is a region in which either answer is right. `offers_seen`: all windows that the target has offered were seen.
enum class Acceptable : std::uint8_t { kNo, kYes, kEither };
Acceptable acceptable(const Tcb& tcb, const Arriving& seg, bool offers_seen = true);

// The time-wait timer starts, the others are turned off.
void start_time_wait(Step& on);

// 3.10.8 and 3.8.3: what the passage of time may or must have done by now. `time_matters` is a quick look before.
bool time_matters(const Tcb& tcb, const Environment& env);
Time kept_by_user_at_most(const Tcb& tcb);  // by then the timeout that the user has set has ended the connection
Time user_limit(const Tcb& tcb);            // R2, or the user timeout: before then the connection is not given up
void time_passes(Step& on);
// USER TIMEOUT: flush all queues, signal the user, delete the TCB. A reset may be sent to tell the peer.
void user_timeout(Step& on);
// The same before R2, which SHOULD be at least 100 seconds (3.8.3).
void gives_up_early(Step& on);

}  // namespace tcpassay
