// SPDX-License-Identifier: Apache-2.0
#include "harness/check/plugin_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

const std::string kFolder = "plugin:" TCPASSAY_TEST_PLUGINS "/";

std::vector<std::string> complaints(const std::string& file) {
  return check_plugin([&] { return make_target(kFolder + file); }).complaints;
}

// A complaint about own_plugin.so with this fault has the words.
void expect_complaint(const std::string& fault, const std::string& words) {
  const auto all = complaints("own_plugin.so?" + fault);
  const bool told = std::any_of(
      all.begin(), all.end(), [&](const std::string& complaint) { return complaint.find(words) != std::string::npos; });
  EXPECT_TRUE(told) << fault << ": " << (all.empty() ? "no complaint" : all.front());
}

TEST(PluginCheck, ASoundAdapterHasNoComplaint) {
  const PluginReport report = check_plugin([] { return make_target(kFolder + "own_plugin.so"); });
  EXPECT_EQ(report.complaints, std::vector<std::string>{});
  EXPECT_EQ(report.tried.size(), 8u);
  EXPECT_EQ(report.identity.name, "own-plugin");
}

TEST(PluginCheck, TellsAnAdapterThatCannotBeLoaded) {
  ASSERT_EQ(complaints("old_plugin.so").size(), 1u);
  EXPECT_NE(complaints("old_plugin.so")[0].find("version 99 of the interface"), std::string::npos);
  EXPECT_NE(complaints("nowhere.so")[0].find("no such file"), std::string::npos);
  expect_complaint("no-create", "create() returns NULL");
}

TEST(PluginCheck, TellsHowItDies) {
  expect_complaint("segfault", "signal 11");
  expect_complaint("assertion", "assertion failed: on purpose");
  expect_complaint("failed", "panic: on purpose");
  expect_complaint("killed", "was killed");
  expect_complaint("exit", "exit status 0");
}

TEST(PluginCheck, TellsEachMistake) {
  expect_complaint("garbage", "no sound TCP packet");
  expect_complaint("late", "while no call is in progress");
  expect_complaint("loses-time", "loses time");
  expect_complaint("late-deadline", "next_deadline() names a timer too late");
  expect_complaint("stuck-deadline", "next_deadline() stays at");
  expect_complaint("keeps", "remembers earlier scenarios");
  expect_complaint("differs", "does not repeat itself");
  expect_complaint("state", "state() tells ESTABLISHED before any segment");
}

TEST(PluginCheck, TellsALeak) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer's allocator does not tell how much is in use";
#else
  expect_complaint("leak", "leaks");
#endif
}

TEST(PluginCheck, TheSkeletonDoesNothingYet) {
  const auto all = complaints("skeleton.so");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_NE(all[0].find("does input() reach the stack"), std::string::npos);
  EXPECT_NE(all[1].find("connect() sends no SYN"), std::string::npos);
}

}  // namespace
}  // namespace tcpassay
