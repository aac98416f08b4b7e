// SPDX-License-Identifier: Apache-2.0
#include "models/user_calls.h"

#include <algorithm>
#include <cstdint>

#include "models/congestion/steps.h"
#include "models/edition.h"
#include "models/event.h"
#include "models/freedom.h"
#include "models/ip_layer.h"
#include "models/rules.h"
#include "models/segment_arrives.h"
#include "models/step.h"
#include "models/tcb.h"
#include "models/urgent.h"
#include "models/user_calls_shared.h"

namespace tcpassay {
namespace {

// In SYN-RECEIVED: the user has issued a SEND, or may have.
bool send_is_pending(const Step& on) {
  return !on.env.user_known || on.tcb.snd_end != on.tcb.iss + 1;
}

// CLOSE in the RFC's sense: a FIN follows the last octet given to SEND.
void close_sending(Step& on) {
  Candidate& tcb = on.tcb;
  if (synchronized(tcb.state) && tcb.snd_una == tcb.snd_limit()) tcb.sent_at = tcb.given_at = on.env.now;
  switch (tcb.state) {
    case State::kClosed:
      on.cite(Rule::S3_10_4_closed);
      return;
    case State::kListen:
      on.delete_tcb(Rule::S3_10_4_listen);
      return;
    case State::kSynSent:
      on.cite(Rule::S3_10_4_syn_sent);
      on.delete_tcb(Rule::S3_10_4_syn_sent);
      tcb.fin_queued = tcb.told = true;
      return;
    case State::kSynReceived:
      tcb.fin_queued = tcb.closed_early = true;
      on.cite_later(Rule::S3_10_4_syn_received);
      if (!send_is_pending(on) || !on.may(Freedom::kCloseQueued)) {
        on.enter(State::kFinWait1, Rule::S3_10_4_syn_received);
      }
      break;
    case State::kEstablished:
      tcb.fin_queued = true;
      on.enter(State::kFinWait1, Rule::S3_10_4_established);
      break;
    case State::kCloseWait:
      tcb.fin_queued = true;
      // RFC 793 says CLOSING; RFC 1122 corrects that.
      on.enter(on.since(Edition::k1122) || on.may(Freedom::kCloseCorrected) ? State::kLastAck : State::kClosing,
               Rule::S3_10_4_close_wait);
      break;
    case State::kFinWait1:
    case State::kFinWait2:
      on.cite(Rule::S3_10_4_fin_wait);
      return;
    default:
      on.cite(Rule::S3_10_4_closing);
      return;
  }
  // 3.10.4: once all text has been segmentized the FIN leaves, whatever of the text is acknowledged. Even the smallest
  // congestion window has room for one segment.
  const bool all_sent = tcb.snd_nxt == tcb.snd_end && tcb.snd_end - tcb.snd_una < tcb.snd_mss && tcb.snd_mss != 0xffff;
  if (synchronized(tcb.state) && (tcb.snd_una == tcb.snd_nxt || all_sent) && !tcb.send_pending) {
    tcb.send_pending = true;
    tcb.send_due = on.env.now + kSendDelayMax;
  }
}

// Whatever call tells the user of the end of the connection has told it.
void end_is_told(Step& on) {
  if (on.tcb.signal != Signal::kNone) on.cite(Rule::MUST_12);
  on.tcb.signal = Signal::kNone;
  on.tcb.told = true;
}

}  // namespace

// 3.10.1. OPEN Call, active
void active_open_call(Step& on, const UserCall& call) {
  Candidate& tcb = on.tcb;
  if (tcb.state == State::kClosed || tcb.state == State::kListen) {
    if (call.result < 0 && call.error != UserError::kInProgress) {  // the user was told that it is not done
      if (tells_of_reset(call.error)) end_is_told(on);
      return;
    }
    const auto traits = tcb.traits;
    const auto later_rules = tcb.later;
    const auto debts = tcb.debts;
    tcb = Candidate{};
    tcb.traits = traits;
    tcb.debts = debts;
    tcb.sent_at = tcb.given_at = on.env.now;
    tcb.later = later_rules;
    on.cite(Rule::S3_10_1_active);
    on.reply({.form = Reply::Form::kSyn, .rule = Rule::S3_10_1_active});
    on.enter(State::kSynSent, Rule::S3_10_1_active);
    tcb.fast_open.wanted = call.kind == CallKind::kSendTo;
    if (tcb.fast_open.wanted && call.result > 0) tcb.snd_end = tcb.snd_end + static_cast<std::uint32_t>(call.result);
    return;
  }
  on.cite(Rule::S3_10_1_again);
  // 3.6.1: TIME-WAIT lasts; only a SYN of the peer may end it sooner (MAY-2).
  if (tcb.state == State::kTimeWait && call.result < 0 && call.error == UserError::kInProgress) {
    on.refuse(Rule::MUST_13);
    return;
  }
  // With 0 or EISCONN a socket says that the first OPEN has succeeded; with another error it may say that it failed.
  // One that a listener has handed out was not opened by a call of its own.
  const bool first_done = tcb.was_open && !tcb.passive && call.result == 0;
  if (call.result == 0 && !first_done) on.refuse(Rule::S3_10_1_again);
}

// 3.10.1. OPEN Call, passive, where the socket has a connection. Of one that is over a socket may be used again.
void passive_open_call(Step& on, const UserCall& call) {
  if (gone(on.tcb) || on.tcb.state == State::kTimeWait) return;
  on.cite(Rule::S3_10_1_again);
  if (call.result >= 0) on.refuse(Rule::S3_10_1_again);
}

// An address that is no host's is a reason of its own to call the peer unreachable. Any other error tells how the
// connection before has ended.
void open_to_all_call(Step& on, const UserCall& call) {
  const Signal signal = on.tcb.signal;
  const bool of_the_address = signal != Signal::kTimedOut && signal != Signal::kUnreachable;
  if (call.error != UserError::kUnreachable || !of_the_address) end_may_be_told(on, call);
}

namespace {

// By state: false when the call gives the connection no text, or was answered wrongly.
bool send_in_state(Step& on, const UserCall& call) {
  const bool taken = call.result > 0;
  switch (on.tcb.state) {
    case State::kClosed:
    case State::kListen:
      on.cite(Rule::S3_10_2_closed);
      // A write that could go on later speaks of a connection that exists.
      if (taken || (on.tcb.was_open && call.error == UserError::kWouldBlock)) on.refuse(Rule::S3_10_2_closed);
      return false;
    case State::kSynSent:
    case State::kSynReceived:
      on.cite(Rule::S3_10_2_unsynchronized);
      return taken;
    default:
      if (taken || call.error == UserError::kWouldBlock || call.error == UserError::kNoBuffers) {
        on.cite(Rule::S3_10_2_established);
        return taken;
      }
      if (!on.tcb.ip.may_tell && trouble_told(on, call.error)) return false;
      if (!on.tcb.ip.may_tell || call.error == UserError::kPipe) {
        on.refuse(Rule::S3_10_2_established);
        return false;
      }
      if (on.tcb.ip.soft_error) on.cite(Rule::SHLD_25);  // an ICMP message, told once
      on.tcb.ip.may_tell = on.tcb.ip.soft_error = false;
      return false;
  }
}

}  // namespace

void reading_ends(Step& on) {
  on.tcb.reads_shut = true;
  if (on.tcb.state == State::kSynSent && on.may(Freedom::kShutReadingCloses)) close_sending(on);
}

void end_may_be_told(Step& on, const UserCall& call) {
  if ((on.tcb.signal != Signal::kNone || gone(on.tcb)) && tells_of_reset(call.error)) end_is_told(on);
}

// 3.10.2. SEND Call
void send_call(Step& on, const UserCall& call) {
  Candidate& tcb = on.tcb;
  const bool taken = call.result > 0;
  if (!taken) end_may_be_told(on, call);
  if (call.length == 0) return;
  if (tcb.fin_queued) {
    on.cite(Rule::S3_10_2_closing);
    on.cite(Rule::S3_6_send_after_close);
    if (taken) on.refuse(Rule::S3_10_2_closing);
    return;
  }
  if (!send_in_state(on, call)) return;
  if (synchronized(tcb.state) && tcb.snd_una == tcb.snd_limit()) {  // R2 begins now (3.8.3)
    tcb.sent_at = tcb.given_at = on.env.now;
  }
  if (!tcb.waits_for_larger_window()) tcb.small_from = on.env.now;
  tcb.snd_end = tcb.snd_end + static_cast<std::uint32_t>(call.result);
  if (!synchronized(tcb.state)) tcb.given_early += static_cast<std::uint32_t>(call.result);
  tcb.window_at = on.env.now;
  if (call.urgent) urgent_given(on);
  const bool idle = tcb.snd_una == tcb.snd_nxt;
  // Even the smallest congestion window has room for one segment. Of a smaller path it is one of its segments, and two
  // behind an ACK. After a loss it may have room for no more, and how large the target's own are it has shown. When the
  // peer announced an MSS of 0, we do not know how large a segment is.
  const Congestion& cc = tcb.congestion;
  const std::uint32_t path = (first_burst(cc) ? 1 : 2) * path_room(on),
                      most = std::min<std::uint32_t>(tcb.snd_mss, path);
  const bool of_one = !cc.lossless || cc.syn_losses > 0;  // RFC 5681 section 3.1: of one behind a lost SYN, too
  const std::uint32_t segment = of_one ? std::min(most, cc.largest) : most;
  const bool one = tcb.snd_mss != 0xffff && tcb.snd_end - tcb.snd_una <= segment;
  const bool fits = tcb.no_delay && one && tcb.snd_end <= tcb.snd_edge();
  if (tcb.corked) return;  // it may wait for more
  if (synchronized(tcb.state) && (idle || fits) && tcb.snd_wnd != 0 && !tcb.send_pending) {
    tcb.send_pending = true;
    tcb.send_due = on.env.now + kSendDelayMax;
  }
}

// 3.10.4. CLOSE Call
void close_call(Step& on, const UserCall& call) {
  if (gone(on.tcb)) {  // "error: connection does not exist"
    on.cite(Rule::S3_10_4_closed);
    if (call.result >= 0) on.refuse(Rule::S3_10_4_closed);
    return;
  }
  if (call.result < 0) return;  // the user was told that it was not done
  close_sending(on);
}

// CLOSE by a user who will not receive either. Text that the user has not read, or that still arrives, is lost, and a
// RST should tell the peer so (3.6.1, SHLD-3).
void close_socket_call(Step& on, const UserCall& call) {
  Candidate& tcb = on.tcb;
  if (call.result < 0) return;
  const bool open = synchronized(tcb.state) && tcb.state != State::kTimeWait;
  const bool closing = tcb.state == State::kClosing || tcb.state == State::kLastAck;  // both FINs are out
  const bool unread = open && !closing && !tcb.reads_shut && tcb.rcv_user < text_end(tcb);
  const bool maybe_unread = open && tcb.rcv_user < text_end_max(tcb);
  tcb.user_gone = true;
  tcb.signal = Signal::kNone;
  tcb.quiet_since = on.env.now;
  if (unread ? on.should(Rule::SHLD_3) : (maybe_unread && on.may(Freedom::kMaybeUnread))) {
    on.cite(Rule::SHLD_3);
    const SndSeq snd_nxt = tcb.snd_nxt;
    on.delete_tcb(Rule::SHLD_3);
    on.reply({.form = Reply::Form::kRst, .seq = snd_nxt, .other = snd_nxt, .ack = tcb.rcv_nxt, .rule = Rule::SHLD_3});
    return;
  }
  close_sending(on);
}

// 3.10.5. ABORT Call
void abort_call(Step& on, const UserCall& call) {
  Candidate& tcb = on.tcb;
  if (call.result < 0) return;
  tcb.user_gone = true;
  tcb.signal = Signal::kNone;
  const SndSeq snd_nxt = tcb.snd_nxt, snd_una = tcb.snd_una;
  switch (tcb.state) {
    case State::kClosed:
      on.cite(Rule::S3_10_5_closed);
      return;
    case State::kListen:
      on.cite(Rule::S3_10_5_listen);
      on.delete_tcb(Rule::S3_10_5_listen);
      return;
    case State::kSynSent:
      on.cite(Rule::S3_10_5_syn_sent);
      on.delete_tcb(Rule::S3_10_5_syn_sent);
      return;
    case State::kTimeWait:
      if (on.may(Freedom::kStaysInTimeWait)) return;  // the port stays in TIME-WAIT without its user (3.5.2)
      [[fallthrough]];
    case State::kClosing:
    case State::kLastAck:
      // 3.10.5 does not ask for a RST here; 3.9.1.6 does not forbid one.
      on.delete_tcb(Rule::S3_10_5_closing);
      on.reply({.form = Reply::Form::kRst,
                .must = false,
                .optional = true,
                .freedom = Freedom::kResetInLastStates,
                .seq = snd_nxt,
                .other = snd_una,
                .ack = tcb.rcv_nxt,
                .rule = Rule::S3_10_5_closing});
      return;
    default:
      on.cite(Rule::S3_10_5_established);
      tcb.ack_now = tcb.ack_now || tcb.ack_later;                    // an ACK that is owed may leave first
      if (synchronized(tcb.state) && on.may(Rule::S3_5_2_issuer)) {  // in spite of 3.10.5
        start_time_wait(on);
        if (!tcb.fin_sent()) {  // what was queued, or waits for an acknowledgment, is flushed
          tcb.fin_queued = false;
          tcb.snd_end = snd_nxt;
        }
        tcb.snd_una = snd_nxt;
        tcb.ack_now = tcb.ack_later = false;
        on.enter(State::kTimeWait, Rule::S3_10_5_established);
      } else {
        on.delete_tcb(Rule::S3_10_5_established);
      }
      on.reply({.form = Reply::Form::kRst,
                .seq = snd_nxt,
                .other = snd_nxt,
                .ack = tcb.rcv_nxt,
                .rule = Rule::S3_10_5_established});
      return;
  }
}

void leave_time_wait(Step& on) {
  if (on.tcb.state == State::kTimeWait && on.may(Freedom::kTimeWaitCutShort)) on.delete_tcb(Rule::S3_10_5_closing);
}

// accept: only a connection whose handshake is complete is handed to the user.
void accept_call(Step& on, const UserCall&) {
  if (on.tcb.fast_open.opened && !on.tcb.was_open) {  // RFC 7413 section 4.2.2: the user is notified at once
    on.cite(Rule::R7413_4_2_2_valid);
    return;
  }
  if (!on.tcb.was_open) {
    on.refuse(Rule::S3_5_synrcvd_text);
    return;
  }
  on.cite(Rule::SA4_5_synrcvd_ok);
}

void listener_gone(Step& on) {
  Candidate& tcb = on.tcb;
  const SndSeq snd_nxt = tcb.snd_nxt;
  if (tcb.state == State::kListen) {
    on.delete_tcb(Rule::S3_10_4_listen);
  } else if (tcb.state != State::kClosed && tcb.state != State::kTimeWait && !on.may(Freedom::kOutlivesListener)) {
    // Nobody will take the connection: most stacks abort it. The RFC knows one TCB for each OPEN and says nothing here.
    on.delete_tcb(Rule::S3_10_4_listen);
    on.reply({.form = Reply::Form::kRst,
              .must = false,
              .optional = true,
              .freedom = Freedom::kResetOfListener,
              .seq = snd_nxt,
              .other = snd_nxt,
              .ack = tcb.rcv_nxt,
              .rule = Rule::S3_10_4_listen});
  }
}

}  // namespace tcpassay
