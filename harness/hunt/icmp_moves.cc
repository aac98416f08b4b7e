// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/icmp_moves.h"

#include <algorithm>
#include <iterator>

#include "models/event.h"

namespace tcpassay {
namespace {

struct Numbers {
  std::uint8_t type, code;
};

// RFC 792 and RFC 4443.
struct Message {
  Numbers ipv4, ipv6;
};
constexpr Message kMessages[] = {
    {{3, 4}, {2, 0}},   // too big
    {{3, 0}, {1, 0}},   // net unreachable, no route
    {{3, 1}, {1, 3}},   // host, address
    {{3, 2}, {4, 1}},   // protocol, next header
    {{3, 3}, {1, 4}},   // port
    {{3, 13}, {1, 1}},  // prohibited
    {{4, 0}, {3, 0}},   // source quench, and what IPv6 has instead of nothing
    {{11, 0}, {3, 0}},  // time exceeded
    {{11, 1}, {3, 1}},  // reassembly
    {{12, 0}, {4, 0}},  // parameter problem
};
static_assert(std::size(kMessages) == kIcmpMessages);
constexpr std::uint8_t kTooBig = 0;
constexpr std::uint16_t kMtus[] = {1499, 1400, 1300, 1280, 1279, 1000, 600, 576, 296, 100, 68, 67, 40, 0, 1500, 9000};

const Numbers& numbers_of(std::uint8_t message, std::uint8_t ip) {
  return ip == 6 ? kMessages[message].ipv6 : kMessages[message].ipv4;
}

}  // namespace

IcmpMove some_icmp(Random& random) {
  IcmpMove move{.seq = random.one_in(4) ? AckAnchor::kSndNxt : AckAnchor::kSndUna};
  move.message = static_cast<std::uint8_t>(random.one_in(3) ? kTooBig : random.below(kIcmpMessages));
  if (move.message == kTooBig) move.mtu = random.of(kMtus);
  return move;
}

void change_icmp(IcmpMove& move, Random& random) {
  constexpr std::int32_t kDistances[] = {0, 0, 1, -1, 536, -536, 1460, -1460, 65536, -65536};
  switch (random.below(4)) {
    case 0:
      move = some_icmp(random);
      return;
    case 1:
      move.seq = static_cast<AckAnchor>(random.below(kAckAnchors));
      return;
    case 2:
      move.distance = random.of(kDistances);
      return;
    default:
      if (move.message == kTooBig) move.mtu = random.of(kMtus);
  }
}

IcmpSpec icmp_of(const IcmpMove& move, std::uint8_t ip, std::uint32_t seq) {
  const Numbers& numbers = numbers_of(move.message, ip);
  return {.type = "type_" + std::to_string(numbers.type),
          .code = "code_" + std::to_string(numbers.code),
          .mtu = move.message == kTooBig ? move.mtu : 0u,
          .seq = seq};
}

std::optional<IcmpMove> move_of(const IcmpSpec& spec, std::uint8_t ip) {
  const auto message = icmp_numbers(spec, ip);
  if (!message || spec.local_port || spec.remote_port) return std::nullopt;
  const auto* found = std::find_if(std::begin(kMessages), std::end(kMessages), [&](const Message& each) {
    const Numbers& numbers = ip == 6 ? each.ipv6 : each.ipv4;
    return numbers.type == message->type && numbers.code == message->code;
  });
  if (found == std::end(kMessages)) return std::nullopt;
  return IcmpMove{.message = static_cast<std::uint8_t>(found - kMessages),
                  .mtu = static_cast<std::uint16_t>(std::min<std::uint32_t>(spec.mtu, 65535))};
}

}  // namespace tcpassay
