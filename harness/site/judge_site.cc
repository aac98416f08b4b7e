// SPDX-License-Identifier: Apache-2.0
#include "harness/site/judge_site.h"

#include <fmt/format.h>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "harness/offline/annotate.h"
#include "harness/offline/conversation.h"
#include "harness/offline/judge.h"
#include "harness/offline/judge_capture.h"
#include "harness/offline/judge_filter.h"
#include "harness/offline/outcome.h"
#include "harness/site/check_pages.h"
#include "harness/site/finding_card.h"
#include "harness/site/frame.h"
#include "harness/site/html.h"
#include "harness/site/scenario_page.h"
#include "harness/wire/capture_file.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

constexpr std::size_t kConversationsShown = 300;  // of one capture, on its page

Html end_part(const EndpointResult& end) {
  Html part = tag("p", badge(to_string(end.outcome)) + Html(" ") + tag("code", end.end.text()) +
                           Html(end.why.empty() ? "" : ": " + end.why));
  if (end.outcome == Outcome::kPass) return part;
  if (end.verdict && end.verdict->kind != Verdict::Kind::kInconclusive)
    part += finding_card(finding_of(*end.verdict), "", false);
  if (!end.ladder.empty()) part += element("pre", {{"tabindex", "0"}}, end.ladder);
  return part;
}

// The conversations of a capture, those first that did not pass.
Html conversations_part(const CaptureResult& capture) {
  Html part = tag("p", fmt::format("{} conversations accepted, {} condemned, {} inconclusive.", capture.passed,
                                   capture.failed, capture.inconclusive));
  std::size_t shown = 0;
  for (const bool passed : {false, true}) {
    for (const ConversationResult& one : capture.conversations) {
      if ((one.outcome() == Outcome::kPass) != passed || ++shown > kConversationsShown) continue;
      part += tag("h2", fmt::format("{} and {}, from frame {}, {} packets", one.ends[0].end.text(),
                                    one.ends[1].end.text(), one.first_frame, one.packets)) +
              end_part(one.ends[0]) + end_part(one.ends[1]);
    }
  }
  if (shown > kConversationsShown)
    part += tag("p", fmt::format("{} more are in result.json.", shown - kConversationsShown));
  return part;
}

Html capture_main(Site& site, const FileResult& result, const std::string& name) {
  Html main = crumbs({{"Overview", "../index.html"}, {result.file, ""}}) + tag("h1", result.file);
  main += tag("p", badge(to_string(result.outcome)) + Html(result.why.empty() ? "" : " " + result.why));
  const std::string kept = "captures/" + name + ".pcapng";
  try {
    annotate_capture(result.file, comments_of(result), site.folder().path_of(kept));
    main += tag("p", element("a", {{"href", "../" + kept}, {"download", ""}},
                             "The capture as pcapng, with the findings as comments"));
  } catch (const CaptureError&) {  // such as a pipe: it cannot be read twice
  }
  return main + conversations_part(*result.capture);
}

Html script_main(const FileResult& result) {
  const RecordedRun run{.name = result.file,
                        .target = "a recorded conversation",
                        .script = script_text(result.file),
                        .crumbs = {{"Overview", "../index.html"}, {result.file, ""}},
                        .rule_pages = false};
  return scenario_main(run, result, "../");
}

Html unreadable_main(const FileResult& result) {
  return crumbs({{"Overview", "../index.html"}, {result.file, ""}}) + tag("h1", result.file) +
         tag("p", badge(to_string(result.outcome)) + Html(" ") + Html(result.why));
}

Html summary(const std::vector<FileResult>& results) {
  std::map<std::string, std::size_t> counts;
  for (const FileResult& result : results) ++counts[to_string(result.outcome)];
  Html tiles;
  for (const Outcome outcome : {Outcome::kPass, Outcome::kFail, Outcome::kInconclusive, Outcome::kUnsupported})
    tiles += tag("li", tag("b", std::to_string(counts[to_string(outcome)])) + badge(to_string(outcome)));
  Html rows;
  for (const RuleSum& sum : by_rule(results)) {
    const RuleInfo& about = info(sum.rule);
    rows += tag("tr", element("th", {{"scope", "row"}, {"class", "id"}}, tag("code", about.id)) +
                          tag("td", element("span", {{"class", "level"}}, to_string(about.level))) +
                          element("td", {{"class", "says"}}, about.sentence) +
                          element("td", {{"class", "number"}}, std::to_string(sum.count)) +
                          element("td", {{"class", "small"}}, sum.first));
  }
  Html part = element("ul", {{"class", "tiles"}}, tiles);
  if (rows.empty()) return part;
  return part + tag("h2", "Broken rules") +
         table({"Rule", "Level", "What it says", "#Times", "First"}, rows, "by-rule", "Broken rules");
}

Html file_row(const FileResult& result, const std::string& page) {
  const std::string outcome = to_string(result.outcome);
  return element("tr", {{"data-outcome", outcome}},
                 tag("td", badge(outcome)) +
                     element("th", {{"scope", "row"}}, link_to(page, tag("code", result.file))) +
                     element("td", {{"class", "says small"}}, result.why));
}

}  // namespace

void write_judge_site(const std::string& folder, const std::vector<FileResult>& results, const std::string& json) {
  const std::string about = results.size() == 1 ? results.front().file : fmt::format("{} recordings", results.size());
  Site site(folder, about, {{"Overview", "index.html"}});
  Html rows;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const FileResult& result = results[i];
    const std::string name = fmt::format("{}-{}", i + 1, file_name_of(result.file)), page = "files/" + name + ".html";
    const Html main = result.unreadable ? unreadable_main(result)
                      : result.capture  ? capture_main(site, result, name)
                                        : script_main(result);
    site.add({.path = page, .title = result.file, .main = main});
    site.index({.kind = "recording", .name = result.file, .about = to_string(result.outcome), .url = page});
    rows += file_row(result, page);
  }
  const std::vector<FilterChoice> choices{
      {"outcome", "Outcome", {"condemned", "inconclusive", "unsupported", "accepted"}}};
  site.add({.path = "index.html",
            .title = "Overview",
            .main = tag("h1", "Recorded conversations") + summary(results) + tag("h2", "Files") +
                    filter_form("files", choices) + table({"Outcome", "File", "Why"}, rows, "files", "The files")});
  site.folder().write("result.json", json);
  site.publish();
}

}  // namespace tcpassay
