// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/legal_variants.h"

#include <gtest/gtest.h>

#include <set>

#include "harness/targets/own/peer_test.h"

namespace tcpassay {
namespace {

using own::LegalVariant;

TEST(OwnLegalVariants, Table) {
  std::set<std::string_view> names;
  for (const own::LegalVariantEntry& entry : own::all_legal_variants()) {
    EXPECT_TRUE(names.insert(entry.id).second) << entry.id;
    EXPECT_EQ(own::legal_variant_named(entry.id), entry.legal_variant);
    EXPECT_FALSE(entry.what.empty()) << entry.id;
  }
  EXPECT_EQ(own::legal_variant_named("none"), std::nullopt);
}

std::vector<std::string> short_text(std::initializer_list<LegalVariant> legal_variants) {
  TestPeer p(1);
  for (const LegalVariant legal_variant : legal_variants) p.target.enable(legal_variant);
  p.passive(), p.put({.length = 9}), p.wait(1), p.hears();
  return p.transcript;
}

// Two variants at once, and both have their effect: the ACK leaves at once, and the window is small.
TEST(OwnLegalVariants, AddUp) {
  const auto both = short_text({LegalVariant::acks_every_segment, LegalVariant::window_1000});
  EXPECT_NE(both, short_text({}));
  EXPECT_NE(both, short_text({LegalVariant::acks_every_segment}));
  EXPECT_NE(both, short_text({LegalVariant::window_1000}));
}

// The window grows by less than one unit of the scale: a window update would only be a duplicate ACK.
TEST(OwnLegalVariants, AWindowThatScalingHidesIsNotToldAgain) {
  TestPeer p(1);
  p.target.enable(LegalVariant::scale_14);
  const int handle = p.passive({2, 4, 5, 180, 3, 3, 7, 0});
  for (std::uint32_t i = 0; i < 6; ++i) p.put({.seq = 1 + 1460 * i, .length = 1460});
  EXPECT_EQ(p.hears(), "A 1 2921 0; A 1 5841 0; A 1 8761 0");
  EXPECT_EQ(p.read(handle).result, 8760);
  EXPECT_EQ(p.hears(), "");
}

TEST(OwnLegalVariants, AreTakenBackTogether) {
  own::LegalVariants variants;
  variants.add(LegalVariant::nagle_off);
  EXPECT_TRUE(variants.has(LegalVariant::nagle_off));
  EXPECT_FALSE(variants.has(LegalVariant::fin_apart));
  variants.clear();
  EXPECT_FALSE(variants.has(LegalVariant::nagle_off));
}

}  // namespace
}  // namespace tcpassay
