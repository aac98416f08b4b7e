// SPDX-License-Identifier: Apache-2.0
// What the sections of SEGMENT ARRIVES share.
#pragma once

#include "models/segment_arrives.h"

namespace tcpassay {

// 3.5.2: a RST whose numbers are acceptable to the sender of the offending segment.
Reply reset_reply(const Arriving& seg, Rule rule, bool must);

// The same for a connection that has sequence numbers of its own: either SEQ is right.
Reply reset_reply(const Tcb& tcb, const Arriving& seg, Rule rule);

// SND.WND <- SEG.WND, SND.WL1 <- SEG.SEQ, SND.WL2 <- SEG.ACK
void take_window(Step& on, const Arriving& seg);

// SND.UNA < SEG.ACK =< SND.NXT, by distances, so that a number half the space away is not taken for new.
bool acks_new(const Tcb& tcb, SndSeq ack);

// SND.UNA <- SEG.ACK, and what is thereby acknowledged leaves the retransmission queue.
void advance_snd_una(Step& on, SndSeq ack);

// TIME-WAIT ends by then, when its timer starts now.
Time later_end(const Step& on);

// A FIN was seen: it takes effect when all before it has been taken, which is sure, open, or not yet so.
void reach_fin(Step& on, bool in_window);

// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> in answer to what may be an attack (RFC 5961); repeats may be throttled.
void challenge(Step& on, Rule rule);

// The eight steps of 3.10.7.4, in their order.
enum class Then { kProceed, kReturn };
Then check_sequence_number(Step& on, const Arriving& seg);
Then check_rst_bit(Step& on, const Arriving& seg);
Then check_security(Step& on, const Arriving& seg);
Then check_syn_bit(Step& on, const Arriving& seg);
Then check_ack_field(Step& on, const Arriving& seg);
Then check_urg_bit(Step& on, const Arriving& seg);
Then process_segment_text(Step& on, const Arriving& seg);
Then check_fin_bit(Step& on, const Arriving& seg);

}  // namespace tcpassay
