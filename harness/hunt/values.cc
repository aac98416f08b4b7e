// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/values.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "harness/hunt/carriers.h"
#include "harness/hunt/episodes.h"
#include "harness/hunt/moves.h"
#include "harness/hunt/randomness.h"
#include "harness/script/scenario.h"
#include "models/event.h"

namespace tcpassay {
namespace {

constexpr int kTimesMs[] = {1,     5,     10,    39,     40,     100,    199,    200,    201,    250,    300,
                            499,   500,   501,   600,    700,    999,    1000,   1001,   1500,   2000,   2500,
                            3000,  3100,  4000,  5000,   7000,   8000,   10000,  15000,  20000,  30000,  45000,
                            60000, 61000, 90000, 100000, 120000, 180000, 240000, 241000, 300000, 600000, 1000000};
constexpr std::uint16_t kWindows[] = {65535, 65535, 65535, 32768, 16384, 8192, 4096, 2920, 2000, 1460, 1072,
                                      1000,  536,   100,   10,    2,     1,    0,    0,    0,    65534};
constexpr std::uint32_t kLengths[] = {1,    1,    2,    3,    10,   50,   99,   100,  100,  100,  200,  500,
                                      535,  536,  537,  1000, 1000, 1000, 1024, 1072, 1200, 1400, 1439, 1440,
                                      1459, 1460, 1461, 2000, 2920, 3000, 4000, 4380, 5000, 8192};
constexpr std::int32_t kSteps[] = {0,    0,    1,     -1,   2,     -2,    10,     100,   -100,       536,       -536,
                                   1000, 1460, -1460, 2920, -2920, 65535, -65535, 65536, 0x7fffffff, 0x40000000};

// Distances wrap, as sequence numbers do.
std::int32_t further(std::int32_t distance, std::int32_t step) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(distance) + static_cast<std::uint32_t>(step));
}

void change_seq(SegmentMove& move, Random& random) {
  if (random.one_in(2)) move.seq = static_cast<SeqAnchor>(random.below(kSeqAnchors));
  move.seq_distance = random.one_in(2) ? random.of(kSteps) : further(move.seq_distance, random.of(kSteps));
}

void change_ack(SegmentMove& move, Random& random) {
  if (!move.spec.ack) return change_seq(move, random);
  if (random.one_in(2)) move.ack = static_cast<AckAnchor>(random.below(kAckAnchors));
  move.ack_distance = random.one_in(2) ? random.of(kSteps) : further(move.ack_distance, random.of(kSteps));
}

void change_bits(SegmentMove& move, Random& random) {
  SegmentSpec& spec = move.spec;
  switch (random.below(9)) {
    case 0:
      spec.ctl.fin = !spec.ctl.fin;
      break;
    case 1:
      spec.ctl.syn = !spec.ctl.syn;
      break;
    case 2:
      spec.ctl.rst = !spec.ctl.rst;
      break;
    case 3:
      spec.ctl.psh = !spec.ctl.psh;
      break;
    case 4:
      spec.ctl.ack = !spec.ctl.ack;
      break;
    case 5:
      spec.ctl.urg = !spec.ctl.urg;
      break;
    case 6:
      spec.ctl.ece = !spec.ctl.ece;
      break;
    case 7:
      spec.ctl.cwr = !spec.ctl.cwr;
      break;
    default:
      spec.ctl.reserved = static_cast<std::uint8_t>(random.below(16));
  }
  spec.ack = spec.ctl.ack ? std::optional<std::uint32_t>(0) : std::nullopt;
  if (spec.ctl.urg && !spec.up) spec.up = static_cast<std::uint16_t>(random.below(300));
  if (!spec.ctl.urg) spec.up.reset();
}

std::size_t octets_of(const OptionSpec& option) {
  if (option.kind == OptionSpec::Kind::kSack) return 2 + 4 * option.values.size();
  if (option.kind == OptionSpec::Kind::kTimestamp) return 10;
  if (option.kind == OptionSpec::Kind::kFastOpen || option.kind == OptionSpec::Kind::kFastOpenExp) return 20;
  return option.kind == OptionSpec::Kind::kAccEcn ? 11 : std::max<std::size_t>(option.octets.size() + 2, 4);
}

void change_option(OptionSpec& option, Random& random) {
  std::uint32_t& value = option.values[random.below(option.values.size())];
  value += random.one_in(2) ? 1 : random.between(0, 3) * 1460;
  if (option.kind == OptionSpec::Kind::kMss) value &= 0xffff;
  if (option.kind == OptionSpec::Kind::kWindowScale) value &= 0xf;
  if (option.kind == OptionSpec::Kind::kAccEcn) value &= 0xffffff;
}

