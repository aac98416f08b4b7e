// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/mutator.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "harness/hunt/episodes.h"
#include "harness/hunt/icmp_moves.h"
#include "harness/hunt/moves.h"
#include "harness/hunt/randomness.h"
#include "harness/hunt/values.h"
#include "harness/script/packet_damage.h"
#include "harness/script/scenario.h"
#include "harness/target/settings.h"
#include "harness/wire/packet.h"
#include "models/event.h"

namespace tcpassay {
namespace {

constexpr std::uint32_t kSegmentTextMax = 1440, kWriteMax = 60000;
constexpr std::uint32_t kTinyMss = 88, kTinyWriteMax = 4000;  // so many packets follow from one write at most

const OptionSpec* timestamps_of(const Move& move) {
  const auto* seg = std::get_if<SegmentMove>(&move.what);
  if (seg == nullptr) return nullptr;
  for (const OptionSpec& option : seg->spec.options) {
    if (option.kind == OptionSpec::Kind::kTimestamp && option.values.size() == 2) return &option;
  }
  return nullptr;
}

class Mutation {
 public:
  Mutation(Moves& made, const Moves& other, Random& random, const MoveLimits& limits)
      : made_(made), moves_(made.moves), other_(other), random_(random), limits_(limits) {}

  void once() {
    switch (random_.below(20)) {
      case 0:
      case 1:
        return erase();
      case 2:
        return repeat_one();
      case 3:
        return shift();
      case 4:
        return splice();
      case 5:
        return insert_slice();
      case 6:
      case 7:
      case 8:
        return episode();
      case 9:
        return second_episode();
      case 10:
      case 11:
        return change_wait();
      case 12:
      case 13:
        if (random_.one_in(4)) return insert({.what = some_icmp(random_)});
        return insert(some_call(random_, handles_of(moves_)));
      case 14:
        return exchange_opening();
      case 15:
        return change_terms();
      default:
        return change_value();
    }
  }

 private:
  std::size_t anywhere() { return random_.below(moves_.size() + 1); }
  // Mostly behind the opening: what stands before it often means nothing.
  std::size_t behind_opening() {
    if (random_.one_in(8)) return anywhere();
    const std::size_t least = end_of_opening(moves_);
    return least + random_.below(moves_.size() - least + 1);
  }
  auto at(std::size_t i) { return moves_.begin() + static_cast<std::ptrdiff_t>(i); }

  void insert(Move move) {
    if (random_.one_in(4)) move.wait = some_time(random_);
    moves_.insert(at(behind_opening()), std::move(move));
  }

  void erase() {
    if (moves_.empty()) return;
    const std::size_t first = random_.below(moves_.size());
    const std::size_t count = std::min(moves_.size() - first, random_.one_in(3) ? 1 + random_.below(6) : 1);
    moves_.erase(at(first), at(first + count));
  }

  void repeat_one() {
    if (moves_.empty()) return;
    const std::size_t i = random_.below(moves_.size());
    const std::size_t times = random_.one_in(3) ? 1 + random_.below(8) : 1;
    const Move copy = moves_[i];
    moves_.insert(at(i), times, copy);
  }

  // One move happens earlier or later.
  void shift() {
    if (moves_.size() < 2) return;
    const std::size_t from = random_.below(moves_.size());
    const std::size_t to = random_.one_in(2) ? (from + 1) % moves_.size() : random_.below(moves_.size());
    Move moved = std::move(moves_[from]);
    moves_.erase(at(from));
    moves_.insert(at(to), std::move(moved));
  }

  // The beginning of this input, the end of the other.
  void splice() {
    if (other_.moves.empty()) return;
    const std::size_t keep = anywhere();
    moves_.resize(keep);
    append(random_.below(other_.moves.size()), other_.moves.size(), moves_.size());
  }

