// SPDX-License-Identifier: Apache-2.0
#include "harness/script/tcp_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace tcpassay {
namespace {

using Kind = OptionSpec::Kind;

constexpr std::uint8_t kEnd = 0, kNop = 1, kMss = 2, kWindowScale = 3, kSackPermitted = 4, kSack = 5, kTimestamp = 8;
constexpr std::uint8_t kMd5 = 19, kFastOpen = 34, kAccEcn0 = 172, kAccEcn1 = 174, kExperiment = 254;
constexpr std::uint16_t kFastOpenExperiment = 0xf989;
constexpr std::size_t kMd5Octets = 16, kCounterOctets = 3, kCookieOctets = 8;
constexpr char kAccEcn0Order[] = "e0b ceb e1b", kAccEcn1Order[] = "e1b ceb e0b";

void put(Bytes& out, std::uint32_t value, int octets) {
  for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint32_t get(ByteView octets, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | octets[at + i];
  return value;
}

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(fmt::format("a TCP option cannot be written: {}", what));
}

void put_option(std::uint8_t kind, ByteView content, Bytes& out) {
  require(content.size() + 2 <= kOptionOctetsMax, "it is longer than 40 octets");
  out.push_back(kind);
  out.push_back(static_cast<std::uint8_t>(content.size() + 2));
  out.insert(out.end(), content.begin(), content.end());
}

// Every value in as many octets.
Bytes content_of(const OptionSpec& option, int octets_each) {
  Bytes content;
  for (const std::uint32_t value : option.values) put(content, value, octets_each);
  return content;
}

void encode_option(const OptionSpec& option, Bytes& out) {
  const auto values = option.values.size();
  switch (option.kind) {
    case Kind::kEnd:
      return out.push_back(kEnd);
    case Kind::kNop:
      return out.push_back(kNop);
    case Kind::kMss:
      require(values == 1, "mss has one value");
      return put_option(kMss, content_of(option, 2), out);
    case Kind::kWindowScale:
      require(values == 1, "wscale has one value");
      return put_option(kWindowScale, content_of(option, 1), out);
    case Kind::kSackPermitted:
      return put_option(kSackPermitted, {}, out);
    case Kind::kSack:
      require(values != 0 && values % 2 == 0, "sack has left and right edges");
      return put_option(kSack, content_of(option, 4), out);
    case Kind::kTimestamp:
      require(values == 2, "TS has two values");
      return put_option(kTimestamp, content_of(option, 4), out);
    case Kind::kFastOpen:  // a cookie that is named and not known has the usual length
      return put_option(kFastOpen, option.name.empty() ? option.octets : Bytes(kCookieOctets), out);
    case Kind::kFastOpenExp: {
      Bytes content;
      put(content, kFastOpenExperiment, 2);
      const Bytes cookie = option.name.empty() ? option.octets : Bytes(kCookieOctets);
      content.insert(content.end(), cookie.begin(), cookie.end());
      return put_option(kExperiment, content, out);
    }
    case Kind::kMd5:
      return put_option(kMd5, option.octets, out);
    case Kind::kAccEcn:
      require(values >= 1 && values <= 3, "ECN has one to three counters");
      return put_option(option.name.starts_with("e0b") ? kAccEcn0 : kAccEcn1, content_of(option, kCounterOctets), out);
    case Kind::kRaw:
      if (!option.name.empty()) return;  // packet_damage.h
      out.insert(out.end(), option.octets.begin(), option.octets.end());
      return;
  }
}

// One option with a good length, kind and length included; kRaw when a script has no word for it.
OptionSpec decode_option(ByteView option) {
  const std::size_t length = option.size();
  const auto values = [&](std::size_t count, std::size_t octets_each) {
    std::vector<std::uint32_t> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(get(option, 2 + i * octets_each, octets_each));
    return out;
  };
  const auto rest = [&](std::size_t from) { return Bytes(option.begin() + static_cast<long>(from), option.end()); };
  switch (option[0]) {
    case kMss:
      if (length == 4) return {.kind = Kind::kMss, .values = values(1, 2)};
      break;
    case kWindowScale:
      if (length == 3) return {.kind = Kind::kWindowScale, .values = values(1, 1)};
      break;
    case kSackPermitted:
      if (length == 2) return {.kind = Kind::kSackPermitted};
      break;
    case kSack:
      if (length > 2 && length % 8 == 2) return {.kind = Kind::kSack, .values = values((length - 2) / 4, 4)};
      break;
    case kTimestamp:
      if (length == 10) return {.kind = Kind::kTimestamp, .values = values(2, 4)};
      break;
    case kFastOpen:
      return {.kind = Kind::kFastOpen, .octets = rest(2)};
    case kExperiment:
      if (length < 4 || get(option, 2, 2) != kFastOpenExperiment) break;
      return {.kind = Kind::kFastOpenExp, .octets = rest(4)};
    case kMd5:
      if (length == 2 + kMd5Octets) return {.kind = Kind::kMd5, .octets = rest(2)};
      break;
    case kAccEcn0:
    case kAccEcn1:
      if (length == 5 || length == 8 || length == 11) {
        const std::size_t counters = (length - 2) / kCounterOctets;
        const std::string order = option[0] == kAccEcn0 ? kAccEcn0Order : kAccEcn1Order;
        return {.kind = Kind::kAccEcn,
                .values = values(counters, kCounterOctets),
                .name = order.substr(0, counters * 4 - 1)};
      }
      break;
    default:
      break;
  }
  return {.kind = Kind::kRaw, .octets = rest(0)};
}

}  // namespace

Bytes option_octets(const std::vector<OptionSpec>& options) {
  Bytes out;
  for (const OptionSpec& option : options) {
    encode_option(option, out);
    require(out.size() <= kOptionOctetsMax, "all options together are longer than 40 octets");
  }
  return out;
}

std::vector<OptionSpec> parse_options(ByteView octets) {
  std::vector<OptionSpec> options;
  const auto raw = [&](ByteView rest) {
    options.push_back({.kind = Kind::kRaw, .octets = Bytes(rest.begin(), rest.end())});
    return options;
  };
  for (std::size_t at = 0; at < octets.size();) {
    const ByteView rest = octets.subspan(at);
    if (rest[0] == kEnd) {
      if (std::any_of(rest.begin(), rest.end(), [](std::uint8_t octet) { return octet != 0; })) return raw(rest);
      options.insert(options.end(), rest.size(), {.kind = Kind::kEnd});
      return options;
    }
    if (rest[0] == kNop) {
      options.push_back({.kind = Kind::kNop});
      ++at;
      continue;
    }
    if (rest.size() < 2 || rest[1] < 2 || rest[1] > rest.size()) return raw(rest);
    options.push_back(decode_option(rest.first(rest[1])));
    at += rest[1];
  }
  return options;
}

bool is_signed(const SegmentSpec& segment) {
  return std::any_of(segment.options.begin(), segment.options.end(),
                     [](const OptionSpec& option) { return option.kind == OptionSpec::Kind::kMd5; });
}

}  // namespace tcpassay
