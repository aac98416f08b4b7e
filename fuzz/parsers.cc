// SPDX-License-Identifier: Apache-2.0
#include "fuzz/parsers.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "harness/offline/judge.h"
#include "harness/offline/judge_run.h"
#include "harness/script/parse.h"
#include "harness/script/print.h"
#include "harness/wire/capture_reader.h"

namespace tcpassay {
namespace {

// Octets as a file that needs no disk; one for each use, reused by the next input.
class OctetFile {
 public:
  explicit OctetFile(const char* name)
      : file_(memfd_create(name, MFD_CLOEXEC)), path_("/proc/self/fd/" + std::to_string(file_)) {
    if (file_ < 0) std::abort();
  }
  const std::string& with(ByteView octets) {
    if (ftruncate(file_, 0) != 0) std::abort();
    if (pwrite(file_, octets.data(), octets.size(), 0) != static_cast<ssize_t>(octets.size())) std::abort();
    return path_;
  }

 private:
  int file_;
  std::string path_;
};

std::string text_of(ByteView octets) {
  return {octets.begin(), octets.end()};
}

// Bad input gets a line.
void complained(const std::exception& error) {
  if (*error.what() == '\0') std::abort();
}

}  // namespace

void try_wire(ByteView input) {
  const auto packet = decode(input);
  if (!packet || packet->fault != Fault::kNone || packet->ip_options) return;
  Bytes again;
  encode({.source = packet->source,
          .destination = packet->destination,
          .source_port = packet->source_port,
          .destination_port = packet->destination_port,
          .seq = packet->seq,
          .ack = packet->ack,
          .ctl = packet->ctl,
          .wnd = packet->wnd,
          .up = packet->up,
          .ttl = packet->ttl,
          .traffic_class = packet->traffic_class,
          .options = packet->options,
          .text = packet->text},
         again);
  const auto same = decode(again);
  const bool kept = same && same->seq == packet->seq && same->ack == packet->ack && same->ctl == packet->ctl &&
                    same->wnd == packet->wnd && same->up == packet->up &&
                    std::equal(same->text.begin(), same->text.end(), packet->text.begin(), packet->text.end());
  if (!kept) std::abort();
}

void try_script(ByteView input) {
  try {
    const Scenario scenario = parse_script(text_of(input), "input.pkt");
    print_script(scenario);
  } catch (const ScriptError& error) {
    complained(error);
  }
}

void try_capture(ByteView input) {
  static OctetFile file("input.pcap");
  try {
    CaptureReader reader(file.with(input));
    while (const auto frame = reader.next()) {
      if (frame->whole) decode(frame->packet);
    }
  } catch (const std::runtime_error& error) {
    complained(error);
  }
}

void try_run_log(ByteView input) {
  static OctetFile log("input.run"), capture("input.pcap");
  const auto end = std::find(input.begin(), input.end(), std::uint8_t{0});
  const auto length = static_cast<std::size_t>(end - input.begin());
  try {
    judge_run(capture.with(input.subspan(std::min(input.size(), length + 1))), log.with(input.first(length)), kNewest,
              false);
  } catch (const std::runtime_error& error) {
    complained(error);
  }
}

void try_judge(ByteView input) {
  static OctetFile file("input.pcap");
  try {
    if (const std::string& path = file.with(input); is_capture(path)) {
      capture_text(judge_capture(path, {}), true);
      return;
    }
    judge_script(parse_script(text_of(input), "input.pkt"), "input.pkt");
  } catch (const std::runtime_error& error) {
    complained(error);
  }
}

Bytes log_and_capture(const std::string& log, ByteView capture) {
  Bytes input(log.begin(), log.end());
  input.push_back(0);
  input.insert(input.end(), capture.begin(), capture.end());
  return input;
}

}  // namespace tcpassay
