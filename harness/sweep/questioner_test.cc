// SPDX-License-Identifier: Apache-2.0
#include "harness/sweep/questioner.h"

#include <gtest/gtest.h>

#include <optional>

#include "harness/session/session.h"
#include "harness/sweep/roads.h"
#include "harness/targets/own/own_target.h"

namespace tcpassay {
namespace {

// The own stack, if its user could not choose the size of a buffer.
class WithoutBuffers final : public Target {
 public:
  WithoutBuffers() { identity_.missing_options = {SocketOption::kReceiveBuffer}; }
  const Identity& identity() const override { return identity_; }
  void use_ip(std::uint8_t version) override { own_.use_ip(version); }
  void reset(std::uint64_t seed) override { own_.reset(seed); }
  bool configure(std::string_view name, std::int64_t value) override { return own_.configure(name, value); }
  Time now() override { return own_.now(); }
  void inject(ByteView packet) override { own_.inject(packet); }
  std::optional<Collected> collect() override { return own_.collect(); }
  void advance(Time deadline) override { own_.advance(deadline); }
  void call(UserCall& call) override { own_.call(call); }
  std::optional<StateReport> state(Tuple tuple) override { return own_.state(tuple); }

 private:
  OwnTarget own_{};
  Identity identity_ = own_.identity();
};

TEST(Questioner, WhatItPlayedCanBePlayedAgainWhereAnOptionIsMissing) {
  WithoutBuffers target;
  Questioner questioner(target, kNewest);
  int reached = 0;
  for (const Road& road : all_roads()) {
    reached += questioner.ask(road, 4, nullptr).unreachable.empty();
    const Scenario played = questioner.scenario();
    if (played.steps.empty()) continue;
    EXPECT_EQ(Session::unsupported(played, target), std::nullopt) << road.name;
  }
  EXPECT_GT(reached, 20);
}

}  // namespace
}  // namespace tcpassay
