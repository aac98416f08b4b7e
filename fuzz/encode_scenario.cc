// SPDX-License-Identifier: Apache-2.0
// Encodes the steps of a scenario as bytes.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "fuzz/byte_tables.h"
#include "fuzz/scenario_bytes.h"
#include "harness/script/schedule.h"

namespace tcpassay {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

std::uint8_t flags_of(const Ctl& ctl) {
  return static_cast<std::uint8_t>(ctl.fin * kF | ctl.syn * kS | ctl.rst * kR | ctl.psh * kP | ctl.ack * kA |
                                   ctl.urg * kU | ctl.ece * kE | ctl.cwr * kC);
}

// The code of the greatest length not above `length`.
std::uint8_t length_code(std::uint32_t length) {
  if (length < 128) return static_cast<std::uint8_t>(length);
  const auto above = std::upper_bound(std::begin(kLengths), std::end(kLengths), length);
  return static_cast<std::uint8_t>(127 + (above - std::begin(kLengths)));
}

std::uint8_t window_code(std::uint16_t wnd) {
  std::size_t best = 8;  // 0
  for (std::size_t i = 0; i < std::size(kWindows); ++i) {
    if (kWindows[i] <= wnd && kWindows[i] > kWindows[best]) best = i;
  }
  return static_cast<std::uint8_t>(best);
}

bool fits(std::int64_t distance) {
  return distance >= INT16_MIN && distance <= INT16_MAX;
}

}  // namespace

Bytes make_header(Opening opening) {
  return {static_cast<std::uint8_t>(opening), 0, 0, 0};
}

void append_record(Bytes& input, const RecordFields& fields) {
  std::array<std::uint8_t, kRecordOctets> record{};
  const auto put = [&](std::size_t at, std::uint8_t anchor, std::int16_t distance) {
    const bool wide = distance != static_cast<std::int8_t>(distance);
    record[at] = static_cast<std::uint8_t>(anchor | (wide ? kWide : 0));
    record[at + 1] = static_cast<std::uint8_t>(distance);
    record[at + 2] = wide ? static_cast<std::uint8_t>(distance >> 8) : 0;
  };
  record[kOpAt] = static_cast<std::uint8_t>(static_cast<int>(fields.op) | (fields.second_port ? kSecondPort : 0));
  record[kChoiceAt] = fields.choice;
  put(kSeqAt, static_cast<std::uint8_t>(fields.seq), fields.seq_distance);
  put(kAckAt, static_cast<std::uint8_t>(fields.ack), fields.ack_distance);
  record[kLengthAt] = length_code(fields.length);
  record[kWindowAt] = window_code(fields.wnd);
  input.insert(input.end(), record.begin(), record.end());
}

namespace {

// The anchor nearest to `number`. The anchors are listed from the most to the least meaningful; ties go to the first.
template <class Anchor>
std::pair<Anchor, std::int16_t> nearest_anchor(std::uint32_t number, std::span<const Anchor> anchors,
                                               const Session::Peer& peer, const Side& side) {
  std::pair<Anchor, std::int16_t> best{Anchor{}, 0};
  std::int64_t least = INT64_MAX;
  for (const Anchor anchor : anchors) {
    const auto distance = static_cast<std::int32_t>(number - resolve(anchor, peer, side));
    const std::int64_t size = std::abs(static_cast<std::int64_t>(distance));
    if (!fits(distance) || size >= least) continue;
    least = size;
    best = {anchor, static_cast<std::int16_t>(distance)};
  }
  return best;
}

constexpr SeqAnchor kSeqAnchors[] = {SeqAnchor::kRcvNxt, SeqAnchor::kWindowEnd, SeqAnchor::kOpposite,
                                     SeqAnchor::kBelowWindow, SeqAnchor::kWindowMiddle};
constexpr AckAnchor kAckAnchors[] = {AckAnchor::kSndNxt, AckAnchor::kSndUna, AckAnchor::kOpposite, AckAnchor::kBelow,
                                     AckAnchor::kBeyond};

class Encoder {
 public:
  explicit Encoder(Session& session) : session_(session) {}

  Bytes encode(const Scenario& scenario) {
    out_ = make_header(opening_of(scenario));
    const auto ip = ip_version(scenario);
    if (ip == 6) out_[3] |= kOverIpv6;
    session_.start(scenario.name, 1, ip);
    Schedule schedule(scenario.options);
    for (const ScriptStep& step : scenario.steps) {
      const Time due = schedule.next(step.time).from;
      if (std::holds_alternative<Inject>(step.action) || std::holds_alternative<Call>(step.action)) wait_until(due);
      if (const auto* in = std::get_if<Inject>(&step.action)) segment(in->segment);
      if (const auto* call = std::get_if<Call>(&step.action)) user(*call);
      if (out_.size() >= kInputOctetsMax) break;
    }
    return std::move(out_);
  }

 private:
  static Opening opening_of(const Scenario& scenario) {
    for (const ScriptStep& step : scenario.steps) {
      const auto* call = std::get_if<Call>(&step.action);
      if (call && call->kind == CallKind::kConnect) return Opening::kSynSent;
      if (call && call->kind == CallKind::kListen) return Opening::kListen;
    }
    return Opening::kNone;
  }

