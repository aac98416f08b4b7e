// SPDX-License-Identifier: Apache-2.0
// The result of a check or of one run, as text for people, JSON for programs and JUnit XML for CI.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/check.h"
#include "harness/session.h"

namespace tcpassay {

inline constexpr const char* kVersion = "0.1.0";

// What the text is written for.
struct Paper {
  int columns = 100;
  bool colour = false;
};
Paper paper_of_stdout();  // the terminal's width and colour; 100 columns without colour elsewhere

std::string check_text(const CheckResult& result, const Paper& paper);
std::string check_json(const CheckResult& result);
std::string check_junit(const CheckResult& result);

// One scenario played: its trace, what the oracle says of it, and the script's own assertions.
struct RunResult {
  std::string file, target, version;
  Edition edition = kNewest;
  Trace trace{};
  std::vector<Verdict> verdicts{};
  std::vector<Mismatch> mismatches{};

  int exit_status() const;  // 1 when a MUST is violated or an assertion failed
};
std::string run_text(const RunResult& result, const Paper& paper);
std::string run_json(const RunResult& result);

const char* to_string(Verdict::Kind kind);    // "violated"
const char* to_string(TraitValue value);      // "both"
std::string level_text(const Verdict& verdict);  // "MUST", or "inconclusive"

// Breaks at blanks; every line but the first begins with `indent` blanks.
std::string wrapped(const std::string& text, int columns, int indent);

}  // namespace tcpassay
