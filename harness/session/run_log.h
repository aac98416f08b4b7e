// SPDX-License-Identifier: Apache-2.0
// The log of a run: what a capture does not show, namely socket calls with their results, states that the target
// reported, and when it was silent. It is CAPTURE.run beside CAPTURE.pcap; from both together a run is judged again as
// it was live.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "harness/session/trace.h"
#include "harness/wire/capture_file.h"

namespace tcpassay {

// The log's path: "a/b.pcap" -> "a/b.run".
std::string run_log_of(const std::string& capture);

// Writes a first line of JSON with the terms, then one line for each event. The packets themselves are in the capture,
// which must be written at the same time: the event of a packet names its frame. Like the capture, the file gets its
// name only when close() succeeds.
class RunLog : public TraceObserver {
 public:
  explicit RunLog(std::string path);  // throws CaptureError
  ~RunLog() override;
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  void begins(const Terms& terms, const std::string& name) override;
  void happens(const Event& event) override;
  void close();

 private:
  struct File;
  void line(const std::string& json);

  std::string path_, part_;
  std::unique_ptr<File> file_;
  std::uint64_t frames_ = 0;
};

// Reads a log that RunLog has written, together with its capture. Throws CaptureError, which names the line of the log
// that does not match the capture.
class RunLogReader {
 public:
  struct Entry {
    Event event{};
    std::uint64_t frame = 0;  // of the capture; 0 when the event is not a packet
  };

  RunLogReader(const std::string& capture, std::string log);
  ~RunLogReader();
  RunLogReader(const RunLogReader&) = delete;
  RunLogReader& operator=(const RunLogReader&) = delete;

  const std::string& scenario() const { return scenario_; }
  const Terms& terms() const { return terms_; }

  // The next event, whose text lives in `store`; empty at the end.
  std::optional<Entry> next(std::deque<Bytes>& store);

 private:
  struct File;

  std::string log_, scenario_{};
  std::unique_ptr<File> file_;
  Terms terms_{};
};

}  // namespace tcpassay
