// SPDX-License-Identifier: Apache-2.0
#include "harness/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "harness/script.h"

namespace tcpassay {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kSentMax = 4096;             // packets of the target kept for expect() and take_packets()
constexpr std::size_t kBurstMax = 20000;           // packets a target may send before it falls silent
constexpr int kStallsMax = 1000;                   // times a virtual clock may stand still with nothing sent
constexpr std::uint32_t kTextMax = 65535 - 40 - 60;  // octets of text that fit an IPv6 packet beside full options
constexpr std::uint32_t kWriteMax = 1 << 20;       // octets of one write
constexpr std::uint32_t kReadSize = 65536;         // octets asked for by the final examination
constexpr int kReadsMax = 1024;                    // reads of the final examination from one handle
constexpr int kAcceptsMax = 128;                   // connections it accepts from one listener
constexpr Time kAnyWaitVirtual = seconds(300);     // how long a `*` line waits
constexpr Time kAnyWaitReal = seconds(5);

// What a handle of the target stands for.
enum class Role : std::uint8_t { kIdle, kListener, kConnection };

struct Socket {
  int script = -1;            // its number in the script
  int handle = -1;            // its number at the target
  Role role = Role::kIdle;
  Tuple tuple{};              // of a connection, as far as it is known
  std::uint32_t written = 0;  // octets the target has taken: the stream offset of the next
};

struct Conversation {
  Session::Peer peer;
  std::uint32_t script_iss = 0;  // the number that the script gives the target's SYN
};

// A packet of the target, for expect() and take_packets().
struct Sent {
  Time from{}, until{};
  bool matched = false;
  Bytes packet{};
};

// A blocking call that has not returned yet.
struct Pending {
  Call call;
  Time returns{};
  std::int64_t done = 0;  // octets of a write taken so far
  Place where;
};

// SEG.SEQ ... SEG.SEQ+SEG.LEN covers `edge` or begins at it, so that the edge moves to the segment's end.
bool moves(std::uint32_t edge, std::uint32_t seq, std::uint32_t length) {
  return static_cast<std::int32_t>(seq - edge) <= 0 && static_cast<std::int32_t>(seq + length - edge) > 0;
}

template <class SegmentT, class SeqT, class AckT>
SegmentT segment_of(const Decoded& packet) {
  SegmentT segment;
  segment.seq = SeqT{packet.seq};
  segment.ack = AckT{packet.ack};
  segment.wnd = packet.wnd;
  segment.up = packet.up;
  segment.ctl = packet.ctl;
  segment.fault = packet.fault;
  segment.opt = packet.opt;
  segment.ip = {.ttl = packet.ttl, .traffic_class = packet.traffic_class};
  segment.text = packet.text;
  return segment;
}

Ctl with_ace(Ctl ctl, int ace) {
  ctl.ece = (ace & 1) != 0;
  ctl.cwr = (ace & 2) != 0;
  ctl.reserved = static_cast<std::uint8_t>((ctl.reserved & 0x0e) | (ace >> 2 & 1));
  return ctl;
}

Ctl control_of(const SegmentSpec& spec) { return spec.ace ? with_ace(spec.ctl, *spec.ace) : spec.ctl; }

// Options as they are compared: the padding at the end does not count, and a TSval is whatever the target's clock says.
std::vector<OptionSpec> comparable(std::vector<OptionSpec> options) {
  while (!options.empty() && options.back().kind == OptionSpec::Kind::kEnd) options.pop_back();
  for (auto& option : options) {
    if (option.kind == OptionSpec::Kind::kTimestamp && !option.values.empty()) option.values[0] = 0;
  }
  return options;
}

std::optional<std::uint32_t> timestamp_value(const std::vector<OptionSpec>& options) {
  for (const auto& option : options) {
    if (option.kind == OptionSpec::Kind::kTimestamp && !option.values.empty()) return option.values[0];
  }
  return std::nullopt;
}

std::string text_of(const SegmentSpec& spec) {
  Step step;
  step.action = Expect{spec};
  return to_text(step);
}

std::string text_of(Time at) { return fmt::format("{:.6f} s", std::chrono::duration<double>(at).count()); }

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// Shell commands that change nothing a verdict depends on.
bool is_harmless(const Shell& shell) {
  for (const char* harmless : {"defaults.sh", "nstat", "sleep ", "true", "echo "}) {
    if (contains(shell.text, harmless)) return true;
  }
  return shell.text.find_first_not_of(" \t\n") == std::string::npos;
}

std::string first_line(const std::string& text) {
  const auto start = text.find_first_not_of(" \t\n");
  if (start == std::string::npos) return "";
  return text.substr(start, text.find('\n', start) - start);
}

// Why one step cannot be played, or nothing. Code runs after a script is over and only looks, so leaving it out is
// harmless.
std::optional<std::string> unsupported_step(const Step& step, const Identity& target) {
  const auto line = [&] { return step.where.line ? fmt::format(" (line {})", step.where.line) : std::string(); };
  if (std::holds_alternative<Icmp>(step.action)) return "ICMP" + line();
  const auto* unknown = std::get_if<Unsupported>(&step.action);
  if (unknown && !unknown->harmless) return unknown->construct + line();
  if (const auto* shell = std::get_if<Shell>(&step.action); shell && !is_harmless(*shell)) {
    return fmt::format("shell command `{}`{}", first_line(shell->text), line());
  }
  const auto* call = std::get_if<Call>(&step.action);
  if (!call) return std::nullopt;
  if (call->kind == CallKind::kListen && !target.can(Ability::kPassiveOpen)) return "needs passive-open";
  if (call->kind == CallKind::kConnect && !target.can(Ability::kActiveOpen)) return "needs active-open";
  return std::nullopt;
}

}  // namespace

