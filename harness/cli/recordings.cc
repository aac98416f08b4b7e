// SPDX-License-Identifier: Apache-2.0
#include "harness/cli/recordings.h"

#include <stdlib.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <filesystem>
#include <system_error>

#include "harness/cli/options.h"
#include "harness/site/site_folder.h"

namespace tcpassay {

namespace fs = std::filesystem;

Recordings::Recordings(const CliOptions& cli) {
  const bool html = cli.format == "html";
  if (!html && !cli.output.empty()) throw UsageError("--output is for --format html; text and JSON are printed");
  if (!html) return;
  if (cli.output.empty()) throw UsageError("--format html needs a folder to write to: -o DIR");
  require_site_place(cli.output);
  if (!cli.pcap.empty()) return;
  std::string name = (fs::temp_directory_path() / "tcpassay-report-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw UsageError(name + ": cannot be created");
  folder_ = name;
}

Recordings::~Recordings() {
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

CliOptions Recordings::recorded(const CliOptions& cli) const {
  CliOptions same = cli;
  if (!folder_.empty()) same.pcap = folder_;
  return same;
}

void add_html_output_option(CLI::App& app, CliOptions& cli) {
  app.add_option("--output,-o", cli.output,
                 "with --format html: the folder for the report; an earlier report is replaced");
}

}  // namespace tcpassay
