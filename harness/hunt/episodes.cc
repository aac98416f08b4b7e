// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/episodes.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "harness/hunt/icmp_moves.h"
#include "harness/hunt/moves.h"
#include "harness/hunt/randomness.h"
#include "harness/hunt/values.h"
#include "harness/script/scenario.h"
#include "models/event.h"
#include "models/segment.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = OptionSpec::Kind;

constexpr std::uint32_t kSegments[] = {536, 1000, 1440, 1460};
constexpr std::size_t kSegmentsOfWindow = 46;  // fill a window of 65535 octets
constexpr std::uint32_t kTextMax = 1440;       // octets in one segment of the peer

// Builds one episode on one connection.
class Maker {
 public:
  Maker(Random& random, const Handles& handles) : random_(random), handles_(handles) {}

  std::vector<Move> take() { return std::move(moves_); }
  Random& random() { return random_; }

  Maker& wait(Time time) {
    wait_ += time;
    return *this;
  }
  SegmentMove& segment(Ctl ctl, std::uint32_t length = 0, std::uint16_t wnd = kDefaultWindow) {
    SegmentMove move;
    move.spec.ctl = ctl;
    move.spec.length = std::min(length, kTextMax);
    move.spec.wnd = wnd;
    if (ctl.ack) move.spec.ack = 0;
    keep(std::move(move));
    return std::get<SegmentMove>(moves_.back().what);
  }
  SegmentMove& ack(std::uint16_t wnd = kDefaultWindow) { return segment({.ack = true}, 0, wnd); }
  SegmentMove& again() {  // acknowledges nothing new
    SegmentMove& move = ack();
    move.ack = AckAnchor::kSndUna;
    return move;
  }
  SegmentMove& text(std::uint32_t length) { return segment({.psh = true, .ack = true}, length); }
  SegmentMove& fin() { return segment({.fin = true, .ack = true}); }
  Maker& call(CallKind kind, std::uint32_t length = 0, int how = 0) {
    keep(Call{.kind = kind, .handle = handles_.connection, .length = length, .how = how});
    return *this;
  }
  Maker& write(std::uint32_t length) { return call(CallKind::kWrite, length); }
  Maker& urgently(std::uint32_t length) {
    keep(Call{.kind = CallKind::kWrite, .handle = handles_.connection, .length = length, .urgent = true});
    return *this;
  }
  Maker& set(SocketOption option, std::int64_t value) {
    keep(Call{.kind = CallKind::kSetOption, .handle = handles_.connection, .option = option, .value = value});
    return *this;
  }
  Maker& message(const IcmpMove& move) {
    keep(move);
    return *this;
  }
  Maker& accept() {
    keep(Call{.kind = CallKind::kAccept, .handle = handles_.listener, .result = handles_.next});
    return *this;
  }
  Maker& read(std::uint32_t length) { return call(CallKind::kRead, length); }
  Maker& end(bool all) { return all ? call(CallKind::kClose) : call(CallKind::kShutdown, 0, 1); }

 private:
  void keep(decltype(Move::what) what) {
    moves_.push_back({.wait = std::exchange(wait_, Time{}), .what = std::move(what)});
  }

  Random& random_;
  const Handles& handles_;
  std::vector<Move> moves_;
  Time wait_{};
};

// The window closes, the user writes, probes come, the window opens (3.8.6.1).
void zero_window(Maker& m) {
  m.ack(0);
  m.write(some_length(m.random()));
  const std::size_t probes = m.random().below(4);
  for (std::size_t i = 0; i < probes; ++i) {
    m.wait(some_time(m.random()));
    m.ack(0);
  }
  m.wait(some_time(m.random()));
  m.ack(some_window(m.random()));
  if (m.random().one_in(2)) m.wait(some_time(m.random())).ack();
}

// Text that is lost and comes again.
void timeout(Maker& m) {
  m.write(some_length(m.random()));
  m.wait(some_time(m.random()));
  if (m.random().one_in(2)) m.wait(some_time(m.random()));
  if (m.random().one_in(3)) m.again().ack_distance = static_cast<std::int32_t>(some_length(m.random()));
  m.ack();
  if (m.random().one_in(2)) m.write(some_length(m.random()));
}

