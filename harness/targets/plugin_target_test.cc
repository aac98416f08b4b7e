// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "harness/targets/plugin/plugin_file.h"
#include "harness/targets/plugin/plugin_folder.h"
#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

using std::chrono::seconds;

const std::string kOwnPlugin = TCPASSAY_TEST_PLUGINS "/own_plugin.so";
const std::string kOldPlugin = TCPASSAY_TEST_PLUGINS "/old_plugin.so";

std::string refusal(const std::string& name) {
  try {
    make_target(name);
  } catch (const TargetError& error) {
    return error.what();
  }
  return "";
}

std::unique_ptr<Target> broken(const std::string& fault) {
  return make_target("in-process:plugin:" + kOwnPlugin + "?" + fault);
}

UserCall made(Target& target, UserCall call) {
  target.call(call);
  return call;
}

int connecting(Target& target) {
  const int handle = static_cast<int>(made(target, {.kind = CallKind::kSocket}).result);
  made(target, {.kind = CallKind::kConnect, .handle = handle, .port = 80});
  return handle;
}

std::vector<Time> departures(Target& target) {
  std::vector<Time> times;
  while (const auto sent = target.collect()) times.push_back(sent->from);
  return times;
}

TEST(PluginTarget, SaysWhatIsWrongWithAFile) {
  EXPECT_NE(refusal("plugin:/nowhere/x.so").find("no such file"), std::string::npos);
  EXPECT_NE(refusal("plugin:/proc/self/cmdline").find("cannot be loaded"), std::string::npos);
  EXPECT_NE(refusal("plugin:" + kOldPlugin).find("version 99 of the interface"), std::string::npos);
  EXPECT_NE(refusal("plugin:" + kOwnPlugin + "?no-create").find("no memory, on purpose"), std::string::npos);
  EXPECT_NE(refusal("plugin:" + kOwnPlugin + "?nonsense").find("no such fault: nonsense"), std::string::npos);
  EXPECT_NE(refusal("no-such-stack").find("known are own, linux"), std::string::npos);
}

TEST(PluginTarget, FindsWhatATableLacks) {
  PluginTable table = load_plugin(kOwnPlugin);
  EXPECT_TRUE(faults_of(table).empty());
  table.shutdown = nullptr;
  table.advance = nullptr;
  ASSERT_EQ(faults_of(table).size(), 2u);
  EXPECT_EQ(faults_of(table)[0], "advance() is missing (NULL in the table)");
  EXPECT_EQ(faults_of(table)[1], "TCPASSAY_HALF_CLOSE is set, but shutdown() is missing");
  table.size = 8;
  ASSERT_EQ(faults_of(table).size(), 1u);
  EXPECT_NE(faults_of(table)[0].find("has 8 octets"), std::string::npos);
}

TEST(PluginTarget, IdentityTellsWhatTheTablePromises) {
  PluginTable table = load_plugin(kOwnPlugin);
  const Identity whole = identity_of(table);
  EXPECT_EQ(whole.name, "own-plugin");
  EXPECT_TRUE(whole.can(Ability::kVirtualTime));
  EXPECT_TRUE(whole.can(Ability::kUrgentData));
  EXPECT_TRUE(whole.has_option(SocketOption::kNoDelay));
  EXPECT_FALSE(whole.has_option(SocketOption::kCork));
  EXPECT_TRUE(whole.has_setting("timestamps"));
  table.abilities &= ~static_cast<std::uint32_t>(TCPASSAY_URGENT);
  EXPECT_FALSE(identity_of(table).can(Ability::kUrgentData));
}

TEST(PluginTarget, APacketLeavesWhenItsTimerRunsOut) {
  const auto target = broken("");
  target->reset(1);
  connecting(*target);
  EXPECT_EQ(departures(*target), std::vector<Time>{Time{}});
  target->advance(seconds(10));
  EXPECT_EQ(target->now(), seconds(1));  // the SYN again; advance() ends with it
  EXPECT_EQ(departures(*target), std::vector<Time>{seconds(1)});
}

TEST(PluginTarget, TheSameSeedGivesTheSamePackets) {
  const auto target = broken("");
  const auto syn = [&](std::uint64_t seed) {
    target->reset(seed);
    connecting(*target);
    const auto sent = target->collect();
    return sent ? Bytes(sent->packet.begin(), sent->packet.end()) : Bytes{};
  };
  const Bytes first = syn(1);
  EXPECT_FALSE(first.empty());
  EXPECT_NE(syn(2), first);
  EXPECT_EQ(syn(1), first);
}

TEST(PluginTarget, WhatTheAdapterSaysFailedIsItsDeath) {
  const auto target = broken("failed");
  target->reset(1);
  const Bytes packet{0x45, 0, 0, 20};
  target->inject(packet);
  target->inject(packet);
  EXPECT_THROW(target->inject(packet), TargetDied);
}

TEST(PluginTarget, ADeadlineThatDoesNotMoveIsTold) {
  const auto target = broken("stuck-deadline");
  target->reset(1);
  target->inject(Bytes{0x45, 0, 0, 20});
  EXPECT_THROW(target->advance(seconds(1)), TargetError);
}

TEST(PluginTarget, AnErrorIsToldOnce) {
  const auto target = broken("");
  target->reset(1);
  const int handle = connecting(*target);
  EXPECT_EQ(made(*target, {.kind = CallKind::kConnect, .handle = handle, .port = 80}).error, UserError::kAlready);
  for (int i = 0; i < 100; ++i) {
    target->advance(target->now() + seconds(10));
    departures(*target);
  }
  UserCall ask{.kind = CallKind::kGetOption, .handle = handle, .option = SocketOption::kError};
  EXPECT_EQ(static_cast<UserError>(made(*target, ask).value), UserError::kTimedOut);
  EXPECT_EQ(static_cast<UserError>(made(*target, ask).value), UserError::kNone);
}

TEST(PluginTarget, AnAdapterIsNotAskedForATimeToLiveThatDoesNotExist) {
  const auto target = broken("");
  target->reset(1);
  const int handle = static_cast<int>(made(*target, {.kind = CallKind::kSocket}).result);
  UserCall set{.kind = CallKind::kSetOption, .handle = handle, .option = SocketOption::kTimeToLive};
  for (const std::int64_t value : {-1, 0, 256, 65536}) {
    set.value = value;
    EXPECT_EQ(made(*target, set).error, UserError::kInvalid) << value;
  }
  set.value = 255;
  EXPECT_EQ(made(*target, set).error, UserError::kNone);
}

TEST(Registry, ShortNames) {
  EXPECT_EQ(short_name("own:rst_out_of_window"), "own");
  EXPECT_EQ(short_name("linux-raw"), "linux-raw");
  EXPECT_EQ(short_name("plugin:./a/lwip.so?mss=536"), "lwip");
  EXPECT_EQ(short_name("in-process:plugin:lwip.so"), "lwip");
  EXPECT_EQ(short_name("lwip?mss=536"), "lwip");
  EXPECT_EQ(in_process("own"), "own");
  EXPECT_EQ(in_process("lwip"), "in-process:lwip");
}

TEST(PluginFolder, TellsWhatIsThereAndWhatIsMissing) {
  const auto known = known_plugins({TCPASSAY_TEST_PLUGINS});
  ASSERT_EQ(known.size(), 3u);
  EXPECT_EQ(known[0].name, "old_plugin");
  EXPECT_EQ(known[1].name, "own_plugin");
  EXPECT_EQ(known[2].name, "skeleton");
}

}  // namespace
}  // namespace tcpassay
