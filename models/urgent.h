// SPDX-License-Identifier: Apache-2.0
// RFC 9293 section 3.8.5 and RFC 6093: urgent pointers that arrive and depart, and what the user is told of them.
#pragma once

#include "models/step.h"

namespace tcpassay {

// SEND with the urgent flag, after snd_end has moved.
void urgent_given(Step& on);

// For each departing segment other than SYN and RST. False when it is refused.
bool urgent_departs(Step& on, const Departing& seg);

// 3.10.7.4, Sixth: for each acceptable segment.
void urgent_arrives(Step& on, const Arriving& seg);

// The same for a segment whose URG may or may not count: from then on it is open what the user is told.
void urgent_may_arrive(Candidate& tcb, const Arriving& seg);

// poll: is the user told that urgent octets wait?
void priority_polled(Step& on, const UserCall& call);

// SIOCATMARK: is the next octet to read at the mark?
void mark_asked(Step& on, const UserCall& call);

// The user has read [from, to), all of it as it was sent. False when it is refused.
bool urgent_read(Step& on, RcvSeq from, RcvSeq to);

// Out of line: whether this octet may be the urgent one, which is not read with the others. It is none but once.
bool urgent_octet_left_out(Candidate& tcb, RcvSeq octet);

// The user has read up to RCV.USER: what urgent octets lie behind is known again.
void urgent_consumed(Candidate& tcb);

// Which rule a wrong octet in a read breaks.
Rule misread(const Candidate& tcb, Rule otherwise);

}  // namespace tcpassay
