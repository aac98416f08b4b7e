// SPDX-License-Identifier: Apache-2.0
#include "harness/session/round_trip.h"

#include <algorithm>

namespace tcpassay {
namespace {

// a =< b, modulo 2^32.
bool not_behind(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(b - a) >= 0;
}

constexpr Time kLate = std::chrono::milliseconds(200);

}  // namespace

Time delay_max(Time round_trip, PeerManner manner) {
  if (manner == PeerManner::kPrompt) return {};
  return manner == PeerManner::kLate ? kLate : round_trip;
}

Time arrival(Time earliest, Time round_trip, PeerManner manner) {
  if (manner == PeerManner::kPrompt || round_trip <= Time{}) return earliest;
  if (manner == PeerManner::kLate) return earliest + kLate;
  return (earliest + round_trip - Time(1)) / round_trip * round_trip;
}

void RoundTrip::departed(const Decoded& segment, Time at) {
  if (segment.opt.timestamps) {
    if (stamps_.size() == kKept) stamps_.erase(stamps_.begin());
    stamps_.push_back({.value = segment.opt.timestamps->value, .at = at});
  }
  const auto length = static_cast<std::uint32_t>(segment.text.size()) + segment.ctl.syn + segment.ctl.fin;
  const std::uint32_t end = segment.seq + length;
  if (segment.ctl.syn) departures_.clear();
  const bool known = !departures_.empty() && not_behind(end, departures_.back().end);
  if (length == 0 || known) return;
  if (departures_.size() == kKept) departures_.erase(departures_.begin());
  departures_.push_back({.begin = segment.seq, .end = end, .at = at});
}

std::optional<Time> RoundTrip::earliest(const Decoded& answer, Time round_trip) const {
  if (!answer.ctl.ack || departures_.empty()) return std::nullopt;
  std::optional<Time> known;
  const auto knows = [&](std::uint32_t seq) {  // the peer has received what ends there
    for (const Departure& departure : departures_) {
      if (not_behind(departure.end, seq)) known = std::max(known.value_or(Time{}), departure.at + round_trip);
    }
  };
  if (not_behind(answer.ack, departures_.back().end)) knows(answer.ack);
  for (std::size_t i = 0; i < answer.opt.blocks; ++i) {
    const std::uint32_t right = answer.opt.block[i].right;
    if (not_behind(right, departures_.back().end)) knows(right);
  }
  // A duplicate ACK answers something that came ahead of what it asks for.
  const bool pure = answer.text.empty() && !answer.ctl.fin && !answer.ctl.rst && !answer.ctl.syn;
  for (const Departure& departure : departures_) {
    if (!pure || !not_behind(answer.ack, departure.begin)) continue;
    known = std::max(known.value_or(Time{}), departure.at + round_trip);
    break;
  }
  return known;
}

std::optional<std::uint32_t> RoundTrip::stamp_known(Time at, Time round_trip) const {
  std::optional<std::uint32_t> known;
  for (const Stamp& stamp : stamps_) {
    if (!known || stamp.at + round_trip <= at) known = stamp.value;
  }
  return known;
}

}  // namespace tcpassay
