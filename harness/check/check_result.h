// SPDX-License-Identifier: Apache-2.0
// What a run of scenarios has shown of a target: for each rule whether it was obeyed, broken or never exercised.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/check/deviations.h"
#include "harness/session/session.h"
#include "harness/target/target.h"
#include "models/freedom.h"
#include "models/oracle.h"

namespace tcpassay {

enum class Standing : std::uint8_t {
  kObeyed,
  kViolated,
  kDeparted,
  kOption,
  kInconclusive,
  kNotExercised,
  kNotTestable,
};
inline constexpr int kStandings = 7;
const char* to_string(Standing standing);  // "not_exercised"

// One place where a rule was broken.
struct Evidence {
  std::string scenario;  // its path
  std::size_t event = 0;
  Time at{};
  std::string state, allowed, seen;
  std::string replay;  // the command
};

struct RuleResult {
  Rule rule{};
  Standing standing = Standing::kNotExercised;
  std::uint64_t judged = 0, broken = 0, taken = 0;
  std::uint64_t tolerated = 0;  // times a tolerated freedom excused it
  std::uint64_t context = 0;  // times another rule was broken behind an odd packet of the peer that this rule is about
  std::uint64_t at_work = 0;  // times the oracle applied it on the way to a verdict that blames another rule
  std::vector<Evidence> evidence{};
  std::string why{};  // not testable: what is missing; option: "taken", "not taken" or "both"
};

// What the target has shown of a freedom that the RFC leaves it.
enum class TraitValue : std::uint8_t { kUnknown, kFalse, kTrue, kBoth };
const char* to_string(TraitValue value);  // "both"

// Uses of a freedom that no text grants.
struct ToleratedResult {
  Freedom freedom{};
  std::uint64_t count = 0;
  std::vector<Evidence> evidence{};
};

struct Skipped {
  std::string scenario, why;
};

// A scenario during which the implementation crashed, hung or was killed.
struct Died {
  std::string scenario, how, replay;
  std::string listed{};  // the reason why that is accepted; empty: it is not
};

// A violation on a real-time target that did not occur again when the scenario was played alone. It is not counted.
struct Unsteady {
  std::string scenario;
  Rule rule{};
};

// A listed deviation, and whether it occurred in this run.
struct Listed {
  enum class Fate : std::uint8_t { kOccurs, kGone, kNotJudged, kOtherVersion };
  Deviation deviation;
  Fate fate = Fate::kNotJudged;
};
const char* to_string(Listed::Fate fate);  // "no longer occurs"

// A `>` line of a script, the result of one of its calls, or an assertion in its code, that failed.
struct FailedAssertion {
  std::string scenario;
  Mismatch mismatch;
};

// One scenario, and what it has shown.
struct ScenarioResult {
  enum class Outcome : std::uint8_t { kPassed, kFailed, kListed, kInconclusive, kSkipped };
  std::string id, path, title;  // id: its stable name
  std::uint8_t ip = 4;
  std::vector<std::string> covers{};  // ids of rules
  // kFailed: a MUST was violated, an assertion failed or the implementation died, which no deviation lists; kListed:
  // something of that, and a deviation lists it.
  Outcome outcome = Outcome::kPassed;
  std::string why{};  // kSkipped: the reason, which may be that the target died
  std::vector<Rule> violated{}, departed{}, inconclusive{};
};
const char* to_string(ScenarioResult::Outcome outcome);  // "passed"

// An option of TCP (claims.h) that the stack's author claims, or not, and what the run has shown of it.
struct ClaimResult {
  enum class Shown : std::uint8_t { kNotTried, kNotShown, kShown };
  std::string feature;
  bool claimed = false;
  Shown shown = Shown::kNotTried;

  bool missing() const { return claimed && shown == Shown::kNotShown; }
};

// What makes the exit status 1: a MUST that is violated, a SHOULD that is departed from too, or no finding at all.
enum class FailOn : std::uint8_t { kMust, kShould, kNever };
inline constexpr const char* kFailOnNames[] = {"must", "should", "never"};

struct CheckResult {
  Identity target;
  std::string defect;         // planted in the own stack; empty: none
  Edition edition = kNewest;  // the edition of the text that the target was held to
  std::chrono::milliseconds round_trip{};
  PeerManner manner = PeerManner::kPrompt;
  std::size_t scenarios = 0, steps = 0;  // played
  double wall_s = 0;
  bool whole = true;                  // the whole corpus was played, not a selection
  std::vector<RuleResult> rules{};    // indexed by Rule
  std::vector<TraitValue> profile{};  // indexed by Trait
  std::array<ProfileFit, kProfiles> profile_fits{};
  std::vector<Skipped> skipped{};
  std::vector<ToleratedResult> tolerated{};  // those that occurred
  FreedomSet freedoms{};                     // every freedom, of whatever kind, that the target took
  std::vector<Listed> deviations{};
  std::vector<Unsteady> unsteady{};
  std::vector<FailedAssertion> failed{};
  std::vector<ScenarioResult> played{};  // each scenario in its order, those that were skipped too
  std::vector<Died> died{};
  std::size_t deaths = 0;    // scenarios that were not played to their end, since the target died; `died` are some
  bool interrupted = false;  // by the user, before all were played
  FailOn fail_on = FailOn::kMust;
  bool shard = false;                 // a part of a run
  std::vector<ClaimResult> claims{};  // where there is a statement of them

  std::size_t count(Standing standing) const;
  bool is_listed(Rule rule) const;
  bool is_gone(Rule rule) const;  // a deviation lists it, and it no longer occurs
  bool has_failed(
      const RuleResult& rule) const;  // violated (departed from, with FailOn::kShould) and not listed, or gone
  // 0: conforms but for listed deviations; 1: a MUST is violated that is not listed, a listed deviation is gone, a
  // script's own assertion has failed, what is claimed was not shown, or the implementation died in a way that is not
  // listed; 2: nothing of that, but nothing was played, or the target died, or the user interrupted the run, so that it
  // shows no conformance. With FailOn::kNever 0 instead of 1.
  int exit_status() const;
  std::string conclusion() const;  // in words: "conforms", whatever FailOn::kNever makes of it

 private:
  int status() const;
};

}  // namespace tcpassay
