// SPDX-License-Identifier: Apache-2.0
// tcpassay export
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <memory>

#include "harness/base/write_file.h"
#include "harness/cli/play.h"
#include "harness/cli/verbs.h"
#include "harness/report/packetdrill_export.h"
#include "harness/script/parse.h"
#include "harness/session/session.h"

namespace tcpassay {
namespace {

constexpr std::size_t kPacketsMax = 1 << 20;  // sent by the target and written to one script

void write_to(const std::string& path, const std::string& text) {
  if (path.empty()) return print(text);
  write_file(path, text);
}

}  // namespace

void export_options(CLI::App& app, CliOptions& cli) {
  add_optional_target(app, cli, "play the script on this target; what the target sends becomes > lines");
  app.add_option("--plant", cli.defect, "a defect to plant in the own stack")->needs("--target");
  app.add_option("--temper", cli.legal_variants, "legal variants of the own stack's behaviour, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->needs("--target");
  add_ip_option(app, cli, {"4", "6"});
  add_define_option(app, cli);
  app.add_option("--format,-f", cli.format, "pkt, a script; or pcap, a capture, which needs --target and --output")
      ->check(CLI::IsMember(std::vector<std::string>{"pkt", "pcap"}));
  app.add_option("--output,-o", cli.output, "the file to write; if not given, the script is printed");
  app.add_option("FILE", cli.paths, "the script")->required()->expected(1);
}

int run_export(const CliOptions& cli) {
  require_other_file(cli.output, cli.paths);
  const Scenario scenario = read_script(cli.paths.front(), cli.defines);
  if (scenario.steps.empty()) throw UsageError(cli.paths.front() + ": nothing is in it");
  const bool pcap = cli.format == "pcap";
  if (pcap && (!cli.target_given || cli.output.empty())) throw UsageError("--format pcap needs --target and --output");
  if (!cli.target_given) {
    write_to(cli.output, export_scenario(scenario));
    return 0;
  }
  const auto target = make_target(cli);
  require_playable(scenario, *target, cli, false);
  SessionOptions options{.assertions = false, .ip = ip_version_of(cli), .packets_kept = kPacketsMax};
  std::unique_ptr<CaptureFile> capture;
  if (pcap) capture = std::make_unique<CaptureFile>(cli.output);
  options.capture = capture.get();
  if (target->identity().can(Ability::kVirtualTime)) options.final_wait = kDelayedAckWait;
  Session session(*target, options);
  session.play(scenario);
  if (capture) {
    capture->close();
    return 0;
  }
  const std::uint8_t ip = ip_version(scenario).value_or(options.ip);
  write_to(cli.output, export_run(scenario, session.trace(), session.take_packets(), target->identity(), ip));
  return 0;
}

}  // namespace tcpassay
