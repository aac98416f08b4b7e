// SPDX-License-Identifier: Apache-2.0
// Socket calls between the words of a script and Call.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "harness/script/scenario.h"

namespace tcpassay {

// A call as it is written: name(arguments) = result ERROR (note). Space within an argument is one space at most.
struct WrittenCall {
  std::string name{};
  std::vector<std::string> arguments{};
  std::string result{};  // a number or "..."
  std::string error{};   // empty, or the name of an errno
  std::string note{};    // empty, or what stands in the parentheses
};

// An argument that a supported call cannot have; counts from 0, and one too many or too few counts as well.
struct WrongArgument : std::runtime_error {
  WrongArgument(std::size_t number, const std::string& expected) : runtime_error(expected), argument(number) {}
  std::size_t argument;
};

// What the call means; Unsupported when tcpassay has no such call. Throws WrongArgument.
std::variant<Call, Unsupported> read_call(const WrittenCall& written);

// On one line.
std::string print_call(const WrittenCall& written);
std::string print_call(const Call& call);

}  // namespace tcpassay
