// SPDX-License-Identifier: Apache-2.0
// Splits shell commands into words, for the part of the shell's grammar that set-up scripts need. Nothing is run.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tcpassay {

using ShellWords = std::vector<std::string>;
using ShellVariables = std::map<std::string, std::string>;

// The words of each command, without quotes and comments, in order. Commands end at line ends, `;`, `&&` and `||`; a
// backslash before a line end joins. $NAME, ${NAME} and $((sums)) are replaced; NAME=VALUE alone sets a variable.
std::vector<ShellWords> shell_words(std::string_view text, ShellVariables& variables);

}  // namespace tcpassay