  void insert_slice() {
    if (other_.moves.empty()) return;
    const std::size_t least = std::min(end_of_opening(other_.moves), other_.moves.size() - 1);
    const std::size_t first = least + random_.below(other_.moves.size() - least);
    append(first, std::min(other_.moves.size(), first + 1 + random_.below(12)), behind_opening());
  }

  // Moves of the other input, on the sockets of this one.
  void append(std::size_t first, std::size_t last, std::size_t where) {
    const Handles ours = handles_of(moves_), theirs = handles_of(other_.moves);
    for (std::size_t i = first; i < last; ++i) {
      Move move = other_.moves[i];
      if (auto* call = std::get_if<Call>(&move.what)) {
        if (call->handle == theirs.listener) {
          call->handle = ours.listener;
        } else if (call->handle == theirs.connection) {
          call->handle = ours.connection;
        }
      }
      moves_.insert(at(where++), std::move(move));
    }
  }

  void episode() {
    std::vector<Move> made = some_episode(random_, handles_of(moves_));
    if (random_.one_in(3) && !made.empty()) made.front().wait += some_time(random_);
    const std::size_t where = random_.one_in(2) ? moves_.size() : behind_opening();
    stamp(made, where);
    moves_.insert(at(where), made.begin(), made.end());
    if (has_iss() && random_.one_in(10)) set(std::string(kInitialSequenceNumber), some_iss());
  }

  // Where the peer's SYN has timestamps its segments have them, too, and its clock goes on.
  void stamp(std::vector<Move>& made, std::size_t where) {
    constexpr std::uint32_t kLater[] = {0, 0, 0, 1, 10, 1000, 0xffffffff, 0xffffff9c};
    std::optional<std::uint32_t> latest;
    for (std::size_t i = 0; i < where; ++i) {
      if (const OptionSpec* stamps = timestamps_of(moves_[i])) latest = stamps->values[0];
    }
    if (!latest || random_.one_in(8)) return;
    for (Move& move : made) {
      auto* seg = std::get_if<SegmentMove>(&move.what);
      if (seg == nullptr) continue;
      auto& options = seg->spec.options;
      const std::uint32_t value = *latest + (seg->spec.ctl.syn ? random_.of(kLater) : 1u);
      if (!seg->spec.ctl.syn) latest = value;
      std::erase_if(options, [](const OptionSpec& option) { return option.kind == OptionSpec::Kind::kTimestamp; });
      if (seg->spec.ctl.syn && random_.one_in(4)) continue;
      const std::size_t blocks = options.empty() ? 0 : options[0].values.size() / 2;
      if (blocks <= 3) options.insert(options.begin(), {.kind = OptionSpec::Kind::kTimestamp, .values = {value, 0}});
    }
  }

  // What has happened behind the opening happens again, some time later.
  void second_episode() {
    const std::size_t least = end_of_opening(moves_);
    if (least >= moves_.size()) return episode();
    const std::size_t first = least + random_.below(moves_.size() - least);
    const std::size_t last = std::min(moves_.size(), first + 1 + random_.below(moves_.size() - first));
    std::vector<Move> again(at(first), at(last));
    if (random_.one_in(2)) again.front().wait += some_time(random_);
    const std::size_t where = random_.one_in(2) ? last : moves_.size();
    moves_.insert(at(where), again.begin(), again.end());
  }

  void change_wait() {
    if (moves_.empty() || random_.one_in(3)) {
      moves_.push_back({.wait = some_time(random_)});
      return;
    }
    Time& wait = moves_[random_.below(moves_.size())].wait;
    const std::size_t how = random_.below(5);
    if (how == 0) {
      wait = {};
    } else if (how == 1) {
      wait *= 2;
    } else if (how == 2) {
      wait /= 2;
    } else {
      wait = some_time(random_);
    }
  }

