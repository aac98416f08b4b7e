// SPDX-License-Identifier: Apache-2.0
// HTML that cannot be broken by what it shows: text that becomes markup is escaped on the way
// (harness/base/markup.h).
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tcpassay {

// A piece of a page. A string that is converted to one is text: every octet of it is shown as it is.
class Html {
 public:
  Html() = default;
  Html(std::string_view text);                                     // NOLINT: text may stand wherever markup may
  Html(const std::string& text) : Html(std::string_view(text)) {}  // NOLINT
  Html(const char* text) : Html(std::string_view(text)) {}         // NOLINT

  Html& operator+=(const Html& next) {
    markup_ += next.markup_;
    return *this;
  }
  friend Html operator+(Html first, const Html& second) { return first += second; }

  bool empty() const { return markup_.empty(); }
  const std::string& markup() const { return markup_; }

 private:
  friend Html element(std::string_view, const std::vector<std::pair<std::string_view, std::string>>&, const Html&);
  std::string markup_;
};

using Attributes = std::vector<std::pair<std::string_view, std::string>>;

// <name attributes>content</name>; without the end tag where HTML has none. An attribute without a value is
// `hidden=""`.
Html element(std::string_view name, const Attributes& attributes, const Html& content = {});
// <name>content</name>
inline Html tag(std::string_view name, const Html& content) {
  return element(name, {}, content);
}

// <a href="to">content</a>
Html link_to(const std::string& to, const Html& content);

// A whole page begins with this.
inline constexpr std::string_view kDoctype = "<!doctype html>\n";

// A file name of letters, digits, '.', '_' and '-' that is made from any text.
std::string file_name_of(std::string_view text);

}  // namespace tcpassay
