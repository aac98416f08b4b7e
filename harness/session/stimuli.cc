// SPDX-License-Identifier: Apache-2.0
// Sends packets and makes calls, then records what the target sends until it is silent.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "harness/base/processes.h"
#include "harness/script/addresses.h"
#include "harness/script/names.h"
#include "harness/session/session_impl.h"
#include "harness/wire/other_octets.h"
#include "harness/wire/segment_of.h"

namespace tcpassay {
namespace {

constexpr std::size_t kBurstMax = 20000;  // packets a target may send before it falls silent
constexpr int kStallsMax = 1000;          // how often a virtual clock may stand still without a packet
constexpr Time kWaitPiece = std::chrono::milliseconds(100);
constexpr std::size_t kReportedMax =
    64;  // up to so many conversations are asked for their states, else only the latest

// True when the segment begins at or before `edge` and ends after it, so that `edge` moves to the segment's end.
bool moves(std::uint32_t edge, std::uint32_t seq, std::uint32_t length) {
  return static_cast<std::int32_t>(seq - edge) <= 0 && static_cast<std::int32_t>(seq + length - edge) > 0;
}

}  // namespace

// The clock at the beginning of a stimulus. Packets that a timer has sent meanwhile come before the stimulus.
Time Session::Impl::begin_stimulus() {
  Time now = target.now();
  if (!virtual_time && drain()) now = target.now();
  return reached(now);
}

// Compares the clock with the time that the script says.
Time Session::Impl::reached(Time now) {
  if (scheduled && !virtual_time) late = std::max(now - *scheduled, Time{});
  scheduled.reset();
  return clock = now;
}

// The clock at the end of a stimulus.
Time Session::Impl::over(const Event& stimulus) {
  return clock = virtual_time ? stimulus.from : target.now();
}

void Session::Impl::put(ByteView bytes, Tuple tuple, const Place& where) {
  const std::optional<Decoded> decoded = ip_discards(bytes) ? std::nullopt : decode(bytes);
  Event event;
  event.tuple = tuple;
  event.from = begin_stimulus();
  if (options.capture) options.capture->write(event.from, bytes);
  target.inject(bytes);
  event.until = over(event);
  if (decoded) note_arrival(conversation(tuple).peer, *decoded);
  latest = tuple;
  if (told()) {
    Arriving segment;
    if (decoded) segment = observed<Arriving>(*decoded);
    if (decoded) segment.ip.oddity = oddity_of(*decoded);
    if (!decoded) segment.fault = Fault::kTruncated;
    event.what = segment;
    record(event, where);
  }
  settle();
}

UserCall Session::Impl::make(UserCall made, Tuple tuple, const Place& where) {
  Event event;
  event.from = begin_stimulus();
  target.call(made);
  event.until = over(event);
  event.tuple = made.tuple.remote ? made.tuple : tuple;
  if (made.kind == CallKind::kRead) {  // the target's view is valid only until its next call
    read_text.assign(made.text.begin(), made.text.end());
    made.text = read_text;
  }
  if (!told()) return made;
  event.what = made;
  record(event, where);
  return std::get<UserCall>(event.what);
}

// MSG_MORE holds text back, as TCP_CORK does, until the next write without it: the oracle is told so.
void Session::Impl::hold_text(const Call& call, Socket& socket, const Place& where) {
  if (std::exchange(socket.corked, call.more) == call.more) return;
  Event event;
  event.from = event.until = target.now();
  event.tuple = socket.tuple;
  event.what = UserCall{
      .kind = CallKind::kSetOption, .handle = socket.handle, .option = SocketOption::kCork, .value = call.more ? 1 : 0};
  record(event, where);
}

// With TCP_FASTOPEN_CONNECT, connect() asks for a cookie, or where one is known leaves the SYN to the first write. The
// oracle is told of the call that sends the SYN as of sendto() with MSG_FASTOPEN. Empty for every other call.
std::optional<UserCall> Session::Impl::late_open(const Call& call, const Place& where) {
  Socket* socket = by_script(call.handle);
  const bool opens = socket && socket->opens_late && call.kind == CallKind::kConnect && socket->role == Role::kIdle;
  const bool sends = socket && socket->opening && call.kind == CallKind::kWrite;
  if (!opens && !sends) return std::nullopt;
  Event event;
  event.from = begin_stimulus();
  UserCall made = wire_call(call, socket);
  const std::uint16_t port = opens ? made.port : socket->tuple.remote;
  target.call(made);
  event.until = over(event);
  learn(call, made);
  socket = by_script(call.handle);
  const bool deferred = opens && made.result == 0;
  socket->opening = deferred || (sends && made.result < 0 && made.error == UserError::kOther);
  if (!socket->opening) {
    UserCall told = made;
    told.kind = CallKind::kSendTo;
    told.port = port;
    told.tuple = socket->tuple;
    event.tuple = socket->tuple;
    event.what = told;
    record(event, where);
  }
  settle();
  return made;
}

// A read into a pipe. The oracle is not told of one that moves nothing: urgent data, which splice() does not pass, may
// be next. What is not a socket of the script is taken at its word.
UserCall Session::Impl::splice(const Call& call, const Socket* socket, const Place& where) {
  UserCall made = wire_call(call, socket);
  if (!socket) {
    made.result = call.result.value_or(0);
    return made;
  }
  Event event;
  event.from = begin_stimulus();
  target.implementation_specific(socket->handle, kSplice, 1);
  target.call(made);
  event.until = over(event);
  read_text.assign(made.text.begin(), made.text.end());
  made.text = read_text;
  event.tuple = socket->tuple;
  event.what = made;
  if (made.result > 0) record(event, where);
  settle();
  return made;
}

// connect() to no address: the oracle is told of an ABORT, and of a new socket with the same number.
UserCall Session::Impl::disconnect(const Call& call, Socket& socket, const Place& where) {
  Event event;
  event.from = begin_stimulus();
  UserCall made{.kind = CallKind::kConnect, .handle = socket.handle};
  const bool done = target.implementation_specific(socket.handle, kNoAddress, 0).has_value();
  event.until = over(event);
  if (!done) made.result = -1;
  if (!done) made.error = UserError::kOther;
  if (done) {
    event.tuple = socket.role == Role::kConnection ? socket.tuple : Tuple{};
    event.what = UserCall{.kind = CallKind::kSetOption, .handle = socket.handle, .option = SocketOption::kLinger};
    record(event, where);
    event.what = UserCall{.kind = CallKind::kClose, .handle = socket.handle};
    record(event, where);
    event.tuple = {};
    event.what = UserCall{.kind = CallKind::kSocket, .handle = -1, .result = socket.handle};
    record(event, where);
    socket = {.script = call.handle, .handle = socket.handle};
  }
  settle();
  return made;
}

// Collects until the target is silent, then records a Quiet event. `clock` was read before, and nothing was done to the
// target since then.
void Session::Impl::settle() {
  Time before = clock;
  drain();
  if (!synchronous) {
    Time deadline = before + options.settle;
    for (Time now = before; now < deadline; now = target.now()) {
      target.advance(deadline);
      before = target.now();
      if (drain()) deadline = before + options.settle;
    }
    clock = target.now();
  }
  report_states();
  if (!told()) return;
  Event event;
  event.from = virtual_time ? target.now() : before;
  event.until = virtual_time ? event.from : clock;
  event.what = Quiet{};
  record(event);
}

// Records all packets that are there; true when there were some.
bool Session::Impl::drain() {
  std::size_t count = 0;
  while (auto collected = target.collect()) {
    depart(*collected);
    if (++count > kBurstMax) {
      throw TargetError(fmt::format("{} sent more than {} packets at once and does not fall silent",
                                    target.identity().name, kBurstMax));
    }
  }
  return count > 0;
}

void Session::Impl::wait_until(Time at) {
  if (clock < at && (clock = target.now()) < at) advance_to(at);
}

// Where time is real the wait comes in pieces, so that an interrupt ends it.
void Session::Impl::advance_to(Time deadline) {
  int stalls = 0;
  for (Time now = target.now(); now < deadline && !Interrupt::interrupted();) {
    target.advance(virtual_time ? deadline : std::min(deadline, now + kWaitPiece));
    const bool something = drain();
    const Time then = target.now();
    stalls = something || then != now ? 0 : stalls + 1;
    if (virtual_time && stalls > kStallsMax) {
      throw TargetError(target.identity().name + " does not advance its clock");
    }
    now = then;
  }
  clock = target.now();
  settle();
}

void Session::Impl::wait_for_departure(Time deadline) {
  for (Time now = target.now(); now < deadline && !Interrupt::interrupted(); now = target.now()) {
    target.advance(virtual_time ? deadline : std::min(deadline, now + kWaitPiece));
    if (drain()) break;
    if (virtual_time && target.now() == now) break;
  }
  clock = target.now();
  settle();
}

void Session::Impl::report_states() {
  if (!white_box) return;
  const bool many = conversations.size() > kReportedMax;
  for (std::size_t i = 0; i < conversations.size(); ++i) {
    const Tuple tuple = conversations[i].peer.tuple;
    if (tuple.local == 0 || (many && !(tuple == latest))) continue;
    Event event;
    event.tuple = tuple;
    event.from = target.now();
    event.what = target.state(tuple).value_or(StateReport{});  // no such connection: CLOSED or LISTEN
    event.until = over(event);
    record(event);
  }
}

// Observations.

void Session::Impl::depart(const Collected& collected) {
  clock = std::max(clock, collected.until);  // what leaves from now on leaves after that
  if (options.capture) options.capture->write(collected.from, collected.packet);
  const bool unfinished = fragments.unfinished();
  const Reassembly::Taken taken = fragments.take(collected.packet);
  if (taken == Reassembly::Taken::kPart) return;
  if (taken == Reassembly::Taken::kNoFragment && unfinished) {
    fragments.forget();
    depart_broken(collected);  // the rest of that packet does not come
  }
  const ByteView whole = taken == Reassembly::Taken::kComplete ? fragments.whole() : collected.packet;
  if (sent.size() < options.packets_kept && sent_end >= sent.size()) sent.emplace_back();
  Sent& slot = sent[sent_end++ % options.packets_kept];
  slot.from = collected.from;
  slot.until = collected.until;
  slot.matched = false;
  slot.packet.assign(whole.begin(), whole.end());

  const auto decoded = decode(slot.packet);
  if (!decoded) return depart_broken(collected);
  const Tuple tuple{.local = decoded->source_port, .remote = decoded->destination_port};
  if (decoded->fault == Fault::kNone) note_departure(tuple, *decoded);
  if (options.round_trip > Time{}) conversation(tuple).path.departed(*decoded, collected.until);
  if (!told()) return;
  auto segment = observed<Departing>(*decoded);
  const Identity& identity = target.identity();
  const Address& usual = ip == 6 ? identity.ipv6_address : identity.address;
  if (decoded->source != usual) segment.ip.oddity = Carrier::Oddity::kOtherSource;
  Event event{.from = collected.from, .until = collected.until, .tuple = tuple, .what = segment};
  record(event);
}

// What left is no segment.
void Session::Impl::depart_broken(const Collected& collected) {
  Event event;
  event.from = collected.from;
  event.until = collected.until;
  event.what = Departing{.fault = Fault::kTruncated};
  event.tuple = pair_now;
  record(event);
}

void Session::Impl::record(Event& event, const Place& where) {
  if (options.keep_trace) keep_text(event);
  if (options.observer) options.observer->happens(event);
  if (options.judge) oracle.observe(event);
  if (!options.keep_trace) return;
  trace.events.push_back(event);
  trace.places.push_back(where);
  const Tuple tuple = event.tuple == Tuple{} ? pair_now : event.tuple;
  trace.states.push_back(options.judge ? oracle.states(tuple) : std::string());
}

// Moves the event's text into the trace's own memory.
void Session::Impl::keep_text(Event& event) {
  const auto keep = [&](std::span<const std::uint8_t>& view) {
    if (view.empty()) return;
    trace.store.emplace_back(view.begin(), view.end());
    view = trace.store.back();
  };
  if (auto* in = std::get_if<Arriving>(&event.what)) keep(in->text);
  if (auto* out = std::get_if<Departing>(&event.what)) keep(out->text);
  if (auto* call = std::get_if<UserCall>(&event.what)) keep(call->text);
}

void Session::Impl::note_departure(Tuple tuple, const Decoded& out) {
  if (out.ctl.syn && !out.ctl.ack) {  // the SYN of an active OPEN shows which port the target chose
    for (auto& socket : sockets) {
      if (socket.role != Role::kConnection || socket.tuple.local != 0 || socket.tuple.remote != tuple.remote) continue;
      socket.tuple = tuple;
      pair_now = tuple;
    }
  }
  Peer& peer = conversation(tuple).peer;
  const std::uint32_t length = static_cast<std::uint32_t>(out.text.size()) + out.ctl.syn + out.ctl.fin;
  if (out.ctl.rst) return;
  peer.rcv_wnd = out.wnd;
  if (out.ctl.ack) peer.acked = out.ack;
  if (out.ctl.syn && !out.ctl.ack) peer.acked.reset();  // it opens a connection, or opens one again
  if (out.opt.timestamps) peer.tsval = out.opt.timestamps->value;
  if (out.ctl.syn && out.ctl.ack && out.opt.fast_open && out.opt.cookie_octets > 0) {
    cookie.assign(out.opt.cookie.begin(), out.opt.cookie.begin() + out.opt.cookie_octets);
  }
  if (out.ctl.syn) {
    peer.irs = out.seq;
    peer.rcv_nxt = out.seq + length;
  } else if (peer.rcv_nxt && moves(*peer.rcv_nxt, out.seq, length)) {
    peer.rcv_nxt = out.seq + length;
  }
}

void Session::Impl::note_arrival(Peer& peer, const Decoded& in) {
  const std::uint32_t length = static_cast<std::uint32_t>(in.text.size()) + in.ctl.syn + in.ctl.fin;
  if (in.fault != Fault::kNone || in.ctl.rst) return;
  if (in.ctl.syn) {
    peer.iss = in.seq;
    peer.snd_nxt = in.seq + length;
  } else if (moves(peer.snd_nxt, in.seq, length)) {
    peer.snd_nxt = in.seq + length;
  }
}

}  // namespace tcpassay
