// SPDX-License-Identifier: Apache-2.0
#include "harness/wire/capture_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "harness/wire/capture_file.h"
#include "harness/wire/link_layer.h"
#include "harness/wire/packed_file.h"
#include "harness/wire/packet.h"
#include "models/event.h"

namespace tcpassay {
namespace {

constexpr std::size_t kFrameMax = std::size_t{64} << 20;  // octets; more is taken for a garbled length
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::uint64_t kSecondsMax = std::uint64_t{1} << 33;  // what Time can hold

// Whole numbers in the byte order of the file.
struct Order {
  bool big = false;

  std::uint32_t get16(const std::uint8_t* at) const { return big ? at[0] << 8u | at[1] : at[1] << 8u | at[0]; }
  std::uint32_t get32(const std::uint8_t* at) const {
    const std::uint32_t first = get16(at), second = get16(at + 2);
    return big ? first << 16 | second : second << 16 | first;
  }
  std::uint64_t get64(const std::uint8_t* at) const {
    const std::uint64_t first = get32(at), second = get32(at + 4);
    return big ? first << 32 | second : second << 32 | first;
  }
};

struct Magic {
  std::uint8_t octets[8];
  std::size_t length;
  bool big, nanoseconds, longer;  // of pcap: byte order, unit of time, and whether records have eight octets more
  enum class Format : std::uint8_t { kPcap, kPcapng, kSnoop } format;
};
constexpr Magic kMagics[] = {
    {{0xd4, 0xc3, 0xb2, 0xa1}, 4, false, false, false, Magic::Format::kPcap},
    {{0xa1, 0xb2, 0xc3, 0xd4}, 4, true, false, false, Magic::Format::kPcap},
    {{0x4d, 0x3c, 0xb2, 0xa1}, 4, false, true, false, Magic::Format::kPcap},
    {{0xa1, 0xb2, 0x3c, 0x4d}, 4, true, true, false, Magic::Format::kPcap},
    {{0x34, 0xcd, 0xb2, 0xa1}, 4, false, false, true, Magic::Format::kPcap},
    {{0xa1, 0xb2, 0xcd, 0x34}, 4, true, false, true, Magic::Format::kPcap},
    {{0x0a, 0x0d, 0x0d, 0x0a}, 4, false, false, false, Magic::Format::kPcapng},
    {{'s', 'n', 'o', 'o', 'p', 0, 0, 0}, 8, true, false, false, Magic::Format::kSnoop},
};

const Magic* magic_of(const std::uint8_t* octets, std::size_t count) {
  for (const Magic& magic : kMagics) {
    if (count >= magic.length && std::memcmp(octets, magic.octets, magic.length) == 0) return &magic;
  }
  return nullptr;
}

// One frame of the file.
struct Frame {
  LinkType type{};
  Time when{};
  bool time_is_valid = true;
  std::uint32_t length = 0;  // on the wire
};

struct Interface {
  LinkType type{};
  std::uint64_t units_per_second = 1'000'000;
  std::int64_t offset_s = 0;
};

}  // namespace

struct CaptureReader::Impl {
  std::string path;
  bool (*stop)() = nullptr;
  std::optional<PackedFile> file{};
  Magic magic{};
  Order order{};
  std::vector<Interface> interfaces{};  // of pcapng's present section; of the others the only one
  bool lengths_swapped = false;         // pcap before version 2.3
  std::uint64_t number = 0, passed_over = 0, found = 0;
  std::string not_read{};  // names of link types
  Time last{};
  Bytes octets{};                          // of the present frame or block
  std::uint8_t first[8] = {};              // of the file
  std::size_t first_count = 0, taken = 0;  // of them, how many there are, and are read again
  ByteView frame{};

