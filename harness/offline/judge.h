// SPDX-License-Identifier: Apache-2.0
// Judges a conversation that somebody wrote down: a script read as a record of what has happened. No target is needed.
#pragma once

#include <string>
#include <vector>

#include "harness/offline/judge_capture.h"
#include "harness/offline/outcome.h"
#include "harness/script/scenario.h"
#include "harness/session/session.h"
#include "models/oracle.h"

namespace tcpassay {

struct RecordResult {
  using Kind = Outcome;
  std::string file;
  Kind kind = Kind::kPass;
  std::string why{};                // one line; empty when accepted
  std::vector<Verdict> verdicts{};  // what the oracle said
  Trace trace{};
  bool unread = false;                     // the file could not be read
  std::optional<CaptureResult> capture{};  // when the file is one
};

// `<` lines are what the peer sent, `>` lines what the target answered, calls were made by the target's user with the
// results that stand there. Text is position-coded. A script says nothing of silence beyond its last `>` line, nor of
// pure ACKs before a line with text, so there nothing is held against the target.
RecordResult judge_script(const Scenario& scenario, const std::string& file, Edition edition = kNewest);

// Reads the file, a script or a capture, and judges it. Throws ScriptError, CaptureError.
RecordResult judge_file(const std::string& path, const CaptureOptions& options = {});

std::string judge_text(const std::vector<RecordResult>& results, bool diagrams);
std::string judge_json(const std::vector<RecordResult>& results);

}  // namespace tcpassay
