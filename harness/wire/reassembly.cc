// SPDX-License-Identifier: Apache-2.0
#include "harness/wire/reassembly.h"

#include <algorithm>

namespace tcpassay {
namespace {

constexpr std::size_t kIpv4Header = 20, kIpv6Header = 40, kFragmentHeader = 8, kWholeMax = 65535;
constexpr std::uint8_t kFragment = 44;

std::uint32_t get16(ByteView octets, std::size_t at) {
  return octets[at] * 256u + octets[at + 1];
}

void put16(Bytes& octets, std::size_t at, std::size_t value) {
  octets[at] = static_cast<std::uint8_t>(value >> 8u);
  octets[at + 1] = static_cast<std::uint8_t>(value);
}

}  // namespace

bool Reassembly::read_ipv4(ByteView packet, Piece& piece) {
  if (packet.size() < kIpv4Header) return false;
  const std::size_t header = (packet[0] & 0x0fu) * 4, total = get16(packet, 2);
  const std::uint32_t place = get16(packet, 6);
  if (header < kIpv4Header || total < header || total > packet.size() || (place & 0x3fffu) == 0) return false;
  piece = {.header = Bytes(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(header)),
           .octets = packet.subspan(header, total - header),
           .identification = get16(packet, 4),
           .offset = (place & 0x1fffu) * std::size_t{8},
           .more = (place & 0x2000u) != 0};
  put16(piece.header, 2, 0);
  put16(piece.header, 6, place & 0x4000u);
  put16(piece.header, 10, 0);  // the checksum; nobody looks at it
  return true;
}

// The fragment header right behind the fixed one: what a host with no other extension header sends.
bool Reassembly::read_ipv6(ByteView packet, Piece& piece) {
  if (packet.size() < kIpv6Header + kFragmentHeader || packet[6] != kFragment) return false;
  const std::size_t total = kIpv6Header + get16(packet, 4);
  const std::uint32_t place = get16(packet, kIpv6Header + 2);
  if (total < kIpv6Header + kFragmentHeader || total > packet.size() || (place & 0xfff9u) == 0) return false;
  piece = {.header = Bytes(packet.begin(), packet.begin() + kIpv6Header),
           .octets = packet.subspan(kIpv6Header + kFragmentHeader, total - kIpv6Header - kFragmentHeader),
           .identification = get16(packet, kIpv6Header + 4) << 16u | get16(packet, kIpv6Header + 6),
           .offset = place & 0xfff8u,
           .more = (place & 1u) != 0};
  put16(piece.header, 4, 0);
  piece.header[6] = packet[kIpv6Header];
  return true;
}

Reassembly::Taken Reassembly::take(ByteView packet) {
  const unsigned version = packet.empty() ? 0 : packet[0] >> 4u;
  Piece piece;
  const bool fragment = (version == 4 && read_ipv4(packet, piece)) || (version == 6 && read_ipv6(packet, piece));
  if (!fragment) return Taken::kNoFragment;
  if (piece.offset == 0) {
    header_ = whole_ = piece.header;
    identification_ = piece.identification;
  }
  const bool continues = !header_.empty() && piece.header == header_ && piece.identification == identification_ &&
                         whole_.size() - header_.size() == piece.offset;
  const bool fits = whole_.size() + piece.octets.size() <= kWholeMax && (!piece.more || piece.octets.size() % 8 == 0);
  if (!continues || !fits) {
    forget();
    return Taken::kStray;
  }
  whole_.insert(whole_.end(), piece.octets.begin(), piece.octets.end());
  if (piece.more) return Taken::kPart;
  complete();
  return Taken::kComplete;
}

void Reassembly::complete() {
  const bool ipv4 = whole_[0] >> 4u == 4;
  put16(whole_, ipv4 ? 2 : 4, ipv4 ? whole_.size() : whole_.size() - kIpv6Header);
  header_.clear();
}

void Reassembly::forget() {
  whole_.clear();
  header_.clear();
}

}  // namespace tcpassay