Schedule::Schedule(const std::vector<std::string>& options) {
  constexpr std::string_view kTolerance = "--tolerance_usecs=";
  for (const auto& option : options) {
    if (option.starts_with(kTolerance)) tolerance_ = microseconds(std::atoll(option.c_str() + kTolerance.size()));
  }
}

Schedule::Slot Schedule::next(const StepTime& time) {
  const bool relative = time.form == StepTime::Form::kRelative || time.form == StepTime::Form::kRelativeRange;
  const bool range = time.form == StepTime::Form::kRelativeRange || time.form == StepTime::Form::kAbsoluteRange;
  const Time base = relative ? last_ : Time{};
  Slot slot;
  if (time.form == StepTime::Form::kAny) {
    slot.any = true;
    slot.from = slot.until = last_;
    return slot;
  }
  slot.from = base + time.at;
  slot.until = range ? base + time.to : slot.from;
  slot.tolerance = tolerance_.value_or(std::max<Time>(milliseconds(4), (slot.until - last_) / 8));
  if (time.returns) slot.returns = base + *time.returns;
  last_ = slot.from;
  return slot;
}

struct Session::Impl {
  Impl(Target& under_test, SessionOptions chosen)
      : target(under_test), options(chosen), oracle(terms_of(under_test.identity())) {
    const Identity& identity = target.identity();
    virtual_time = identity.can(Ability::kVirtualTime);
    synchronous = identity.can(Ability::kSynchronous);
    white_box = options.white_box && identity.can(Ability::kState);
  }

  static Terms terms_of(const Identity& identity) {
    Terms terms;
    terms.msl = identity.msl;
    terms.mms_r = terms.mms_s = identity.address.family == 4 ? 1480 : 1460;
    return terms;
  }

  void start(const std::string& name, std::uint64_t seed);
  void forget();

  // Stimuli and what follows them.
  void put(ByteView packet, Tuple tuple, const Place& where);
  UserCall make(UserCall call, Tuple tuple, const Place& where);
  void settle();
  bool drain();
  void advance_to(Time deadline);
  void wait_for_departure(Time deadline);
  void report_states();

  // Observations.
  void depart(const Collected& collected);
  void record(Event& event, const Place& where = {});
  void keep_text(Event& event);
  void note_departure(Tuple tuple, const Decoded& packet);
  void note_arrival(Peer& peer, const Decoded& packet);

