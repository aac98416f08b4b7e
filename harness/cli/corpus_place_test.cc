// SPDX-License-Identifier: Apache-2.0
#include "harness/cli/corpus_place.h"

#include <gtest/gtest.h>

namespace tcpassay {
namespace {

TEST(CorpusPlace, TheInstalledCorpusStandsBesideTheProgramsFolder) {
  EXPECT_EQ(installed_corpus("/opt/t/bin/tcpassay"), "/opt/t/share/tcpassay/corpus");
}

TEST(CorpusPlace, AProgramThatIsNotInstalledTakesTheCorpusOfItsSources) {
  EXPECT_EQ(own_corpus(), std::filesystem::path(TCPASSAY_SOURCE_DIR) / "corpus");
}

}  // namespace
}  // namespace tcpassay
