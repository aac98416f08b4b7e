// SPDX-License-Identifier: Apache-2.0
#include "models/blame.h"

#include <gtest/gtest.h>

namespace tcpassay {
namespace {

// Two rules forbid what was seen: the one that stands first in the table is blamed.
TEST(Blame, FirstRowThatApplies) {
  const auto table = [](bool closed, bool late) {
    return blamed({{closed, Rule::MUST_13}, {late, Rule::MUST_40}, {kOtherwise, Rule::SA8_retransmission}});
  };
  EXPECT_EQ(table(true, true), Rule::MUST_13);
  EXPECT_EQ(table(false, true), Rule::MUST_40);
  EXPECT_EQ(table(false, false), Rule::SA8_retransmission);
}

}  // namespace
}  // namespace tcpassay
