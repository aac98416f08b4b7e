// SPDX-License-Identifier: Apache-2.0
#include "harness/site/finding_card.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "harness/report/run_report.h"
#include "harness/report/verdict_json.h"
#include "harness/site/check_report.h"
#include "harness/site/difference.h"
#include "harness/site/frame.h"
#include "harness/site/html.h"
#include "models/oracle.h"
#include "models/rule.h"

namespace tcpassay {

using Json = nlohmann::ordered_json;

namespace {

// What the JSON leaves out, the catalogue of this program may know.
void complete(Finding& finding) {
  const auto rule = rule_by_id(finding.rule);
  if (!rule) return;
  const RuleInfo& about = info(*rule);
  if (finding.level.empty()) finding.level = to_string(about.level);
  if (finding.rfc.empty()) finding.rfc = std::to_string(about.rfc);
  if (finding.section.empty()) finding.section = about.section;
  if (finding.sentence.empty()) finding.sentence = about.sentence;
}

Html row(const std::string& name, const Html& value) {
  return tag("dt", name) + tag("dd", value);
}

}  // namespace

Finding finding_of(const Verdict& verdict) {
  Finding finding{.kind = to_string(verdict.kind),
                  .rule = std::string(info(verdict.rule).id),
                  .state = verdict.state,
                  .allowed = verdict.allowed,
                  .seen = verdict.seen,
                  .at = fmt::format("{:.6f} s", seconds_of(verdict.at)),
                  .consequence = verdict.consequence};
  if (verdict.context) {
    const RuleInfo& odd = info(*verdict.context);
    finding.before = fmt::format("the peer's last packet was odd ({}: {})", odd.id, odd.sentence);
  }
  complete(finding);
  return finding;
}

Finding finding_of(const Json& evidence, const Json& rule) {
  const std::string id = text_of(rule, "id");
  Finding finding{.kind = text_of(rule, "standing"),
                  .rule = id.empty() ? text_of(evidence, "rule") : id,
                  .level = text_of(rule, "level"),
                  .rfc = text_of(rule, "rfc"),
                  .section = text_of(rule, "section"),
                  .sentence = text_of(rule, "sentence"),
                  .state = text_of(evidence, "state"),
                  .allowed = text_of(evidence, "allowed"),
                  .seen = text_of(evidence, "seen"),
                  .replay = text_of(evidence, "replay")};
  if (evidence.contains("at_s")) finding.at = fmt::format("{:.6f} s", number_of(evidence, "at_s"));
  complete(finding);
  return finding;
}

Html finding_card(const Finding& finding, const std::string& up, bool rule_pages) {
  const Html id = tag("code", finding.rule);
  Html heading = badge(finding.kind) + element("span", {{"class", "level"}}, finding.level);
  if (!finding.own_page) heading += rule_pages ? link_to(up + rule_page(finding.rule), id) : id;
  if (finding.consequence) heading += element("span", {{"class", "soft small"}}, "a consequence of an earlier one");
  Html card = tag("h3", heading);
  if (!finding.own_page) card += tag("p", finding.sentence);
  const MarkedDifference difference = marked_difference(finding.allowed, finding.seen);
  Html pair = row("allowed", element("span", {{"class", "said"}}, difference.allowed)) +
              row("seen", element("span", {{"class", "said"}}, difference.seen));
  if (!finding.before.empty()) pair += row("before", finding.before);
  std::string where = finding.state.empty() ? "" : "in " + finding.state;
  if (!finding.at.empty()) where += (where.empty() ? "at " : ", at ") + finding.at;
  if (!where.empty()) pair += row("where", where);
  const std::string clause = fmt::format("RFC {} section {}", finding.rfc, finding.section);
  const std::string text = rfc_link(finding.rfc, finding.section);
  if (!text.empty() && !finding.own_page) pair += row("clause", link_to(text, clause));
  if (!finding.link.empty()) pair += row("shown by", link_to(finding.link, finding.link_text));
  card += element("dl", {{"class", "pair"}}, pair) + command_line(finding.replay);
  Attributes attributes{{"class", "finding " + file_name_of(finding.consequence ? "follows" : finding.kind)}};
  if (!finding.anchor.empty()) attributes.emplace_back("id", finding.anchor);
  return element("article", attributes, card);
}

}  // namespace tcpassay
