// SPDX-License-Identifier: Apache-2.0
#include "harness/base/markup.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tcpassay {
namespace {

TEST(Markup, OctetsThatAreNoUtf8AreReplaced) {
  EXPECT_EQ(valid_utf8("a\xFF"
                       "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(valid_utf8("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD");          // an overlong '/'
  EXPECT_EQ(valid_utf8("\xED\xA0\x80").find('\xED'), std::string::npos);  // a surrogate
  EXPECT_EQ(valid_utf8("\xE2\x9C\x97 \xF0\x9F\x99\x82"), "\xE2\x9C\x97 \xF0\x9F\x99\x82");
  EXPECT_EQ(valid_utf8(std::string_view("\0\x1b", 2)), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(valid_utf8("cut \xE2\x9C"), "cut \xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Markup, TextIsEscapedForElementsAndForAttributes) {
  EXPECT_EQ(escaped_markup("<a href='x'>\"&\xFF"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;\xEF\xBF\xBD");
}

}  // namespace
}  // namespace tcpassay
