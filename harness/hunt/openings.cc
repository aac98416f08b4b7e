// SPDX-License-Identifier: Apache-2.0
// How connections are opened, what options their SYNs carry, and what users call.
#include <cstdint>
#include <utility>
#include <vector>

#include "harness/hunt/episodes.h"
#include "harness/hunt/moves.h"
#include "harness/hunt/randomness.h"
#include "harness/hunt/values.h"
#include "harness/script/scenario.h"
#include "harness/wire/packet.h"
#include "models/event.h"
#include "models/segment.h"

namespace tcpassay {
namespace {

using Kind = OptionSpec::Kind;

constexpr int kFirstHandle = 3;
constexpr std::int64_t kBuffers[] = {1, 1000, 2048, 4096, 8192, 16384, 65536, 262144};
constexpr std::uint32_t kMss[] = {1460, 1460, 1460, 536, 1000, 100, 88, 0, 1, 65535, 1220};

Call option_call(int handle, SocketOption option, std::int64_t value) {
  return {.kind = CallKind::kSetOption, .handle = handle, .option = option, .value = value};
}

SegmentMove syn(Random& random, Ctl ctl) {
  SegmentMove move;
  move.spec.ctl = ctl;
  if (ctl.ack) move.spec.ack = 0;
  constexpr std::uint32_t kFirst[] = {0, 0, 0, 0xfffffff0, 0xffffff00, 0x7ffffff0, 1000000, 0xffffffff};
  move.seq = SeqAnchor::kZero;
  move.seq_distance = static_cast<std::int32_t>(random.of(kFirst));
  move.spec.wnd = random.one_in(3) ? some_window(random) : kDefaultWindow;
  move.spec.options = some_syn_options(random);
  return move;
}

SegmentMove plain_ack() {
  SegmentMove move;
  move.spec.ctl.ack = true;
  move.spec.ack = 0;
  move.spec.wnd = kDefaultWindow;
  return move;
}

OptionSpec raw(Bytes octets) {
  return {.kind = Kind::kRaw, .octets = std::move(octets)};
}

}  // namespace

OptionSpec some_option(Random& random) {
  switch (random.below(14)) {
    case 0:
      return {.kind = Kind::kMss, .values = {random.of(kMss)}};
    case 1:
      return {.kind = Kind::kWindowScale, .values = {random.between(0, 16)}};
    case 2:
      return {.kind = Kind::kSackPermitted};
    case 3:
    case 4:
      return {.kind = Kind::kTimestamp, .values = {random.between(1, 100000), 0}};
    case 5: {
      const std::uint32_t left = random.between(0, 6) * 1460;
      return {.kind = Kind::kSack, .values = {left, left + random.between(1, 3) * 1460}};
    }
    case 6:
      return {.kind = Kind::kEnd};
    case 7:
      return raw({2, 4, 0x02, 0x18, 2, 4, 5, 180});  // MSS twice
    case 8:
      return raw({77, 4, 1, 2});  // unknown
    case 9:
      return raw({77, 0, 1, 1});  // length 0
    case 10:
      return raw({77, 40, 1, 1});  // runs past the header
    case 11:
      return raw({1, 1, 1, 77});  // a kind without a length
    case 12:
      return raw({2, 3, 5, 1});  // MSS of a wrong length
    default:
      return raw({0, 2, 4, 1});  // something behind the end of the list
  }
}

std::vector<OptionSpec> some_syn_options(Random& random) {
  std::vector<OptionSpec> options;
  if (!random.one_in(8)) options.push_back({.kind = Kind::kMss, .values = {random.of(kMss)}});
  if (random.one_in(3)) options.push_back({.kind = Kind::kWindowScale, .values = {random.between(0, 14)}});
  if (random.one_in(3)) options.push_back({.kind = Kind::kSackPermitted});
  if (random.one_in(3)) options.push_back({.kind = Kind::kTimestamp, .values = {random.between(1, 100000), 0}});
  if (random.one_in(10)) options.push_back(some_option(random));
  return options;
}

std::vector<Move> some_opening(Random& random) {
  std::vector<Move> moves;
  const auto keep = [&](decltype(Move::what) what) { moves.push_back({.what = std::move(what)}); };
  const bool passive = random.one_in(2);
  keep(Call{.kind = CallKind::kSocket, .result = kFirstHandle});
  if (random.one_in(4)) keep(option_call(kFirstHandle, SocketOption::kReceiveBuffer, random.of(kBuffers)));
  if (random.one_in(6)) keep(option_call(kFirstHandle, SocketOption::kSendBuffer, random.of(kBuffers)));
  if (random.one_in(4)) keep(option_call(kFirstHandle, SocketOption::kNoDelay, 1));
  if (!passive) {
    keep(Call{.kind = CallKind::kConnect, .handle = kFirstHandle});
    const bool crossed = random.one_in(4);
    const SegmentMove first = syn(random, {.syn = true, .ack = !crossed});
    keep(first);
    if (!crossed) return moves;
    SegmentMove second = random.one_in(2) ? plain_ack() : syn(random, {.syn = true, .ack = true});
    if (second.spec.ctl.syn) second.seq_distance = first.seq_distance;
    keep(second);
    return moves;
  }
  keep(option_call(kFirstHandle, SocketOption::kReuseAddress, 1));
  keep(Call{.kind = CallKind::kBind, .handle = kFirstHandle});
  keep(Call{.kind = CallKind::kListen, .handle = kFirstHandle, .length = random.between(1, 5)});
  keep(syn(random, {.syn = true}));
  keep(plain_ack());
  keep(Call{.kind = CallKind::kAccept, .handle = kFirstHandle, .result = kFirstHandle + 1});
  return moves;
}

Move some_call(Random& random, const Handles& handles) {
  const int on = handles.connection;
  const auto made = [](Call call) { return Move{.what = std::move(call)}; };
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return made({.kind = CallKind::kWrite, .handle = on, .length = some_length(random)});
    case 4:
    case 5:
      return made({.kind = CallKind::kRead, .handle = on, .length = some_length(random)});
    case 6:
      return made({.kind = CallKind::kRead, .handle = on, .length = 100000});
    case 7:
      return made({.kind = CallKind::kShutdown, .handle = on, .how = static_cast<int>(random.below(3))});
    case 8:
      return made({.kind = CallKind::kShutdown, .handle = on, .how = 1});
    case 9:
    case 10:
      return made({.kind = CallKind::kClose, .handle = on});
    case 11:
      return made(option_call(on, SocketOption::kLinger, 0));
    case 12:
      return made(option_call(on, SocketOption::kNoDelay, static_cast<std::int64_t>(random.below(2))));
    case 13:
      return made(option_call(on, SocketOption::kUserTimeout, random.between(1, 20) * 5000));
    case 14:
      return made(option_call(on, SocketOption::kKeepAlive, 1));
    default:
      if (handles.listener < 0) return made({.kind = CallKind::kConnect, .handle = on});
      return made({.kind = CallKind::kAccept, .handle = handles.listener, .result = handles.next});
  }
}

}  // namespace tcpassay
