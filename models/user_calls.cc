// SPDX-License-Identifier: Apache-2.0
#include "models/user_calls.h"

#include "models/segment_arrives.h"
#include "models/urgent.h"

namespace tcpassay {
namespace {

bool is_error_of(Signal signal, UserError error) {
  switch (signal) {
    case Signal::kNone:
      return false;
    // Which name is given to refused, reset and timed out is the interface's affair; end of stream it must not be.
    case Signal::kRefused:
    case Signal::kReset:
      return error == UserError::kRefused || error == UserError::kReset || error == UserError::kPipe ||
             error == UserError::kAborted || error == UserError::kNotConnected;
    case Signal::kTimedOut:
      return error == UserError::kTimedOut || error == UserError::kReset || error == UserError::kPipe ||
             error == UserError::kUnreachable || error == UserError::kNotConnected;
    case Signal::kUnreachable:  // an ICMP message has many names
      return error != UserError::kNone && error != UserError::kWouldBlock;
  }
  return false;
}

bool tells_of_reset(UserError error) {
  return error == UserError::kRefused || error == UserError::kReset || error == UserError::kAborted ||
         error == UserError::kTimedOut || error == UserError::kUnreachable;
}

// A passive OPEN on the same port may stand again where this connection has ended; to its user it is gone.
bool gone(const Tcb& tcb) {
  return tcb.state == State::kClosed || tcb.state == State::kListen;
}

Rule receive_rule(const Tcb& tcb) {
  if (gone(tcb)) return Rule::S3_10_3_closed;
  switch (tcb.state) {
    case State::kEstablished:
    case State::kFinWait1:
    case State::kFinWait2:
      return Rule::S3_10_3_established;
    case State::kCloseWait:
      return Rule::S3_10_3_close_wait;
    case State::kClosing:
    case State::kLastAck:
    case State::kTimeWait:
      return Rule::S3_10_3_closing;
    default:
      return Rule::S3_10_3_unsynchronized;
  }
}

RcvSeq text_end(const Tcb& tcb) {
  return tcb.rcv_fin ? tcb.fin_seq : tcb.rcv_nxt;
}
RcvSeq text_end_max(const Tcb& tcb) {
  return tcb.rcv_fin ? tcb.fin_seq : tcb.rcv_nxt_max;
}

// CLOSE in the RFC's sense: nothing more is sent after what was given, and a FIN stands behind it.
void close_sending(Step& on) {
  Candidate& tcb = on.tcb;
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
      tcb.fin_queued = true;
      on.cite_later(Rule::S3_10_4_syn_received);
      if (!on.may()) on.enter(State::kFinWait1, Rule::S3_10_4_syn_received);  // now, or once ESTABLISHED
      break;
    case State::kEstablished:
      tcb.fin_queued = true;
      on.enter(State::kFinWait1, Rule::S3_10_4_established);
      break;
    case State::kCloseWait:
      tcb.fin_queued = true;
      // RFC 793 says CLOSING; RFC 1122 mends that.
      on.enter(on.since(Edition::k1122) || on.may() ? State::kLastAck : State::kClosing, Rule::S3_10_4_close_wait);
      break;
    case State::kFinWait1:
    case State::kFinWait2:
      on.cite(Rule::S3_10_4_fin_wait);
      return;
    default:
      on.cite(Rule::S3_10_4_closing);
      return;
  }
  if (synchronized(tcb.state) && tcb.snd_una == tcb.snd_nxt && !tcb.send_pending) {
    tcb.send_pending = true;
    tcb.send_due = on.env.now + kSendDelayMax;
  }
}

}  // namespace

