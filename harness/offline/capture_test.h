// SPDX-License-Identifier: Apache-2.0
// A capture that is written packet by packet and then judged.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "harness/offline/judge_capture.h"
#include "harness/wire/capture_file.h"

namespace tcpassay {

inline const Address kClient = *Address::parse("192.0.2.1"), kServer = *Address::parse("192.0.2.2");

// A capture that is written packet by packet, at the server or near it.
class CaptureJudged : public testing::Test {
 protected:
  CaptureJudged() : path_(std::filesystem::path(testing::TempDir()) / "tcpassay_judged.pcap"), file_(path_) {}
  ~CaptureJudged() override { std::remove(path_.c_str()); }

  PacketFields up(Ctl ctl, std::uint32_t seq, std::uint32_t ack, std::size_t octets = 0) {  // client to server
    return packet(kClient, kServer, client_port_, 80, ctl, 1000 + seq, 9000 + ack, octets);
  }
  PacketFields down(Ctl ctl, std::uint32_t seq, std::uint32_t ack, std::size_t octets = 0) {
    return packet(kServer, kClient, 80, client_port_, ctl, 9000 + seq, 1000 + ack, octets);
  }
  void write(const PacketFields& fields, Time later = std::chrono::microseconds(30)) {
    encode(fields, octets_);
    write(octets_, later);
  }
  void write(const Bytes& octets, Time later = std::chrono::microseconds(30)) {
    now_ += later;
    file_.write(now_, octets);
  }
  void open() {
    write(up({.syn = true}, 0, 0), std::chrono::milliseconds(3));
    write(down({.syn = true, .ack = true}, 0, 1));
    write(up({.ack = true}, 1, 1), std::chrono::milliseconds(3));
  }
  void exchange() {
    write(up({.psh = true, .ack = true}, 1, 1, 100));
    write(down({.psh = true, .ack = true}, 1, 101, 50));
    write(up({.ack = true}, 101, 51), std::chrono::milliseconds(3));
  }
  void close() {
    write(up({.fin = true, .ack = true}, 101, 51));
    write(down({.fin = true, .ack = true}, 51, 102));
    write(up({.ack = true}, 102, 52), std::chrono::milliseconds(3));
  }
  CaptureResult judge(const CaptureOptions& options = {}) {
    file_.close();
    return judge_capture(path_, options);
  }

  std::string path_;
  CaptureFile file_;
  std::uint16_t client_port_ = 40000;
  Bytes octets_;
  Time now_ = std::chrono::seconds(10);

 private:
  PacketFields packet(const Address& from, const Address& to, std::uint16_t from_port, std::uint16_t to_port, Ctl ctl,
                      std::uint32_t seq, std::uint32_t ack, std::size_t octets) {
    static const Bytes kMss{2, 4, 0x05, 0xb4}, kText(65000, 'x');
    return {.source = from,
            .destination = to,
            .source_port = from_port,
            .destination_port = to_port,
            .seq = seq,
            .ack = ctl.ack ? ack : 0,
            .ctl = ctl,
            .wnd = 60000,
            .options = ctl.syn ? ByteView(kMss) : ByteView(),
            .text = ByteView(kText).first(octets)};
  }
};

}  // namespace tcpassay
