// SPDX-License-Identifier: Apache-2.0
// A campaign: plays inputs on a target for as long as asked, keeps those that showed something new and writes what is
// found. Everything stands in one folder; the next campaign in that folder goes on there.
//   FOLDER/corpus/kept.pkts     inputs worth keeping, as scripts; FOLDER/corpus/*.pkt are read, too
//   FOLDER/findings/ID/         one finding each: first.pkt is there from the moment it was seen
//   FOLDER/status.json          totals over all runs
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/hunt/feedback.h"
#include "harness/hunt/hunted.h"

namespace tcpassay {

struct HuntOptions {
  HuntTerms terms{};
  std::filesystem::path folder{"hunt"};
  double seconds = 0;              // 0: until interrupted
  std::uint64_t inputs = 0;        // each process plays at most so many; 0: no limit
  std::uint64_t findings_max = 0;  // the campaign ends after so many findings that are not listed; 0: never
  int jobs = 1;
  std::uint64_t seed = 1;
  std::vector<std::string> seeds{};     // folders and files with scripts
  std::vector<std::string> left_out{};  // rules: scripts that say that they cover one of these are no seeds
  std::vector<std::string> ignored{};   // rules that make no finding
  ListedFaults listed{};                // what the target is known to do: no reason to end or to complain,
                                        // and few findings of one are looked into
  Signals signals{};
  bool plain = false;  // values are changed without structure, to compare with
  // Called about once a second.
  std::function<void(const struct HuntStatus&)> progress{};
};

struct HuntStatus {
  std::uint64_t inputs = 0;                  // over all runs in this folder
  std::uint64_t seeds = 0, seeds_total = 0;  // scripts to begin with that were looked at, of how many
  double seconds = 0;                        // likewise
  std::uint64_t steps = 0;                   // of the scenarios played, likewise
  double rate = 0, steps_rate = 0;           // inputs and steps a second in this run
  std::size_t transitions = 0, rules = 0, features = 0, corpus = 0;
  std::map<std::string, std::size_t> findings{};  // by rule, those that are not listed
  std::size_t unlisted = 0, listed = 0;           // how many of either
  bool interrupted = false;
};

// Throws TargetError when the target cannot be made, std::runtime_error when the folder cannot be written.
HuntStatus hunt(const HuntOptions& options);

std::string status_text(const HuntStatus& status);  // one line
// One line each; what the target is known to break is marked.
std::string findings_text(const std::vector<Hunted>& findings, const ListedFaults& listed = {});

}  // namespace tcpassay
