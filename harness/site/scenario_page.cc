// SPDX-License-Identifier: Apache-2.0
#include "harness/site/scenario_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include "harness/offline/annotate.h"
#include "harness/offline/judge.h"
#include "harness/offline/judge_run.h"
#include "harness/report/verdict_json.h"
#include "harness/session/run_log.h"
#include "harness/site/check_report.h"
#include "harness/site/finding_card.h"
#include "harness/site/frame.h"
#include "harness/site/html.h"
#include "harness/site/ladder_svg.h"
#include "harness/site/packet_details.h"
#include "harness/wire/capture_reader.h"
#include "harness/wire/packet.h"
#include "models/freedom.h"
#include "models/oracle.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

constexpr std::uintmax_t kScriptMax = 64 << 10;  // octets of a script that a page shows

std::string outcome_of(const RecordedRun& run, const FileResult& judged) {
  std::string worst = "passed";
  for (const Verdict& verdict : judged.verdicts) {
    if (verdict.consequence) continue;
    if (verdict.kind == Verdict::Kind::kViolated) return "violated";
    if (verdict.kind == Verdict::Kind::kDeparted || worst == "passed") worst = to_string(verdict.kind);
  }
  return worst == "passed" && !run.failed.empty() ? "failed" : worst;
}

Html verdicts_part(const RecordedRun& run, const FileResult& judged, const std::string& up) {
  Html part;
  for (std::size_t i = 0; i < judged.verdicts.size(); ++i) {
    Finding finding = finding_of(judged.verdicts[i]);
    finding.anchor = fmt::format("v{}", i);
    part += finding_card(finding, up, run.rule_pages);
  }
  for (const std::string& line : run.failed) {
    part += element("article", {{"class", "finding violated"}},
                    tag("h3", badge("failed", "the script's own assertion failed")) + tag("p", line));
  }
  for (const Verdict& use : judged.tolerated) {
    const std::string name = use.freedom ? std::string(info(*use.freedom).id) : "";
    part += element("article", {{"class", "finding"}},
                    tag("h3", badge("tolerated") + tag("code", name)) + tag("p", use.seen) +
                        element("p", {{"class", "soft small"}},
                                fmt::format("No text grants this. It excuses {}: {}", info(use.rule).id, use.allowed)));
  }
  if (part.empty()) return tag("p", badge("passed") + Html(" The judge found nothing wrong."));
  return part;
}

Html facts(const RecordedRun& run, const std::string& up) {
  Html list;
  const auto add = [&](const char* name, const Html& value) { list += tag("dt", name) + tag("dd", value); };
  add("target", run.target);
  add("script", tag("code", run.name));
  if (!run.covers.empty()) {
    Html ids;
    for (const std::string& id : run.covers) {
      if (!ids.empty()) ids += ", ";
      ids += run.rule_pages ? link_to(up + rule_page(id), tag("code", id)) : tag("code", id);
    }
    add("written for", ids);
  }
  if (!run.capture.empty()) {
    add("capture", element("a", {{"href", run.capture}, {"download", ""}}, "pcapng, with the verdicts as comments"));
  }
  return element("dl", {{"class", "pair"}}, list);
}

Html drawing(const FileResult& judged) {
  const Html svg = ladder_svg(judged.trace, judged.verdicts);
  return element("div", {{"class", "drawing"}, {"role", "region"}, {"aria-label", "Ladder diagram"}, {"tabindex", "0"}},
                 svg);
}

}  // namespace

Html scenario_main(const RecordedRun& run, const FileResult& judged, const std::string& up) {
  Html main = crumbs(run.crumbs) + tag("h1", run.title.empty() ? run.name : run.title);
  main += tag("p", badge(outcome_of(run, judged)));
  main += facts(run, up) + command_line(run.replay);
  main += tag("h2", "Verdicts") + verdicts_part(run, judged, up);
  const ShownEvents shown = shown_events(judged.trace, judged.verdicts);
  main += tag("h2", "What happened");
  const std::size_t all = judged.trace.events.size();
  if (shown.end - shown.first < all) {
    main +=
        element("p", {{"class", "soft"}},
                fmt::format("Events {} to {} of {}; the capture has all packets.", shown.first + 1, shown.end, all));
  }
  main += drawing(judged);
  main += element("p", {{"class", "soft small"}},
                  "Sequence numbers count from the SYN of their sender. A click on a packet leads to its fields.");
  main += tag("h2", "Packets") + packet_details(judged.trace, shown, run.packets);
  if (!run.script.empty()) {
    main += tag("h2", "Script") + element("pre", {{"tabindex", "0"}}, run.script);
  }
  return main;
}

void add_recorded_page(Site& site, RecordedRun run, const RecordedPage& about) {
  const std::string log = run_log_of(about.capture), up = way_up(about.page);
  const FileResult judged = judge_run(about.capture, log, about.edition, about.strict);
  const std::string kept = site.folder().path_of(about.capture_kept);
  annotate_capture(about.capture, comments_of(judged.trace, judged.verdicts), kept);
  std::filesystem::copy_file(log, run_log_of(kept), std::filesystem::copy_options::overwrite_existing);
  run.capture = up + about.capture_kept;
  run.packets = packets_of(judged.trace, about.capture);
  site.add({.path = about.page, .title = run.name, .main = scenario_main(run, judged, up)});
}

std::vector<Bytes> packets_of(const Trace& trace, const std::string& capture) {
  std::vector<Bytes> packets(trace.events.size());
  CaptureReader reader(capture);
  auto captured = reader.next();
  for (std::size_t i = 0; i < packets.size() && i < trace.places.size(); ++i) {
    const auto frame = static_cast<std::uint64_t>(std::max(trace.places[i].line, 0));
    if (frame == 0) continue;
    while (captured && captured->number < frame) captured = reader.next();
    if (!captured) break;
    if (captured->number == frame) packets[i].assign(captured->packet.begin(), captured->packet.end());
  }
  return packets;
}

std::string script_text(const std::string& path) {
  std::error_code error;
  if (!path.ends_with(".pkt") || !std::filesystem::is_regular_file(path, error)) return "";
  if (std::filesystem::file_size(path, error) > kScriptMax) return "";
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace tcpassay
