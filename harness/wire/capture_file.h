// SPDX-License-Identifier: Apache-2.0
// Capture files: writes packets for Wireshark and tcpdump, and reads recorded conversations.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
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

struct Captured {
  Time when{};                // as the file has it: since 1970, or since the trace's start for our own files
  ByteView packet{};          // an IP packet, valid until the next call of next()
  bool whole = true;          // false when the capture kept only the packet's first octets
  std::uint64_t number = 0;   // of the frame in the file, from 1, as Wireshark counts
  bool time_is_valid = true;  // false: the part below a second says a second or more
};

// Reads pcap and pcapng files of the link types RAW, IPV4, IPV6, ETHERNET (with VLAN tags), LINUX_SLL, LINUX_SLL2, NULL
// and LOOP. Another link type is refused by name.
class CaptureReader {
 public:
  explicit CaptureReader(std::string path);

  // The next frame that carries an IP packet; empty at the end of the file. Throws when the file ends within a frame.
  std::optional<Captured> next();

 private:
  std::string path_;
  std::unique_ptr<pcap, PcapClose> handle_;
  int link_type_ = 0;
  std::uint64_t number_ = 0;
};

}  // namespace tcpassay
