// SPDX-License-Identifier: Apache-2.0
// A place in a script, and the exception for a script that cannot be read.
#pragma once

#include <stdexcept>
#include <string>

namespace tcpassay {

// A place in a script, for messages: file:line:column (both count from 1).
struct Place {
  std::string file;
  int line = 0, column = 0;
};

// A script that cannot be read; what() is `file:line:column: expected X, found 'Y'`.
struct ScriptError : std::runtime_error {
  ScriptError(Place place, const std::string& message_text);
  Place where;
  std::string message;  // without the place
};

}  // namespace tcpassay
