// SPDX-License-Identifier: Apache-2.0
// 3.10.7.4, Second to Fourth: check the RST bit, security, the SYN bit.
#include "models/segment_arrives_steps.h"
#include "models/selective_acknowledgment.h"

namespace tcpassay {

// RFC 5961 section 7 limits the challenge ACKs of a host: one that left on another connection counts.
bool challenged_recently(const Step& on) {
  const Time last = std::max(on.tcb.challenge.at, on.env.challenged);
  return last >= Time{} && on.env.now - last < kThrottlePeriod;
}

// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> in answer to what may be an attack (RFC 5961); repeats may be throttled.
void challenge(Step& on, Rule rule) {
  Candidate& tcb = on.tcb;
  if (challenged_recently(on) && on.may(Rule::R5961_7_throttle)) return;
  tcb.challenge.at = on.env.now;
  on.cite(rule);
  on.acknowledge_now(rule);
}

namespace {

bool reaches(const Tcb& tcb, RcvSeq seq) {
  return tcb.rcv_nxt <= seq && seq <= tcb.rcv_nxt_max;
}

// Return to the LISTEN state; or to TIME-WAIT, when the SYN that ended it was old (3.6.1, MAY-2).
void back_to_listen(Step& on, Rule rule) {
  Candidate& tcb = on.tcb;
  const bool back =
      tcb.former.kept && !on.may(tcb.timestamped() ? Freedom::kStaysReopenedByStamps : Freedom::kStaysReopened);
  on.delete_tcb(rule);
  if (on.env.listening) tcb.state = State::kListen;
  if (!back) return;
  tcb.state = State::kTimeWait;
  tcb.passive = false;  // nobody waits for it
  tcb.snd_una = tcb.snd_nxt = tcb.snd_end = tcb.former.snd_nxt;
  tcb.rcv_nxt = tcb.rcv_nxt_max = tcb.rcv_acked = tcb.former.rcv_nxt;
  tcb.rcv_edge = tcb.rcv_far = tcb.former.rcv_nxt;
  tcb.scale = tcb.former.scale;
  tcb.scaled_offered = tcb.former.scaled_offered;
  tcb.rcv_fin = tcb.was_open = true;
  tcb.edge_known = tcb.former.kept = false;
  tcb.stamps = {};  // those of the SYN say nothing of it, and what it echoed last is not remembered
  tcb.stamps.offered = tcb.stamps.peer = tcb.former.stamped;
  tcb.stamps.unsure = true;
}

// The connection is reset by the peer: queues are flushed, the user is told.
void reset_by_peer(Step& on, Rule exact) {
  Candidate& tcb = on.tcb;
  on.cite(exact);
  tcb.was_open = tcb.was_open || synchronized(tcb.state);  // also when the user closed in SYN-RECEIVED
  switch (tcb.state) {
    case State::kSynReceived:
      on.cite_later(Rule::MUST_11);
      if (tcb.passive) {
        back_to_listen(on, Rule::SA4_2_passive);
      } else {
        tcb.signal = Signal::kRefused;
        on.delete_tcb(Rule::SA4_2_active);
      }
      break;
    case State::kEstablished:
    case State::kFinWait1:
    case State::kFinWait2:
    case State::kCloseWait:
      tcb.signal = Signal::kReset;
      on.delete_tcb(Rule::SA4_2_established);
      break;
    default:
      on.delete_tcb(Rule::SA4_2_closing);
      break;
  }
}

}  // namespace

// Second, check the RST bit:
Then check_rst_bit(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  if (!seg.ctl.rst) return Then::kProceed;
  on.cite(Rule::S3_5_2_rst_on_rst);
  if (tcb.state == State::kTimeWait) {
    const bool ignored = on.may(Rule::R1337_3_F1);
    if (tcb.time_wait.acknowledged) on.cite(Rule::R1337_2_hazard, ignored);  // it may be what our own ACK has drawn
    if (ignored) {
      tcb.time_wait.ignored_rst = true;
      return Then::kReturn;
    }
    if (tcb.stamps.on()) on.cite(Rule::R1337_3_F2, tcb.time_wait.ignored_rst);
  }
  if (tcb.stamps.on() && seg.opt.timestamps && seg.opt.timestamps->echo != tcb.stamps.last &&
      on.may(Rule::R7323_5_2_rst_tsecr)) {
    if (!on.may(Freedom::kOddEchoUnanswered)) challenge(on, Rule::SA4_2_inexact);
    return Then::kReturn;
  }
  if (reaches(tcb, seg.seq)) {
    if (tcb.rcv_nxt != tcb.rcv_nxt_max && on.may(Freedom::kRstMissesAckPoint)) {  // what RCV.NXT is, is not known
      challenge(on, Rule::SA4_2_inexact);
      return Then::kReturn;
    }
    on.cite_later(Rule::R5961_3_2_exact);
    const Challenge::By challenged = tcb.challenge.drawn_by;
    const bool closed_window = tcb.rcv_edge == tcb.rcv_nxt;
    reset_by_peer(on, Rule::SA4_2_exact);
    // What is cited last is blamed first: the rule that says the most.
    if (closed_window) on.cite_later(Rule::MUST_66);
    if (!seg.text.empty()) on.cite_later(Rule::SHLD_2);
    if (challenged == Challenge::By::kRst) on.cite_later(Rule::R5961_3_2_legit);
    if (challenged == Challenge::By::kSyn) on.cite_later(Rule::R5961_4_2_rst);
    return Then::kReturn;
  }
  if (at_sack_edge(tcb, seg.seq) &&
      on.may(Freedom::kRstAtSackEdge)) {  // the RST of a peer that believes the gap to be filled
    reset_by_peer(on, Rule::SA4_2_established);
    return Then::kReturn;
  }
  if (on.since(Edition::k9293) && on.trait(Trait::kChallengesRst)) {
    on.cite(Rule::R5961_3_2_scope);
    on.cite(Rule::R5961_3_2_inexact);
    if (!seg.text.empty()) on.cite_later(Rule::R5961_3_2_drop);
    challenge(on, Rule::SA4_2_inexact);
    tcb.challenge.drawn_by = Challenge::By::kRst;
    on.survives(Rule::SA4_2_inexact);
    return Then::kReturn;
  }
  on.depart(Rule::R5961_3_2_scope);  // RFC 793 takes any RST in the window
  reset_by_peer(on, Rule::SA4_2_established);
  return Then::kReturn;
}

// Third, check security: no security option is in use, so there is nothing to compare.
Then check_security(Step&, const Arriving&) {
  return Then::kProceed;
}

// Fourth, check the SYN bit:
Then check_syn_bit(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  if (!seg.ctl.syn) return Then::kProceed;
  if (tcb.state == State::kSynReceived && tcb.passive) {
    // RFC 9293 returns to LISTEN, 793 resets, 5961 challenges; dropping it is seen too. What all exclude is taking it.
    on.cite_later(Rule::SA4_4_passive);
    if (seg.ctl.ack && !acks_new(tcb, seg.ack) &&
        on.may(Freedom::kBadAckBeforeSyn)) {  // 3.5.2, group 2, which names no order
      on.reply(reset_reply(seg, Rule::SA4_5_synrcvd_bad, true));
      return Then::kReturn;
    }
    if (!on.may(Freedom::kSynLeavesSynReceived)) {
      back_to_listen(on, Rule::SA4_4_passive);
      if (tcb.state != State::kTimeWait && on.may(Freedom::kSynReceivedResets)) {
        on.reply(reset_reply(seg, Rule::SA4_4_passive, true));
      }
    } else if (!on.may(Freedom::kSynPassedOver)) {
      challenge(on, Rule::SA4_4_passive);
    }
    return Then::kReturn;
  }
  const Rule rule = tcb.state == State::kSynReceived ? Rule::SA4_4_active : Rule::SA4_4_challenge;
  // RFC 793: "If the SYN is not in the window this step would not be reached", but an ACK sent in the first one.
  const bool below = seg.seq < tcb.rcv_nxt;
  if (below && !on.since(Edition::k9293)) {
    challenge(on, Rule::SA4_1_ack);
    return Then::kReturn;
  }
  if (on.since(Edition::k9293) && (below || on.trait(Trait::kChallengesSyn))) {
    on.cite(Rule::R5961_4_2_scope);
    on.cite(Rule::R5961_4_2_syn);
    if (seg.len() > 1) on.cite_later(Rule::R5961_4_2_drop);
    challenge(on, rule);
    tcb.challenge.drawn_by = Challenge::By::kSyn;
    on.survives(rule);
  } else {  // RFC 793
    on.depart(Rule::R5961_4_2_scope);
    tcb.signal = Signal::kReset;
    const Reply reply = reset_reply(tcb, seg, Rule::SA4_4_reset);
    on.delete_tcb(Rule::SA4_4_reset);
    on.reply(reply);
  }
  return Then::kReturn;
}

}  // namespace tcpassay