// Duplicate ACKs, and what ends the recovery (RFC 5681 section 3.2).
void fast_retransmit(Maker& m) {
  const std::size_t writes = 1 + m.random().below(5);
  for (std::size_t i = 0; i < writes; ++i) m.write(m.random().one_in(2) ? 1000 : 1460);
  const std::size_t duplicates = 1 + m.random().below(6);
  for (std::size_t i = 0; i < duplicates; ++i) m.again();
  if (m.random().one_in(2)) m.again().ack_distance = 1460;
  m.wait(m.random().one_in(2) ? Time{} : some_time(m.random())).ack();
}

// Islands of text, repaired from the left, from the right or not at all.
void gap(Maker& m) {
  const std::uint32_t gap = some_length(m.random()), island = some_length(m.random());
  const std::size_t islands = 1 + m.random().below(5);
  std::uint32_t at = gap;
  for (std::size_t i = 0; i < islands; ++i) {
    m.text(island).seq_distance = static_cast<std::int32_t>(at);
    at += std::min(island, kTextMax) + (m.random().one_in(3) ? 0 : gap);
  }
  if (m.random().one_in(3)) m.fin().seq_distance = static_cast<std::int32_t>(at);
  if (!m.random().one_in(4)) m.text(gap);
  if (m.random().one_in(2)) m.read(some_length(m.random()));
  if (m.random().one_in(2)) m.text(some_length(m.random()));
}

// What came before comes again, with something new behind it.
void overlap(Maker& m) {
  const std::uint32_t length = some_length(m.random());
  m.text(length);
  SegmentMove& again = m.text(length + m.random().between(0, 100));
  again.seq_distance = -static_cast<std::int32_t>(m.random().between(1, length));
  again.spec.ctl.fin = m.random().one_in(4);
  if (m.random().one_in(2)) m.wait(some_time(m.random()));
}

// The user does not read until the window is full (3.8.6.2.2), once or twice.
void full_buffer(Maker& m) {
  const std::size_t rounds = m.random().one_in(3) ? 2 : 1;
  const std::size_t segments = m.random().one_in(3) ? kSegmentsOfWindow : 2 + m.random().below(12);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < segments; ++i) m.text(1440);
    if (m.random().one_in(2)) m.text(1).seq = SeqAnchor::kWindowEdge;
    m.wait(m.random().one_in(2) ? Time{} : some_time(m.random()));
    m.read(m.random().one_in(3) ? some_length(m.random()) : 100000);
    m.ack();
  }
  m.text(some_length(m.random()));
}

// Both sides close, in some order, with or without text that is under way.
void closing(Maker& m) {
  if (m.random().one_in(2)) m.ack(m.random().one_in(2) ? std::uint16_t{0} : some_window(m.random()));
  if (m.random().one_in(2)) m.write(some_length(m.random()));
  const bool target_first = m.random().one_in(2);
  if (target_first) m.end(m.random().one_in(2));
  if (target_first && m.random().one_in(2)) m.wait(m.random().one_in(2) ? Time{} : some_time(m.random())).ack();
  SegmentMove& fin = m.fin();
  if (m.random().one_in(2)) fin.ack = AckAnchor::kSndUna;
  if (m.random().one_in(3)) fin.spec.length = some_length(m.random()) % kTextMax;
  if (!target_first && m.random().one_in(3)) m.write(some_length(m.random()));
  if (!target_first) m.end(m.random().one_in(2));
  if (m.random().one_in(2)) m.wait(some_time(m.random()));
  if (!m.random().one_in(4)) m.ack();
  if (m.random().one_in(2)) m.wait(some_time(m.random()));
  if (m.random().one_in(3)) m.fin().seq_distance = -1;
}

// TIME-WAIT, and a SYN that comes before it ends (3.6.1, RFC 6191).
void reopening(Maker& m) {
  m.end(m.random().one_in(2));
  if (m.random().one_in(2)) m.ack();
  m.fin();
  if (m.random().one_in(3)) m.wait(some_time(m.random()));
  constexpr std::int32_t kDistances[] = {1, 2, 1000, 100000, -1, -1000, -100000, 0};
  SegmentMove& syn = m.segment({.syn = true});
  syn.seq_distance = m.random().of(kDistances);
  syn.spec.options = some_syn_options(m.random());
  m.ack();
  m.accept();
  if (m.random().one_in(2)) m.text(some_length(m.random()));
}

