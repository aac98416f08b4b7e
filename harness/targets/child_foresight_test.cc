// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "harness/target/foresight.h"
#include "harness/targets/plugin/child_target.h"
#include "harness/targets/plugin/plugin_target.h"

namespace tcpassay {
namespace {

using std::chrono::seconds;

const std::string kOwnPlugin = TCPASSAY_TEST_PLUGINS "/own_plugin.so";
const Bytes kNonsense{0x45, 0, 0, 20};

std::unique_ptr<ChildTarget> child(const std::string& fault, Renewal renewal = Renewal::kReset) {
  return std::make_unique<ChildTarget>([=] {
    return ChildTargetMade{.target = std::make_unique<PluginTarget>(kOwnPlugin + "?" + fault), .renewal = renewal};
  });
}

UserCall connect_to(std::uint16_t port, int handle) {
  return {.kind = CallKind::kConnect, .handle = handle, .port = port};
}

Foreseen made(const UserCall& call, int handle_of = -1) {
  return {.what = Foreseen::Made{.call = call, .handle_of = handle_of}};
}

// An active OPEN that nobody answers, and ten seconds: what leaves, and when.
std::vector<std::string> attempt(Target& target, std::uint16_t port) {
  UserCall socket{.kind = CallKind::kSocket};
  target.call(socket);
  UserCall connect = connect_to(port, static_cast<int>(socket.result));
  target.call(connect);
  std::vector<std::string> seen{std::to_string(connect.tuple.local)};
  while (target.now() < seconds(10)) {
    while (const auto sent = target.collect()) {
      seen.push_back(std::to_string(sent->from.count()) + std::string(sent->packet.begin(), sent->packet.end()));
    }
    target.advance(seconds(10));
  }
  return seen;
}

std::vector<Foreseen> foreseen_attempt(std::uint16_t port) {
  return {made({.kind = CallKind::kSocket}),
          made(connect_to(port, -1), 0),
          {.what = Time(seconds(10)), .repeat = Foreseen::Repeat::kUntilTime}};
}

TEST(ChildForesight, TheAnswersAreThoseOfOneQuestionAfterTheOther) {
  PluginTarget here(kOwnPlugin);
  here.reset(1);
  const auto expected = attempt(here, 80);
  EXPECT_GT(expected.size(), 3U);
  for (const Renewal renewal : {Renewal::kReset, Renewal::kFork, Renewal::kAfresh}) {
    const auto there = child("", renewal);
    there->reset(1);
    ASSERT_TRUE(there->foresees());
    there->foresee(foreseen_attempt(80));
    EXPECT_FALSE(there->foresees());
    EXPECT_EQ(attempt(*there, 80), expected);
    EXPECT_TRUE(there->foresees());  // all of it came
  }
}

TEST(ChildForesight, WhatComesOtherwiseIsAnsweredAsIfNothingHadBeenForeseen) {
  PluginTarget here(kOwnPlugin);
  here.reset(1);
  const auto expected = attempt(here, 81);
  for (const Renewal renewal : {Renewal::kReset, Renewal::kFork, Renewal::kAfresh}) {
    const auto there = child("", renewal);
    there->reset(1);
    there->foresee(foreseen_attempt(80));  // the socket comes, the port does not
    EXPECT_EQ(attempt(*there, 81), expected);
  }
}

TEST(ChildForesight, WhatDoesNotRepeatItselfIsTold) {
  const auto target = child("differs");
  target->reset(1);
  UserCall socket{.kind = CallKind::kSocket};
  target->call(socket);
  UserCall connect = connect_to(80, static_cast<int>(socket.result));
  target->call(connect);
  EXPECT_TRUE(target->collect());
  target->foresee(std::vector{made({.kind = CallKind::kSocket})});
  try {
    target->advance(seconds(1));  // otherwise: the child begins again, and its ISS is another one
    ADD_FAILURE() << "no exception";
  } catch (const TargetError& error) {
    EXPECT_NE(std::string(error.what()).find("does not repeat itself"), std::string::npos) << error.what();
  }
}

TEST(ChildForesight, ADeathIsToldAtTheRequestOfWhichItDies) {
  const auto target = child("segfault");  // of the third packet
  target->reset(1);
  target->foresee(std::vector<Foreseen>(4, Foreseen{.what = kNonsense}));
  for (int i = 0; i < 2; ++i) {
    target->inject(kNonsense);
    EXPECT_NO_THROW(while (target->collect()){});
  }
  target->inject(kNonsense);
  EXPECT_THROW(while (target->collect()){}, TargetDied);
  target->reset(1);
  EXPECT_GT(attempt(*target, 80).size(), 3U);  // another child
}

TEST(ChildForesight, NothingIsForeseenBehindAnAcceptThatSucceeds) {
  const auto target = child("");
  target->reset(1);
  UserCall accept{.kind = CallKind::kAccept, .handle = 3};
  target->foresee(
      std::vector{Foreseen{.what = Foreseen::Made{.call = accept}, .repeat = Foreseen::Repeat::kUnlessGiven},
                  Foreseen{.what = kNonsense}});
  target->call(accept);  // fails: there is no such socket
  EXPECT_EQ(accept.error, UserError::kBadHandle);
  EXPECT_FALSE(target->foresees());  // what stands behind it has been done
  target->inject(kNonsense);
  EXPECT_FALSE(target->collect());
  EXPECT_TRUE(target->foresees());
}

}  // namespace
}  // namespace tcpassay