  // Script terms.
  Tuple pair(std::optional<std::uint16_t> local, std::optional<std::uint16_t> remote) const;
  Conversation& conversation(Tuple tuple);
  const std::vector<OptionSpec>& on_wire(const std::vector<OptionSpec>& specs, const Conversation& with);
  UserCall call(const Call& call, const Place& where);
  UserCall wire_call(const Call& call, const Socket* socket);
  void learn(const Call& call, const UserCall& made);
  void compare(const Call& call, const UserCall& made, const Place& where);
  Socket* by_script(int number);
  Socket* by_handle(int handle);

  // Assertions.
  Sent* next_unmatched(const SegmentSpec& spec);
  bool expect(const SegmentSpec& spec, std::optional<Time> earliest, Time deadline, const Place& where);
  bool agrees(const SegmentSpec& spec, const Sent& sent, const Place& where);
  void mismatch(const Place& where, std::string expected, std::string seen);

  // Whole scenarios.
  void play(const Scenario& scenario);
  void play_step(const Step& step, const Schedule::Slot& slot);
  void complete_pending(Time until);
  void complete(Pending pending);
  void finish();
  void examine(int handle, Role role);

  Target& target;
  SessionOptions options;
  Oracle oracle;
  bool virtual_time = false, synchronous = false, white_box = false, strict = false;

  Trace trace;
  std::vector<Mismatch> mismatches;
  std::vector<Conversation> conversations;
  std::vector<Socket> sockets;
  bool named = false;        // the script gives its handles their numbers
  Tuple pair_now{};          // the script's only pair
  std::vector<Pending> pending;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> timestamps;  // TSval in the script, on the wire

  std::vector<Sent> sent;    // a ring; logical index i is at i % kSentMax
  std::size_t sent_end = 0, sent_taken = 0, sent_cursor = 0;

  Bytes packet, text, read_text;  // scratch
  std::vector<OptionSpec> adjusted;
  const Place nowhere{};
};

void Session::Impl::start(const std::string& name, std::uint64_t seed) {
  forget();
  if (options.keep_trace) trace.scenario = name;
  target.reset(seed);
  if (options.judge) oracle.start();
}

void Session::Impl::forget() {
  if (options.keep_trace) trace = Trace{};
  mismatches.clear();
  conversations.clear();
  sockets.clear();
  pending.clear();
  timestamps.clear();
  named = strict = false;
  pair_now = {.local = kTargetPort, .remote = options.peer_port};
  sent_end = sent_taken = sent_cursor = 0;
}

// Stimuli.

void Session::Impl::put(ByteView bytes, Tuple tuple, const Place& where) {
  const std::optional<Decoded> decoded = decode(bytes);
  Event event;
  event.tuple = tuple;
  event.from = target.now();
  if (options.capture) options.capture->write(event.from, bytes);
  target.inject(bytes);
  event.until = virtual_time ? event.from : target.now();
  if (decoded) {
    event.what = segment_of<Arriving, RcvSeq, SndSeq>(*decoded);
    note_arrival(conversation(tuple).peer, *decoded);
  } else {
    Arriving broken;
    broken.fault = Fault::kTruncated;
    event.what = broken;
  }
  record(event, where);
  settle();
}

UserCall Session::Impl::make(UserCall made, Tuple tuple, const Place& where) {
  Event event;
  event.from = target.now();
  target.call(made);
  event.until = virtual_time ? event.from : target.now();
  event.tuple = made.tuple.remote ? made.tuple : tuple;
  if (made.kind == CallKind::kRead) {  // the target's memory may go with its next call
    read_text.assign(made.text.begin(), made.text.end());
    made.text = read_text;
  }
  event.what = made;
  record(event, where);
  return std::get<UserCall>(event.what);
}

// Collects until the target is silent, and says so.
void Session::Impl::settle() {
  Time before = target.now();
  drain();
  if (!synchronous) {
    Time deadline = before + options.settle;
    for (Time now = before; now < deadline; now = target.now()) {
      target.advance(deadline);
      before = target.now();
      if (drain()) deadline = before + options.settle;
    }
  }
  report_states();
  Event event;
  event.from = virtual_time ? target.now() : before;
  event.until = virtual_time ? event.from : target.now();
  event.what = Quiet{};
  record(event);
}

// Records what is there; true when something was.
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