// A message of a router, while text is under way or none (3.9.2.2, RFC 1191, RFC 8201).
void icmp(Maker& m) {
  if (!m.random().one_in(4)) m.write(some_length(m.random()));
  if (m.random().one_in(3)) m.wait(some_time(m.random()));
  m.message(some_icmp(m.random()));
  if (m.random().one_in(2)) m.wait(some_time(m.random()));
  if (m.random().one_in(3)) m.message(some_icmp(m.random()));
  m.ack();
  if (m.random().one_in(2)) m.write(some_length(m.random()));
}

// Packets of IPv4 with the same identification, or with options (MUST-50, RFC 6864 section 4.3).
void carriers(Maker& m) {
  const Bytes options = m.random().one_in(2) ? Bytes{1, 1, 1, 0} : Bytes{};
  for (int i = 0; i < 2; ++i) {
    Damage& damage = m.text(some_length(m.random())).spec.damage;
    damage.identification = std::uint16_t{7};
    damage.ip_options = options;
  }
}

void urgent(Maker& m) {
  const std::uint32_t length = some_length(m.random());
  SegmentMove& in = m.segment({.psh = true, .ack = true, .urg = true}, length);
  constexpr std::uint32_t kPointers[] = {0, 1, 2, 100, 1000, 65535};
  in.spec.up = static_cast<std::uint16_t>(m.random().one_in(2) ? length : m.random().of(kPointers));
  if (m.random().one_in(2)) m.read(some_length(m.random()));
  if (m.random().one_in(2)) m.text(some_length(m.random()));
}

// The user sends urgent text, and more of it, before and behind what is acknowledged.
void urgent_departs(Maker& m) {
  const std::size_t times = 1 + m.random().below(3);
  for (std::size_t i = 0; i < times; ++i) {
    if (m.random().one_in(2)) m.write(some_length(m.random()));
    m.urgently(some_length(m.random()));
    if (m.random().one_in(3)) m.write(some_length(m.random()));
    if (m.random().one_in(3)) m.wait(some_time(m.random()));
    if (!m.random().one_in(4)) m.ack(some_window(m.random()));
  }
  m.ack();
}

// A segment that should not be: SYN, RST, an ACK of what was never sent.
void intruder(Maker& m) {
  constexpr Ctl kStrange[] = {{.rst = true},
                              {.rst = true, .ack = true},
                              {.syn = true},
                              {.syn = true, .ack = true},
                              {.ack = true},
                              {.fin = true},
                              {.psh = true, .ack = true},
                              {},
                              {.fin = true, .syn = true}};
  constexpr std::int32_t kDistances[] = {0, 0, 0, 1, -1, 2, 100, -100, 1000, 65535, -65536, 65536};
  const Ctl ctl = m.random().of(kStrange);
  SegmentMove& in = m.segment(ctl, ctl.psh ? some_length(m.random()) : 0);
  in.seq = static_cast<SeqAnchor>(m.random().below(kSeqAnchors));
  in.ack = static_cast<AckAnchor>(m.random().below(kAckAnchors));
  in.seq_distance = m.random().of(kDistances);
  in.ack_distance = m.random().of(kDistances);
  if (ctl.syn) in.spec.options = some_syn_options(m.random());
  if (m.random().one_in(2)) m.text(some_length(m.random()));
  if (m.random().one_in(2)) m.wait(some_time(m.random())).ack();
}

// Nothing happens for a while, then the connection is used again.
void idle(Maker& m) {
  m.wait(some_time(m.random()));
  m.write(some_length(m.random()));
  if (m.random().one_in(2)) m.wait(some_time(m.random()));
  m.ack();
  m.text(some_length(m.random()));
}

// Keep-alives, some answered and some not (3.8.4).
void keep_alive(Maker& m) {
  constexpr std::int64_t kSeconds[] = {1, 2, 5, 10, 30, 60};
  m.set(SocketOption::kKeepAlive, 1);
  m.set(SocketOption::kKeepIdle, m.random().of(kSeconds));
  m.set(SocketOption::kKeepInterval, m.random().of(kSeconds));
  m.set(SocketOption::kKeepCount, m.random().between(1, 4));
  const std::size_t answers = m.random().below(4);
  for (std::size_t i = 0; i < answers; ++i) {
    m.wait(some_time(m.random()));
    if (m.random().one_in(4)) m.text(some_length(m.random()));
    m.ack();
  }
  m.wait(seconds(m.random().between(1, 300))).ack();
}

