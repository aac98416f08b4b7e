// SPDX-License-Identifier: Apache-2.0
#include "fuzz/scenario_bytes.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "fuzz/byte_tables.h"
#include "harness/session/finding.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;

std::int16_t distance_at(ByteView record, std::size_t anchor_at) {
  const std::uint8_t low = record[anchor_at + 1], high = record[anchor_at + 2];
  if (!(record[anchor_at] & kWide)) return static_cast<std::int8_t>(low);
  return static_cast<std::int16_t>(low | high << 8);
}

// Half of the anchors that a random octet names are the first one.
template <class Anchor>
Anchor anchor_at(ByteView record, std::size_t at) {
  const int value = record[at] & 15;
  return static_cast<Anchor>(value < 8 ? value : 0);
}

OptionSpec mss_option(int mss) {
  return {.kind = OptionSpec::Kind::kMss, .values = {static_cast<std::uint32_t>(mss)}};
}

}  // namespace

// --- bytes to steps ------------------------------------------------------------------------------------------------

struct BytePlay::Impl {
  explicit Impl(Session& played) : session(played) {}

  void play(ByteView input, Scenario* into);
  void open(ByteView header);
  void step(ByteView record);

  void segment(ByteView record, std::uint8_t flags, std::uint32_t length);
  void polite(Op op, ByteView record);
  void add_extra(ByteView record);
  void add_options();
  void inject();

  void user(ByteView record);
  UserCall call(Call made);
  int new_handle(CallKind kind, int on);
  void simple(CallKind kind, int handle, std::uint32_t length = 0, int how = 0);
  void set_option(int handle, SocketOption option, std::int64_t value);
  bool connect(int handle);
  void forget(int handle);

  void advance(Time by);
  void keep(decltype(ScriptStep::action) action);

  const Session::Peer& peer() const { return second ? session.peer(kTargetPort, kSecondPeerPort) : session.peer(); }
  std::uint32_t irs() const { return peer().irs.value_or(0); }

  Session& session;
  Scenario* recorded = nullptr;
  Time waited{};     // since the last kept step
  SegmentSpec spec;  // the segment being made, kept for its memory
  std::uint32_t first = 0;
  std::uint16_t first_wnd = 65535;
  int mss = 1460, receive_buffer = 0, send_buffer = 0;
  bool no_delay = false;
  int listener = -1, next_handle = 3;
  std::vector<int> connections;  // handles in the script's numbers, oldest first
  std::array<Side, 2> sides{};
  bool second = false;  // the current record is about the second peer port
};

void BytePlay::Impl::play(ByteView input, Scenario* into) {
  recorded = into;
  waited = {};
  listener = -1;
  next_handle = 3;
  connections.clear();
  sides = {};
  second = false;
  std::array<std::uint8_t, kHeaderOctets> header{};
  std::copy_n(input.begin(), std::min(input.size(), kHeaderOctets), header.begin());
  const bool ipv6 = (header[3] & kOverIpv6) != 0;
  session.start("input", 1, ipv6 ? 6 : 4);
  if (ipv6 && recorded) recorded->options.emplace_back("--ip_version=ipv6");
  open(header);
  input = input.subspan(std::min(input.size(), kHeaderOctets));
  for (int i = 0; i < kStepsMax && input.size() >= kRecordOctets && !first_finding(session.oracle()); ++i) {
    step(input.first(kRecordOctets));
    input = input.subspan(kRecordOctets);
  }
  if (waited > Time{}) new_handle(CallKind::kSocket, -1);  // so that the script also has the time after the last step
  session.finish();
}

void BytePlay::Impl::open(ByteView header) {
  const Opening opening = kOpenings[header[0] & 15];
  mss = kMss[header[1] & 7];
  receive_buffer = kBuffers[header[1] >> 3 & 3];
  no_delay = (header[1] & 0x20) != 0;
  first = kFirst[header[1] >> 6];
  first_wnd = kWindows[header[2] & 31];
  const std::uint32_t backlog = kBacklogs[header[2] >> 5 & 3];
  send_buffer = kBuffers[header[3] & 3];
  if (opening == Opening::kNone) return;

  const int handle = new_handle(CallKind::kSocket, -1);
  if (receive_buffer) set_option(handle, SocketOption::kReceiveBuffer, receive_buffer);
  if (send_buffer) set_option(handle, SocketOption::kSendBuffer, send_buffer);
  const bool active = opening == Opening::kActive || opening == Opening::kSynSent || opening == Opening::kCrossed;
  if (active) {
    if (!connect(handle)) return;
  } else {
    set_option(handle, SocketOption::kReuseAddress, 1);
    Call bind{.kind = CallKind::kBind, .handle = handle};
    call(std::move(bind));
    simple(CallKind::kListen, handle, backlog);
    listener = handle;
  }

  constexpr std::array<std::uint8_t, kRecordOctets> kPlain{};
  if (opening == Opening::kListen || opening == Opening::kSynSent) return;
  if (opening == Opening::kCrossed) {
    spec = SegmentSpec{.ctl = {.syn = true}, .seq = first, .wnd = first_wnd};
    add_options();
    return inject();
  }
  polite(Op::kPoliteSyn, kPlain);
  if (opening == Opening::kActive || opening == Opening::kSynReceived) return;
  polite(Op::kPoliteAck, kPlain);
  if (opening == Opening::kPassive) {
    const int accepted = new_handle(CallKind::kAccept, listener);
    if (accepted >= 0 && no_delay) set_option(accepted, SocketOption::kNoDelay, 1);
  }
}

