// SPDX-License-Identifier: Apache-2.0
// What a run knows beside its packets: the users' calls and what they were told, the states that the target reported,
// and when it had nothing more to say. CAPTURE.run beside CAPTURE.pcap; with both a run is judged again as it was live.
#pragma once

#include <memory>
#include <string>

#include "harness/capture.h"
#include "harness/judge.h"
#include "harness/session.h"

namespace tcpassay {

// Takes the place of the extension: "a/b.pcap" -> "a/b.run".
std::string run_log_of(const std::string& capture);

// A line of JSON for each event, behind a first one with the terms. The packets themselves are in the capture, which
// has to be written at the same time: each event of a packet names its frame. Like the capture the file appears under
// its name only with close().
class RunLog : public Witness {
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

// Judges the run again. Throws CaptureError, which names the line of the log that does not fit the capture.
Opinion judge_run(const std::string& capture, const std::string& log, Edition edition);

}  // namespace tcpassay
