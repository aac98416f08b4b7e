// SPDX-License-Identifier: Apache-2.0
// Where the captures go that an HTML report shows.
#pragma once

#include <string>

#include "harness/cli/options.h"

namespace tcpassay {

// With --format html, a folder for captures while the command runs, unless the user names one with --pcap.
class Recordings {
 public:
  // Throws UsageError where the report could not be written in the end, so that nothing is played in vain.
  explicit Recordings(const CliOptions& cli);
  ~Recordings();
  Recordings(const Recordings&) = delete;
  Recordings& operator=(const Recordings&) = delete;

  // The same options; captures go to the folder.
  CliOptions recorded(const CliOptions& cli) const;

 private:
  std::string folder_;
};

void add_html_output_option(CLI::App& app, CliOptions& cli);

}  // namespace tcpassay
