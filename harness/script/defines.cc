// SPDX-License-Identifier: Apache-2.0
#include "harness/script/defines.h"

#include <algorithm>

#include "harness/script/reader.h"

namespace tcpassay {

Defines::Defines(std::string_view text, const std::vector<std::string>& given) {
  for (const std::string& word : given) add(word);
  constexpr std::string_view kOption = "--define=";
  for (std::size_t at = text.find(kOption); at != std::string_view::npos; at = text.find(kOption, at)) {
    const bool starts_line = at == 0 || text[at - 1] == '\n';
    at += kOption.size();
    const std::size_t end = std::min(text.find_first_of(" \t\r\n", at), text.size());
    if (starts_line) add(text.substr(at, end - at));
  }
}

void Defines::add(std::string_view word) {
  const std::size_t equals = std::min(word.find('='), word.size());
  names_.emplace_back(word.substr(0, equals));
  if (equals == word.size()) return;
  std::string_view value = word.substr(equals + 1);
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
  const bool one_line = value.find('\n') == std::string_view::npos;
  if (!names_.back().empty() && one_line) values_.push_back({names_.back(), std::string(value)});
}

std::string Defines::replaced(std::string_view text) {
  std::string out;
  int line = 1;
  std::size_t line_start = 0;  // in what is put out
  const auto copy = [&](std::size_t from, std::size_t to) {
    for (; from < to; ++from) {
      out += text[from];
      if (text[from] != '\n') continue;
      ++line;
      line_start = out.size();
    }
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    std::size_t end = at + 1;
    if (rest.starts_with("//") || (rest.starts_with("--define=") && (at == 0 || text[at - 1] == '\n'))) {
      end = std::min(text.find('\n', at), text.size());
    } else if (rest.starts_with("/*")) {
      end = std::min(text.find("*/", at + 2), text.size());
    } else if (text[at] == '"') {
      end = std::min(text.find('"', at + 1), text.size() - 1) + 1;
    } else if (is_word_character(text[at])) {
      while (end < text.size() && is_word_character(text[end])) ++end;
      const std::string_view word = text.substr(at, end - at);
      const auto known = std::find_if(values_.begin(), values_.end(),
                                      [&](const Definition& definition) { return definition.name == word; });
      if (known != values_.end()) {
        edits_.push_back({.line = line,
                          .column = static_cast<int>(out.size() - line_start) + 1,
                          .length = static_cast<int>(known->value.size()),
                          .length_before = static_cast<int>(word.size())});
        out += known->value;
        at = end;
        continue;
      }
    }
    copy(at, end);
    at = end;
  }
  return out;
}

void Defines::restore(Place& place) const {
  int column = place.column;
  for (const Edit& edit : edits_) {
    if (edit.line != place.line || edit.column > place.column) continue;
    if (place.column < edit.column + edit.length) {
      column -= place.column - edit.column;  // within a value: where its name begins
      break;
    }
    column += edit.length_before - edit.length;
  }
  place.column = column;
}

}  // namespace tcpassay
