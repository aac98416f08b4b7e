// SPDX-License-Identifier: Apache-2.0
// Selective acknowledgment: RFC 2018 and its extension for duplicates, RFC 2883.
#pragma once

#include "models/step.h"

namespace tcpassay {

// RFC 2018 section 2: the peer's SYN gives permission, or not.
void take_sack_permitted(Tcb& tcb, const Arriving& syn);

// A segment arrives in a synchronized state: does it bring octets again? Before RCV.NXT moves.
void note_duplicate(Tcb& tcb, const Arriving& seg);
// Its text lies ahead of a gap, so the first block of the ACK that it calls for holds it.
void triggers_sack(Tcb& tcb, Span text);
// The octet behind the highest that was reported: some stacks take a RST there.
bool at_sack_edge(const Tcb& tcb, RcvSeq seq);

// RFC 2018 section 4 and RFC 2883 section 4: what the SACK option of this segment says, or that there is none. `open`
// is text that the target may have taken before it sent this.
void blocks_depart(Step& on, const Departing& seg, Span open);

}  // namespace tcpassay