  void wait_until(Time due) {
    const auto ms = duration_cast<milliseconds>(due - session_.target().now()).count();
    if (ms > 0) {
      RecordFields fields{.op = Op::kAdvance};
      append_record(out_, fields);
      const std::uint32_t exact = std::min(static_cast<std::uint32_t>(ms), kTimeMaxMs);
      std::uint8_t* record = &out_[out_.size() - kRecordOctets];
      record[kSeqAt] = kWide;
      for (int i = 0; i < 3; ++i) record[3 + i] = static_cast<std::uint8_t>(exact >> 8 * i);
    }
    if (due > session_.target().now()) session_.advance(due - session_.target().now());
  }

  void segment(const SegmentSpec& spec) {
    const bool second = spec.remote_port.has_value() && *spec.remote_port == kSecondPeerPort;
    const auto& peer = session_.peer(spec.local_port, spec.remote_port);
    Side& side = sides_[second];
    RecordFields fields{.wnd = spec.wnd.value_or(65535), .second_port = second};
    choose_flags(spec, fields);
    fields.length = spec.length;
    std::tie(fields.seq, fields.seq_distance) = nearest_anchor<SeqAnchor>(spec.seq, kSeqAnchors, peer, side);
    const std::uint32_t ack = spec.ack.value_or(0) + peer.irs.value_or(0);
    if (spec.ack) std::tie(fields.ack, fields.ack_distance) = nearest_anchor<AckAnchor>(ack, kAckAnchors, peer, side);
    append_record(out_, fields);
    damage(spec);
    side.note(spec, spec.seq, ack);
    session_.inject(spec);
  }

  static void choose_flags(const SegmentSpec& spec, RecordFields& fields) {
    const std::uint8_t flags = flags_of(spec.ctl);
    const auto table =
        spec.length ? std::span<const std::uint8_t>(kTextFlags) : std::span<const std::uint8_t>(kSegmentFlags);
    const auto found = std::find(table.begin(), table.end(), flags);
    fields.op = found == table.end() ? Op::kExact : spec.length ? Op::kText : Op::kSegment;
    fields.choice = found == table.end() ? flags : static_cast<std::uint8_t>(found - table.begin());
  }

  void damage(const SegmentSpec& spec) {
    std::uint8_t* record = &out_[out_.size() - kRecordOctets];
    if (spec.up) record[kExtraValueAt] = static_cast<std::uint8_t>(std::min<int>(*spec.up, 255));
    const auto set = [&](Extra extra, int value) {
      for (const auto& [limit, what] : kExtras) {
        if (what == extra) record[kExtraAt] = static_cast<std::uint8_t>(limit);
      }
      record[kExtraValueAt] = static_cast<std::uint8_t>(value);
    };
    if (spec.ctl.reserved) set(Extra::kReserved, spec.ctl.reserved);
    if (spec.damage.bad_checksum) set(Extra::kChecksum, 0);
    if (spec.damage.data_offset) set(Extra::kDataOffset, *spec.damage.data_offset);
    if (spec.damage.truncate) set(Extra::kTruncate, std::min<int>(*spec.damage.truncate, 39));
  }

  void user(const Call& call) {
    const bool on_listener = call.handle == listener_;
    const UserCall made = session_.call(call);
    std::optional<UserOp> op;
    switch (call.kind) {
      case CallKind::kAccept:
        op = UserOp::kAccept;
        if (made.result >= 0 && call.result) connections_.push_back(static_cast<int>(*call.result));
        break;
      case CallKind::kListen:
        listener_ = call.handle;
        return;
      case CallKind::kConnect:
        connections_.push_back(call.handle);
        return;
      case CallKind::kWrite:
        op = UserOp::kWrite;
        break;
      case CallKind::kRead:
        op = UserOp::kRead;
        break;
      case CallKind::kShutdown:
        op = call.how == 0 ? UserOp::kShutdownRead : call.how == 1 ? UserOp::kShutdownWrite : UserOp::kShutdownBoth;
        break;
      case CallKind::kClose:
        op = on_listener ? UserOp::kCloseListener : lingers_ ? UserOp::kAbort : UserOp::kClose;
        break;
      case CallKind::kSetOption:
        note_option(call);
        return;
      default:
        return;
    }
    RecordFields fields{.op = Op::kCall, .length = call.length};
    fields.choice = static_cast<std::uint8_t>(std::find(std::begin(kUserOps), std::end(kUserOps), *op) - kUserOps);
    append_record(out_, fields);
    const auto at = std::find(connections_.rbegin(), connections_.rend(), call.handle);
    if (at == connections_.rend()) return;
    out_[out_.size() - kRecordOctets + kSeqAt] = static_cast<std::uint8_t>(at - connections_.rbegin());
    if (call.kind == CallKind::kClose) connections_.erase(std::next(at).base());
  }

  void note_option(const Call& call) {
    if (call.option == SocketOption::kLinger) lingers_ = call.value == 0;
    if (call.option == SocketOption::kNoDelay && call.value) out_[1] |= 0x20;
    for (std::size_t i = 1; i < std::size(kBuffers); ++i) {
      if (call.value < kBuffers[i]) continue;
      if (call.option == SocketOption::kReceiveBuffer) out_[1] = static_cast<std::uint8_t>((out_[1] & ~0x18) | i << 3);
      if (call.option == SocketOption::kSendBuffer) out_[3] = static_cast<std::uint8_t>(i);
    }
  }

  Session& session_;
  Bytes out_;
  std::array<Side, 2> sides_{};
  int listener_ = -1;
  std::vector<int> connections_;
  bool lingers_ = false;
};

}  // namespace

Bytes encode_scenario(const Scenario& scenario, Session& session) {
  return Encoder(session).encode(scenario);
}

}  // namespace tcpassay
