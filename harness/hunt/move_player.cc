// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/move_player.h"

#include <fmt/format.h>

#include <cstdint>
#include <utility>
#include <variant>

#include "harness/hunt/icmp_moves.h"
#include "harness/hunt/moves.h"
#include "harness/script/scenario.h"
#include "harness/session/finding.h"
#include "harness/target/settings.h"
#include "models/event.h"

namespace tcpassay {

void MovePlayer::play(const Moves& moves) {
  start(moves);
  for (const Move& move : moves.moves) {
    if (move.wait > Time{}) {
      waited_ += move.wait;
      session_.advance(move.wait);
      if (first_finding(session_.oracle()) != nullptr) break;
    }
    if (const auto* seg = std::get_if<SegmentMove>(&move.what)) segment(*seg);
    if (const auto* call = std::get_if<Call>(&move.what)) user(*call);
    if (const auto* message = std::get_if<IcmpMove>(&move.what)) icmp(*message, moves.ip);
    if (after_) after_();
    if (first_finding(session_.oracle()) != nullptr) break;
  }
  // So that the scenario also has the time behind the last step.
  if (waited_ > Time{}) user({.kind = CallKind::kSocket, .result = 99});
  session_.finish();
}

void MovePlayer::start(const Moves& moves) {
  played_.steps.clear();
  played_.options.clear();
  played_.about = {};
  played_.about.settings = moves.settings;
  if (moves.ip == 6) played_.options.emplace_back("--ip_version=ipv6");
  sides_.clear();
  waited_ = {};
  session_.start("input", 1, moves.ip);
  for (const Setting& setting : moves.settings) session_.configure(setting);
}

void MovePlayer::segment(const SegmentMove& move) {
  const Session::Peer& peer = session_.peer(move.spec.local_port, move.spec.remote_port);
  Side& side = sides_.of(peer.tuple);
  const std::uint32_t irs = peer.irs.value_or(0);
  keep(Inject{move.spec});
  SegmentSpec& spec = std::get<Inject>(played_.steps.back().action).segment;
  spec.seq = value_of(move.seq, peer, side) + static_cast<std::uint32_t>(move.seq_distance);
  if (spec.ack) *spec.ack = value_of(move.ack, peer, side) + static_cast<std::uint32_t>(move.ack_distance) - irs;
  const std::uint32_t una = value_of(AckAnchor::kSndUna, peer, side) - irs;
  for (OptionSpec& option : spec.options) {
    if (option.kind != OptionSpec::Kind::kSack) continue;
    for (std::uint32_t& edge : option.values) edge += una;
  }
  side.note(spec, irs);
  if (watcher_) watcher_(played_.steps.back());
  session_.inject(spec);
}

void MovePlayer::icmp(const IcmpMove& move, std::uint8_t ip) {
  const Session::Peer& peer = session_.peer({}, {});
  const std::uint32_t quoted = value_of(move.seq, peer, sides_.of(peer.tuple));
  const std::uint32_t seq = quoted + static_cast<std::uint32_t>(move.distance) - peer.irs.value_or(0);
  const IcmpSpec spec = icmp_of(move, ip, seq);
  const auto message = icmp_numbers(spec, ip);
  if (!message) return;
  keep(Icmp{.text = fmt::format("icmp {} [{}:{}(1)]", icmp_words(*message), seq, seq + 1)});
  if (watcher_) watcher_(played_.steps.back());
  session_.icmp(spec);
}

void MovePlayer::user(const Call& call) {
  keep(call);
  if (watcher_) watcher_(played_.steps.back());
  const UserCall made = session_.call(call);
  Call& kept = std::get<Call>(played_.steps.back().action);
  const bool names = call.kind == CallKind::kSocket || call.kind == CallKind::kAccept;
  kept.error.reset();
  if (made.result < 0) {
    kept.result = -1;
    kept.error = made.error;
  } else if (!names) {
    kept.result = made.result;
  }
}

void MovePlayer::keep(decltype(ScriptStep::action) action) {
  played_.steps.push_back({.time = {.at = std::exchange(waited_, Time{})}, .action = std::move(action)});
}

}  // namespace tcpassay