// 3.10.1. OPEN Call, active
void active_open_call(Step& on, const UserCall& call) {
  Candidate& tcb = on.tcb;
  if (tcb.state == State::kClosed || tcb.state == State::kListen) {
    if (call.result < 0 && call.error != UserError::kInProgress) return;  // the user was told that it is not done
    const auto traits = tcb.traits;
    const auto later_rules = tcb.later;
    tcb = Candidate{};
    tcb.traits = traits;
    tcb.later = later_rules;
    on.cite(Rule::S3_10_1_active);
    on.reply({.form = Reply::Form::kSyn, .rule = Rule::S3_10_1_active});
    on.enter(State::kSynSent, Rule::S3_10_1_active);
    tcb.fast_open.wanted = call.kind == CallKind::kSendTo;
    if (tcb.fast_open.wanted && call.result > 0) tcb.snd_end = tcb.snd_end + static_cast<std::uint32_t>(call.result);
    return;
  }
  on.cite(Rule::S3_10_1_again);
  // 0 or EISCONN are how sockets say that the first OPEN has succeeded; an error may be the news of its failure.
  const bool first_done = tcb.was_open && call.result == 0;
  if (call.result == 0 && !first_done) on.refuse(Rule::S3_10_1_again);
}

// 3.10.2. SEND Call
void send_call(Step& on, const UserCall& call) {
  Candidate& tcb = on.tcb;
  const bool taken = call.result > 0;
  if (call.length == 0) return;
  if (tcb.signal != Signal::kNone && !taken && tells_of_reset(call.error)) {
    on.cite(Rule::MUST_12);
    tcb.signal = Signal::kNone;
    tcb.told = true;
  }
  if (tcb.fin_queued) {
    on.cite(Rule::S3_10_2_closing);
    on.cite(Rule::S3_6_send_after_close);
    if (taken) on.refuse(Rule::S3_10_2_closing);
    return;
  }
  switch (tcb.state) {
    case State::kClosed:
    case State::kListen:
      on.cite(Rule::S3_10_2_closed);
      if (taken) {
        on.refuse(Rule::S3_10_2_closed);
        return;
      }
      return;
    case State::kSynSent:
    case State::kSynReceived:
      on.cite(Rule::S3_10_2_unsynchronized);
      break;
    default:
      if (!taken && call.error != UserError::kWouldBlock && call.error != UserError::kNoBuffers) {
        on.refuse(Rule::S3_10_2_established);
        return;
      }
      on.cite(Rule::S3_10_2_established);
      break;
  }
  if (!taken) return;
  tcb.snd_end = tcb.snd_end + static_cast<std::uint32_t>(call.result);
  tcb.window_at = on.env.now;
  if (call.urgent) urgent_given(on);
  const bool idle = tcb.snd_una == tcb.snd_nxt;
  // However small the congestion window, it has room for one segment; how large that is, an MSS of 0 leaves open.
  const bool one = tcb.snd_mss != 0xffff && tcb.snd_end - tcb.snd_una <= tcb.snd_mss;
  const bool fits = tcb.no_delay && one && tcb.snd_end <= tcb.snd_edge();
  if (synchronized(tcb.state) && (idle || fits) && tcb.snd_wnd != 0 && !tcb.send_pending) {
    tcb.send_pending = true;
    tcb.send_due = on.env.now + kSendDelayMax;
  }
}