void change_options(SegmentMove& move, Random& random) {
  auto& options = move.spec.options;
  const std::size_t how = random.below(4);
  if (how == 0 && !options.empty()) {
    options.erase(options.begin() + static_cast<std::ptrdiff_t>(random.below(options.size())));
  } else if (how == 1 && !options.empty()) {
    OptionSpec& option = options[random.below(options.size())];
    const bool octets_said = option.kind == OptionSpec::Kind::kRaw;  // their value is a place, not a number of TCP
    if (!option.values.empty() && !octets_said) change_option(option, random);
  } else if (move.spec.ctl.syn && random.one_in(2)) {
    options = some_syn_options(random);
  } else {
    options.push_back(some_option(random));
  }
  // A script writes raw octets behind the options that it has words for.
  std::stable_partition(options.begin(), options.end(),
                        [](const OptionSpec& option) { return option.kind != OptionSpec::Kind::kRaw; });
  constexpr std::size_t kRoom = 40;
  std::size_t octets = 0;
  for (std::size_t i = 0; i < options.size(); ++i) {
    octets += octets_of(options[i]);
    if (octets > kRoom) options.resize(i);
  }
}

std::uint8_t some_odd_address(Random& random) {
  return static_cast<std::uint8_t>(random.between(1, kOddAddresses));
}

void change_carrier(SegmentMove& move, Random& random) {
  SegmentSpec& spec = move.spec;
  const std::vector<Bytes> kIpOptions = {
      {1, 1, 1, 0}, {7, 7, 4, 0, 0, 0, 0, 0}, {148, 4, 0, 0}, {131, 3, 4, 0}, {77, 4, 1, 2}, {77, 0, 1, 1}};
  switch (random.below(10)) {
    case 0:
      spec.damage.bad_checksum = !spec.damage.bad_checksum;
      break;
    case 1:
      spec.damage.data_offset = static_cast<std::uint8_t>(random.below(16));
      break;
    case 2:
      spec.damage.truncate = static_cast<std::uint16_t>(random.below(40));
      break;
    case 3:
      spec.damage.identification = static_cast<std::uint16_t>(random.below(3));
      break;
    case 4:
      spec.damage.ip_options = kIpOptions[random.below(kIpOptions.size())];
      break;
    case 5:
      spec.traffic_class = static_cast<std::uint8_t>(random.below(4));  // ECN
      break;
    case 6:
      set_checksum(spec, random.one_in(2) ? ChecksumField::kZero : ChecksumField::kOnes);
      break;
    case 7:
      spec.damage.source = odd_address(some_odd_address(random));
      break;
    case 8:
      spec.damage.destination = odd_address(some_odd_address(random));
      break;
    default:
      spec.damage = {};
      set_checksum(spec, ChecksumField::kRight);
  }
}

}  // namespace

Time some_time(Random& random) {
  return std::chrono::milliseconds(random.of(kTimesMs));
}

std::uint16_t some_window(Random& random) {
  return random.of(kWindows);
}

std::uint32_t some_length(Random& random) {
  return random.one_in(4) ? random.between(1, 1460) : random.of(kLengths);
}

void change_segment(SegmentMove& move, Random& random) {
  switch (random.below(12)) {
    case 0:
    case 1:
      return change_seq(move, random);
    case 2:
    case 3:
    case 4:
      return change_ack(move, random);
    case 5:
    case 6:
      move.spec.wnd = some_window(random);
      return;
    case 7:
    case 8:
      move.spec.length = random.one_in(4) ? 0 : some_length(random);
      return;
    case 9:
      return change_bits(move, random);
    case 10:
      return change_options(move, random);
    default:
      return change_carrier(move, random);
  }
}

void change_call(Call& call, Random& random) {
  if (call.kind == CallKind::kWrite || call.kind == CallKind::kRead) {
    call.length = some_length(random);
    if (call.kind == CallKind::kWrite && random.one_in(8)) call.urgent = !call.urgent;
  } else if (call.kind == CallKind::kShutdown) {
    call.how = static_cast<int>(random.below(3));
  } else if (call.kind == CallKind::kListen) {
    call.length = random.between(0, 4);
  } else if (call.kind == CallKind::kClose) {
    call = {.kind = CallKind::kShutdown, .handle = call.handle, .how = 1};
  } else if (call.kind == CallKind::kSetOption && call.option != SocketOption::kOther) {
    constexpr std::int64_t kValues[] = {0, 1, 2, 1000, 2048, 5000, 20000, 65536};
    call.value = random.of(kValues);
  }
}

void change_octet(SegmentMove& move, Random& random) {
  SegmentSpec& spec = move.spec;
  const auto any = static_cast<std::int32_t>(random.next() >> 16);
  const std::size_t shift = 8 * random.below(4);
  switch (random.below(6)) {
    case 0:
      move.seq_distance ^= static_cast<std::int32_t>((static_cast<std::uint32_t>(any) & 255u) << shift);
      return;
    case 1:
      move.ack_distance ^= static_cast<std::int32_t>((static_cast<std::uint32_t>(any) & 255u) << shift);
      return;
    case 2:
      spec.wnd = static_cast<std::uint16_t>(any);
      return;
    case 3:
      spec.length = static_cast<std::uint32_t>(any) & 1023u;
      return;
    case 4:
      change_bits(move, random);
      return;
    default:
      spec.options.assign(1, {.kind = OptionSpec::Kind::kRaw,
                              .octets = {static_cast<std::uint8_t>(any), static_cast<std::uint8_t>(any >> 8),
                                         static_cast<std::uint8_t>(any >> 16), 1}});
  }
}

}  // namespace tcpassay