void BytePlay::Impl::step(ByteView record) {
  const Op op = kOps[record[kOpAt] & 31];
  const std::uint8_t choice = record[kChoiceAt];
  second = (record[kOpAt] & kSecondPort) != 0 && listener >= 0;
  switch (op) {
    case Op::kSegment:
      return segment(record, kSegmentFlags[choice % std::size(kSegmentFlags)], 0);
    case Op::kText:
      return segment(record, kTextFlags[choice % std::size(kTextFlags)], length_of(record[kLengthAt]));
    case Op::kExact:
      return segment(record, choice, length_of(record[kLengthAt]));
    case Op::kPoliteAck:
    case Op::kPoliteText:
    case Op::kPoliteFin:
    case Op::kPoliteSyn:
      return polite(op, record);
    case Op::kCall:
      return user(record);
    case Op::kAdvance:
      break;
  }
  if (!(record[kSeqAt] & kWide)) return advance(milliseconds(kTimesMs[choice % std::size(kTimesMs)]));
  const std::uint32_t exact = record[3] | record[4] << 8 | record[5] << 16;
  advance(milliseconds(exact % (kTimeMaxMs + 1)));
}

// --- segments ------------------------------------------------------------------------------------------------------

void BytePlay::Impl::segment(ByteView record, std::uint8_t flags, std::uint32_t length) {
  const Side& side = sides[second];
  spec.options.clear();
  spec.damage = {};
  spec.up.reset();
  spec.ack.reset();
  spec.ctl = control(flags);
  spec.length = std::min(length, kTextMax);
  spec.seq = resolve(anchor_at<SeqAnchor>(record, kSeqAt), peer(), side) + distance_at(record, kSeqAt);
  if (spec.ctl.ack) {
    spec.ack = resolve(anchor_at<AckAnchor>(record, kAckAt), peer(), side) + distance_at(record, kAckAt) - irs();
  }
  spec.wnd = kWindows[record[kWindowAt] & 31];
  if (spec.ctl.urg) spec.up = record[kExtraValueAt];
  if (spec.ctl.syn) add_options();
  add_extra(record);
  inject();
}

void BytePlay::Impl::polite(Op op, ByteView record) {
  const bool answers = peer().irs.has_value();
  spec.options.clear();
  spec.damage = {};
  spec.up.reset();
  spec.ack.reset();
  spec.ctl = {};
  spec.seq = peer().snd_nxt;
  spec.length = 0;
  spec.wnd = kWindows[record[kWindowAt] & 31];
  if (op == Op::kPoliteSyn) {
    spec.ctl.syn = true;
    spec.seq = first;
    spec.wnd = first_wnd;
    add_options();
  }
  if (op == Op::kPoliteText) {
    spec.ctl.psh = true;
    spec.length = std::clamp<std::uint32_t>(length_of(record[kLengthAt]), 1, kTextMax);
  }
  if (op == Op::kPoliteFin) spec.ctl.fin = true;
  if (answers) {
    spec.ctl.ack = true;
    spec.ack = peer().rcv_nxt.value_or(0) - irs();
  }
  inject();
}

void BytePlay::Impl::add_options() {
  if (mss != kNoMss) spec.options.push_back(mss_option(mss));
}

void BytePlay::Impl::add_extra(ByteView record) {
  const std::uint8_t value = record[kExtraValueAt];
  const auto* which = std::begin(kExtras);
  while (record[kExtraAt] > which->first) ++which;
  switch (which->second) {
    case Extra::kNothing:
      return;
    case Extra::kOptions: {
      const std::size_t i = value % std::size(kOptionOctets);
      OptionSpec raw{.kind = OptionSpec::Kind::kRaw};
      raw.octets.assign(kOptionOctets[i].begin(), kOptionOctets[i].begin() + kOptionSizes[i]);
      spec.options.clear();
      spec.options.push_back(std::move(raw));
      return;
    }
    case Extra::kChecksum:
      spec.damage.bad_checksum = true;
      return;
    case Extra::kDataOffset:
      spec.damage.data_offset = value & 15;
      return;
    case Extra::kTruncate:
      spec.damage.truncate = value % 40;
      return;
    case Extra::kUrgent:
      spec.ctl.urg = true;
      spec.up = value;
      return;
    case Extra::kReserved:
      spec.ctl.reserved = value & 15;
      return;
  }
}