// 3.10.3. RECEIVE Call
void receive_call(Step& on, const UserCall& call) {
  Candidate& tcb = on.tcb;
  if (call.length == 0) return;
  const Rule rule = receive_rule(tcb);
  if (call.result > 0) {  // so many octets were delivered
    const auto octets = static_cast<std::uint32_t>(call.result);
    if (!tcb.was_open && !synchronized(tcb.state) && !tcb.fast_open.opened) {
      on.refuse(gone(tcb) ? rule : Rule::S3_5_synrcvd_text);
      return;
    }
    for (std::size_t i = 0; i < call.text.size() && !tcb.uncoded; ++i) {
      if (call.text[i] != peer_octet(tcb.rcv_user.value + static_cast<std::uint32_t>(i))) {
        if (tcb.up.arrived && !tcb.up.in_line) {  // the urgent octet went another way
          tcb.rcv_user = tcb.rcv_user + 1;
          break;
        }
        on.refuse(misread(tcb, rule), 1);
        return;
      }
    }
    const RcvSeq end = tcb.rcv_user + octets;
    if (text_end_max(tcb) < end && !tcb.contradicted) {
      on.refuse(gone(tcb) ? Rule::SA4_7_deliver : rule, 2);
      return;
    }
    if (!urgent_read(on, tcb.rcv_user, end)) return;
    on.cite(rule);
    on.cite(Rule::SA4_7_deliver);
    if (tcb.rcv_fin) on.cite(Rule::S3_10_3_close_wait);
    tcb.rcv_user = end;
    if (!tcb.rcv_fin && tcb.rcv_nxt < end) tcb.rcv_nxt = end;
    return;
  }
  if (tcb.up.arrived && !tcb.up.in_line && tcb.rcv_user + 1 == text_end(tcb)) tcb.rcv_user = text_end(tcb);
  const bool unread = tcb.rcv_user < text_end(tcb);
  if (call.result == 0) {  // end of stream
    if (tcb.signal != Signal::kNone && !tcb.rcv_fin) {
      on.refuse(Rule::MUST_12);
    } else if (gone(tcb) && !tcb.rcv_fin) {
      if (!tcb.told) on.refuse(Rule::S3_10_3_closed);  // what was told once may be repeated as end of stream
    } else if (!tcb.rcv_fin) {
      on.refuse(rule == Rule::S3_10_3_unsynchronized ? rule : Rule::S3_10_3_established);
    } else if (unread && !gone(tcb)) {
      on.refuse(Rule::S3_10_3_close_wait);
    } else {
      on.cite(Rule::S3_6_close_signal);
      on.cite(Rule::MUST_12);
      on.cite(rule == Rule::S3_10_3_closed ? Rule::S3_10_3_closing : rule);
    }
    return;
  }
  if (call.error == UserError::kWouldBlock || call.error == UserError::kNotConnected) {  // nothing there yet
    if (tcb.signal != Signal::kNone && call.error == UserError::kWouldBlock) {
      on.refuse(Rule::MUST_12);
    } else if (unread && synchronized(tcb.state)) {
      on.refuse(Rule::SA4_7_deliver);
    } else if (tcb.rcv_fin && synchronized(tcb.state)) {
      on.refuse(Rule::S3_6_close_signal);
    } else if (tcb.was_open && gone(tcb) && call.error == UserError::kWouldBlock) {
      on.refuse(Rule::S3_10_3_closed);
    } else {
      on.cite(rule);
      if (!tcb.was_open && tcb.rcv_user < tcb.syn_text_end) on.cite(Rule::S3_5_synrcvd_text);
    }
    return;
  }
  // An error: there must have been a reason, told once.
  if (is_error_of(tcb.signal, call.error)) {
    on.cite(Rule::MUST_12);
    on.cite(tcb.signal == Signal::kTimedOut ? Rule::SA8_user
            : tcb.signal == Signal::kReset  ? Rule::SA4_2_established
                                            : Rule::SA4_2_active);
    tcb.signal = Signal::kNone;
    tcb.told = true;
  } else if (!gone(tcb) && tcb.ip.may_tell) {  // an ICMP message, told once
    tcb.ip.may_tell = tcb.ip.soft_error = false;
  } else if (!gone(tcb) && tells_of_reset(call.error)) {
    on.refuse(call.error == UserError::kTimedOut ? (synchronized(tcb.state) ? Rule::SHLD_11 : Rule::MUST_23) : rule);
  }
}

// 3.10.4. CLOSE Call
void close_call(Step& on, const UserCall& call) {
  if (call.result < 0) return;  // the user was told that it was not done
  close_sending(on);
}