void Session::Impl::advance_to(Time deadline) {
  int stalls = 0;
  for (Time now = target.now(); now < deadline;) {
    target.advance(deadline);
    const bool something = drain();
    const Time then = target.now();
    stalls = something || then != now ? 0 : stalls + 1;
    if (virtual_time && stalls > kStallsMax) {
      throw TargetError(target.identity().name + " does not let its clock run on");
    }
    now = then;
  }
  settle();
}

void Session::Impl::wait_for_departure(Time deadline) {
  for (Time now = target.now(); now < deadline; now = target.now()) {
    target.advance(deadline);
    if (drain()) break;
    if (virtual_time && target.now() == now) break;
  }
  settle();
}

void Session::Impl::report_states() {
  if (!white_box) return;
  for (std::size_t i = 0; i < conversations.size(); ++i) {
    const Tuple tuple = conversations[i].peer.tuple;
    if (tuple.local == 0) continue;
    Event event;
    event.tuple = tuple;
    event.from = target.now();
    event.what = target.state(tuple).value_or(StateReport{});  // it knows nothing of it: CLOSED, or LISTEN
    event.until = virtual_time ? event.from : target.now();
    record(event);
  }
}

// Observations.

void Session::Impl::depart(const Collected& collected) {
  if (options.capture) options.capture->write(collected.from, collected.packet);
  if (sent.size() < kSentMax && sent_end >= sent.size()) sent.emplace_back();
  Sent& slot = sent[sent_end++ % kSentMax];
  slot.from = collected.from;
  slot.until = collected.until;
  slot.matched = false;
  slot.packet.assign(collected.packet.begin(), collected.packet.end());

  Event event;
  event.from = collected.from;
  event.until = collected.until;
  if (const auto decoded = decode(slot.packet)) {
    event.tuple = {.local = decoded->source_port, .remote = decoded->destination_port};
    event.what = segment_of<Departing, SndSeq, RcvSeq>(*decoded);
    if (decoded->fault == Fault::kNone) note_departure(event.tuple, *decoded);
  } else {
    Departing broken;
    broken.fault = Fault::kTruncated;
    event.what = broken;
    event.tuple = pair_now;
  }
  record(event);
}

