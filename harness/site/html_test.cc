// SPDX-License-Identifier: Apache-2.0
#include "harness/site/html.h"

#include <gtest/gtest.h>

#include <string>

namespace tcpassay {
namespace {

TEST(Html, TextNeverBecomesMarkup) {
  const std::string hostile = "<script>alert('1')</script> & \"quoted\"";
  const std::string page = element("p", {{"title", hostile}}, hostile).markup();
  EXPECT_EQ(page.find("<script"), std::string::npos) << page;
  EXPECT_EQ(page.find("alert('"), std::string::npos) << page;
  EXPECT_EQ(page,
            "<p title=\"&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;quoted&quot;\">"
            "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;quoted&quot;</p>");
}

TEST(Html, ElementsNestAndAreNotEscapedAgain) {
  EXPECT_EQ(tag("p", Html("a < b, ") + tag("b", "c")).markup(), "<p>a &lt; b, <b>c</b></p>");
  EXPECT_EQ(element("br", {}).markup(), "<br>");
  EXPECT_EQ(link_to("x.html", "y").markup(), "<a href=\"x.html\">y</a>");
}

TEST(Html, FileNamesStayInTheirFolder) {
  EXPECT_EQ(file_name_of("MUST_10"), "MUST_10");
  EXPECT_EQ(file_name_of("../../etc/passwd"), "_.._.._etc_passwd");
  EXPECT_EQ(file_name_of(""), "_");
  EXPECT_EQ(file_name_of("a<b>\"c d"), "a_b__c_d");
  EXPECT_LE(file_name_of(std::string(1000, 'x')).size(), 130u);
}

}  // namespace
}  // namespace tcpassay
