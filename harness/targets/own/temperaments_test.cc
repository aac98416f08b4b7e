// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/temperaments.h"

#include <gtest/gtest.h>

#include <set>

#include "harness/targets/own/peer_test.h"

namespace tcpassay {
namespace {

using own::Temperament;

TEST(OwnTemperaments, Table) {
  std::set<std::string_view> names;
  for (const own::TemperamentEntry& entry : own::all_temperaments()) {
    EXPECT_TRUE(names.insert(entry.id).second) << entry.id;
    EXPECT_EQ(own::temperament_named(entry.id), entry.temperament);
    EXPECT_FALSE(entry.what.empty()) << entry.id;
  }
  EXPECT_EQ(own::temperament_named("none"), std::nullopt);
}

std::vector<std::string> short_text(std::initializer_list<Temperament> temperaments) {
  TestPeer p(1);
  for (const Temperament temperament : temperaments) p.target.temper(temperament);
  p.passive(), p.put({.length = 9}), p.wait(1), p.hears();
  return p.transcript;
}

// Several are on at once, and each is still seen: the ACK leaves at once and the window is the small one.
TEST(OwnTemperaments, AddUp) {
  const auto both = short_text({Temperament::acks_every_segment, Temperament::window_1000});
  EXPECT_NE(both, short_text({}));
  EXPECT_NE(both, short_text({Temperament::acks_every_segment}));
  EXPECT_NE(both, short_text({Temperament::window_1000}));
}

// A window of 3 << 14 grows by less than the scale can say: to tell it would only be a duplicate ACK.
TEST(OwnTemperaments, AWindowThatScalingHidesIsNotToldAgain) {
  TestPeer p(1);
  p.target.temper(Temperament::scale_14);
  const int handle = p.passive({2, 4, 5, 180, 3, 3, 7, 0});
  for (std::uint32_t i = 0; i < 6; ++i) p.put({.seq = 1 + 1460 * i, .length = 1460});
  EXPECT_EQ(p.hears(), "A 1 2921 0; A 1 5841 0; A 1 8761 0");
  EXPECT_EQ(p.read(handle).result, 8760);
  EXPECT_EQ(p.hears(), "");
}

TEST(OwnTemperaments, AreTakenBackTogether) {
  own::Tempered tempered;
  tempered.add(Temperament::nagle_off);
  EXPECT_TRUE(tempered.has(Temperament::nagle_off));
  EXPECT_FALSE(tempered.has(Temperament::fin_apart));
  tempered.clear();
  EXPECT_FALSE(tempered.has(Temperament::nagle_off));
}

}  // namespace
}  // namespace tcpassay
