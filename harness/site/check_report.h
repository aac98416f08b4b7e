// SPDX-License-Identifier: Apache-2.0
// Results of `check`, as its JSON has them, in the form in which the pages of a report need them.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace tcpassay {

// The result of one target.
struct SiteRun {
  std::string name;               // of the target; no two runs of a report have the same
  nlohmann::ordered_json json{};  // {"target","failure"} where it could not be tested
  std::string recordings{};       // the folder with the captures and logs that check wrote; empty: there are none
  std::map<std::string, std::string> pages{};  // of its scenarios, by path and IP version: scenario_key()

  bool failed() const { return json.contains("failure"); }
  std::string version() const;
  std::string full_name() const;                           // "linux 6.1"
  std::string page_of(const std::string& scenario) const;  // over whichever IP version; empty: there is none
};

struct CheckReport {
  std::vector<SiteRun> runs{};
  std::vector<std::string> ids{};  // of rules, in the order of the catalogue
  std::map<std::string, std::vector<const nlohmann::ordered_json*>>
      rules{};  // by id, for each run; null: unknown there

  explicit CheckReport(std::vector<SiteRun> all);
  CheckReport(const CheckReport&) = delete;
  CheckReport& operator=(const CheckReport&) = delete;

  bool several() const { return runs.size() > 1; }
  const nlohmann::ordered_json& any_of(const std::string& id) const;  // the rule as the first run that has it tells it
};

// What may be missing, or of another type, in JSON from elsewhere.
std::string text_of(const nlohmann::ordered_json& json, const char* key);
double number_of(const nlohmann::ordered_json& json, const char* key);
bool flag_of(const nlohmann::ordered_json& json, const char* key);
const nlohmann::ordered_json& list_of(const nlohmann::ordered_json& json, const char* key);  // [] or {}
std::string count_of(const nlohmann::ordered_json& json, const char* key);                   // "12"

std::string scenario_key(const std::string& path, int ip);
std::string rule_page(const std::string& id);                  // "rules/MUST_10.html"
std::string section_name(const nlohmann::ordered_json& rule);  // "RFC 9293 section 3.4"
std::string rfc_link(const std::string& rfc, const std::string& section);

// "violated", or "violated, listed" where the target's file of deviations has it.
std::string standing_word(const nlohmann::ordered_json& rule);

// Sections as people order them: 3.9 before 3.10.
bool section_before(const std::string& a, const std::string& b);

}  // namespace tcpassay
