// SPDX-License-Identifier: Apache-2.0
// Socket calls: converts between the text of a script and Call.
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

// The parts of a call as written: name(arguments) = result ERROR (note). Runs of space in an argument are one space.
struct WrittenCall {
  std::string name{};
  std::vector<std::string> arguments{};
  std::string result{};  // a number or "..."
  std::string error{};   // empty, or the name of an errno
  std::string note{};    // empty, or the text in the parentheses
};

// An argument that a supported call cannot have, or a wrong number of arguments. Arguments count from 0.
struct WrongArgument : std::runtime_error {
  WrongArgument(std::size_t number, const std::string& expected) : runtime_error(expected), argument(number) {}
  std::size_t argument;
};

// Parses the call; Unsupported when tcpassay does not play it. Throws WrongArgument.
std::variant<Call, Unsupported> read_call(const WrittenCall& written);

// On one line.
std::string print_call(const WrittenCall& written);
std::string print_call(const Call& call);

}  // namespace tcpassay
