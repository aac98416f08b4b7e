// SPDX-License-Identifier: Apache-2.0
// Writes capture files for Wireshark and tcpdump. capture_reader.h reads them.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "harness/wire/packet.h"

struct pcap;         // of libpcap
struct pcap_dumper;  // of libpcap

namespace tcpassay {

struct PcapClose {
  void operator()(pcap* handle) const;
  void operator()(pcap_dumper* dumper) const;
};

// A capture file cannot be written or read: one line that names the file.
struct CaptureError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Writes IP packets (link type RAW, nanoseconds) with times that never go back. Until close() succeeds the file is
// called FILE.part; the destructor removes that if close() was not called.
class CaptureFile {
 public:
  explicit CaptureFile(std::string path);
  ~CaptureFile();
  CaptureFile(const CaptureFile&) = delete;
  CaptureFile& operator=(const CaptureFile&) = delete;

  void write(Time when, ByteView packet);
  void close();

 private:
  std::string path_, part_;
  std::unique_ptr<pcap, PcapClose> handle_;
  std::unique_ptr<pcap_dumper, PcapClose> dumper_;
  Time last_ = Time::min();
};

}  // namespace tcpassay
