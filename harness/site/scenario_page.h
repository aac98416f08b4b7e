// SPDX-License-Identifier: Apache-2.0
// The page of one recorded conversation: verdicts, ladder diagram, decoded packets, the script, the capture.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/offline/judge.h"
#include "harness/site/frame.h"

namespace tcpassay {

struct RecordedRun {
  std::string name{}, title{};  // the script's path; its sentence
  std::string target{};         // with its version
  std::string replay{};
  std::string script{};   // its text; empty: it is not at hand
  std::string capture{};  // the link to the capture; empty: there is none
  std::vector<std::string> covers{};
  std::vector<std::string> failed{};                          // assertions of the script, one line each
  std::vector<std::pair<std::string, std::string>> crumbs{};  // names and links
  std::vector<Bytes> packets{};                               // by event
  bool rule_pages = true;
};

Html scenario_main(const RecordedRun& run, const FileResult& judged, const std::string& up);

// Where the page of a run goes, and what it is made of.
struct RecordedPage {
  std::string page{}, capture_kept{};  // in the report: "scenarios/own/a.html", "captures/own/a.pcapng"
  std::string capture{};               // the file, with the log of the run beside it
  Edition edition = kNewest;
  bool strict = false;
};

// Judges the recording again, writes its page, and keeps the capture with the verdicts as comments, and the log, in the
// report. Throws CaptureError.
void add_recorded_page(Site& site, RecordedRun run, const RecordedPage& about);

// The octets of the packets of a run, by event, from the capture that was written with its log. Throws CaptureError.
std::vector<Bytes> packets_of(const Trace& trace, const std::string& capture);

// The text of a script, if the file is one and is not too large for a page.
std::string script_text(const std::string& path);

}  // namespace tcpassay
