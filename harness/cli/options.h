// SPDX-License-Identifier: Apache-2.0
// Parsed command line options, and what the verbs share.
#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "harness/check/check_result.h"
#include "harness/check/selection.h"
#include "harness/session/round_trip.h"
#include "models/edition.h"

namespace CLI {
class App;
}

namespace tcpassay {

// The options of all verbs. Each verb uses some of them.
struct CliOptions {
  std::string target = "own", defect{};              // defect: planted in the own stack
  std::vector<std::string> legal_variants{};         // of the own stack
  bool all_rows = false, update_deviations = false;  // check
  std::vector<std::string> deviations{};             // files of deviations, or folders with them
  std::string claims{}, shard{};                     // check: a file; "2/8", of sweep too
  bool in_process = false;                           // adapters run without a child process
  bool target_given = false;                         // export and catalogue play on a target only if the user names one
  std::string ip = "4";                              // "4", "6" or "both"
  std::string ruleset = to_string(kNewest);
  bool strict = false;  // what is tolerated though no text grants it counts as broken
  std::string format = "text";
  std::string merged_format = "json";
  std::string corpus{};
  std::vector<std::string> suites{}, sections{}, tags{}, excluded{};  // which scenarios; only_rules too
  bool list = false, list_rules = false;                              // print them instead of playing
  std::string fail_on = "must";                                       // or "should" or "never"
  bool quiet = false;                                                 // print the conclusion alone
  std::vector<std::string> paths{};
  std::vector<std::string> defines{};  // NAME or NAME=VALUE, for scripts
  int rtt_ms = 0;                      // the round trip between peer and target
  std::string manner = "prompt";       // how the peer answers
  bool oracle_only = false;            // do not compare what scripts themselves say of the target
  std::string pcap{};                  // a file; of check a folder
  std::string output{};                // a file
  int jobs = 0;                        // 0: as many as suit the target

  bool four_ways = false;                                  // run
  bool list_defects = false, list_legal_variants = false;  // targets
  bool ladders = false;                                    // judge
  std::vector<std::string> ends{};                         // judge: only these ends of conversations
  std::vector<std::string> only_rules{};                   // judge: print only findings about these; check: see above
  std::string only_level{}, only{};                        // judge: "must" or "should"; "failed", of check too
  std::string annotate{}, extract{};                       // judge: files to write
  std::uint64_t frame = 0;                                 // judge: of the conversation to extract
  bool packets_alone = false;                              // judge: captures without the log of the run
  std::string rule{};                                      // explain
  bool horizons = false;                                   // catalogue: print the table of horizons
  std::string kill_matrix{};                               // catalogue: the file that zoo --format json has written
  double seconds = 3;                                      // bench
  std::vector<std::string> defects{};                      // zoo: only these
  bool pairs = true, both_ip = false, by_sweep = false;    // zoo
  bool covers = false;                                     // zoo: print what no defect proves
  std::size_t samples = 10000;                             // sharpness
  std::uint64_t seed = 1;                                  // sharpness
  std::vector<std::string> histories{};                    // sharpness: only these edits
  std::string survivors{};                                 // sharpness: a folder
  std::vector<std::string> states{}, flags{};              // sweep
  std::string road{}, findings = "findings";               // sweep
  std::uint64_t one_in = 1;                                // sweep
  std::string verb{}, shell{};                             // manual, completions

  // fuzz
  std::string folder{}, action{}, signals = "transitions,pairs,rules,freedoms";
  double campaign_s = 0;
  std::uint64_t inputs = 0, findings_max = 0;
  std::vector<std::string> seed_paths{}, left_out{}, ignored{};
  bool plain = false;
};

// The command line asks for something that cannot be done. The message is one line.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void print(const std::string& text);
// That a file to write is none of those that are read, which would be lost.
void require_other_file(const std::string& written, const std::vector<std::string>& read);
// --corpus, else $TCPASSAY_CORPUS, else ./corpus, else the corpus of this installation (corpus_place.h).
std::string corpus_folder(const CliOptions& cli);
bool has_corpus(const CliOptions& cli);
std::string target_name(const CliOptions& cli);  // "own" of "own:rst_out_of_window"
Edition edition_of(const CliOptions& cli);
std::uint8_t ip_version_of(const CliOptions& cli);
std::vector<std::uint8_t> ip_versions_of(const CliOptions& cli);
bool is_one_wire(const std::string& target);  // of which one process can be the other end
int jobs_of(const CliOptions& cli);  // --jobs; if not given, 1 for own, many for the kernel (it mostly waits), else
                                     // one a processor

// A line on a terminal that shows progress; empty where there is no terminal.
std::function<void(std::size_t, std::size_t, const std::string&)> progress_line();
void end_progress();

// What is wrong with a word that should be a whole number from `least` on. CLI11 itself takes -1 for a huge one.
std::function<std::string(const std::string&)> whole_number(std::uint64_t least);

// Options that several verbs have.
void add_target_options(CLI::App& app, CliOptions& cli, bool several = false);
void add_optional_target(CLI::App& app, CliOptions& cli, const char* help);
void add_ruleset_option(CLI::App& app, CliOptions& cli);
void add_strict_option(CLI::App& app, CliOptions& cli);
void add_ip_option(CLI::App& app, CliOptions& cli, const std::vector<std::string>& versions);
void add_format_option(CLI::App& app, CliOptions& cli, const std::vector<std::string>& formats);
void add_corpus_option(CLI::App& app, CliOptions& cli);
void add_define_option(CLI::App& app, CliOptions& cli);
void add_oracle_only_option(CLI::App& app, CliOptions& cli);
void add_rtt_option(CLI::App& app, CliOptions& cli);
PeerManner manner_of(const CliOptions& cli);
// --suite, --rule, --section, --tag, --exclude, and what they choose.
void add_selection_options(CLI::App& app, CliOptions& cli);
Selection selection_of(const CliOptions& cli);
// --deviations; what they name, else the corpus's folder of deviations.
void add_deviations_option(CLI::App& app, CliOptions& cli);
std::vector<std::string> deviation_paths(const CliOptions& cli);
void add_shard_option(CLI::App& app, CliOptions& cli);
void add_only_option(CLI::App& app, CliOptions& cli);  // --only failed
void add_fail_on_option(CLI::App& app, CliOptions& cli, const char* help);
FailOn fail_on_of(const CliOptions& cli);
void add_quiet_option(CLI::App& app, CliOptions& cli);

void add_jobs_option(CLI::App& app, CliOptions& cli, const char* help);
void add_corpus_paths(CLI::App& app, CliOptions& cli);

}  // namespace tcpassay