void Session::Impl::record(Event& event, const Place& where) {
  if (options.keep_trace) keep_text(event);
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
  if (out.ctl.syn && !out.ctl.ack) {  // an active OPEN shows its port
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

// Script terms.

Tuple Session::Impl::pair(std::optional<std::uint16_t> local, std::optional<std::uint16_t> remote) const {
  return {.local = local.value_or(pair_now.local), .remote = remote.value_or(pair_now.remote)};
}

Conversation& Session::Impl::conversation(Tuple tuple) {
  for (auto& known : conversations) {
    if (known.peer.tuple == tuple) return known;
  }
  auto& fresh = conversations.emplace_back();
  fresh.peer.tuple = tuple;
  return fresh;
}

// SACK edges that we send count the target's octets, and TSecr echoes the target's clock.
const std::vector<OptionSpec>& Session::Impl::on_wire(const std::vector<OptionSpec>& specs, const Conversation& with) {
  adjusted = specs;
  for (auto& option : adjusted) {
    if (option.kind == OptionSpec::Kind::kSack) {
      for (auto& edge : option.values) edge += with.peer.irs.value_or(0) - (with.peer.irs ? with.script_iss : 0);
    }
    if (option.kind != OptionSpec::Kind::kTimestamp || option.values.size() < 2) continue;
    for (const auto& [script, wire] : timestamps) {
      if (script == option.values[1]) {
        option.values[1] = wire;
        break;
      }
    }
  }
  return adjusted;
}

void Session::inject(const SegmentSpec& spec, const Place& where) {
  Impl& self = *impl_;
  const Tuple tuple = self.pair(spec.local_port, spec.remote_port);
  const Conversation& with = self.conversation(tuple);
  const std::uint32_t first = spec.seq + spec.ctl.syn;
  self.text.resize(std::min(spec.length, kTextMax));
  for (std::uint32_t i = 0; i < self.text.size(); ++i) self.text[i] = peer_octet(first + i);
  Bytes option_area;
  if (!spec.options.empty()) option_area = option_octets(self.on_wire(spec.options, with));

  const Identity& identity = self.target.identity();
  PacketFields fields{.source = identity.peer_address,
                      .destination = identity.address,
                      .source_port = tuple.remote,
                      .destination_port = tuple.local,
                      .seq = spec.seq};
  if (spec.ack) fields.ack = *spec.ack + (with.peer.irs ? *with.peer.irs - with.script_iss : 0);
  fields.ctl = control_of(spec);
  fields.wnd = spec.wnd.value_or(65535);
  fields.up = spec.up.value_or(0);
  if (spec.ttl) fields.ttl = *spec.ttl;
  if (spec.traffic_class) fields.traffic_class = *spec.traffic_class;
  fields.options = option_area;
  fields.text = self.text;
  fields.damage = spec.damage;
  encode(fields, self.packet);
  self.put(self.packet, tuple, where);
}

void Session::inject_packet(ByteView ip_packet) {
  Tuple tuple = impl_->pair_now;
  if (const auto decoded = decode(ip_packet)) {
    tuple = {.local = decoded->destination_port, .remote = decoded->source_port};
  }
  impl_->put(ip_packet, tuple, {});
}

Socket* Session::Impl::by_script(int number) {
  for (auto socket = sockets.rbegin(); socket != sockets.rend(); ++socket) {
    if (socket->script == number) return &*socket;
  }
  return nullptr;
}

Socket* Session::Impl::by_handle(int handle) {
  for (auto& socket : sockets) {
    if (socket.handle == handle) return &socket;
  }
  return nullptr;
}

UserCall Session::Impl::wire_call(const Call& call, const Socket* socket) {
  UserCall made;
  made.kind = call.kind;
  made.handle = socket ? socket->handle : call.handle;
  made.port = call.port;
  if (made.port == 0 && (call.kind == CallKind::kBind || call.kind == CallKind::kConnect)) made.port = kTargetPort;
  made.length = call.length;
  made.how = call.how;
  made.option = call.option;
  made.value = call.value;
  if (call.kind != CallKind::kWrite) return made;
  made.length = std::min(call.length, kWriteMax);
  const std::uint32_t offset = socket ? socket->written : 0;
  text.resize(made.length);
  for (std::uint32_t i = 0; i < made.length; ++i) text[i] = target_octet(offset + i);
  made.text = text;
  return made;
}

UserCall Session::Impl::call(const Call& call, const Place& where) {
  const Socket* socket = call.kind == CallKind::kSocket ? nullptr : by_script(call.handle);
  if (call.kind != CallKind::kSocket && !socket && named) {  // the script's handle never came to be: nothing to call
    UserCall refused = wire_call(call, nullptr);
    refused.result = -1;
    refused.error = UserError::kBadHandle;
    return refused;
  }
  const Tuple tuple = socket && socket->role == Role::kConnection ? socket->tuple : Tuple{};
  UserCall made = make(wire_call(call, socket), tuple, where);
  learn(call, made);
  settle();
  return made;
}

// What a call's success says about handles, ports and the stream.
void Session::Impl::learn(const Call& call, const UserCall& made) {
  const bool names = call.result && *call.result >= 0;
  if ((made.kind == CallKind::kSocket || made.kind == CallKind::kAccept) && made.result >= 0) {
    Socket fresh;
    fresh.handle = static_cast<int>(made.result);
    fresh.script = names ? static_cast<int>(*call.result) : fresh.handle;
    named = named || names;
    if (made.kind == CallKind::kAccept) {
      fresh.role = Role::kConnection;
      fresh.tuple = made.tuple;
    }
    sockets.push_back(fresh);
    return;
  }
  Socket* socket = by_handle(made.handle);
  if (!socket) return;
  if (made.kind == CallKind::kConnect && (made.result >= 0 || made.error == UserError::kInProgress)) {
    const bool shown = socket->role == Role::kConnection && socket->tuple.local != 0;
    socket->role = Role::kConnection;
    if (!shown) socket->tuple = {.local = made.tuple.local, .remote = made.port};
    pair_now = socket->tuple;
    return;
  }
  if (made.result < 0) return;
  switch (made.kind) {
    case CallKind::kBind: pair_now.local = made.port; break;
    case CallKind::kListen: socket->role = Role::kListener; break;
    case CallKind::kWrite: socket->written += static_cast<std::uint32_t>(made.result); break;
    case CallKind::kClose: sockets.erase(sockets.begin() + (socket - sockets.data())); break;
    default: break;
  }
}

UserCall Session::call(const Call& call, const Place& where) {
  const UserCall made = impl_->call(call, where);
  impl_->compare(call, made, where);
  return made;
}

// Assertions.

void Session::Impl::mismatch(const Place& where, std::string expected, std::string seen) {
  if (!options.assertions) return;
  mismatches.push_back({.where = where, .expected = std::move(expected), .seen = std::move(seen)});
}

static std::string result_text(std::int64_t result, UserError error) {
  return error == UserError::kNone ? fmt::format("{}", result) : fmt::format("{} {}", result, to_string(error));
}

void Session::Impl::compare(const Call& call, const UserCall& made, const Place& where) {
  if (!options.assertions || !call.result) return;
  const bool handle = made.kind == CallKind::kSocket || made.kind == CallKind::kAccept;
  const bool result = handle ? (*call.result >= 0) == (made.result >= 0) : *call.result == made.result;
  const bool error = !call.error || *call.error == made.error;
  if (result && error) return;
  const std::string name = call.name.empty() ? to_string(call.kind) : call.name;
  mismatch(where, fmt::format("{} = {}", name, result_text(*call.result, call.error.value_or(UserError::kNone))),
           fmt::format("{} = {}", name, result_text(made.result, made.error)));
}

// The oldest packet that no `>` line has claimed, of the conversation that the line names if it names one. A pure ACK
// before awaited text is passed over unless --strict_segments was given, as packetdrill does.
Sent* Session::Impl::next_unmatched(const SegmentSpec& spec) {
  if (sent_end > kSentMax) sent_cursor = std::max(sent_cursor, sent_end - kSentMax);
  for (; sent_cursor < sent_end && sent[sent_cursor % kSentMax].matched; ++sent_cursor) {
  }
  for (std::size_t i = sent_cursor; i < sent_end; ++i) {
    Sent& candidate = sent[i % kSentMax];
    if (candidate.matched) continue;
    const auto decoded = decode(candidate.packet);
    if (!decoded) return &candidate;
    if (spec.local_port && *spec.local_port != decoded->source_port) continue;
    if (spec.remote_port && *spec.remote_port != decoded->destination_port) continue;
    const bool pure_ack = decoded->text.empty() && decoded->ctl == Ctl{.ack = true};
    if (!strict && pure_ack && spec.length > 0) {
      candidate.matched = true;
      continue;
    }
    return &candidate;
  }
  return nullptr;
}

// A packet of the target in the script's terms.
static SegmentSpec script_terms(const Decoded& packet, const Conversation& with) {
  SegmentSpec spec;
  spec.ctl = packet.ctl;
  spec.seq = packet.seq - (with.peer.irs ? *with.peer.irs - with.script_iss : 0);
  spec.length = static_cast<std::uint32_t>(packet.text.size());
  if (packet.ctl.ack) spec.ack = packet.ack;
  spec.wnd = packet.wnd;
  if (packet.ctl.urg) spec.up = packet.up;
  spec.options = parse_options(packet.options);
  return spec;
}

bool Session::Impl::agrees(const SegmentSpec& spec, const Sent& out, const Place& where) {
  const auto decoded = decode(out.packet);
  if (!decoded || decoded->fault == Fault::kTruncated || decoded->fault == Fault::kDataOffset) {
    mismatch(where, text_of(spec), "a packet that cannot be read as TCP");
    return false;
  }
  Conversation& with = conversation({.local = decoded->source_port, .remote = decoded->destination_port});
  if (spec.ctl.syn && decoded->ctl.syn) with.script_iss = spec.seq;
  const SegmentSpec seen = script_terms(*decoded, with);
  bool same = control_of(spec) == seen.ctl && spec.seq == seen.seq && spec.length == seen.length;
  if (spec.ack || seen.ack) same = same && spec.ack == seen.ack;
  if (spec.wnd) same = same && *spec.wnd == decoded->wnd;
  if (spec.up) same = same && *spec.up == decoded->up;
  if (spec.traffic_class) same = same && *spec.traffic_class == decoded->traffic_class;
  if (!spec.any_options) {
    same = same && comparable(spec.options) == comparable(seen.options);
    const auto script = timestamp_value(spec.options), wire = timestamp_value(seen.options);
    if (script && wire) timestamps.insert(timestamps.begin(), {*script, *wire});
  }
  if (!same) mismatch(where, text_of(spec), text_of(seen));
  return same;
}

bool Session::Impl::expect(const SegmentSpec& spec, std::optional<Time> earliest, Time deadline, const Place& where) {
  while (true) {
    if (Sent* out = next_unmatched(spec)) {
      out->matched = true;
      const bool same = agrees(spec, *out, where);
      if (same && earliest && out->until < *earliest) {
        mismatch(where, text_of(spec) + " at " + text_of(*earliest) + " or later", "it at " + text_of(out->until));
        return false;
      }
      return same;
    }
    if (target.now() >= deadline) break;
    wait_for_departure(deadline);
  }
  mismatch(where, text_of(spec), "nothing");
  return false;
}

bool Session::expect(const SegmentSpec& segment, Time within, const Place& where) {
  return impl_->expect(segment, std::nullopt, impl_->target.now() + within, where);
}

// Whole scenarios.

// Blocking calls that return before `until` are made again when the script says they return.
void Session::Impl::complete_pending(Time until) {
  while (!pending.empty()) {
    const auto first = std::min_element(pending.begin(), pending.end(),
                                        [](const Pending& a, const Pending& b) { return a.returns < b.returns; });
    if (first->returns > until) return;
    Pending due = std::move(*first);
    pending.erase(first);
    if (target.now() < due.returns) advance_to(due.returns);
    complete(std::move(due));
  }
}

void Session::Impl::complete(Pending due) {
  Call again = due.call;
  if (again.kind == CallKind::kConnect) {  // the outcome of an active OPEN is the socket's error
    again.kind = CallKind::kGetOption;
    again.option = SocketOption::kError;
    const UserCall made = call(again, due.where);
    UserCall outcome = made;
    outcome.kind = CallKind::kConnect;
    if (made.result == 0 && made.value != 0) outcome.result = -1;
    if (due.call.error && outcome.result < 0) outcome.error = *due.call.error;
    compare(due.call, outcome, due.where);
    return;
  }
  if (again.kind == CallKind::kWrite) again.length -= static_cast<std::uint32_t>(due.done);
  UserCall made = call(again, due.where);
  if (made.result >= 0) made.result += due.done;
  compare(due.call, made, due.where);
}

void Session::Impl::play_step(const Step& step, const Schedule::Slot& slot) {
  if (const auto* line = std::get_if<Expect>(&step.action)) {
    const Time wait = virtual_time ? kAnyWaitVirtual : kAnyWaitReal;
    const Time deadline = slot.any ? target.now() + wait : slot.until + slot.tolerance;
    const std::optional<Time> earliest = slot.any ? std::nullopt : std::optional<Time>(slot.from - slot.tolerance);
    expect(line->segment, earliest, deadline, step.where);
    return;
  }
  if (target.now() < slot.from) advance_to(slot.from);
  const auto* made = std::get_if<Call>(&step.action);
  if (!made) return;  // Shell and Code are never executed
  const UserCall outcome = call(*made, step.where);
  const bool blocked = outcome.error == UserError::kWouldBlock || outcome.error == UserError::kInProgress;
  const bool partly = made->kind == CallKind::kWrite && made->result && outcome.result >= 0 &&
                      outcome.result < *made->result;
  if (slot.returns && (blocked || partly)) {
    pending.push_back({.call = *made, .returns = *slot.returns, .done = std::max<std::int64_t>(outcome.result, 0),
                       .where = step.where});
    return;
  }
  compare(*made, outcome, step.where);
}

void Session::play(const Scenario& scenario) {
  start(scenario.name);
  Schedule schedule(scenario.options);
  for (const auto& option : scenario.options) {
    if (option.starts_with("--strict_segments")) impl_->strict = true;
  }
  for (const auto& step : scenario.steps) {
    const Schedule::Slot slot = schedule.next(step.time);
    impl_->complete_pending(slot.from);
    if (const auto* in = std::get_if<Inject>(&step.action)) {
      if (impl_->target.now() < slot.from) impl_->advance_to(slot.from);
      inject(in->segment, step.where);
    } else {
      impl_->play_step(step, slot);
    }
    if (slot.any) schedule.reached(impl_->target.now());
  }
  impl_->complete_pending(Time::max());
  finish();
}

void Session::Impl::examine(int handle, Role role) {
  Call ask;
  ask.handle = handle;
  const Socket* socket = by_handle(handle);
  if (!socket) return;
  if (role == Role::kListener) {
    for (int i = 0; i < kAcceptsMax; ++i) {
      UserCall accept;
      accept.kind = CallKind::kAccept;
      accept.handle = handle;
      const UserCall made = make(accept, {}, nowhere);
      ask.kind = CallKind::kAccept;
      learn(ask, made);
      settle();
      if (made.result < 0) return;
      examine(static_cast<int>(made.result), Role::kConnection);
    }
    return;
  }
  const Tuple tuple = socket->tuple;
  for (int i = 0; i < kReadsMax; ++i) {
    UserCall read;
    read.kind = CallKind::kRead;
    read.handle = handle;
    read.length = kReadSize;
    const UserCall made = make(read, tuple, nowhere);
    settle();
    if (made.result <= 0) return;
  }
}

void Session::Impl::finish() {
  if (options.final_wait > Time{}) advance_to(target.now() + options.final_wait);
  const std::size_t count = sockets.size();  // accepted ones are examined when they are accepted
  for (std::size_t i = 0; i < count; ++i) {
    if (sockets[i].role != Role::kIdle) examine(sockets[i].handle, sockets[i].role);
  }
  if (options.judge) oracle.finish();
}

void Session::finish() { impl_->finish(); }

std::optional<std::string> Session::unsupported(const Scenario& scenario, const Target& target) {
  const Identity& identity = target.identity();
  for (const Ability ability : scenario.about.needs) {
    if (!identity.can(ability)) return fmt::format("needs {}", to_string(ability));
  }
  for (const auto& option : scenario.options) {
    const bool ipv6 = option.starts_with("--ip_version=ipv6") || option.starts_with("--ip_version=ipv4-mapped");
    if (ipv6 && identity.address.family != 6) return "needs ipv6";
  }
  Schedule schedule(scenario.options);
  Time end{};
  for (const auto& step : scenario.steps) {
    if (const auto why = unsupported_step(step, identity)) return why;
    const Schedule::Slot slot = schedule.next(step.time);
    end = std::max({end, slot.from, slot.returns.value_or(Time{})});
  }
  if (end > kRealWaitMax && !identity.can(Ability::kVirtualTime)) {
    return fmt::format("waits {} s; needs {}", std::chrono::duration_cast<seconds>(end).count(),
                       to_string(Ability::kVirtualTime));
  }
  return std::nullopt;
}

// The rest of the interface.

Session::Session(Target& target, SessionOptions options) : impl_(std::make_unique<Impl>(target, options)) {
  impl_->forget();
}
Session::~Session() = default;

void Session::start(const std::string& name, std::uint64_t seed) { impl_->start(name, seed); }
void Session::advance(Time by) { impl_->advance_to(impl_->target.now() + by); }

Target& Session::target() { return impl_->target; }
Oracle& Session::oracle() { return impl_->oracle; }
const Trace& Session::trace() const { return impl_->trace; }
const std::vector<Mismatch>& Session::mismatches() const { return impl_->mismatches; }

std::vector<Bytes> Session::take_packets() {
  Impl& self = *impl_;
  if (self.sent_end > kSentMax) self.sent_taken = std::max(self.sent_taken, self.sent_end - kSentMax);
  std::vector<Bytes> packets;
  for (; self.sent_taken < self.sent_end; ++self.sent_taken) {
    packets.push_back(self.sent[self.sent_taken % kSentMax].packet);
  }
  return packets;
}

const Session::Peer& Session::peer(std::optional<std::uint16_t> local, std::optional<std::uint16_t> remote) {
  return impl_->conversation(impl_->pair(local, remote)).peer;
}

}  // namespace tcpassay
