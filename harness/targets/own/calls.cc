// SPDX-License-Identifier: Apache-2.0
// The user calls of RFC 9293 sections 3.10.1 to 3.10.5. sockets.cc decides what a wrong call returns.
#include <algorithm>
#include <cassert>

#include "harness/targets/own/stack.h"

namespace own {

// 3.10.1 OPEN, passive: enter the LISTEN state.
Listener* Stack::open_passive(std::uint16_t port, std::uint32_t backlog, const Choices& choices) {
  if (find_listener(port) != nullptr) return nullptr;
  if (planted.has(Defect::passive_open_calls_out) && last_source_port_ != 0) {
    Segment syn{.source = address_for(last_source_),
                .destination = last_source_,
                .source_port = port,
                .destination_port = last_source_port_};
    syn.ctl.syn = true;
    depart(syn, nullptr, 0, 0);
  }
  if (planted.has(Defect::listen_ends_time_wait)) {
    const std::vector<Connection*> before = existing_;
    for (Connection* c : before) {
      if (c->local_port == port && c->state == State::kTimeWait) delete_tcb(*c, Ended::kNormally);
    }
  }
  if (planted.has(Defect::open_passive_kills)) {
    const std::vector<Connection*> before = existing_;
    for (Connection* c : before) {
      if (c->local_port == port) abort(*c);
    }
  }
  auto unused = std::find_if(listeners_.begin(), listeners_.end(), [](const auto& l) { return !l->open; });
  if (unused == listeners_.end()) {
    listeners_.push_back(std::make_unique<Listener>());
    unused = listeners_.end() - 1;
  }
  Listener& listener = **unused;
  listener.open = true;
  listener.port = port;
  listener.backlog = std::max(backlog, 1u);
  listener.embryonic = 0;
  listener.accept_queue.clear();
  listener.choices = choices;
  return &listener;
}

// 3.10.1 OPEN, active: <SEQ=ISS><CTL=SYN>, SND.UNA is ISS, SND.NXT is ISS+1, enter SYN-SENT.
Connection* Stack::open_active(std::uint16_t local_port, const Address& remote_address, std::uint16_t remote_port,
                               const Choices& choices, const ByteView* fast_open) {
  Connection* c = create(local_port, remote_address, remote_port, choices);
  if (c == nullptr) return nullptr;
  c->held = true;
  c->iss = choose_iss(*c);
  c->snd_una = c->iss;
  c->snd_nxt = c->iss + 1;
  c->state = State::kSynSent;
  c->undelivered_since = now_;
  if (planted.has(Defect::rto_too_short)) c->rto.start_from(200 * kMillisecond);
  if (fast_open != nullptr) fast_open_text(*c, *fast_open);
  send_syn(*c);
  arm_user_timer(*c);
  return c;
}

// The oldest connection that waits to be accepted, or null.
Connection* Stack::accept(Listener& listener) {
  if (listener.accept_queue.empty()) return nullptr;
  Connection* c = listener.accept_queue.front();
  listener.accept_queue.erase(listener.accept_queue.begin());
  c->parent = nullptr;
  return c;
}

// 3.10.2 SEND: as many octets as the send buffer has room for. Before ESTABLISHED they are queued.
std::uint32_t Stack::send(Connection& c, ByteView text, bool urgent) {
  const std::uint32_t room = c.choices.send_buffer - std::min(c.choices.send_buffer, c.text_queued());
  const ByteView taken = text.first(std::min<std::size_t>(text.size(), room));
  if (taken.empty()) return 0;
  const bool second = c.text_queued() > 0 && planted.has(Defect::second_early_send_lost);
  const bool lost = !c.synchronized() && (planted.has(Defect::early_send_lost) || second);
  if (lost) return static_cast<std::uint32_t>(taken.size());
  const bool idle = !c.in_flight() && !c.unsent();
  if (idle && !planted.has(Defect::user_timeout_counts_idle)) c.undelivered_since = now_;
  c.send_queue.append(taken);
  if (urgent && !(!c.synchronized() && planted.has(Defect::urgent_before_open_lost))) send_urgently(c);
  if (c.sends()) send_queued(c);
  arm_user_timer(c);
  return static_cast<std::uint32_t>(taken.size());
}

// A buffer that grew while nothing was sent: the window is larger once the peer is told.
void Stack::tell_growth(Connection& c, Segment& seg) {
  c.grows_untold = false;
  c.choices.receive_buffer = std::min(2 * c.choices.receive_buffer, c.buffer_limit);
  if (open_window(c)) seg.wnd = announced_window(c);
}

// 3.10.3 RECEIVE. A window update tells the peer of the freed space when there is enough (section 3.8.6.2.2).
std::uint32_t Stack::receive(Connection& c, std::span<std::uint8_t> out) {
  const std::uint32_t count = c.received.read(out);
  c.has_read = c.has_read || count > 0;
  if (count > 0 && planted.has(Defect::ack_count_ended_by_read)) c.segments_unacked = c.octets_unacked = 0;
  const bool untold = variants.has(LegalVariant::no_window_update);
  if (count > 0 && !untold) c.choices.receive_buffer = std::min(2 * c.choices.receive_buffer, c.buffer_limit);
  c.grows_untold = c.grows_untold || (count > 0 && untold);
  if (count > 0 && c.state == State::kSynReceived) open_window(c);  // by Fast Open: the next SYN,ACK tells
  if (count > 0 && c.receives() && open_window(c)) {
    // When scaling rounds the window to the last SEG.WND, an update would only be a duplicate ACK (RFC 5681
    // section 4.2).
    const bool news = c.stamps.last_ack_sent != c.rcv_nxt || c.scaling.announced != announced_window(c);
    if (news && !untold) {
      c.ack_now = true;
      respond(c);
    }
  }
  return count;
}

// 3.10.4 CLOSE
void Stack::close(Connection& c) {
  switch (c.state) {
    case State::kClosed:
    case State::kListen:
      return;
    case State::kSynSent:
      if (planted.has(Defect::close_in_syn_sent_ignored)) return;
      return delete_tcb(c, Ended::kNormally);
    case State::kSynReceived:
      if (planted.has(Defect::close_in_syn_received_resets)) return abort(c);
      if (planted.has(Defect::close_in_syn_received_deletes)) return delete_tcb(c, Ended::kNormally);
      // With nothing to send, form a FIN and enter FIN-WAIT-1; otherwise queue until ESTABLISHED.
      c.fin_queued = true;
      if (c.text_queued() > 0) return;
      c.state = State::kFinWait1;
      break;
    case State::kEstablished:
      if (c.unsent() && planted.has(Defect::close_overtakes_text)) {
        Segment fin = from(c);
        fin.ctl.fin = true;
        emit(c, fin);
      }
      c.fin_queued = true;
      c.state = State::kFinWait1;
      break;
    case State::kCloseWait:
      if (planted.has(Defect::close_wait_drops_text)) c.send_queue.cut(c.text_in_flight());
      c.fin_queued = true;
      c.state = planted.has(Defect::close_wait_closing) ? State::kClosing : State::kLastAck;
      break;
    case State::kFinWait1:
    case State::kFinWait2:
    case State::kClosing:
    case State::kLastAck:
    case State::kTimeWait:
      if (planted.has(Defect::second_close_second_fin)) {
        Segment fin = from(c);
        fin.ctl.fin = true;
        emit(c, fin);
      }
      return;  // "error: connection closing"; a second FIN is not emitted
  }
  if (planted.has(Defect::close_sends_nothing) && c.state == State::kFinWait1) c.fin_queued = false;
  if (!c.in_flight() && c.text_queued() == 0) c.undelivered_since = now_;
  if (planted.has(Defect::close_waits)) return;
  send_queued(c);
  arm_user_timer(c);
}

// 3.10.5 ABORT
void Stack::abort(Connection& c) {
  switch (c.state) {
    case State::kClosed:
      if (planted.has(Defect::abort_of_nothing_resets)) send_reset(c);
      if (c.ended == Ended::kTimedOut && planted.has(Defect::abort_of_timed_out_resets)) send_reset(c);
      return;
    case State::kSynReceived:
    case State::kEstablished:
    case State::kFinWait1:
    case State::kFinWait2:
    case State::kCloseWait:
      if (planted.has(Defect::abort_sends_fin)) return close(c);
      send_reset(c);
      break;
    case State::kSynSent:
      if (planted.has(Defect::abort_resets_in_syn_sent)) send_reset(c);
      break;
    case State::kClosing:
    case State::kLastAck:
      if (planted.has(Defect::abort_in_closing_ignored)) return;
      break;
    case State::kListen:
    case State::kTimeWait:
      break;
  }
  delete_tcb(c, Ended::kReset);
}

// CLOSE in LISTEN. Connections that the user never accepted are aborted with it.
void Stack::close(Listener& listener) {
  if (planted.has(Defect::listener_survives_close)) return;
  listener.open = false;
  std::vector<Connection*> orphans = listener.accept_queue;
  for (Connection* c : existing_) {
    const bool waits = c->fast_open.opened;  // in the queue already
    if (c->parent == &listener && c->state == State::kSynReceived && !waits) orphans.push_back(c);
  }
  listener.accept_queue.clear();
  for (Connection* c : orphans) {
    c->held = false;
    if (c->state == State::kClosed) {
      free_.push_back(c);
    } else {
      abort(*c);
    }
  }
}

void Stack::set_user_timeout(Connection& c, Time timeout) {
  if (timeout == 0 && planted.has(Defect::user_timeout_stays)) return;
  const bool raised = c.in_flight() && 0 < c.choices.user_timeout && c.choices.user_timeout < timeout;
  c.choices.user_timeout = timeout;
  if (raised && planted.has(Defect::user_timeout_not_raised_in_flight)) return;
  if (c.state != State::kClosed) arm_user_timer(c);
}

void Stack::set_no_delay(Connection& c, bool on) {
  c.choices.no_delay = on || (c.choices.no_delay && planted.has(Defect::no_delay_stays));
  if (on && c.sends()) send_queued(c);
}

void Stack::release(Connection& c) {
  c.held = false;
  c.user_gone = true;
  if (c.state == State::kClosed) {
    if (planted.has(Defect::close_of_nothing_sends_fin)) {
      Segment fin = from(c);
      fin.ctl.fin = true;
      emit(c, fin);
    }
    free_.push_back(&c);
    return;
  }
  // SHLD-3: "while received data is still pending ... send a RST to show that data was lost".
  const bool quiet = planted.has(Defect::no_rst_on_unread_close) || variants.has(LegalVariant::no_rst_on_close);
  const bool forgotten = c.has_read && planted.has(Defect::partial_read_forgets_rest);
  const bool unread = c.received.user() > 0 && !quiet && !forgotten;
  if (c.state == State::kTimeWait && planted.has(Defect::time_wait_ended_by_close)) {
    return delete_tcb(c, Ended::kNormally);
  }
  if (c.state == State::kFinWait2 && planted.has(Defect::no_rst_on_unread_close_in_fin_wait_2)) return close(c);
  if (unread && (c.receives() || c.state == State::kCloseWait)) return abort(c);
  close(c);
}

}  // namespace own
