// SPDX-License-Identifier: Apache-2.0
// 3.10.3, RECEIVE, and the errors that a user is told: by RECEIVE or by getsockopt(SO_ERROR).
#include <cstdint>

#include "models/event.h"
#include "models/freedom.h"
#include "models/rules.h"
#include "models/segment.h"
#include "models/segment_arrives.h"
#include "models/seq.h"
#include "models/step.h"
#include "models/tcb.h"
#include "models/urgent.h"
#include "models/user_calls.h"
#include "models/user_calls_shared.h"

namespace tcpassay {
namespace {

// 3.10.7.4, second: "connection refused" is for SYN-RECEIVED after an active OPEN, "connection reset" for an open
// connection. The one is not told for the other.
bool mistakes_reset(Step& on, UserError error) {
  const Signal signal = on.tcb.signal;
  if (signal == Signal::kRefused && error == UserError::kReset) on.refuse(Rule::SA4_2_active, 1);
  if (signal == Signal::kReset && error == UserError::kRefused) on.refuse(Rule::SA4_2_established, 1);
  if (error == UserError::kTimedOut && on.tcb.rexmits == 0) {  // nor is a timeout, when nothing has waited for one
    if (signal == Signal::kNotOpened) on.refuse(Rule::SA3_2_reset, 1);
    if (signal == Signal::kRefused) on.refuse(Rule::SA4_2_active, 1);
    if (signal == Signal::kReset) on.refuse(Rule::SA4_2_established, 1);
  }
  return on.refused();
}

bool is_error_of(Signal signal, UserError error) {
  switch (signal) {
    case Signal::kNone:
      return false;
    // The interface may name the errors as it likes, but it must not report end of stream, nor one error as the other.
    case Signal::kNotOpened:
    case Signal::kRefused:
    case Signal::kReset:
      return (error == UserError::kRefused && signal != Signal::kReset) ||
             (error == UserError::kReset && signal != Signal::kRefused) || error == UserError::kPipe ||
             error == UserError::kAborted || error == UserError::kNotConnected;
    case Signal::kTimedOut:
      return error == UserError::kTimedOut || error == UserError::kReset || error == UserError::kPipe ||
             error == UserError::kUnreachable || error == UserError::kNotConnected;
    case Signal::kUnreachable:  // an ICMP message has many names
      return error != UserError::kNone && error != UserError::kWouldBlock;
  }
  return false;
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

// How far the text may go that the user is given. A peer that contradicts itself has sent so much, and no more.
RcvSeq delivered_at_most(const Tcb& tcb) {
  return tcb.contradicted ? later(text_end_max(tcb), tcb.peer_end) : text_end_max(tcb);
}

// A record says how many octets the user was given, not which.
void octets_untold(Step& on, std::uint32_t octets) {
  Candidate& tcb = on.tcb;
  const Urgent& up = tcb.up;
  if (!up.out.there || tcb.rcv_user + octets < up.out.least) return;
  const bool may_be = urgent_octet_left_out(tcb, later(up.out.least, tcb.rcv_user));
  if (may_be && on.may(Freedom::kUrgentLeftOut)) tcb.rcv_user = tcb.rcv_user + 1;
}

// Each octet is the one that the peer sent at its place. The last urgent one may have gone another way, and of those
// that a packet made by hand has brought only the number is known.
bool right_octets(Step& on, const UserCall& call, Rule rule) {
  Candidate& tcb = on.tcb;
  RcvSeq at = tcb.rcv_user;
  for (const std::uint8_t octet : call.text) {
    while (!tcb.uncoded.may_be(at) && octet != peer_octet(at.value)) {
      if (!urgent_octet_left_out(tcb, at)) return on.refuse(misread(tcb, rule), 1);
      at = at + 1;
      tcb.rcv_user = tcb.rcv_user + 1;
    }
    at = at + 1;
  }
  return true;
}

// So many octets were delivered.
void octets_delivered(Step& on, const UserCall& call, Rule rule) {
  Candidate& tcb = on.tcb;
  const auto octets = static_cast<std::uint32_t>(call.result);
  if (!tcb.was_open && !synchronized(tcb.state) && !tcb.fast_open.opened) {
    on.refuse(gone(tcb) ? rule : Rule::S3_5_synrcvd_text);
    return;
  }
  if (call.text.empty()) octets_untold(on, octets);
  if (!right_octets(on, call, rule)) return;
  const RcvSeq end = tcb.rcv_user + octets;
  if (delivered_at_most(tcb) < end) {
    on.refuse(gone(tcb) ? Rule::SA4_7_deliver : rule, 2);
    return;
  }
  if (!urgent_read(on, tcb.rcv_user, end)) return;
  on.cite(rule);
  on.cite(Rule::SA4_7_deliver);
  if (tcb.rcv_fin) on.cite(Rule::S3_10_3_close_wait);
  tcb.rcv_user = end;
  tcb.read_all_at = end == tcb.rcv_nxt && !tcb.held.gap() ? on.env.now : Time{};
  urgent_consumed(tcb);
  tcb.uncoded.leave_behind(end);
  if (!tcb.rcv_fin && tcb.rcv_nxt < end) tcb.rcv_nxt = end;
}

// The user has not been told how the connection ended.
Rule untold(const Tcb& tcb) {
  return tcb.signal == Signal::kTimedOut ? Rule::SA8_user : Rule::MUST_12;
}

// RECEIVE says that the peer sends no more.
void end_of_stream_told(Step& on, Rule rule) {
  Candidate& tcb = on.tcb;
  const bool unread = tcb.rcv_user < text_end(tcb);
  if (tcb.signal != Signal::kNone && !tcb.rcv_fin) {
    on.refuse(untold(tcb));
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
}

// RECEIVE says that there is nothing to read yet.
void nothing_to_read(Step& on, const UserCall& call, Rule rule) {
  Candidate& tcb = on.tcb;
  const bool unread = tcb.rcv_user < text_end(tcb);
  if (tcb.signal != Signal::kNone && call.error == UserError::kWouldBlock) {
    on.refuse(untold(tcb));
  } else if (unread && synchronized(tcb.state)) {
    on.refuse(Rule::SA4_7_deliver);
  } else if (tcb.rcv_fin && synchronized(tcb.state)) {
    on.refuse(rule == Rule::S3_10_3_closing ? rule : Rule::S3_6_close_signal);
  } else if (tcb.was_open && gone(tcb) && call.error == UserError::kWouldBlock) {
    on.refuse(Rule::S3_10_3_closed);
  } else {
    on.cite(rule);
    if (!tcb.was_open && tcb.rcv_user < tcb.syn_text_end) on.cite(Rule::S3_5_synrcvd_text);
  }
}

}  // namespace

bool trouble_told(Step& on, UserError error) {
  Candidate& tcb = on.tcb;
  const bool timed_out =
      synchronized(tcb.state) && error == UserError::kTimedOut;  // before that, to time out is to fail
  if (tcb.rexmits == 0 || (!timed_out && error != UserError::kUnreachable)) return false;
  if (on.may(Freedom::kTroubleTold)) {
    if (tcb.rexmits < 3) on.depart(Rule::SHLD_10);
    return true;
  }
  if (!timed_out || tcb.user_timeout > Time{} || tcb.snd_wnd == 0) return false;
  gives_up_early(on);
  tcb.signal = Signal::kNone;
  tcb.told = true;
  return true;
}

namespace {

// RECEIVE fails: there must have been a reason, which is told once.
void error_told(Step& on, const UserCall& call, Rule rule) {
  Candidate& tcb = on.tcb;
  if (mistakes_reset(on, call.error)) return;
  if (is_error_of(tcb.signal, call.error)) {
    on.cite(Rule::MUST_12);
    on.cite(tcb.signal == Signal::kTimedOut ? Rule::SA8_user
            : tcb.signal == Signal::kReset  ? Rule::SA4_2_established
                                            : Rule::SA4_2_active);
    tcb.signal = Signal::kNone;
    tcb.told = true;
  } else if (gone(tcb) && tcb.fast_open.opened && tells_of_reset(call.error)) {  // handed out before the handshake
    tcb.told = true;
  } else if (!gone(tcb) && tcb.ip.may_tell && call.error != UserError::kTimedOut) {  // an ICMP message, told once
    tcb.ip.may_tell = tcb.ip.soft_error = false;
  } else if (!gone(tcb) && !tcb.rcv_fin && call.error == UserError::kPipe) {  // "connection closing", which it is not
    on.refuse(rule);
  } else if (!gone(tcb) && tells_of_reset(call.error)) {
    if (trouble_told(on, call.error)) return;
    on.refuse(call.error == UserError::kTimedOut ? (synchronized(tcb.state) ? Rule::SHLD_11 : Rule::MUST_23)
                                                 : tcb.survived.value_or(rule));
  }
}

}  // namespace

// 3.10.3. RECEIVE Call
void receive_call(Step& on, const UserCall& call) {
  Candidate& tcb = on.tcb;
  if (call.length == 0) return;
  const Rule rule = receive_rule(tcb);
  if (call.result > 0) {
    octets_delivered(on, call, rule);
    return;
  }
  if (tcb.rcv_user + 1 == text_end(tcb) && urgent_octet_left_out(tcb, tcb.rcv_user)) tcb.rcv_user = text_end(tcb);
  if (call.result == 0) {
    end_of_stream_told(on, rule);
  } else if (call.error == UserError::kWouldBlock || call.error == UserError::kNotConnected) {
    nothing_to_read(on, call, rule);
  } else {
    error_told(on, call, rule);
  }
}

// 3.6: the user who asks which events are there learns of the remote close as of text, without a RECEIVE.
void input_polled(Step& on, const UserCall& call) {
  constexpr std::int64_t kInput = 1;
  Candidate& tcb = on.tcb;
  const bool asked = call.value == 0 || (call.value & kInput) != 0;
  if (call.result < 0 || !asked || !synchronized(tcb.state) || tcb.reads_shut) return;
  const bool told = (call.result & kInput) != 0;
  const bool urgent_only = tcb.rcv_user + 1 == text_end(tcb) && urgent_octet_left_out(tcb, tcb.rcv_user);
  if (!told && tcb.rcv_fin) {
    on.refuse(Rule::S3_6_close_signal);
  } else if (!told && tcb.rcv_user < text_end(tcb) && !urgent_only) {
    on.refuse(Rule::SA4_7_deliver);
  } else if (told && tcb.rcv_fin && tcb.rcv_user == text_end(tcb)) {
    on.cite(Rule::S3_6_close_signal);
  }
}

void error_call(Step& on, const UserCall& call) {
  Candidate& tcb = on.tcb;
  const auto error = static_cast<UserError>(call.value);
  if (call.result != 0) return;
  const bool only_icmp = tcb.signal == Signal::kNone && !gone(tcb);
  if (error == UserError::kNone) {  // another call may have reported the error before
    // Behind the FIN of the peer RECEIVE says end of stream: a reset can be told here only, or by SEND.
    // Of an error that nothing else has told SO_ERROR is the first to ask.
    const bool ended = tcb.signal != Signal::kNone && tcb.signal != Signal::kUnreachable;
    if (ended && !tcb.told) {
      const bool given_up = tcb.signal == Signal::kTimedOut && !tcb.was_open && tcb.user_timeout == Time{};
      on.refuse(given_up ? Rule::MUST_22 : untold(tcb));  // "including notification"
      return;
    }
    if (only_icmp && tcb.ip.soft_error) on.depart(Rule::SHLD_25);
    tcb.ip.soft_error = false;
    if (!gone(tcb) && tcb.rexmits > 0 && tcb.rexmits < 3) on.cite(Rule::SHLD_10);
    return;
  }
  if (only_icmp && tcb.ip.may_tell && error != UserError::kTimedOut) {
    if (tcb.ip.soft_error) on.cite(Rule::SHLD_25);
    tcb.ip.may_tell = tcb.ip.soft_error = false;
    return;
  }
  if (tcb.signal == Signal::kNone && !gone(tcb)) {
    if (trouble_told(on, error)) return;
    on.refuse(error == UserError::kTimedOut ? (synchronized(tcb.state) ? Rule::SHLD_11 : Rule::MUST_23)
                                            : tcb.survived.value_or(Rule::MUST_12));
    return;
  }
  if (mistakes_reset(on, error)) return;
  if (is_error_of(tcb.signal, error)) on.cite(Rule::MUST_12);
  tcb.signal = Signal::kNone;
  tcb.told = true;
}

void text_taken_behind_shutdown(Step& on, const UserCall& call) {
  Tcb& tcb = on.tcb;
  tcb.rcv_user = earlier(tcb.rcv_user + static_cast<std::uint32_t>(call.result), text_end_max(tcb));
}

}  // namespace tcpassay
