// SPDX-License-Identifier: Apache-2.0
#include "harness/site/check_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "harness/site/html.h"

namespace tcpassay {

using Json = nlohmann::ordered_json;

namespace {

const Json* member(const Json& json, const char* key) {
  if (!json.is_object()) return nullptr;
  const auto at = json.find(key);
  return at == json.end() ? nullptr : &*at;
}

}  // namespace

std::string text_of(const Json& json, const char* key) {
  const Json* value = member(json, key);
  if (value == nullptr || value->is_null()) return "";
  if (value->is_string()) return value->get<std::string>();
  return value->dump(-1, ' ', false, Json::error_handler_t::replace);
}

double number_of(const Json& json, const char* key) {
  const Json* value = member(json, key);
  return value != nullptr && value->is_number() ? value->get<double>() : 0;
}

bool flag_of(const Json& json, const char* key) {
  const Json* value = member(json, key);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

const Json& list_of(const Json& json, const char* key) {
  static const Json kNone = Json::array();
  const Json* value = member(json, key);
  return value != nullptr && value->is_structured() ? *value : kNone;
}

std::string count_of(const Json& json, const char* key) {
  return fmt::format("{:.0f}", number_of(json, key));
}

std::string SiteRun::version() const {
  return text_of(list_of(json, "target"), "version");
}

std::string SiteRun::full_name() const {
  const std::size_t with = name.find(" with ");  // a planted defect
  const std::string plant = with == std::string::npos ? "" : name.substr(with);
  return version().empty() ? name : name.substr(0, with) + " " + version() + plant;
}

std::string SiteRun::page_of(const std::string& scenario) const {
  for (const int ip : {4, 6}) {
    if (const auto at = pages.find(scenario_key(scenario, ip)); at != pages.end()) return at->second;
  }
  return "";
}

CheckReport::CheckReport(std::vector<SiteRun> all) : runs(std::move(all)) {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (const Json& rule : list_of(runs[i].json, "rules")) {
      const std::string id = text_of(rule, "id");
      auto& of_runs = rules[id];
      if (of_runs.empty()) {
        of_runs.resize(runs.size());
        ids.push_back(id);
      }
      of_runs[i] = &rule;
    }
  }
}

const Json& CheckReport::any_of(const std::string& id) const {
  for (const Json* rule : rules.at(id)) {
    if (rule != nullptr) return *rule;
  }
  static const Json kNone = Json::object();
  return kNone;
}

std::string scenario_key(const std::string& path, int ip) {
  return fmt::format("{} {}", ip, path);
}

std::string rule_page(const std::string& id) {
  return "rules/" + file_name_of(id) + ".html";
}

std::string section_name(const Json& rule) {
  return fmt::format("RFC {} section {}", text_of(rule, "rfc"), text_of(rule, "section"));
}

std::string rfc_link(const std::string& rfc, const std::string& section) {
  const bool number = !rfc.empty() && std::all_of(rfc.begin(), rfc.end(), [](char c) { return c >= '0' && c <= '9'; });
  return number ? fmt::format("https://www.rfc-editor.org/rfc/rfc{}#section-{}", rfc, file_name_of(section)) : "";
}

std::string standing_word(const Json& rule) {
  const std::string standing = text_of(rule, "standing");
  const bool broken = standing == "violated" || standing == "departed";
  if (standing == "option") return "option " + text_of(rule, "why");
  return broken && flag_of(rule, "listed") ? standing + ", listed" : standing;
}

bool section_before(const std::string& a, const std::string& b) {
  const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const std::size_t first = i, second = j;
      while (i < a.size() && is_digit(a[i])) ++i;
      while (j < b.size() && is_digit(b[j])) ++j;
      if (i - first != j - second) return i - first < j - second;
      if (const int order = a.compare(first, i - first, b, second, j - second); order != 0) return order < 0;
    } else if (a[i] != b[j]) {
      return a[i] < b[j];
    } else {
      ++i, ++j;
    }
  }
  return a.size() - i < b.size() - j;
}

}  // namespace tcpassay
