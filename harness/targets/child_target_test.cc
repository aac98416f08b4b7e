// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/plugin/child_target.h"

#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <string>
#include <thread>

#include "harness/targets/plugin/plugin_target.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kOwnPlugin = TCPASSAY_TEST_PLUGINS "/own_plugin.so";

std::unique_ptr<ChildTarget> child(const std::string& fault, Renewal renewal = Renewal::kReset,
                                   milliseconds hang = seconds(10)) {
  return std::make_unique<ChildTarget>(
      [=] {
        return ChildTargetMade{.target = std::make_unique<PluginTarget>(kOwnPlugin + "?" + fault), .renewal = renewal};
      },
      hang);
}

// Its first SYN, after a reset.
Bytes syn_of(Target& target, std::uint64_t seed) {
  target.reset(seed);
  UserCall socket{.kind = CallKind::kSocket};
  target.call(socket);
  UserCall connect{.kind = CallKind::kConnect, .handle = static_cast<int>(socket.result), .port = 80};
  target.call(connect);
  EXPECT_EQ(connect.error, UserError::kInProgress);
  EXPECT_NE(connect.tuple.local, 0);
  EXPECT_EQ(target.state(connect.tuple).value_or(StateReport{}).state, State::kSynSent);
  const auto sent = target.collect();
  return sent ? Bytes(sent->packet.begin(), sent->packet.end()) : Bytes{};
}

// How it dies of its third packet.
std::string death_of(ChildTarget& target) {
  try {
    target.reset(1);
    for (int i = 0; i < 3; ++i) target.inject(Bytes{0x45, 0, 0, 20});
    while (target.collect()) {
    }
  } catch (const TargetDied& died) {
    return died.what();
  }
  return "";
}

TEST(ChildTarget, BehavesAsInProcess) {
  PluginTarget here(kOwnPlugin);
  for (const Renewal renewal : {Renewal::kReset, Renewal::kFork, Renewal::kAfresh}) {
    const auto there = child("", renewal);
    EXPECT_EQ(there->identity().name, "own-plugin");
    EXPECT_EQ(there->identity().abilities, here.identity().abilities);
    EXPECT_EQ(there->identity().settings, here.identity().settings);
    EXPECT_EQ(there->identity().missing_options, here.identity().missing_options);
    for (const std::uint64_t seed : {1, 2, 1}) {
      const Bytes expected = syn_of(here, seed);
      EXPECT_FALSE(expected.empty());
      EXPECT_EQ(syn_of(*there, seed), expected);
    }
  }
}

std::string start_that_takes(milliseconds time, milliseconds hang) {
  const auto make = [=] {
    std::this_thread::sleep_for(time);
    return ChildTargetMade{.target = std::make_unique<PluginTarget>(kOwnPlugin), .renewal = Renewal::kReset};
  };
  try {
    ChildTarget(make, hang).reset(1);
  } catch (const TargetDied& died) {
    return died.what();
  }
  return "";
}

TEST(ChildTarget, ToStartMayTakeLongerThanACall) {
  EXPECT_EQ(start_that_takes(milliseconds(900), milliseconds(300)), "");
  EXPECT_EQ(start_that_takes(seconds(30), milliseconds(50)), "it does not start: no answer within 0.3 s");
}

TEST(ChildTarget, PacketsThatNobodyCollectedAreKept) {
  const auto target = child("");
  target->reset(1);
  UserCall socket{.kind = CallKind::kSocket};
  for (int i = 0; i < 2; ++i) {
    target->call(socket);
    UserCall connect{.kind = CallKind::kConnect, .handle = static_cast<int>(socket.result), .port = 80};
    target->call(connect);
  }
  EXPECT_TRUE(target->collect());
  EXPECT_TRUE(target->collect());
  EXPECT_FALSE(target->collect());
}

TEST(ChildTarget, EachDeathIsToldWithItsLastWords) {
  EXPECT_NE(death_of(*child("segfault")).find("its process crashed: signal 11"), std::string::npos);
  EXPECT_NE(death_of(*child("assertion")).find("signal 6 (Aborted): own_plugin: assertion failed"), std::string::npos);
  EXPECT_NE(death_of(*child("failed")).find("own-plugin failed: panic: on purpose"), std::string::npos);
  EXPECT_EQ(death_of(*child("killed")), "its process was killed: signal 9 (Killed)");
  EXPECT_EQ(death_of(*child("exit")), "its process ended by itself with exit status 0");
  EXPECT_EQ(death_of(*child("loop", Renewal::kReset, milliseconds(300))), "it hangs: no answer within 0.3 s");
  EXPECT_EQ(death_of(*child("")), "");
}

TEST(ChildTarget, ADeathInAForkIsToldToo) {
  EXPECT_NE(death_of(*child("segfault", Renewal::kFork)).find("its process crashed: signal 11"), std::string::npos);
  EXPECT_EQ(death_of(*child("exit", Renewal::kFork)), "its process ended by itself with exit status 0");
  EXPECT_NE(death_of(*child("assertion", Renewal::kAfresh)).find("signal 6 (Aborted)"), std::string::npos);
}

TEST(ChildTarget, KilledFromOutside) {
  const auto target = child("");
  target->reset(1);
  kill(target->process(), SIGKILL);
  EXPECT_THROW(target->advance(seconds(1)), TargetDied);
}

TEST(ChildTarget, AfterADeathAResetStartsAnother) {
  const auto target = child("segfault");
  EXPECT_NE(death_of(*target), "");
  EXPECT_THROW(target->advance(seconds(1)), TargetDied);
  EXPECT_FALSE(syn_of(*target, 1).empty());
  EXPECT_NE(death_of(*target), "");
}

TEST(ChildTarget, MemoryThatGrowsWithEachResetIsALeak) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer's allocator does not tell how much is in use";
#endif
  const auto resets = [](ChildTarget& target) {
    for (int i = 0; i < 100; ++i) target.reset(1);
  };
  EXPECT_THROW(resets(*child("leak")), TargetDied);
  EXPECT_NO_THROW(resets(*child("")));
}

TEST(ChildTarget, WhatCannotBeMadeIsATargetError) {
  try {
    child("no-create");
    ADD_FAILURE() << "no exception";
  } catch (const TargetDied&) {
    ADD_FAILURE() << "it did not die";
  } catch (const TargetError& error) {
    EXPECT_NE(std::string(error.what()).find("no memory, on purpose"), std::string::npos);
  }
}

}  // namespace
}  // namespace tcpassay