  void exchange_opening() {
    const Handles before = handles_of(moves_);
    std::vector<Move> opening = some_opening(random_);
    const Handles after = handles_of(opening);
    moves_.erase(at(0), at(end_of_opening(moves_)));
    for (Move& move : moves_) {
      auto* call = std::get_if<Call>(&move.what);
      if (call == nullptr) continue;
      call->handle = call->handle == before.listener ? after.listener : after.connection;
    }
    moves_.insert(at(0), opening.begin(), opening.end());
  }

  // The settings of the target, the version of IP, the backlog and the buffers.
  void change_terms() {
    if (has_iss() && random_.one_in(3)) return set(std::string(kInitialSequenceNumber), some_iss());
    if (random_.one_in(3) && limits_.ipv6) {
      made_.ip = made_.ip == 4 ? 6 : 4;
      return;
    }
    if (!made_.settings.empty() && random_.one_in(3)) {
      made_.settings.erase(made_.settings.begin() + static_cast<std::ptrdiff_t>(random_.below(made_.settings.size())));
      return;
    }
    if (limits_.settings.empty()) return;
    const std::string& name = limits_.settings[random_.below(limits_.settings.size())];
    const SettingInfo* range = setting_named(name);
    if (range == nullptr) return;
    const std::int64_t value = name == kInitialSequenceNumber ? some_iss() : some_value(*range);
    set(name, value);
  }

  bool has_iss() const {
    return std::find(limits_.settings.begin(), limits_.settings.end(), kInitialSequenceNumber) !=
           limits_.settings.end();
  }

  void set(const std::string& name, std::int64_t value) {
    std::erase_if(made_.settings, [&](const Setting& each) { return each.name == name; });
    made_.settings.push_back({.name = name, .value = value});
  }

  std::int64_t some_value(const SettingInfo& range) {
    if (random_.one_in(8)) return range.most;
    const auto span = static_cast<std::size_t>(std::min<std::int64_t>(range.most - range.least + 1, 20));
    return range.least + static_cast<std::int64_t>(random_.below(span));
  }

  // So that SND.NXT soon passes 2^32 or 2^31, or has just passed it.
  std::int64_t some_iss() {
    constexpr std::uint32_t kEdges[] = {0, 0, 0, 0x80000000, 0x7fffffff};
    constexpr std::uint32_t kBefore[] = {0, 1, 2, 100, 536, 1000, 1460, 3000, 8192, 65536};
    const std::uint32_t edge = random_.of(kEdges), before = random_.of(kBefore);
    return edge - before;
  }

  void change_value() {
    if (moves_.empty()) return;
    for (int tries = 0; tries < 4; ++tries) {
      Move& move = moves_[random_.below(moves_.size())];
      if (auto* seg = std::get_if<SegmentMove>(&move.what)) return change_segment(*seg, random_);
      if (auto* call = std::get_if<Call>(&move.what)) return change_call(*call, random_);
      if (auto* message = std::get_if<IcmpMove>(&move.what)) return change_icmp(*message, random_);
    }
  }

