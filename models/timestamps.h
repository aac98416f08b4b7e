// SPDX-License-Identifier: Apache-2.0
// RFC 7323 sections 3 to 5: the Timestamps option, the value that is echoed, and protection against wrapped sequence
// numbers (PAWS).
#pragma once

#include "models/step.h"

namespace tcpassay {

inline constexpr Time kSlowestTick = std::chrono::seconds(1);  // RFC 7323 section 5.4: 1 ms to 1 s

// The variables of a TCB before a segment was processed, as far as TS.Recent depends on them.
struct BeforeSegment {
  RcvSeq acked{}, nxt{}, nxt_max{};
  State state{};
  bool gap = false;  // text beyond a gap was held
};
BeforeSegment before_segment(const Tcb& tcb);

// How far a segment has come in 3.10.7.4.
enum class Reached : std::uint8_t { kSequence, kReset, kEarly, kPass };

void timestamps_of_syn(Tcb& tcb, const Arriving& syn, Time now);
// R1 of section 5.3, and a segment without the option: true when the target drops the segment.
bool dropped_by_timestamps(Step& on, const Arriving& seg);
// R3 of section 5.3 and section 4.3: TS.Recent after the segment was processed.
void timestamps_recorded(Step& on, const Arriving& seg, const BeforeSegment& before, Reached reached);
// Section 5.2: what a RST that was prompted by this segment should carry.
void reset_prompted(Tcb& tcb, const Arriving& seg, State before);

// The option on a departing segment. `again`: some of it was sent before.
void timestamps_depart(Step& on, const Departing& seg, bool again);
void timestamps_depart_on_syn(Step& on, const Departing& syn, bool again);
void timestamps_depart_on_reset(Step& on, const Departing& rst);

}  // namespace tcpassay
