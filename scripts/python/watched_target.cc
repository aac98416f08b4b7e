// SPDX-License-Identifier: Apache-2.0
#include "scripts/python/watched_target.h"

#include <pybind11/pybind11.h>

#include <algorithm>
#include <chrono>

namespace tcpassay {
namespace {

constexpr Time kBetweenSignals = std::chrono::milliseconds(50);  // a wait looks for signals so often
constexpr std::size_t kPacketsMax = 100'000;                     // further packets are not kept

}  // namespace

WatchedTarget::WatchedTarget(std::unique_ptr<Target> target)
    : target_(std::move(target)), real_time_(!target_->identity().can(Ability::kVirtualTime)) {}

void WatchedTarget::reset(std::uint64_t seed) {
  packets_.clear();
  target_->reset(seed);
}

void WatchedTarget::inject(ByteView packet) {
  keep(target_->now(), packet);
  target_->inject(packet);
}

std::optional<Collected> WatchedTarget::collect() {
  auto collected = target_->collect();
  if (collected) keep(collected->from, collected->packet);
  return collected;
}

// The caller asks again until the deadline is reached, so a wait may end early.
void WatchedTarget::advance(Time deadline) {
  target_->advance(real_time_ ? std::min(deadline, target_->now() + kBetweenSignals) : deadline);
  if (PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
}

void WatchedTarget::keep(Time at, ByteView packet) {
  if (packets_.size() < kPacketsMax) packets_.push_back({at, Bytes(packet.begin(), packet.end())});
}

}  // namespace tcpassay
