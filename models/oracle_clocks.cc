// SPDX-License-Identifier: Apache-2.0
// Compares the initial sequence numbers, and the first timestamps, of several connections.
#include <algorithm>
#include <cstdlib>

#include "models/oracle_impl.h"

namespace tcpassay {
namespace {

constexpr std::size_t kBeginningsMax = 4096;     // first sequence numbers that a trace remembers
constexpr std::size_t kBeginningsCompared = 16;  // each with each; more are left to statistics (first_numbers.h)

}  // namespace

// 3.4.1: ISN = M + F(the two sockets, a secret), with a clock M that ticks about every 4 microseconds.
// A SYN with this number may be the first of its connection: it is not that of one that may stand.
bool Oracle::Impl::may_begin(const Conversation& c, SndSeq iss) {
  const auto unknown = [](const Candidate& p) { return !p.iss_known; };
  const auto known = [iss](const Candidate& p) { return p.iss_known && p.iss == iss; };
  const auto& all = c.possible;
  return std::any_of(all.begin(), all.end(), unknown) && std::none_of(all.begin(), all.end(), known);
}

void Oracle::Impl::first_sequence_number(const Conversation& c, const Event& event, std::uint32_t iss) {
  constexpr std::int64_t kTick = 4000;           // ns
  constexpr std::int64_t kFastest = kTick / 64;  // clocks in use tick up to so fast
  constexpr std::int64_t kWraps = kFastest * (1LL << 31);
  for (const FirstNumber& b : beginnings) {
    const std::int64_t passed = (event.from - b.from).count();
    const auto moved = static_cast<std::int32_t>(iss - b.iss);
    if (b.tuple == c.tuple) {
      if (passed <= kTick * 64 || passed > kWraps) continue;
      if (moved == 0 && passed <= kClockStep.count()) continue;  // the clock may stand meanwhile
      if (moved <= 0) {
        add_verdict(Rule::MUST_8, Verdict::Kind::kViolated, &c, event, "a first sequence number beyond the last one",
                    "one that has moved by " + std::to_string(moved) + " in " + std::to_string(passed / 1000) + " us");
      } else if (!c.tainted) {
        count({Rule::MUST_8, true});
      }
    } else if (beginnings.size() < kBeginningsCompared) {
      // By chance this happens once in millions of pairs; twice in a trace it is no accident.
      const std::int64_t slack = (event.until - event.from).count() / kTick + 64;
      if (std::abs(moved - passed / kTick) > slack) {
        if (!c.tainted) count({Rule::MUST_9, true});
      } else if (++guessed == 2) {
        add_verdict(Rule::MUST_9, Verdict::Kind::kViolated, &c, event,
                    "a first sequence number that cannot be foretold",
                    "that of another connection, moved by the clock alone");
      }
    }
  }
  if (beginnings.size() < kBeginningsMax) beginnings.push_back({c.tuple, iss, event.from, event.until});
}

// The trace is over: statistics of all its initial sequence numbers.
void Oracle::Impl::finish() {
  if (beginnings.size() < kFirstNumbersMin) return;
  const Event last{.from = last_at, .until = last_at, .tuple = beginnings.back().tuple};
  const Conversation* c = find(last.tuple);
  for (FirstNumberFinding& finding : judge_first_numbers(beginnings)) {
    if (finding.broken) {
      add_verdict(finding.rule, kind_of(finding.rule), c, last, std::move(finding.allowed), std::move(finding.seen));
    } else {
      count({finding.rule, true});
    }
  }
}

// RFC 7323 section 7: the clocks of two connections differ by more than the time between them.
void Oracle::Impl::first_timestamp(const Conversation& c, const Event& event, std::uint32_t tsval) {
  constexpr std::size_t kClocksMax = 8;
  for (const Clock& other : clocks) {
    const std::int64_t passed = (event.until - other.at) / std::chrono::milliseconds(1);
    if (other.tuple == c.tuple || passed > 1000) continue;
    if (std::abs(static_cast<std::int32_t>(tsval - other.tsval)) > 16 + 2 * passed) {
      if (!c.tainted) count({Rule::R7323_7_offset, true});
    } else if (++predicted_timestamps == 2) {  // once may be an accident
      add_verdict(Rule::R7323_7_offset, Verdict::Kind::kDeparted, &c, event,
                  std::string(info(Rule::R7323_7_offset).sentence), "the timestamp clock of another connection");
    }
  }
  if (clocks.size() < kClocksMax) clocks.push_back({c.tuple, tsval, event.from});
}

}  // namespace tcpassay
