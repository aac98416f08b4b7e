// SPDX-License-Identifier: Apache-2.0
// The oracle reads a trace event by event and keeps every TCB that the target may have. When no TCB explains an event,
// it says which rule was broken. It does not know where a trace comes from: a live run or a recording.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/congestion/profiles.h"
#include "models/edition.h"
#include "models/event.h"
#include "models/freedom.h"
#include "models/rule.h"

namespace tcpassay {

// What the oracle is told about the target beforehand. Everything else it learns from the trace.
struct Terms {
  Time msl = std::chrono::minutes(2);  // RFC 9293 section 3.4.2; TIME-WAIT lasts twice as long
  std::uint32_t mms_r = 1480;          // the largest TCP segment IP can receive: MTU less the IP header (3.7.1)
  std::uint32_t mms_s = 1480;          // and send
  bool link_known = true;              // false: nobody has said what the target's link can carry, and mms_r is a guess
  std::uint16_t default_mss = 536;     // MUST-15, IPv4; over IPv6 it is 1220
  Edition edition = kNewest;           // the text that it is held to
  bool strict = false;                 // a tolerated freedom is held against it
  bool fast_open_unseen = false;       // the trace may not show where Fast Open was turned on and cookies were granted
  FreedomSet withheld{};               // freedoms that it does not have: tests of the judge ask what they excuse
  ProfileSet profiles{};               // of congestion control: it is one of these
};

struct Verdict {
  enum class Kind : std::uint8_t { kViolated, kDeparted, kInconclusive };
  Kind kind = Kind::kViolated;  // a MUST, a SHOULD, or a limit was reached
  Rule rule{};                  // the rule that is blamed
  std::size_t event = 0;        // index of the event in its trace, from 0
  Time at{};
  Tuple tuple{};
  std::string state;                 // where the target may have been: "ESTABLISHED", "CLOSING|TIME-WAIT"
  std::string allowed, seen;         // one line each, sequence numbers relative to the first SYN of each side
  std::vector<Rule> at_work{};       // other rules that were applied on the way to what was allowed
  std::optional<Freedom> freedom{};  // the tolerated one that excuses the rule
  std::optional<Rule> context{};     // about what was odd in the peer's last packet; it does not replace `rule`
  bool consequence = false;          // follows from an earlier verdict of this trace; not a finding of its own
};

struct Count {
  std::uint32_t judged = 0;  // times an observation that could have contradicted the rule agreed with it, or did not
  std::uint32_t broken = 0;  // times it did not
  std::uint32_t taken = 0;   // MAY: times the option was taken
};

// Connections on which text was lost: on how many a profile of congestion control may be at work, and how many of those
// it explains from beginning to end.
struct ProfileFit {
  std::uint32_t connections = 0, explained = 0;
};

class Oracle {
 public:
  explicit Oracle(Terms terms = {});
  ~Oracle();
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  void start();  // a new trace begins: everything is CLOSED
  void start(const Terms& terms);
  void observe(const Event& event);
  void finish();  // the trace is over

  const std::vector<Verdict>& verdicts() const;  // of this trace
  const std::vector<Count>& counts() const;      // of this trace, indexed by Rule
  // Uses of freedoms that no text grants, each with the rule that it excuses; among the verdicts under strict terms.
  const std::vector<Verdict>& tolerated() const;
  const FreedomSet& freedoms_taken() const;                // those that every explanation of this trace needs
  std::array<ProfileFit, kProfiles> profile_fits() const;  // of this trace, indexed by Profile
  std::optional<bool> trait(Trait trait) const;            // what this trace revealed; empty when it revealed nothing

  // To be printed: the state or states the conversation may be in ("SYN-RECEIVED", "CLOSING|TIME-WAIT").
  std::string states(Tuple tuple) const;
  // Initial sequence numbers as far as known, so that printed numbers can be relative: the target's and the peer's.
  std::optional<std::uint32_t> iss(Tuple tuple) const;
  std::optional<std::uint32_t> irs(Tuple tuple) const;

  // Called for every (state before, event class, state after) of a surviving TCB, as an index below kTransitions: a
  // coverage signal for a fuzzer. Null turns it off.
  static constexpr std::size_t kTransitions = 11 * 64 * 11;
  void watch_transitions(std::uint8_t* counters);  // an array of kTransitions

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpassay
