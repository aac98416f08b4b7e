// SPDX-License-Identifier: Apache-2.0
// `-D NAME=value`: words of a script that are replaced before it is parsed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/script/scenario.h"

namespace tcpassay {

class Defines {
 public:
  // "NAME" or "NAME=value". Lines `--define=NAME=value` of the text are added.
  Defines(std::string_view text, const std::vector<std::string>& given);

  const std::vector<std::string>& names() const { return names_; }
  // The text with each whole word that has a value replaced, except in comments and strings.
  std::string replaced(std::string_view text);
  // Converts a place in the replaced text to the place in the original text.
  void restore(Place& place) const;

 private:
  struct Definition {
    std::string name, value;
  };
  struct Edit {
    int line, column;  // in the replaced text
    int length, length_before;
  };

  void add(std::string_view word);

  std::vector<std::string> names_;
  std::vector<Definition> values_;
  std::vector<Edit> edits_;
};

}  // namespace tcpassay
