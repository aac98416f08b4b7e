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

// What the peer's SYN says beside its sequence number.
void take_options(Step& on, const Arriving& syn);

// Text and FIN of a SYN may wait for ESTABLISHED, or for their retransmission.
void queue_from_syn(Step& on, const Arriving& syn);

// TIME-WAIT ends by then, when its timer starts now.
Time later_end(const Step& on);

// A FIN was seen: it takes effect when all before it has been taken, which is sure, open, or not yet so.
void reach_fin(Step& on, bool in_window);

// The rule by which the latest segment, cut at the right edge (`Tcb::cut`), is not taken beyond it: at a closed window
// nothing is, but for the octet of a probe (3.8.6.1).
Rule takes_beyond_edge(const Tcb& tcb);
void cut_at_closed_window(Step& on, const Arriving& seg);

// RFC 5961 section 7: the target may withhold a challenge ACK now, since it sent one a short time ago.
bool challenged_recently(const Step& on);
// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> in answer to what may be an attack (RFC 5961); repeats may be throttled.
void challenge(Step& on, Rule rule);

// What follows a step.
enum class Then {
  kProceed,         // the next step
  kReturn,          // nothing: the segment is done with
  kAckField,        // the segment is unacceptable, but its ACK field is used; then it is done with
  kAckFieldAndFin,  // ... and then a FIN that waits may be next in sequence
};

// SHLD-3: text arrives, and the user, who has called CLOSE, will never receive it. Answers kReturn, or kProceed when
// the text is taken and acknowledged first.
Then reset_as_user_is_gone(Step& on, const Arriving& seg, bool text_first = false);

// The sections of 3.10.7, one for each of these states and one for all others.
void closed_state(Step& on, const Arriving& seg);    // 3.10.7.1
void listen_state(Step& on, const Arriving& seg);    // 3.10.7.2
void syn_sent_state(Step& on, const Arriving& seg);  // 3.10.7.3
void other_states(Step& on, const Arriving& seg);    // 3.10.7.4

// The eight steps of 3.10.7.4, in their order.
Then check_sequence_number(Step& on, const Arriving& seg);
Then check_rst_bit(Step& on, const Arriving& seg);
Then check_security(Step& on, const Arriving& seg);
Then check_syn_bit(Step& on, const Arriving& seg);
Then check_ack_field(Step& on, const Arriving& seg);
Then check_urg_bit(Step& on, const Arriving& seg);
Then process_segment_text(Step& on, const Arriving& seg);
Then check_fin_bit(Step& on, const Arriving& seg);

}  // namespace tcpassay