  [[noreturn]] void fail(const std::string& why) const {
    throw CaptureError(fmt::format("{}: packet {}: {}", path, number + 1, why));
  }
  // Reads exactly so many octets. False at the end of the file, if that is allowed here.
  bool read(void* into, std::size_t count, bool may_end) {
    std::size_t done = 0;
    for (; done < count && taken < first_count; ++done) static_cast<std::uint8_t*>(into)[done] = first[taken++];
    try {
      if (done < count) done += file->read(static_cast<std::uint8_t*>(into) + done, count - done);
    } catch (const std::runtime_error& error) {
      fail(error.what());
    }
    if (done == 0 && may_end) return false;
    if (done < count) fail("truncated: the file ends within it");
    return true;
  }
  void read_body(std::size_t count) {
    if (count > kFrameMax) fail(fmt::format("its length is {} octets: the file is garbled", count));
    octets.resize(count);
    read(octets.data(), count, false);
  }
  // Links that are not read are named when nothing else is in the file.
  bool is_read(LinkType type) {
    if (reads(type)) return true;
    const std::string name = name_of(type);
    if (not_read.find(name) == std::string::npos) not_read += (not_read.empty() ? "" : ", ") + name;
    return false;
  }
  void set_time(Frame& to, std::uint64_t seconds, std::uint64_t nanoseconds) const {
    to.time_is_valid = nanoseconds < kNanosecondsPerSecond && seconds < kSecondsMax;
    to.when = seconds < kSecondsMax ? Time(std::chrono::seconds(seconds)) + Time(static_cast<std::int64_t>(nanoseconds))
                                    : last;
  }

