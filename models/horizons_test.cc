// SPDX-License-Identifier: Apache-2.0
// Each entry of models/catalogue/horizons.def, just below its time and just above.
#include "models/horizons.h"

#include <gtest/gtest.h>

#include "models/test_tcb.h"

namespace tcpassay {
namespace {

constexpr Time kTick = std::chrono::milliseconds(1);

Candidate after_call(const Candidate& before, void (*call)(Step&)) {
  return outcomes_of(before, kListening, call).all[0];
}

// The target has waited since kNow for its timer.
Candidate waiting(Candidate before) {
  before.sent_at = kNow;
  return silence(before).all[0];
}

// A TCB whose silence the entry judges, from kNow on.
Candidate silent(Horizon id) {
  switch (id) {
    case Horizon::kAnswer:
      return after_arrival(established(), in("P.", 50001, 1, 10));
    case Horizon::kDelayedAck:
      return after_arrival(established(), in("P.", 1, 1, 10));
    case Horizon::kImmediateAck: {
      Candidate late = after_arrival(established(), in("P.", 11, 1, 10));
      late.keep.heard_from = kNow;
      return late;
    }
    case Horizon::kSmallWindow: {
      Candidate small = offered(given(established(), 100), 10);
      small.window_at = small.timer.acked_at = kNow;
      return small;
    }
    case Horizon::kShutWindow: {
      Candidate shut = established();
      shut.read_all_at = kNow;
      shut.ack_now = true;
      shut.ack_now_rule = Rule::SA4_1_ack;
      return shut;
    }
    case Horizon::kNagleOff: {
      Candidate held = given(sent(established(), 10), 10);
      held.congestion.phase = Congestion::Phase::kOpen;
      held.send_pending = true;
      held.send_due = kNow + kSendDelayMax;
      return held;
    }
    case Horizon::kHeldText:
      return after_call(established(), [](Step& on) { send_call(on, {.length = 10, .result = 10}); });
    case Horizon::kHeldFin:
      return after_call(established(), [](Step& on) { close_call(on, {}); });
    case Horizon::kFinBehindText: {
      Candidate alone = sent(established(), 10);
      alone.congestion.phase = Congestion::Phase::kOpen;
      return after_call(alone, [](Step& on) { close_call(on, {}); });
    }
    case Horizon::kFirstAgain:
    case Horizon::kTextAgain:
      return waiting(sent(established(), 100));
    case Horizon::kFirstProbe:
    case Horizon::kProbe:
      return waiting(offered(given(established(), 100), 0));
    case Horizon::kUserTimeout: {
      Candidate kept = waiting(sent(established(), 100));
      kept.user_timeout = Time(1);
      kept.rexmit_due = kNow + std::chrono::hours(1);
      return kept;
    }
    case Horizon::kSynAgain:
      return waiting(syn_sent());
  }
  return {};
}

bool named(const HorizonInfo& entry, Time after) {
  const auto horizon = static_cast<Horizon>(&entry - horizons().data());
  const Candidate before = silent(horizon);
  if (horizon == Horizon::kAnswer) {  // in a record that goes on
    Environment env = at(kNow + after);
    env.before = kNow;
    const auto goes_on = [](Step& on) { falls_quiet(on, {.idle = false}); };
    return outcomes_of(before, env, goes_on).all.at(0).demerits.has(entry.rule);
  }
  // A window that stays shut is judged when it is offered, an immediate ACK when it leaves; all others by silence.
  const bool seen = horizon == Horizon::kShutWindow || horizon == Horizon::kImmediateAck;
  const std::uint32_t window = horizon == Horizon::kShutWindow ? 0 : kEdgeStays;
  const Outcomes outcome =
      seen ? departs(before, out(".", 1, 1, 0, window), at(kNow + after)) : silence(before, at(kNow + after));
  if (outcome.blamed == id(entry.rule)) return true;
  return !outcome.all.empty() && outcome.all[0].demerits.has(entry.rule);
}

class Horizons : public testing::TestWithParam<std::size_t> {};

TEST_P(Horizons, JudgesJustAboveAndNotJustBelow) {
  const HorizonInfo& entry = horizons()[GetParam()];
  EXPECT_FALSE(named(entry, entry.time - kTick)) << entry.id;
  EXPECT_TRUE(named(entry, entry.time + kTick)) << entry.id;
}

TEST_P(Horizons, HasTheLevelOfItsKind) {
  const HorizonInfo& entry = horizons()[GetParam()];
  EXPECT_EQ(info(entry.rule).level == Level::kMust, entry.kind != HorizonKind::kDeparture) << entry.id;
  EXPECT_EQ(entry.reason.back(), '.') << entry.id;
}

INSTANTIATE_TEST_SUITE_P(Table, Horizons, testing::Range<std::size_t>(0, horizons().size()));

}  // namespace
}  // namespace tcpassay