// Sends `spec`, and keeps in mind what was sent.
void BytePlay::Impl::inject() {
  spec.local_port.reset();
  spec.remote_port.reset();
  if (second) {
    spec.local_port = kTargetPort;
    spec.remote_port = kSecondPeerPort;
  }
  sides[second].note(spec, spec.seq, spec.ack.value_or(0) + irs());
  if (recorded) keep(Inject{spec});
  session.inject(spec);
}

// --- calls ---------------------------------------------------------------------------------------------------------

void BytePlay::Impl::user(ByteView record) {
  const UserOp op = kUserOps[record[kChoiceAt] & 15];
  const std::uint32_t length = length_of(record[kLengthAt]);
  if (op == UserOp::kConnect) {
    if (connections.size() < 2) connect(new_handle(CallKind::kSocket, -1));
    return;
  }
  if (op == UserOp::kCloseListener) {
    if (listener >= 0) simple(CallKind::kClose, std::exchange(listener, -1));
    return;
  }
  if (op == UserOp::kAccept || connections.empty()) {  // without a connection, accept one
    if (listener >= 0) new_handle(CallKind::kAccept, listener);
    return;
  }
  const int handle = connections[connections.size() - 1 - record[kSeqAt] % connections.size()];
  switch (op) {
    case UserOp::kWrite:
      return simple(CallKind::kWrite, handle, std::clamp(length, 1u, kWriteMax));
    case UserOp::kRead:
      return simple(CallKind::kRead, handle, std::max(length, 1u));
    case UserOp::kShutdownRead:
      return simple(CallKind::kShutdown, handle, 0, 0);
    case UserOp::kShutdownWrite:
      return simple(CallKind::kShutdown, handle, 0, 1);
    case UserOp::kShutdownBoth:
      return simple(CallKind::kShutdown, handle, 0, 2);
    case UserOp::kAbort:
      set_option(handle, SocketOption::kLinger, 0);
      [[fallthrough]];
    default:
      break;
  }
  forget(handle);
  simple(CallKind::kClose, handle);
}

UserCall BytePlay::Impl::call(Call made) {
  if (!recorded) return session.call(made);
  keep(made);  // recorded before it is made, because the target may fail in it
  const UserCall outcome = session.call(made);
  Call& kept = std::get<Call>(recorded->steps.back().action);
  const bool names = made.kind == CallKind::kSocket || made.kind == CallKind::kAccept;
  if (outcome.result < 0) {
    kept.result = -1;
    kept.error = outcome.error;
  } else if (!names) {
    kept.result = outcome.result;
  }
  return outcome;
}

// socket() or accept(); the script's number of the new handle, or -1.
int BytePlay::Impl::new_handle(CallKind kind, int on) {
  const UserCall made = call({.kind = kind, .handle = on, .result = next_handle});
  if (made.result < 0) return -1;
  if (kind == CallKind::kAccept) connections.push_back(next_handle);
  return next_handle++;
}

void BytePlay::Impl::simple(CallKind kind, int handle, std::uint32_t length, int how) {
  call({.kind = kind, .handle = handle, .length = length, .how = how});
}

void BytePlay::Impl::set_option(int handle, SocketOption option, std::int64_t value) {
  call({.kind = CallKind::kSetOption, .handle = handle, .option = option, .value = value});
}

bool BytePlay::Impl::connect(int handle) {
  if (handle < 0) return false;
  if (no_delay) set_option(handle, SocketOption::kNoDelay, 1);
  const UserCall made = call({.kind = CallKind::kConnect, .handle = handle});
  if (made.result < 0 && made.error != UserError::kInProgress) return false;
  sides[0] = {};
  connections.push_back(handle);
  return true;
}

void BytePlay::Impl::forget(int handle) {
  std::erase(connections, handle);
}

// --- time and the record -------------------------------------------------------------------------------------------

void BytePlay::Impl::advance(Time by) {
  waited += by;
  session.advance(by);
}

void BytePlay::Impl::keep(decltype(ScriptStep::action) action) {
  recorded->steps.push_back({.time = {.at = std::exchange(waited, Time{})}, .action = std::move(action)});
}

BytePlay::BytePlay(Session& session) : impl_(std::make_unique<Impl>(session)) {}
BytePlay::~BytePlay() = default;
void BytePlay::play(ByteView input, Scenario* recorded) {
  impl_->play(input, recorded);
}

}  // namespace tcpassay
