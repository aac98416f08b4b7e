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

}  // namespace tcpassay
