// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/reduce.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <variant>

#include "harness/hunt/moves.h"
#include "harness/hunt/mutator.h"
#include "harness/script/scenario.h"
#include "harness/wire/packet.h"
#include "models/event.h"

namespace tcpassay {
namespace {

class Reduction {
 public:
  Reduction(const Moves& moves, const std::function<bool(const Moves&)>& shows, int plays_max)
      : best_(moves), shows_(shows), left_(plays_max) {}

  Moves run() {
    for (bool smaller = true; smaller && left_ > 0;) {
      smaller = steps();
      smaller = values() || smaller;
    }
    return std::move(best_);
  }

 private:
  bool keep_if_shown(Moves&& candidate) {
    if (left_-- <= 0 || !shows_(candidate)) return false;
    best_ = std::move(candidate);
    return true;
  }

  template <class Change>
  bool attempt(Change&& change) {
    Moves candidate = best_;
    change(candidate);
    keep_to_script(candidate);
    return keep_if_shown(std::move(candidate));
  }

  bool without(std::size_t first, std::size_t last, bool keep_time) {
    return attempt([&](Moves& made) {
      Time passed{};
      for (std::size_t i = first; i < last; ++i) passed += made.moves[i].wait;
      const auto at = [&](std::size_t i) { return made.moves.begin() + static_cast<std::ptrdiff_t>(i); };
      made.moves.erase(at(first), at(last));
      if (keep_time && passed > Time{}) {
        if (first < made.moves.size()) {
          made.moves[first].wait += passed;
        } else {
          made.moves.push_back({.wait = passed});
        }
      }
    });
  }

  // Large pieces first, from the end to the beginning.
  bool steps() {
    bool smaller = false;
    for (std::size_t size = std::max<std::size_t>(best_.moves.size() / 2, 1); size > 0 && left_ > 0; size /= 2) {
      for (std::size_t end = best_.moves.size(); end >= size && left_ > 0;) {
        const bool removed = without(end - size, end, false) || without(end - size, end, true);
        smaller = smaller || removed;
        end = std::min(removed ? end - size : end - 1, best_.moves.size());
      }
    }
    return smaller;
  }

  bool values() {
    bool smaller = false;
    for (std::size_t i = 0; i < best_.moves.size() && left_ > 0; ++i) {
      smaller = wait(i) || smaller;
      if (std::holds_alternative<SegmentMove>(best_.moves[i].what)) smaller = segment(i) || smaller;
      if (std::holds_alternative<Call>(best_.moves[i].what)) smaller = call(i) || smaller;
    }
    for (std::size_t i = best_.settings.size(); i-- > 0 && left_ > 0;) {
      smaller =
          attempt([&](Moves& made) { made.settings.erase(made.settings.begin() + static_cast<std::ptrdiff_t>(i)); }) ||
          smaller;
    }
    if (best_.ip != 4) smaller = attempt([](Moves& made) { made.ip = 4; }) || smaller;
    return smaller;
  }

  bool wait(std::size_t i) {
    const Time now = best_.moves[i].wait;
    if (now == Time{}) return false;
    const auto becomes = [&](Time time) {
      return time < best_.moves[i].wait && attempt([&](Moves& made) { made.moves[i].wait = time; });
    };
    if (becomes({})) return true;
    bool smaller = false;
    while (left_ > 0 && becomes(best_.moves[i].wait / 2)) smaller = true;
    for (const std::int64_t unit : {1000, 100, 10, 1}) {
      const Time round = std::chrono::milliseconds(unit);
      const Time rest = best_.moves[i].wait % round;
      if (rest != Time{} && becomes(best_.moves[i].wait - rest)) smaller = true;
    }
    return smaller;
  }

  template <class Change>
  bool spec(std::size_t i, Change&& change) {
    return attempt([&](Moves& made) { change(std::get<SegmentMove>(made.moves[i].what)); });
  }

  const SegmentMove& at(std::size_t i) const { return std::get<SegmentMove>(best_.moves[i].what); }

  bool segment(std::size_t i) {
    bool smaller = false;
    for (std::size_t k = at(i).spec.options.size(); k-- > 0 && left_ > 0;) {
      smaller |= spec(
          i, [&](SegmentMove& m) { m.spec.options.erase(m.spec.options.begin() + static_cast<std::ptrdiff_t>(k)); });
    }
    if (at(i).spec.wnd != kDefaultWindow) smaller |= spec(i, [](SegmentMove& m) { m.spec.wnd = kDefaultWindow; });
    if (at(i).spec.damage != Damage{}) smaller |= spec(i, [](SegmentMove& m) { m.spec.damage = {}; });
    if (at(i).spec.traffic_class) smaller |= spec(i, [](SegmentMove& m) { m.spec.traffic_class.reset(); });
    if (at(i).spec.ctl.urg) {
      smaller |= spec(i, [](SegmentMove& m) {
        m.spec.ctl.urg = false;
        m.spec.up.reset();
      });
    }
    if (at(i).seq_distance != 0) smaller |= spec(i, [](SegmentMove& m) { m.seq_distance = 0; });
    if (at(i).ack_distance != 0) smaller |= spec(i, [](SegmentMove& m) { m.ack_distance = 0; });
    if (at(i).seq != SeqAnchor::kNext) {
      smaller |=
          spec(i, [](SegmentMove& m) { m.seq = std::exchange(m.seq_distance, 0) == 0 ? SeqAnchor::kNext : m.seq; });
    }
    for (const std::uint32_t length : {0u, 1u, 10u, 100u, 1000u}) {
      if (length < at(i).spec.length && spec(i, [&](SegmentMove& m) { m.spec.length = length; })) return true;
    }
    return smaller;
  }

  bool call(std::size_t i) {
    const auto now = [&] { return std::get<Call>(best_.moves[i].what).length; };
    for (const std::uint32_t length : {1u, 10u, 100u, 1000u, 1460u, 3000u}) {
      if (length >= now()) break;
      if (attempt([&](Moves& made) { std::get<Call>(made.moves[i].what).length = length; })) return true;
    }
    return false;
  }

  Moves best_;
  const std::function<bool(const Moves&)>& shows_;
  int left_;
};

}  // namespace

Moves reduced(const Moves& moves, const std::function<bool(const Moves&)>& shows, int plays_max) {
  return Reduction(moves, shows, plays_max).run();
}

}  // namespace tcpassay
