// SPDX-License-Identifier: Apache-2.0
// What the sender of text makes of the peer's SACK options: RFC 2018 section 5, RFC 6675, and the loss probes of RFC
// 8985.
#pragma once

#include "models/step.h"

namespace tcpassay {

// What an acceptable ACK changes, told with the SND.UNA and SND.WND there were before it.
void report_arrives(Step& on, const Arriving& seg, SndSeq una, std::uint32_t wnd);

// A segment with octets that had left before departs; `end` is behind its last. Before SND.NXT moves.
void text_departs_again(Step& on, const Departing& seg, SndSeq end);

// The target falls quiet: what an ACK has shown to be lost should have left again.
void recovery_falls_quiet(Step& on);

// Was this octet reported before the retransmission timer expired?
bool was_reported(const Tcb& tcb, SndSeq seq);

}  // namespace tcpassay
