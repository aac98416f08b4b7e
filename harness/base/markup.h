// SPDX-License-Identifier: Apache-2.0
// Text as markup, of HTML and of XML alike: this is the one place where it is escaped.
#pragma once

#include <string>
#include <string_view>

namespace tcpassay {

// Text in which octets that are not UTF-8, and control characters that no page may hold, are replaced by U+FFFD.
std::string valid_utf8(std::string_view text);

// The same, with & < > " and ' written so that they are text within an element and within an attribute's quotes.
std::string escaped_markup(std::string_view text);

}  // namespace tcpassay
