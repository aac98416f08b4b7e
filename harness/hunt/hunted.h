// SPDX-License-Identifier: Apache-2.0
// What a campaign finds: a rule that is broken, or a target that fails, with everything that is needed to see it again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/report/replay_command.h"
#include "harness/script/scenario.h"
#include "harness/targets/registry.h"
#include "models/oracle.h"

namespace tcpassay {

// Findings of the same kind have one cause.
struct FindingKind {
  std::string rule;       // or "died", "failed"
  std::string state;      // where the target may have been
  std::string stimulus;   // the class of the last stimulus
  std::string seen;       // the kind of difference: what was seen, without its numbers
  bool departed = false;  // a SHOULD

  std::string text() const;
  std::string id() const;  // "MUST_38-1a2b3c4d": the name of its folder
};

// The kind of the oracle's first finding, which the scenario has just shown.
FindingKind kind_of(const Verdict& verdict, const Scenario& played);
FindingKind kind_of_death(const std::string& how, bool died, const Scenario& played);
std::string stimulus_class(const ScriptStep& step);
// What the target is known to do: rules that it breaks, and parts of what is said of its death.
struct ListedFaults {
  std::vector<std::string> rules{}, deaths{};
};
bool is_listed(const FindingKind& kind, const ListedFaults& listed, std::string_view verdict = {});

// Under which conditions a campaign plays.
struct HuntTerms {
  std::string target = "own";
  OwnStackOptions own_options{};
  Edition edition = kNewest;
  bool strict = false;
};
ReplayOptions replay_options(const HuntTerms& terms);

enum class FindingStatus : std::uint8_t {
  kUnconfirmed,   // written when it was seen, not played again yet
  kConfirmed,     // a fresh target shows it
  kNeedsHistory,  // a fresh target shows it after the inputs of the folder `history`
  kUnsteady,      // it was seen once and not again
};
const char* to_string(FindingStatus status);

struct Hunted {
  FindingKind kind{};
  FindingStatus status = FindingStatus::kUnconfirmed;
  std::filesystem::path folder{};
  std::size_t steps = 0;
  std::uint64_t inputs = 0;  // played before it
  double seconds = 0;        // of the campaign before it
  double cpu_s = 0;          // processor time of the process that found it, until then
  std::string verdict{};     // in words
  std::string replay{};      // the command that shows it again
};

// The processor time of this process, in seconds.
double processor_time();

inline constexpr const char* kFirstScript = "first.pkt";
inline constexpr const char* kHistoryNames = "first.history";

// What is written at once when a finding is seen.
struct FirstSight {
  int job = 0;            // of the process that saw it
  std::string script{};   // that was played
  std::string history{};  // how the inputs before it can be made again
};
// Writes a new finding below `folder`. Its own folder gets its name when everything is in it, so that a process can be
// killed at any time. False when another process has written it already.
bool write_first(Hunted& found, const std::filesystem::path& folder, const FirstSight& sight, const HuntTerms& terms);
// Whether this is the folder of a finding that has not got its name yet.
bool is_half_written(const std::filesystem::path& folder);

// Reads the findings below a folder; those that are half written are left out.
std::vector<Hunted> read_findings(const std::filesystem::path& folder);
std::optional<Hunted> read_finding(const std::filesystem::path& folder);
// Smaller, a finding may be of another kind: its folder gets the name of that. Where that finding is there already,
// this one is another sight of it: its folder is removed, and the answer is false.
bool move_to_its_name(Hunted& found, const HuntTerms& terms);
void write_finding_json(const Hunted& found, const HuntTerms& terms);

}  // namespace tcpassay
