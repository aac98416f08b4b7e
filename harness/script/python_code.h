// SPDX-License-Identifier: Apache-2.0
// The forms of Python that scripts use between %{ and }%: assert, print, assignment, and expressions over the fields of
// TCP_INFO and their constants. There is no Python behind it.
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
using CodeNames = std::map<std::string, CodeValue>;  // what the script has assigned; lives as long as the script

// What a field of TCP_INFO ("tcpi_snd_cwnd") is now; empty when it cannot be told.
using CodeFields = std::function<std::optional<std::int64_t>(const std::string& name)>;

struct CodeReport {
  std::string unsupported{};          // the construct that is none of the forms above, or empty
  std::vector<std::string> fields{};  // of TCP_INFO that were asked for
  struct Failure {
    std::string asserted, seen;  // "assert tcpi_unacked == 3", "tcpi_unacked = 2"
  };
  std::vector<Failure> failed{};
  std::vector<std::string> printed{};
};

// Runs it; stops at the first assertion that fails, as Python does.
CodeReport run_code(const std::string& text, CodeNames& names, const CodeFields& fields);

// Evaluates both sides of every and, or and comparison, with fields that are all 1: what it needs, and what is unknown.
CodeReport look_at_code(const std::string& text, CodeNames& names);

// The state that the code says the connection is in, when it says so and no more than that.
std::optional<State> state_in_code(const std::string& text);

std::int64_t number_of_state(State state);    // as in tcpi_state of Linux
std::string assertion_of_state(State state);  // "assert tcpi_state == TCP_ESTABLISHED"

}  // namespace tcpassay