// A train of small writes and what Nagle makes of it (3.7.4).
void small_writes(Maker& m) {
  const std::size_t writes = 2 + m.random().below(5);
  for (std::size_t i = 0; i < writes; ++i) {
    m.write(m.random().one_in(2) ? 1 : some_length(m.random()));
    if (m.random().one_in(4)) m.wait(some_time(m.random()));
  }
  m.ack(some_window(m.random()));
  m.wait(some_time(m.random())).ack();
}

// More text than the congestion window holds, acknowledged piece by piece.
void volume(Maker& m) {
  m.write(8192).write(8192);
  const std::size_t rounds = 2 + m.random().below(8);
  for (std::size_t i = 0; i < rounds; ++i) {
    SegmentMove& in = m.ack(some_window(m.random()));
    if (m.random().one_in(2)) in.ack_distance = -static_cast<std::int32_t>(some_length(m.random()));
    if (m.random().one_in(4)) m.wait(some_time(m.random()));
    if (m.random().one_in(3)) m.write(8192);
  }
}

// Losses that SACK options report piece by piece, and their repair (RFC 6675).
void reported_loss(Maker& m) {
  const std::uint32_t segment = m.random().of(kSegments);
  m.write(segment * m.random().between(4, 10));
  const std::uint32_t left = segment * m.random().between(1, 2);
  std::uint32_t right = left;
  const std::size_t reports = 1 + m.random().below(5);
  for (std::size_t i = 0; i < reports; ++i) {
    right += segment * m.random().between(1, 2);
    m.again().spec.options = {{.kind = Kind::kSack, .values = {left, right}}};
  }
  if (m.random().one_in(2)) {  // only the first hole is filled
    SegmentMove& partial = m.again();
    partial.ack_distance = static_cast<std::int32_t>(segment);
    if (m.random().one_in(2)) partial.spec.options = {{.kind = Kind::kSack, .values = {2 * segment, right}}};
  }
  m.wait(m.random().one_in(2) ? Time{} : some_time(m.random())).ack();
}

// Many segments in order, that the user reads: counters and buffers that turn only then.
void long_arrival(Maker& m) {
  const std::uint32_t length = m.random().of(kSegments);
  const std::size_t segments = 20 + m.random().below(50);
  for (std::size_t i = 0; i < segments; ++i) {
    m.text(length);
    if (i % 16 == 15) m.read(100000);
  }
  if (m.random().one_in(3)) m.text(length).seq_distance = static_cast<std::int32_t>(length);
  if (m.random().one_in(3)) m.wait(some_time(m.random())).text(length);
}

// The congestion window grows with each ACK; then there is a loss, or more text.
void long_departure(Maker& m) {
  const std::uint32_t segment = m.random().of(kSegments);
  m.write(segment * 40);
  const std::size_t acks = 10 + m.random().below(28);
  for (std::size_t i = 0; i < acks; ++i) m.again().ack_distance = static_cast<std::int32_t>(segment);
  for (int i = 0; i < 2; ++i) m.ack();
  m.write(segment * m.random().between(1, 6));
  if (m.random().one_in(2)) m.wait(some_time(m.random()));
  m.write(8192);
  const std::size_t more = m.random().below(12);
  for (std::size_t i = 0; i < more; ++i) m.again().ack_distance = static_cast<std::int32_t>(segment);
}

using Episode = void (*)(Maker&);
constexpr Episode kEpisodes[] = {
    zero_window,  timeout,        fast_retransmit, gap,        overlap,      full_buffer, closing,
    closing,      urgent,         intruder,        idle,       small_writes, volume,      reported_loss,
    long_arrival, long_departure, urgent_departs,  keep_alive, reopening,    icmp,        carriers};

}  // namespace

Handles handles_of(const std::vector<Move>& moves) {
  Handles found;
  for (const Move& move : moves) {
    const auto* call = std::get_if<Call>(&move.what);
    if (call == nullptr) continue;
    const bool names = call->kind == CallKind::kSocket || call->kind == CallKind::kAccept;
    const int named = names && call->result ? static_cast<int>(*call->result) : -1;
    found.next = std::max(found.next, named + 1);
    if (call->kind == CallKind::kListen) found.listener = call->handle;
    if (call->kind == CallKind::kConnect || call->kind == CallKind::kSendTo) found.connection = call->handle;
    if (call->kind == CallKind::kAccept && named >= 0) found.connection = named;
  }
  return found;
}

std::vector<Move> some_episode(Random& random, const Handles& handles) {
  Maker maker(random, handles);
  random.of(kEpisodes)(maker);
  return maker.take();
}

}  // namespace tcpassay
