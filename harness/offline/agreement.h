// SPDX-License-Identifier: Apache-2.0
// One run is judged in four ways: live, from its log, from the script that records it, and from its packets alone. Do
// the four agree, and where not, what does one of them not see?
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/offline/outcome.h"
#include "harness/script/scenario.h"
#include "harness/session/session.h"

namespace tcpassay {

enum class Way : std::uint8_t {
  kLive,     // the oracle saw each event when it happened
  kLog,      // CAPTURE.run beside CAPTURE.pcap
  kRecord,   // a script with `//! record: complete`, as `export --target` writes it
  kCapture,  // the packets alone
};
inline constexpr std::size_t kWays = 4;
const char* to_string(Way way);  // "live"

// Why a way says something else than the live run: what it does not see. docs/judge.md has a line for each.
enum class Difference : std::uint8_t {
  kNone,
  kLink,        // what the link of the target carries
  kOctets,      // which octets a text has: only their number
  kNumbers,     // the initial sequence numbers, and where timestamps begin
  kReports,     // the states that the target reports
  kSilence,     // that the target has nothing more to say: an answer may be late
  kNotWritten,  // damage of the target's packets, and a second initial sequence number
  kCalls,       // calls and their results, and when the target processed a segment
  kPassedOver,  // packets that may be copies, segments of a longer frame, or behind the end of the connection
  kName,        // what another rule, which it names instead, is about
  kExcused,     // it sees a reason not to judge, and says which
  kUnknown,     // nothing: one of the two is wrong
};
inline constexpr std::size_t kDifferences = 12;
const char* to_string(Difference difference);  // "link"

// The rules that were found broken, without consequences and each once, in the order of the catalogue.
struct Findings {
  std::vector<Rule> broken{};    // MUSTs
  std::vector<Rule> departed{};  // SHOULDs
  bool inconclusive = false;
  std::string why{};  // of the first, or of what is inconclusive

  bool any() const { return !broken.empty() || !departed.empty(); }
  friend bool operator==(const Findings& a, const Findings& b) {
    return a.broken == b.broken && a.departed == b.departed && a.inconclusive == b.inconclusive;
  }
};

Findings findings_of(const std::vector<Verdict>& verdicts);

struct Agreement {
  std::array<Findings, kWays> findings{};       // indexed by Way
  std::array<Difference, kWays> differences{};  // from the live run

  bool holds() const;        // no difference is kUnknown
  std::string text() const;  // one line for each way
};

struct AgreementOptions {
  std::string folder;  // for the capture and its log, which are removed again
  std::uint8_t ip = 4;
  Time round_trip{};
  PeerManner manner = PeerManner::kPrompt;
};

// Plays the scenario on the target, which must have virtual time and be able to play it.
Agreement judge_four_ways(const Scenario& scenario, Target& target, const AgreementOptions& options);

// What the record of the run does not see, so that it says this.
Difference difference_of_record(const Trace& trace, const Terms& terms, const Findings& live, const Findings& record);
// The same of its capture.
Difference difference_of_capture(const Trace& trace, const Terms& terms, const Findings& live, const Findings& capture);

}  // namespace tcpassay
