// SPDX-License-Identifier: Apache-2.0
#include "harness/wire/capture_file.h"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

namespace tcpassay {
namespace {

constexpr int kSnapshotOctets = 262144;
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

// EtherTypes.
constexpr std::uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd;
constexpr std::uint16_t kVlan = 0x8100, kServiceVlan = 0x88a8, kOldServiceVlan = 0x9100;

std::uint16_t get16(ByteView octets, std::size_t at) {
  return static_cast<std::uint16_t>(octets[at] << 8 | octets[at + 1]);
}

bool reads(int link_type) {
  switch (link_type) {
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
    case DLT_EN10MB:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_NULL:
    case DLT_LOOP:
      return true;
    default:
      return false;
  }
}

// What follows a header of `length` octets, if the EtherType at `type_at` says that it is IP.
ByteView after_ether_type(ByteView frame, std::size_t type_at, std::size_t length) {
  if (frame.size() < length) return {};
  const std::uint16_t type = get16(frame, type_at);
  return type == kIpv4 || type == kIpv6 ? frame.subspan(length) : ByteView{};
}

ByteView after_ethernet(ByteView frame) {
  std::size_t type_at = 12;
  while (frame.size() >= type_at + 2) {
    const std::uint16_t type = get16(frame, type_at);
    if (type != kVlan && type != kServiceVlan && type != kOldServiceVlan) break;
    type_at += 4;
  }
  return after_ether_type(frame, type_at, type_at + 2);
}

// NULL has an address family in the byte order of the machine that captured, and IPv6 has several numbers.
ByteView after_family(ByteView frame) {
  if (frame.size() < 4) return {};
  const int family = frame[0] != 0 ? frame[0] : frame[3];
  const bool ip = family == 2 || family == 10 || family == 24 || family == 28 || family == 30;
  return ip ? frame.subspan(4) : ByteView{};
}

// The IP packet in a frame; empty when there is none.
ByteView ip_packet(int link_type, ByteView frame) {
  ByteView packet;
  switch (link_type) {
    case DLT_EN10MB:
      packet = after_ethernet(frame);
      break;
    case DLT_LINUX_SLL:
      packet = after_ether_type(frame, 14, 16);
      break;
    case DLT_LINUX_SLL2:
      packet = after_ether_type(frame, 0, 20);
      break;
    case DLT_NULL:
    case DLT_LOOP:
      packet = after_family(frame);
      break;
    default:
      packet = frame;
  }
  if (packet.empty()) return {};
  const int version = packet[0] >> 4;
  return version == 4 || version == 6 ? packet : ByteView{};
}

}  // namespace

void PcapClose::operator()(pcap* handle) const {
  pcap_close(handle);
}
void PcapClose::operator()(pcap_dumper* dumper) const {
  pcap_dump_close(dumper);
}

CaptureFile::CaptureFile(std::string path)
    : path_(std::move(path)),
      part_(path_ + ".part"),
      handle_(pcap_open_dead_with_tstamp_precision(DLT_RAW, kSnapshotOctets, PCAP_TSTAMP_PRECISION_NANO)) {
  if (!handle_) throw CaptureError(fmt::format("{}: cannot be written: out of memory", path_));
  dumper_.reset(pcap_dump_open(handle_.get(), part_.c_str()));
  if (!dumper_) throw CaptureError(fmt::format("{}: cannot be written: {}", path_, pcap_geterr(handle_.get())));
}

CaptureFile::~CaptureFile() {
  if (!dumper_) return;
  dumper_.reset();
  std::error_code ignored;
  std::filesystem::remove(part_, ignored);
}

void CaptureFile::write(Time when, ByteView packet) {
  when = last_ = std::max(when, last_);
  pcap_pkthdr header{};
  header.ts.tv_sec = when.count() / kNanosecondsPerSecond;
  header.ts.tv_usec = when.count() % kNanosecondsPerSecond;  // nanoseconds, by the precision asked for
  header.caplen = header.len = static_cast<bpf_u_int32>(packet.size());
  pcap_dump(reinterpret_cast<u_char*>(dumper_.get()), &header, packet.data());
}

void CaptureFile::close() {
  errno = 0;
  const bool flushed = pcap_dump_flush(dumper_.get()) == 0 && std::ferror(pcap_dump_file(dumper_.get())) == 0;
  const int reason = errno != 0 ? errno : EIO;
  if (!flushed) throw CaptureError(fmt::format("{}: cannot be written: {}", path_, std::strerror(reason)));
  dumper_.reset();
  std::error_code error;
  std::filesystem::rename(part_, path_, error);
  if (!error) return;
  std::error_code ignored;
  std::filesystem::remove(part_, ignored);
  throw CaptureError(fmt::format("{}: cannot be written: {}", path_, error.message()));
}

CaptureReader::CaptureReader(std::string path) : path_(std::move(path)) {
  std::FILE* file = std::fopen(path_.c_str(), "rb");
  if (file == nullptr) throw CaptureError(fmt::format("{}: cannot be read: {}", path_, std::strerror(errno)));
  char reason[PCAP_ERRBUF_SIZE] = "";
  handle_.reset(pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, reason));
  if (!handle_) {
    std::fclose(file);
    throw CaptureError(fmt::format("{}: is no capture file: {}", path_, reason));
  }
  link_type_ = pcap_datalink(handle_.get());
  if (reads(link_type_)) return;
  const char* name = pcap_datalink_val_to_name(link_type_);
  throw CaptureError(fmt::format("{}: unsupported link type {}", path_, name ? name : std::to_string(link_type_)));
}

std::optional<Captured> CaptureReader::next() {
  for (;;) {
    pcap_pkthdr* header = nullptr;
    const u_char* octets = nullptr;
    const int status = pcap_next_ex(handle_.get(), &header, &octets);
    if (status == PCAP_ERROR_BREAK) return std::nullopt;
    ++number_;
    if (status != 1) throw CaptureError(fmt::format("{}: packet {}: {}", path_, number_, pcap_geterr(handle_.get())));
    const ByteView packet = ip_packet(link_type_, {octets, header->caplen});
    if (packet.empty()) continue;
    const Time when = std::chrono::seconds(header->ts.tv_sec) + std::chrono::nanoseconds(header->ts.tv_usec);
    return Captured{.when = when,
                    .packet = packet,
                    .whole = header->caplen >= header->len,
                    .number = number_,
                    .time_is_valid = header->ts.tv_usec >= 0 && header->ts.tv_usec < kNanosecondsPerSecond};
  }
}

}  // namespace tcpassay
