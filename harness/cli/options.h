// SPDX-License-Identifier: Apache-2.0
// What the user's words came to, and what the verbs of the command line share.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/edition.h"

namespace tcpassay {

inline constexpr int kRealJobs = 16;  // a target whose time is real mostly waits

// Every verb uses some of it.
struct CliOptions {
  std::string target = "own", plant{}, suite{}, format = "text", corpus{}, pcap{}, rule{}, zoo{}, ip = "4";
  std::string ruleset = to_string(kNewest);
  std::vector<std::string> paths{}, temper{};
  double seconds = 3;
  std::size_t samples = 10000;
  std::uint64_t seed = 1;
  bool pairs = true;
  std::vector<std::string> plants{};
  std::vector<std::string> ends{};  // of conversations
  bool packets_alone = false;       // of captures, without the log of the run
  int jobs = 0;                     // 0: as many as serve the target
  bool defects = false, legal_variants = false, diagrams = false, play = false, sweep = false;
  bool oracle_only = false;
  std::vector<std::string> defines{};  // NAME or NAME=VALUE, for scripts
  std::string output{};                // a file
  std::vector<std::string> states{}, flags{};
  std::string road{}, findings = "findings";
  std::uint64_t one_in = 1;
};

// What is wrong with them, in one line.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void print(const std::string& text);
std::string corpus_folder(const CliOptions& cli);
std::string target_name(const CliOptions& cli);  // without a defect
Edition edition_of(const CliOptions& cli);
std::vector<std::uint8_t> ip_versions_of(const CliOptions& cli);

// A line on a terminal that says how far the work is; empty where there is no terminal.
std::function<void(std::size_t, std::size_t, const std::string&)> progress_line();
void end_progress();

// Verbs of another file.
int explain(const CliOptions& cli);
int run_sweep(const CliOptions& cli);
int run_sweep_mutation_test(const CliOptions& cli);  // zoo --sweep

}  // namespace tcpassay
