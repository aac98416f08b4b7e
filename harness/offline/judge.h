// SPDX-License-Identifier: Apache-2.0
// Judges recorded conversations: scripts, which are read as a record of what happened, and captures. Needs no target.
#pragma once

#include <string>
#include <vector>

#include "harness/offline/judge_capture.h"
#include "harness/offline/outcome.h"
#include "harness/script/scenario.h"
#include "harness/session/session.h"
#include "models/oracle.h"

namespace tcpassay {

struct FileResult {
  std::string file;
  Outcome outcome = Outcome::kPass;
  std::string why{};                // one line; empty when it passed
  std::vector<Verdict> verdicts{};  // of the oracle
  std::vector<Verdict> tolerated{};
  FreedomSet freedoms{};  // that every explanation needs; not of a capture
  Trace trace{};
  std::optional<Expectation> expected{};   // what a script says that the judge must find
  bool unreadable = false;                 // the file could not be read
  std::optional<CaptureResult> capture{};  // only of a capture
};

// Reads the script as a record: the peer sent the `<` lines, the target the `>` lines, and the calls of the target's
// user returned the results that the script gives. Text is position-coded. Segments that may be missing are not held
// against the target where a script does not show them: after the last `>` line, and pure ACKs before a line with text.
// A script without any `>` line is a scenario and no record, unless it says that it is complete.
// `withheld`: freedoms that the target does not have, for tests of what they excuse.
FileResult judge_script(const Scenario& scenario, const std::string& file, Edition edition = kNewest,
                        bool strict = false, const FreedomSet& withheld = {});

// Reads the file, a script or a capture, and judges it. Throws ScriptError, CaptureError.
FileResult judge_file(const std::string& path, const CaptureOptions& options = {});

// The worst that was found: of the verdicts of the gravest level the first.
Expectation found(const FileResult& result);
bool as_expected(const FileResult& result);      // also where nothing is expected
std::string to_string(const Expectation& what);  // "fail MUST_40"

std::string judge_text(const std::vector<FileResult>& results, bool diagrams);
std::string judge_json(const std::vector<FileResult>& results);

// JSON lines: one for each conversation of a capture, and one for each file.
std::string json_line(const std::string& file, const ConversationResult& one);
std::string json_line(const FileResult& result);

}  // namespace tcpassay