// CLOSE by a user who will not receive either. What it has not read, or what still arrives, is lost: a RST tells the
// peer (3.6.1, SHLD-3).
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
  if (unread ? on.should(Rule::SHLD_3) : (maybe_unread && on.may())) {
    on.cite(Rule::SHLD_3);
    const SndSeq snd_nxt = tcb.snd_nxt;
    on.delete_tcb(Rule::SHLD_3);
    on.reply({.form = Reply::Form::kRst, .seq = snd_nxt, .other = snd_nxt, .rule = Rule::SHLD_3});
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
      if (on.may()) return;  // the port stays in TIME-WAIT without its user (3.5.2)
      [[fallthrough]];
    case State::kClosing:
    case State::kLastAck:
      // No RST is prescribed here, and none forbidden (3.9.1.6).
      on.delete_tcb(Rule::S3_10_5_closing);
      on.reply({.form = Reply::Form::kRst,
                .must = false,
                .optional = true,
                .seq = snd_nxt,
                .other = snd_una,
                .rule = Rule::S3_10_5_closing});
      return;
    default:
      on.cite(Rule::S3_10_5_established);
      if (synchronized(tcb.state) && on.may(Rule::S3_5_2_issuer)) {  // in spite of 3.10.5
        start_time_wait(on);
        tcb.ack_now = tcb.ack_later = false;
        on.enter(State::kTimeWait, Rule::S3_10_5_established);
      } else {
        on.delete_tcb(Rule::S3_10_5_established);
      }
      on.reply({.form = Reply::Form::kRst, .seq = snd_nxt, .other = snd_nxt, .rule = Rule::S3_10_5_established});
      return;
  }
}

void leave_time_wait(Step& on) {
  if (on.tcb.state == State::kTimeWait && on.may()) on.delete_tcb(Rule::S3_10_5_closing);
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
  } else if (tcb.state != State::kClosed && tcb.state != State::kTimeWait && !on.may()) {
    // Nobody will take the connection: most stacks abort it. The RFC knows one TCB for each OPEN and says nothing here.
    on.delete_tcb(Rule::S3_10_4_listen);
    on.reply({.form = Reply::Form::kRst,
              .must = false,
              .optional = true,
              .seq = snd_nxt,
              .other = snd_nxt,
              .rule = Rule::S3_10_4_listen});
  }
}

void error_call(Step& on, const UserCall& call) {
  Candidate& tcb = on.tcb;
  const auto error = static_cast<UserError>(call.value);
  if (call.result != 0) return;
  const bool only_icmp = tcb.signal == Signal::kNone && !gone(tcb);
  if (error == UserError::kNone) {  // some other call may have told it
    if (only_icmp && tcb.ip.soft_error) on.depart(Rule::SHLD_25);
    tcb.ip.soft_error = false;
    if (!gone(tcb) && tcb.rexmits > 0 && tcb.rexmits < 3) on.cite(Rule::SHLD_10);
    return;
  }
  if (only_icmp && tcb.ip.may_tell) {
    if (tcb.ip.soft_error) on.cite(Rule::SHLD_25);
    tcb.ip.may_tell = tcb.ip.soft_error = false;
    return;
  }
  if (tcb.signal == Signal::kNone && !gone(tcb)) {
    // Trouble with delivery may be told from R1 on, and the connection lives on.
    const bool trouble = (error == UserError::kTimedOut || error == UserError::kUnreachable) && tcb.rexmits > 0;
    if (trouble && tcb.rexmits >= 3) return;
    if (trouble && on.may()) {
      on.depart(Rule::SHLD_10);
      return;
    }
    on.refuse(error == UserError::kTimedOut ? (synchronized(tcb.state) ? Rule::SHLD_11 : Rule::MUST_23)
                                            : Rule::MUST_12);
    return;
  }
  if (is_error_of(tcb.signal, error)) on.cite(Rule::MUST_12);
  tcb.signal = Signal::kNone;
  tcb.told = true;
}

}  // namespace tcpassay
