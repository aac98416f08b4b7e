// SPDX-License-Identifier: Apache-2.0
// 3.10.7.4: a segment arrives in one of the other states. The eight steps, and what other RFCs put before the first.
#include "models/segment_arrives_steps.h"
#include "models/selective_acknowledgment.h"
#include "models/time_wait.h"
#include "models/timestamps.h"
#include "models/urgent.h"
#include "models/window_scale.h"

namespace tcpassay {
namespace {

// RFC 6191 section 2: in TIME-WAIT a SYN may begin a new connection, whatever the eight steps would make of it.
Then check_syn_in_time_wait(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  if (tcb.state != State::kTimeWait) return Then::kProceed;
  if (seg.ctl.syn && !seg.ctl.ack && !seg.ctl.rst) {
    const SynInTimeWait then = syn_in_time_wait(on, seg);
    if (then == SynInTimeWait::kBegins) listen_state(on, seg);
    if (then != SynInTimeWait::kProceeds) return Then::kReturn;
    on.time_wait_syn_proceeds = true;
  }
  if (seg.seq < tcb.time_wait.least_seq) tcb.time_wait.least_seq = seg.seq;
  return Then::kProceed;
}

// After CLOSE in SYN-RECEIVED the text that came with the SYN is taken when the handshake goes on, or lost to a user
// who has gone.
Then take_text_of_syn(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  if (tcb.state == State::kSynReceived || tcb.syn_text_end <= tcb.rcv_nxt_max || tcb.rcv_fin || !tcb.fin_queued) {
    return Then::kProceed;
  }
  if (tcb.user_gone && on.may(Freedom::kTextThatWaitedResets)) return reset_as_user_is_gone(on, seg);
  tcb.rcv_nxt_max = tcb.syn_text_end;
  on.allow_ack();
  return Then::kProceed;
}

// RFC 7323 section 5.3, R1: a segment whose timestamp is too old is dropped before its sequence number is looked at.
Then check_timestamp(Step& on, const Arriving& seg) {
  return dropped_by_timestamps(on, seg) ? Then::kReturn : Then::kProceed;
}

// RFC 2883: text that has come before is reported.
Then check_repeated_text(Step& on, const Arriving& seg) {
  note_duplicate(on.tcb, seg);
  return Then::kProceed;
}

// "The idealized segment" begins at RCV.NXT. In a simultaneous open the SYN of the peer's SYN,ACK has come before: when
// text follows it, the SYN may be trimmed off.
std::optional<Arriving> without_syn(Step& on, const Arriving& seg) {
  const Tcb& tcb = on.tcb;
  const bool crossing = tcb.state == State::kSynReceived && !tcb.passive && seg.ctl.syn && seg.ctl.ack &&
                        !seg.ctl.rst && seg.seq == tcb.irs && acks_new(tcb, seg.ack) && seg.len() > 1;
  if (!crossing || !on.may(Freedom::kSynTrimmed)) return {};
  Arriving ideal = seg;
  ideal.ctl.syn = false;
  on.tcb.scale.syn_trimmed = true;
  ideal.seq = seg.seq + 1;
  if (ideal.up > 0) --ideal.up;  // it points where it did
  if (ideal.up == 0) ideal.ctl.urg = false;
  return ideal;
}

using StepFn = Then (*)(Step&, const Arriving&);

constexpr StepFn kBeforeFirst[] = {
    check_syn_in_time_wait,
    take_text_of_syn,
    check_timestamp,
    check_repeated_text,
};

constexpr StepFn kEightSteps[] = {
    check_sequence_number,  // First
    check_rst_bit,          // Second
    check_security,         // Third
    check_syn_bit,          // Fourth
    check_ack_field,        // Fifth
    check_urg_bit,          // Sixth
    process_segment_text,   // Seventh
    check_fin_bit,          // Eighth
};
constexpr int kSteps = 8;

Then before_first(Step& on, const Arriving& seg) {
  for (const StepFn step : kBeforeFirst) {
    if (step(on, seg) == Then::kReturn) return Then::kReturn;
  }
  return Then::kProceed;
}

Reached eight_steps(Step& on, const Arriving& seg) {
  Then then = Then::kProceed;
  int step = 0;
  while (step < kSteps && (then = kEightSteps[step](on, seg)) == Then::kProceed) ++step;
  if (then == Then::kAckField || then == Then::kAckFieldAndFin) check_ack_field(on, seg);
  if (then == Then::kAckFieldAndFin) reach_fin(on, true);
  if (step == 0) return Reached::kSequence;
  if (step == 1) return Reached::kReset;
  return step <= 4 ? Reached::kEarly : Reached::kPass;
}

// What is to be noted of a segment, however far it came.
void after_the_steps(Step& on, const Arriving& seg, const BeforeSegment& before, Reached reached) {
  if (reached != Reached::kPass && !on.urgent_processed) urgent_may_arrive(on.tcb, seg);
  timestamps_recorded(on, seg, before, reached);
  if (reached == Reached::kPass) scale_recorded(on, seg, before.nxt);
}

}  // namespace

// 3.10.7.4. Other States
void other_states(Step& on, const Arriving& seg) {
  if (before_first(on, seg) == Then::kProceed) {
    const BeforeSegment before = before_segment(on.tcb);
    const std::optional<Arriving> trimmed = without_syn(on, seg);
    const Reached reached = eight_steps(on, trimmed ? *trimmed : seg);
    on.tcb.scale.syn_trimmed = false;
    after_the_steps(on, seg, before, reached);
  }
  // A SYN in TIME-WAIT that is answered might as well have been dropped: without an answer it would have been.
  if (on.time_wait_syn_proceeds) on.tcb.ack_now_must = on.tcb.ack_now;
}

}  // namespace tcpassay
