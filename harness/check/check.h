// SPDX-License-Identifier: Apache-2.0
// Runs scenarios on a target and says for each rule whether it was obeyed, broken or never exercised.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/processes.h"
#include "harness/check/deviations.h"
#include "harness/script/scenario.h"
#include "harness/session/session.h"
#include "harness/target/target.h"
#include "models/oracle.h"

namespace tcpassay {

inline constexpr std::size_t kEvidenceMax = 10;   // kept for one rule; `broken` counts all
inline constexpr std::size_t kConfirmedMax = 50;  // scenarios played again to confirm what was found

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
  std::uint64_t at_work = 0;  // times it was applied when another rule was broken
  std::vector<Evidence> evidence{};
  std::string why{};  // not testable: what is missing; option: "taken", "not taken" or "both"
};

enum class TraitValue : std::uint8_t { kUnknown, kFalse, kTrue, kBoth };

struct Skipped {
  std::string scenario, why;
};

// A violation in real time that did not happen again when the scenario was played alone: not counted.
struct Unsteady {
  std::string scenario;
  Rule rule{};
};

// A listed deviation and what this run says of it.
struct Listed {
  enum class Fate : std::uint8_t { kOccurs, kGone, kNotJudged, kOtherVersion };
  Deviation deviation;
  Fate fate = Fate::kNotJudged;
};

// A line of a script, the result of one of its calls, or an assertion of its code, that did not come true.
struct FailedAssertion {
  std::string scenario;
  Mismatch mismatch;
};

struct CheckResult {
  Identity target;
  std::string defect;                    // planted, if any
  Edition edition = kNewest;             // the text that it was held to
  std::size_t scenarios = 0, steps = 0;  // played
  double wall_s = 0;
  bool whole = true;                  // every scenario of the corpus was asked for
  std::vector<RuleResult> rules{};    // indexed by Rule
  std::vector<TraitValue> profile{};  // indexed by Trait
  std::vector<Skipped> skipped{};
  std::vector<Listed> deviations{};
  std::vector<Unsteady> unsteady{};
  std::vector<FailedAssertion> failed{};

  std::size_t count(Standing standing) const;
  bool is_listed(Rule rule) const;
  // 0: conforms but for listed deviations; 1: a MUST is violated that is not listed, a listed deviation is gone, or a
  // script's own assertion has failed.
  int exit_status() const;
};

// What the oracle said of one trace.
struct Judged {
  std::string scenario, replay;
  std::vector<Verdict> verdicts{};
  std::vector<Count> counts{};                // indexed by Rule
  std::vector<std::optional<bool>> traits{};  // indexed by Trait
};
Judged judged_by(const Oracle& oracle);

// Adds traces up.
class Tally {
 public:
  Tally();
  void add(const Judged& trace);
  void skip(const std::string& scenario, const std::string& why, const std::vector<std::string>& covers = {});
  // Fills in rules, profile, skipped and the fate of the deviations of `result`.
  void settle(CheckResult& result) const;

 private:
  struct Row {
    RuleResult result;
    bool violated = false, departed = false, consequence = false, inconclusive = false;
    std::string missing;  // why a scenario that covers the rule was skipped
  };
  Standing standing(const Row& row) const;

  std::vector<Row> rows_;
  std::vector<TraitValue> profile_;
  std::vector<Skipped> skipped_;
};

struct CheckOptions {
  std::string target = "own", defect{};
  std::vector<std::string> legal_variants{};  // of the own stack
  Edition edition = kNewest;
  bool oracle_only = false;   // scripts that say what the target does are not held against it
  std::string pcap_folder{};  // a capture for each scenario goes there
  std::vector<Deviation> deviations{};
  bool whole = true;
  std::uint64_t seed = 1;  // of a target whose runs are a function of it: another one, other initial sequence numbers
  int jobs = 1;  // processes, each with a target of its own; several where time is real, since they mostly wait
  // Called after each scenario, for a progress line: how many are done, how many there are, which was the last.
  std::function<void(std::size_t, std::size_t, const std::string&)> progress{};
};

// A scenario and where it was read from.
struct ScenarioFile {
  std::string path;
  Scenario scenario;
  std::uint8_t ip = 4;  // played over this version of IP unless it names one itself
};

// Every script below the paths (files or folders; `deviations` folders are left out), sorted by path. An empty `suite`
// takes all; otherwise those of that suite or below a folder of that name. Throws std::runtime_error.
std::vector<ScenarioFile> read_scenarios(const std::vector<std::string>& paths, const std::string& suite = "",
                                         const std::vector<std::string>& defines = {});

// Each scenario over the versions of IP in turn; one that names its own is there once.
std::vector<ScenarioFile> over_ip(const std::vector<ScenarioFile>& scenarios,
                                  const std::vector<std::uint8_t>& versions);

// Throws TargetError when the target cannot be made, or not be made again after it died.
CheckResult check(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options);

// A capture or report is written under names without folders: "3.4-sequence/wrap.pkt" becomes "3.4-sequence_wrap".
std::string flat_name(const std::string& path);

}  // namespace tcpassay