  void open();
  void open_pcap();
  void open_snoop();
  std::optional<Frame> next_frame();
  std::optional<Frame> next_of_pcap();
  std::optional<Frame> next_of_snoop();
  std::optional<Frame> next_of_pcapng();
  bool block(std::uint32_t type, Frame& into);
  void section(const std::uint8_t* header);
  void interface();
  void set_units(Frame& to, const Interface& of, std::uint64_t units) const;
};

void CaptureReader::Impl::open() {
  file.emplace(path, stop);
  try {
    first_count = file->read(first, sizeof first);
  } catch (const std::runtime_error& error) {
    throw CaptureError(fmt::format("{}: {}", path, error.what()));
  }
  const Magic* known = magic_of(first, first_count);
  if (known == nullptr) throw CaptureError(fmt::format("{}: is no capture file: its first octets are of none", path));
  magic = *known;
  order.big = magic.big;
  if (magic.format == Magic::Format::kPcap) open_pcap();
  if (magic.format == Magic::Format::kSnoop) open_snoop();
}

void CaptureReader::Impl::open_pcap() {
  std::uint8_t header[24];
  read(header, sizeof header, false);
  lengths_swapped = order.get16(header + 4) == 2 && order.get16(header + 6) < 3;
  interfaces.push_back({.type = static_cast<LinkType>(order.get32(header + 20) & 0xffff)});
  if (!is_read(interfaces[0].type)) throw CaptureError(fmt::format("{}: unsupported link type {}", path, not_read));
}

void CaptureReader::Impl::open_snoop() {
  constexpr std::uint32_t kToken = 2, kEthernet = 4, kIeee8023 = 0, kFddi = 8;
  std::uint8_t header[16];
  read(header, sizeof header, false);
  const std::uint32_t link = order.get32(header + 12);
  const bool ethernet = link == kEthernet || link == kIeee8023;
  if (!ethernet && link != kToken && link != kFddi) {
    throw CaptureError(fmt::format("{}: unsupported link type {} of snoop", path, link));
  }
  interfaces.push_back({.type = ethernet         ? LinkType::kEthernet
                                : link == kToken ? LinkType::kTokenRing
                                                 : LinkType::kFddi});
}

std::optional<Frame> CaptureReader::Impl::next_of_pcap() {
  std::uint8_t header[24];
  if (!read(header, magic.longer ? 24 : 16, true)) return std::nullopt;
  std::uint32_t captured = order.get32(header + 8), length = order.get32(header + 12);
  if (lengths_swapped) std::swap(captured, length);
  read_body(captured);
  frame = octets;
  Frame result{.type = interfaces[0].type, .length = length};
  const std::uint64_t below = order.get32(header + 4);
  set_time(result, order.get32(header), magic.nanoseconds ? below : below * 1000);
  return result;
}

std::optional<Frame> CaptureReader::Impl::next_of_snoop() {
  constexpr std::uint32_t kHeader = 24;
  std::uint8_t header[kHeader];
  if (!read(header, kHeader, true)) return std::nullopt;
  const std::uint32_t captured = order.get32(header + 4), record = order.get32(header + 8);
  if (record < kHeader || captured > record - kHeader) fail("its length is wrong: the file is garbled");
  read_body(record - kHeader);
  frame = ByteView(octets).first(captured);
  Frame result{.type = interfaces[0].type, .length = order.get32(header)};
  set_time(result, order.get32(header + 16), std::uint64_t{order.get32(header + 20)} * 1000);
  return result;
}

// ---- pcapng: blocks, of which some are frames.

std::optional<Frame> CaptureReader::Impl::next_of_pcapng() {
  constexpr std::uint32_t kSection = 0x0a0d0d0a, kInterface = 1;
  for (;;) {
    std::uint8_t header[12];
    if (!read(header, 8, true)) return std::nullopt;
    std::uint32_t type = order.get32(header);
    if (type == kSection) {  // the same in either order
      read(header + 8, 4, false);
      section(header);
      continue;
    }
    const std::uint32_t length = order.get32(header + 4);
    if (length < 12 || length % 4 != 0) fail("the length of a block is wrong: the file is garbled");
    read_body(length - 8);
    octets.resize(octets.size() - 4);  // the length again
    if (type == kInterface) {
      interface();
      continue;
    }
    Frame result;
    if (block(type, result)) return result;
  }
}

void CaptureReader::Impl::section(const std::uint8_t* header) {
  constexpr std::uint32_t kByteOrder = 0x1a2b3c4d;
  order.big = Order{true}.get32(header + 8) == kByteOrder;
  if (!order.big && Order{false}.get32(header + 8) != kByteOrder) fail("a section has no byte order");
  interfaces.clear();
  const std::uint32_t length = order.get32(header + 4);
  if (length < 16 || length % 4 != 0) fail("the length of a section's header is wrong: the file is garbled");
  read_body(length - 12);
}

void CaptureReader::Impl::interface() {
  constexpr std::uint32_t kEnd = 0, kResolution = 9, kOffset = 14;
  if (octets.size() < 8) fail("the description of an interface is too short");
  Interface one{.type = static_cast<LinkType>(order.get16(octets.data()))};
  for (std::size_t at = 8; at + 4 <= octets.size();) {
    const std::uint32_t option = order.get16(&octets[at]), length = order.get16(&octets[at + 2]);
    at += 4;
    if (option == kEnd || at + length > octets.size()) break;
    if (option == kResolution && length == 1) {
      const std::uint8_t power = octets[at] & 0x7f;
      const bool binary = (octets[at] & 0x80) != 0;
      one.units_per_second = 1;
      for (int i = 0; i < power && one.units_per_second < std::uint64_t{1} << 59; ++i) {
        one.units_per_second *= binary ? 2 : 10;
      }
    }
    if (option == kOffset && length == 8) one.offset_s = static_cast<std::int64_t>(order.get64(&octets[at]));
    at += (length + 3) / 4 * 4;
  }
  interfaces.push_back(one);
}

void CaptureReader::Impl::set_units(Frame& to, const Interface& of, std::uint64_t units) const {
  const std::uint64_t seconds = units / of.units_per_second, rest = units % of.units_per_second;
  const long double below = static_cast<long double>(rest) / static_cast<long double>(of.units_per_second);
  set_time(to, seconds + static_cast<std::uint64_t>(of.offset_s),
           static_cast<std::uint64_t>(std::llround(below * 1e9L)));
}

// False when the block is no frame.
bool CaptureReader::Impl::block(std::uint32_t type, Frame& into) {
  constexpr std::uint32_t kOldPacket = 2, kSimple = 3, kEnhanced = 6;
  if (type != kOldPacket && type != kSimple && type != kEnhanced) return false;
  const std::size_t header = type == kSimple ? 4 : 20;
  if (octets.size() < header) fail("its block is too short");
  const std::uint8_t* at = octets.data();
  const std::uint32_t which = type == kSimple ? 0 : type == kEnhanced ? order.get32(at) : order.get16(at);
  if (which >= interfaces.size()) fail("its interface is not described");
  const Interface& of = interfaces[which];
  into = {.type = of.type, .when = last};
  std::size_t captured = octets.size() - header;
  if (type == kSimple) {
    into.length = order.get32(at);
    captured = std::min<std::size_t>(captured, into.length);
  } else {
    if (order.get32(at + 12) > captured) fail("its length is wrong: the file is garbled");
    captured = order.get32(at + 12);
    into.length = order.get32(at + 16);
    set_units(into, of, std::uint64_t{order.get32(at + 4)} << 32 | order.get32(at + 8));
  }
  frame = ByteView(octets).subspan(header, captured);
  return true;
}

std::optional<Frame> CaptureReader::Impl::next_frame() {
  switch (magic.format) {
    case Magic::Format::kPcap:
      return next_of_pcap();
    case Magic::Format::kSnoop:
      return next_of_snoop();
    case Magic::Format::kPcapng:
      return next_of_pcapng();
  }
  return std::nullopt;
}

CaptureReader::CaptureReader(std::string path, bool (*stop)()) : impl_(std::make_unique<Impl>()) {
  impl_->path = std::move(path);
  impl_->stop = stop;
  impl_->open();
}
CaptureReader::~CaptureReader() = default;
CaptureReader::CaptureReader(CaptureReader&&) noexcept = default;

std::optional<Captured> CaptureReader::next() {
  while (const auto frame = impl_->next_frame()) {
    ++impl_->number;
    impl_->last = frame->when;
    if (!impl_->is_read(frame->type)) {
      ++impl_->passed_over;
      continue;
    }
    const ByteView packet = ip_packet_in(frame->type, impl_->frame);
    if (packet.empty()) continue;
    ++impl_->found;
    return Captured{.when = frame->when,
                    .packet = packet,
                    .whole = impl_->frame.size() >= frame->length,
                    .number = impl_->number,
                    .time_is_valid = frame->time_is_valid};
  }
  if (impl_->found == 0 && impl_->passed_over > 0) {
    throw CaptureError(fmt::format("{}: unsupported link type {}", impl_->path, impl_->not_read));
  }
  return std::nullopt;
}

std::size_t CaptureReader::interfaces() const {
  return impl_->interfaces.size();
}

std::uint64_t CaptureReader::passed_over() const {
  return impl_->passed_over;
}

FileKind kind_of_file(const std::string& path, std::string& what) {
  std::uint8_t first[8] = {};
  {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
    const std::size_t count = file ? std::fread(first, 1, sizeof first, file.get()) : 0;
    if (magic_of(first, count) != nullptr) return FileKind::kCapture;
    const char* packing = packing_of(first, count);
    if (packing == nullptr) return FileKind::kOther;
    what = packing;
  }
  if (!unpacks(what)) return FileKind::kPacked;
  try {
    const std::size_t count = PackedFile(path).read(first, sizeof first);
    return magic_of(first, count) != nullptr ? FileKind::kCapture : FileKind::kPacked;
  } catch (const std::runtime_error&) {
    return FileKind::kPacked;
  }
}

}  // namespace tcpassay
