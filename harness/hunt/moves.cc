// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/moves.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "harness/hunt/icmp_moves.h"
#include "harness/script/scenario.h"
#include "harness/script/schedule.h"
#include "harness/session/session.h"
#include "harness/target/settings.h"

namespace tcpassay {
namespace {

constexpr std::uint32_t kHalfSpace = 0x80000000;

// The anchors from the most to the least meaningful; of two that are equally near the first is taken.
constexpr SeqAnchor kSeqOrder[] = {SeqAnchor::kNext,  SeqAnchor::kAcked,    SeqAnchor::kWindowEdge,
                                   SeqAnchor::kFirst, SeqAnchor::kOpposite, SeqAnchor::kZero};
constexpr AckAnchor kAckOrder[] = {AckAnchor::kSndNxt, AckAnchor::kSndUna, AckAnchor::kFirst, AckAnchor::kOpposite};

template <class Anchor, std::size_t n>
std::pair<Anchor, std::int32_t> nearest_anchor(std::uint32_t number, const Anchor (&anchors)[n],
                                               const Session::Peer& peer, const Side& side) {
  std::pair<Anchor, std::int32_t> best{anchors[0], 0};
  std::int64_t least = INT64_MAX;
  for (const Anchor anchor : anchors) {
    const auto distance = static_cast<std::int32_t>(number - value_of(anchor, peer, side));
    const std::int64_t size = std::abs(static_cast<std::int64_t>(distance));
    if (size >= least) continue;
    least = size;
    best = {anchor, distance};
  }
  return best;
}

// The numbers that the script gives to the timestamps of the target, to be known again where they are echoed.
std::vector<std::uint32_t> named_timestamps(const Scenario& scenario) {
  std::vector<std::uint32_t> named;
  for (const ScriptStep& step : scenario.steps) {
    const auto* out = std::get_if<Expect>(&step.action);
    if (out == nullptr) continue;
    for (const OptionSpec& option : out->segment.options) {
      if (option.kind == OptionSpec::Kind::kTimestamp && !option.values.empty()) named.push_back(option.values[0]);
    }
  }
  return named;
}

// Edges of SACK become distances from SND.UNA; echoes of a named timestamp become that of the latest.
void unname(SegmentSpec& spec, const std::vector<std::uint32_t>& timestamps, std::uint32_t una) {
  for (OptionSpec& option : spec.options) {
    if (option.kind == OptionSpec::Kind::kSack) {
      for (std::uint32_t& edge : option.values) edge -= una;
    }
    if (option.kind != OptionSpec::Kind::kTimestamp || option.values.size() != 2) continue;
    if (std::find(timestamps.begin(), timestamps.end(), option.values[1]) != timestamps.end()) option.values[1] = 0;
  }
}

class Encoder {
 public:
  Encoder(const Scenario& scenario, Session& session)
      : scenario_(scenario), session_(session), timestamps_(named_timestamps(scenario)) {}

  Moves encode() {
    made_.ip = ip_version(scenario_).value_or(4);
    made_.settings = scenario_.about.settings;
    session_.start(scenario_.name, 1, made_.ip);
    for (const Setting& setting : made_.settings) session_.configure(setting);
    Schedule schedule(scenario_.options);
    for (const ScriptStep& step : scenario_.steps) {
      const Schedule::Slot slot = schedule.next(step.time);
      if (made_.moves.size() >= kMovesMax) break;
      wait_until(slot.from);
      if (const auto* in = std::get_if<Inject>(&step.action)) segment(in->segment);
      if (const auto* call = std::get_if<Call>(&step.action)) user(*call);
      if (const auto* message = std::get_if<Icmp>(&step.action)) icmp(*message);
    }
    if (waited_ > Time{}) keep(WaitMove{});
    return std::move(made_);
  }

 private:
  void wait_until(Time due) {
    const Time now = session_.target().now();
    if (due <= now) return;
    waited_ += due - now;
    session_.advance(due - now);
  }

  void keep(decltype(Move::what) what) {
    made_.moves.push_back({.wait = std::exchange(waited_, Time{}), .what = std::move(what)});
  }

