// SPDX-License-Identifier: Apache-2.0
#include "harness/site/html.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "harness/base/markup.h"

namespace tcpassay {
namespace {

constexpr std::array<std::string_view, 5> kVoid{"meta", "link", "br", "input", "hr"};

}  // namespace

Html::Html(std::string_view text) : markup_(escaped_markup(text)) {}

Html element(std::string_view name, const Attributes& attributes, const Html& content) {
  Html html;
  html.markup_ = "<" + std::string(name);
  for (const auto& [key, value] : attributes) {
    html.markup_ += " " + std::string(key) + "=\"";
    html.markup_ += escaped_markup(value);
    html.markup_ += "\"";
  }
  html.markup_ += ">" + content.markup_;
  if (std::find(kVoid.begin(), kVoid.end(), name) == kVoid.end()) html.markup_ += "</" + std::string(name) + ">";
  return html;
}

Html link_to(const std::string& to, const Html& content) {
  return element("a", {{"href", to}}, content);
}

std::string file_name_of(std::string_view text) {
  constexpr std::size_t kLengthMax = 120;  // of a name; what is longer ends with the same characters
  std::string name;
  for (const char c : text.substr(text.size() - std::min(text.size(), kLengthMax))) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
    name += plain ? c : '_';
  }
  if (name.empty() || name.front() == '.') name.insert(name.begin(), '_');
  return name;
}

}  // namespace tcpassay
