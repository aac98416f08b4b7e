// SPDX-License-Identifier: Apache-2.0
#include "harness/cli/fuzz_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

#include "harness/base/version.h"
#include "harness/check/corpus.h"
#include "harness/script/parse.h"
#include "harness/site/findings_site.h"
#include "harness/site/html.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// What stands behind a word in the lines of describe().
std::string said(const std::string& verdict, const std::string& word) {
  const std::size_t at = verdict.find("\n  " + word + " ");
  if (at == std::string::npos) return "";
  const std::size_t begin = verdict.find_first_not_of(' ', at + word.size() + 3);
  return begin == std::string::npos ? "" : verdict.substr(begin, verdict.find('\n', begin) - begin);
}

fs::path script_of(const Hunted& found) {
  const fs::path least = found.folder / "finding.pkt";
  return fs::exists(least) ? least : found.folder / kFirstScript;
}

int ip_of(const Hunted& found) {
  try {
    return ip_version(read_script(script_of(found).string())).value_or(4);
  } catch (const ScriptError&) {  // then it has no page
    return 4;
  }
}

Json violation(const Hunted& found, bool listed) {
  return {{"rule", found.kind.rule},
          {"level", found.kind.departed ? "SHOULD" : "MUST"},
          {"standing", found.kind.departed ? "departed" : "violated"},
          {"state", found.kind.state},
          {"stimuli", found.kind.stimulus},
          {"stimulus", fmt::format("{} steps, {}", found.steps, to_string(found.status))},
          {"cases", 1},
          {"ip", ip_of(found)},
          {"allowed", said(found.verdict, "allowed")},
          {"seen", said(found.verdict, "seen")},
          {"replay", found.replay},
          {"file", script_of(found).string()},
          {"listed", listed}};
}

}  // namespace

Json fuzz_json(const fs::path& campaign, const std::vector<Hunted>& findings, const HuntTerms& terms,
               const ListedFaults& listed) {
  std::ifstream in(campaign / "status.json");
  Json status = Json::parse(in, nullptr, false);
  if (!status.is_object()) status = Json::object();
  const auto inputs = status.value("inputs", std::uint64_t{0});
  Json violations = Json::array(), died = Json::array();
  std::size_t unlisted = 0;
  for (const Hunted& found : findings) {
    const bool known = is_listed(found.kind, listed, found.verdict);
    unlisted += known ? 0 : 1;
    if (!rule_by_id(found.kind.rule)) {
      died.push_back({{"how", fmt::format("{} ({})", found.verdict, found.replay)}});
      continue;
    }
    violations.push_back(violation(found, known));
  }
  const bool conforms = unlisted == 0;
  return {{"target", terms.target},
          {"version", kVersion},
          {"ruleset", to_string(terms.edition)},
          {"strict", terms.strict},
          {"cells", {{"total", inputs}, {"visited", inputs}}},
          {"wall_s", status.value("seconds", 0.0)},
          {"conclusion", conforms ? fmt::format("conforms in {} inputs of a campaign", inputs)
                                  : fmt::format("{} findings in {} inputs of a campaign", unlisted, inputs)},
          {"died", died},
          {"violations", violations}};
}

void write_fuzz_site(const std::string& folder, const Json& json, const std::vector<Hunted>& findings,
                     const std::string& captures) {
  for (const Hunted& found : findings) {
    const fs::path stem = fs::path(captures) / file_name_of(flat_name(script_of(found).string()));
    std::error_code lacks;  // the page then has no diagram
    fs::copy_file(found.folder / "finding.pcapng", stem.string() + ".pcapng", lacks);
    fs::copy_file(found.folder / "finding.run", stem.string() + ".run", lacks);
  }
  write_findings_site(folder, {{.name = json.at("target"), .json = json, .recordings = captures}});
}

}  // namespace tcpassay