  void segment(const SegmentSpec& spec) {
    const Session::Peer& peer = session_.peer(spec.local_port, spec.remote_port);
    Side& side = sides_.of(peer.tuple);
    SegmentMove move{.spec = spec};
    std::tie(move.seq, move.seq_distance) = nearest_anchor(spec.seq, kSeqOrder, peer, side);
    const std::uint32_t irs = peer.irs.value_or(0);
    if (spec.ack) std::tie(move.ack, move.ack_distance) = nearest_anchor(*spec.ack + irs, kAckOrder, peer, side);
    unname(move.spec, timestamps_, value_of(AckAnchor::kSndUna, peer, side) - irs);
    side.note(spec, irs);
    keep(std::move(move));
    session_.inject(spec);
  }

  void user(const Call& call) {
    keep(call);
    session_.call(call);
  }

  void icmp(const Icmp& message) {
    const auto spec = read_icmp(message.text);
    auto move = spec ? move_of(*spec, made_.ip) : std::nullopt;
    if (!move) return;
    const Session::Peer& peer = session_.peer({}, {});
    const std::uint32_t irs = peer.irs.value_or(0);
    std::tie(move->seq, move->distance) = nearest_anchor(spec->seq + irs, kAckOrder, peer, sides_.of(peer.tuple));
    keep(*move);
    session_.icmp(*spec);
  }

  const Scenario& scenario_;
  Session& session_;
  std::vector<std::uint32_t> timestamps_;
  Sides sides_;
  Moves made_;
  Time waited_{};
};

}  // namespace

void Side::note(const SegmentSpec& sent, std::uint32_t irs) {
  last_seq = sent.seq;
  if (!sent.ack) return;
  last_ack = *sent.ack + irs;
  const bool later = !has_acked || static_cast<std::int32_t>(last_ack - acked) > 0;
  if (later) acked = last_ack;
  has_acked = true;
}

Side& Sides::of(Tuple pair) {
  for (Side& side : sides_) {
    if (side.pair == pair) return side;
  }
  return sides_.emplace_back(Side{.pair = pair});
}

std::uint32_t value_of(SeqAnchor anchor, const Session::Peer& peer, const Side& side) {
  switch (anchor) {
    case SeqAnchor::kNext:
      return peer.snd_nxt;
    case SeqAnchor::kAcked:
      return peer.acked.value_or(peer.snd_nxt);
    case SeqAnchor::kWindowEdge:
      return peer.acked.value_or(peer.snd_nxt) + peer.rcv_wnd;
    case SeqAnchor::kFirst:
      return peer.iss;
    case SeqAnchor::kOpposite:
      return peer.snd_nxt + kHalfSpace;
    case SeqAnchor::kLast:
      return side.last_seq;
    case SeqAnchor::kZero:
      return 0;
  }
  return 0;
}

std::uint32_t value_of(AckAnchor anchor, const Session::Peer& peer, const Side& side) {
  const std::uint32_t snd_nxt = peer.rcv_nxt.value_or(0), iss = peer.irs.value_or(0);
  switch (anchor) {
    case AckAnchor::kSndNxt:
      return snd_nxt;
    case AckAnchor::kSndUna:
      return side.has_acked ? side.acked : iss;
    case AckAnchor::kFirst:
      return iss;
    case AckAnchor::kOpposite:
      return snd_nxt + kHalfSpace;
    case AckAnchor::kLast:
      return side.last_ack;
  }
  return 0;
}

bool can_be_moves(const Scenario& scenario) {
  const auto strange = [](const ScriptStep& step) {
    return std::holds_alternative<Shell>(step.action) || std::holds_alternative<Code>(step.action) ||
           std::holds_alternative<Unsupported>(step.action);
  };
  const auto configures = [](const std::string& option) {
    return option.starts_with("--mss=") || option.starts_with("--mtu=");
  };
  if (scenario.about.peers > 1 || scenario.about.rounds > 1) return false;
  return std::none_of(scenario.steps.begin(), scenario.steps.end(), strange) &&
         std::none_of(scenario.options.begin(), scenario.options.end(), configures);
}

Moves moves_of(const Scenario& scenario, Session& session) {
  return Encoder(scenario, session).encode();
}

}  // namespace tcpassay
