// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/carriers.h"

#include <algorithm>

#include "harness/script/packet_damage.h"

namespace tcpassay {
namespace {

constexpr const char* kAddresses[] = {"224.0.0.1", "255.255.255.255", "0.0.0.0", "127.0.0.1",
                                      "239.1.2.3", "ff02::1",         "::",      "::1"};
static_assert(std::size(kAddresses) == kOddAddresses);

constexpr std::uint32_t kChecksumAt = 16;  // in the TCP header

bool is_checksum(const OptionSpec& said) {
  return said.kind == OptionSpec::Kind::kRaw && said.name == kTcpSaid && said.values.size() == 1 &&
         said.values[0] == kChecksumAt && said.octets.size() == 2;
}

}  // namespace

std::optional<Address> odd_address(std::uint8_t number) {
  return number == 0 ? std::nullopt : Address::parse(kAddresses[(number - 1) % kOddAddresses]);
}

std::uint8_t number_of(const std::optional<Address>& address) {
  for (std::uint8_t i = 1; address && i <= kOddAddresses; ++i) {
    if (odd_address(i) == address) return i;
  }
  return 0;
}

void set_checksum(SegmentSpec& segment, ChecksumField field) {
  std::erase_if(segment.options, is_checksum);
  if (field == ChecksumField::kRight) return;
  const std::uint8_t octet = field == ChecksumField::kOnes ? 0xff : 0;
  segment.options.push_back({.kind = OptionSpec::Kind::kRaw, .values = {kChecksumAt}, .octets = {octet, octet}});
  segment.options.back().name = kTcpSaid;
}

ChecksumField checksum_of(const SegmentSpec& segment) {
  const auto said = std::find_if(segment.options.begin(), segment.options.end(), is_checksum);
  if (said == segment.options.end()) return ChecksumField::kRight;
  return said->octets[0] == 0 ? ChecksumField::kZero : ChecksumField::kOnes;
}

}  // namespace tcpassay
