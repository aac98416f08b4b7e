// SPDX-License-Identifier: Apache-2.0
// RFC 7323 section 2: the Window Scale option, and windows whose right edge moves left because scaling rounds.
#pragma once

#include "models/step.h"

namespace tcpassay {

// SEG.WND in octets.
std::uint32_t window_of(const Tcb& tcb, const Arriving& seg);
void scale_of_syn(Tcb& tcb, const Arriving& syn);
// SND.WND is about to be replaced by the window of this segment.
void window_arrives(Step& on, const Arriving& seg);
// Text or an option has arrived in one of "other states" and was processed as far as its sequence number allowed.
void scale_recorded(Step& on, const Arriving& seg, RcvSeq nxt);

// False for a segment without SYN that carries Window Scale (2.1).
bool scale_stands_on_syns_only(Step& on, const Departing& seg);
void scale_departs_on_syn(Step& on, const Departing& syn, bool again);
// The rule that new text up to `end` breaks when `end` lies beyond the window.
Rule beyond_window(const Tcb& tcb, SndSeq end);
// New text inside the window; false when it was cut as if the window had not been scaled.
bool text_in_scaled_window(Step& on, SndSeq seq, SndSeq end, bool whole);
// The window of a departing segment; false when it is refused.
bool scaled_window_offered(Step& on, const Departing& seg, RcvSeq edge);

}  // namespace tcpassay
