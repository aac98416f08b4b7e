// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/legal_variants.h"

#include <gtest/gtest.h>

#include <set>

#include "harness/targets/own/peer_test.h"

namespace tcpassay {
namespace {

using own::LegalVariant;

TEST(OwnTemperaments, Table) {
  std::set<std::string_view> names;
  for (const own::TemperamentEntry& entry : own::all_legal_variants()) {
    EXPECT_TRUE(names.insert(entry.id).second) << entry.id;
    EXPECT_EQ(own::legal_variant_named(entry.id), entry.legal_variant);
    EXPECT_FALSE(entry.what.empty()) << entry.id;
  }
  EXPECT_EQ(own::legal_variant_named("none"), std::nullopt);
}

std::vector<std::string> short_text(std::initializer_list<LegalVariant> legal_variants) {
  TestPeer p(1);
  for (const LegalVariant legal_variant : legal_variants) p.target.temper(legal_variant);
  p.passive(), p.put({.length = 9}), p.wait(1), p.hears();
  return p.transcript;
}

// Several are on at once, and each is still seen: the ACK leaves at once and the window is the small one.
TEST(OwnTemperaments, AddUp) {
  const auto both = short_text({LegalVariant::acks_every_segment, LegalVariant::window_1000});
  EXPECT_NE(both, short_text({}));
  EXPECT_NE(both, short_text({LegalVariant::acks_every_segment}));
  EXPECT_NE(both, short_text({LegalVariant::window_1000}));
}

// A window of 3 << 14 grows by less than the scale can say: to tell it would only be a duplicate ACK.
TEST(OwnTemperaments, AWindowThatScalingHidesIsNotToldAgain) {
  TestPeer p(1);
  p.target.temper(LegalVariant::scale_14);
  const int handle = p.passive({2, 4, 5, 180, 3, 3, 7, 0});
  for (std::uint32_t i = 0; i < 6; ++i) p.put({.seq = 1 + 1460 * i, .length = 1460});
  EXPECT_EQ(p.hears(), "A 1 2921 0; A 1 5841 0; A 1 8761 0");
  EXPECT_EQ(p.read(handle).result, 8760);
  EXPECT_EQ(p.hears(), "");
}

TEST(OwnTemperaments, AreTakenBackTogether) {
  own::Tempered tempered;
  tempered.add(LegalVariant::nagle_off);
  EXPECT_TRUE(tempered.has(LegalVariant::nagle_off));
  EXPECT_FALSE(tempered.has(LegalVariant::fin_apart));
  tempered.clear();
  EXPECT_FALSE(tempered.has(LegalVariant::nagle_off));
}

}  // namespace
}  // namespace tcpassay