  Moves& made_;
  std::vector<Move>& moves_;
  const Moves& other_;
  Random& random_;
  const MoveLimits& limits_;
};

bool offers_tiny_mss(const Move& move) {
  const auto* seg = std::get_if<SegmentMove>(&move.what);
  if (seg == nullptr) return false;
  return std::any_of(seg->spec.options.begin(), seg->spec.options.end(), [](const OptionSpec& option) {
    const bool raw = option.kind == OptionSpec::Kind::kRaw;
    return raw || (option.kind == OptionSpec::Kind::kMss && !option.values.empty() && option.values[0] < kTinyMss);
  });
}

}  // namespace

std::size_t end_of_opening(const std::vector<Move>& moves) {
  bool opened = false;
  for (std::size_t i = 0; i < moves.size(); ++i) {
    const auto* call = std::get_if<Call>(&moves[i].what);
    const auto* seg = std::get_if<SegmentMove>(&moves[i].what);
    if (call != nullptr) {
      if (call->kind == CallKind::kAccept) return i + 1;
      if (call->kind == CallKind::kConnect) opened = true;
      const bool goes_on = call->kind != CallKind::kSocket && call->kind != CallKind::kBind &&
                           call->kind != CallKind::kListen && call->kind != CallKind::kSetOption;
      if (opened && call->kind != CallKind::kConnect && goes_on) return i;
    }
    if (seg != nullptr && opened && !seg->spec.ctl.syn) return i;
  }
  return opened ? moves.size() : 0;
}

// What only a header of the other version of IP has.
static void forget_the_other(Damage& damage, std::uint8_t ip) {
  if (damage.source && damage.source->family != ip) damage.source.reset();
  if (damage.destination && damage.destination->family != ip) damage.destination.reset();
  if (ip == 4) return;
  damage.identification.reset();
  damage.ip_options.clear();
}

// Octets that a script says of the text stand in the text, which may have become shorter.
static void forget_octets_beyond(SegmentSpec& segment) {
  std::erase_if(segment.options, [&](const OptionSpec& option) {
    const bool of_text = option.kind == OptionSpec::Kind::kRaw && option.name == kTextSaid;
    return of_text && option.values[0] + option.octets.size() > segment.length;
  });
}

void keep_to_script(Moves& made) {
  for (Move& move : made.moves) {
    auto* seg = std::get_if<SegmentMove>(&move.what);
    if (seg == nullptr) continue;
    forget_the_other(seg->spec.damage, made.ip);
    forget_octets_beyond(seg->spec);
  }
}

void keep_within(Moves& made, const MoveLimits& limits) {
  std::erase_if(made.moves, [&](const Move& move) {
    const auto* call = std::get_if<Call>(&move.what);
    if (call == nullptr || call->kind != CallKind::kSetOption) return false;
    const auto& missing = limits.missing_options;
    return std::find(missing.begin(), missing.end(), call->option) != missing.end();
  });
  if (made.moves.size() > kMovesMax) made.moves.resize(kMovesMax);
  const bool tiny = std::any_of(made.moves.begin(), made.moves.end(), offers_tiny_mss);
  Time waited{};
  for (Move& move : made.moves) {
    move.wait = std::clamp(move.wait, Time{}, limits.wait_max - waited);
    waited += move.wait;
    if (auto* seg = std::get_if<SegmentMove>(&move.what)) {
      seg->spec.length = std::min(seg->spec.length, kSegmentTextMax);
    }
    auto* call = std::get_if<Call>(&move.what);
    if (call == nullptr) continue;
    const bool writes = call->kind == CallKind::kWrite || call->kind == CallKind::kSendTo;
    if (!limits.urgent_data) call->urgent = false;
    if (writes) call->length = std::min(call->length, tiny ? kTinyWriteMax : kWriteMax);
  }
  keep_to_script(made);
}

Moves mutated(const Moves& parent, const Moves& other, std::uint64_t seed, const MoveLimits& limits) {
  Random random(seed);
  Moves made = parent;
  Mutation mutation(made, other, random, limits);
  do mutation.once();
  while (!random.one_in(3));
  keep_within(made, limits);
  return made;
}

Moves mutated_plainly(const Moves& parent, std::uint64_t seed, const MoveLimits& limits) {
  Random random(seed);
  Moves made = parent;
  do {
    if (made.moves.empty()) break;
    Move& move = made.moves[random.below(made.moves.size())];
    if (random.one_in(4)) {
      move.wait = std::chrono::milliseconds(random.below(1u << random.below(20)));
    } else if (auto* seg = std::get_if<SegmentMove>(&move.what)) {
      change_octet(*seg, random);
    } else if (auto* call = std::get_if<Call>(&move.what)) {
      call->length = static_cast<std::uint32_t>(random.below(65536));
    }
  } while (!random.one_in(3));
  keep_within(made, limits);
  return made;
}

}  // namespace tcpassay
