// SPDX-License-Identifier: Apache-2.0
// Selective acknowledgment: RFC 2018 and its extension for duplicates, RFC 2883.
#pragma once

#include "models/step.h"

namespace tcpassay {

// RFC 2018 section 2: the peer's SYN permits SACK options, or does not.
void take_sack_permitted(Tcb& tcb, const Arriving& syn);

// A segment arrives in a synchronized state: does it have octets that arrived before? Called before RCV.NXT moves.
void note_duplicate(Tcb& tcb, const Arriving& seg);
// The text of the segment lies ahead of a gap, so the ACK that it calls for has this text in its first block.
void triggers_sack(Tcb& tcb, Span text);
// Is this the octet behind the highest that was reported? Some stacks accept a RST there.
bool at_sack_edge(const Tcb& tcb, RcvSeq seq);

// RFC 2018 section 4 and RFC 2883 section 4: judges the SACK option of a departing segment, or that it has none. `open`
// is text that the target may have taken before it sent this segment.
void blocks_depart(Step& on, const Departing& seg, Span open);

}  // namespace tcpassay
