// SPDX-License-Identifier: Apache-2.0
// Interprets the subset of Python that scripts use between %{ and }%: assert, print, assignment, and expressions over
// the fields of TCP_INFO and their constants. No Python interpreter is involved.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/event.h"

namespace tcpassay {

struct CodeValue {
  double number = 0;  // integers are exact up to 2^53
  std::string text{};
  bool is_text = false;
};
using CodeNames = std::map<std::string, CodeValue>;  // the script's variables; they live as long as the script

// The current value of a field of TCP_INFO ("tcpi_snd_cwnd"); empty when the target cannot tell.
using CodeFields = std::function<std::optional<std::int64_t>(const std::string& name)>;

struct CodeReport {
  std::string unsupported{};          // the first construct that is not understood, or empty
  std::vector<std::string> fields{};  // the fields of TCP_INFO that the code reads
  struct Failure {
    std::string asserted, seen;  // "assert tcpi_unacked == 3", "tcpi_unacked = 2"
  };
  std::vector<Failure> failed{};
  std::vector<std::string> printed{};
};

// Runs the code; stops at the first assertion that fails, as Python does.
CodeReport run_code(const std::string& text, CodeNames& names, const CodeFields& fields);

// A dry run: evaluates every subexpression, with 1 for each field. Tells which fields the code reads and what in it is
// not understood.
CodeReport dry_run_code(const std::string& text, CodeNames& names);

// The state that the code asserts the connection to be in, when exactly one state satisfies the assertion.
std::optional<State> state_in_code(const std::string& text);

std::int64_t number_of_state(State state);    // as in tcpi_state of Linux
std::string assertion_of_state(State state);  // "assert tcpi_state == TCP_ESTABLISHED"

}  // namespace tcpassay
