// SPDX-License-Identifier: Apache-2.0
#include "harness/check/requirement_coverage.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/check/json_file.h"
#include "harness/check/times.h"
#include "harness/check/tolerated.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

void add(Sum& sum, const RowAccount& row) {
  ++sum.rows;
  sum.applied += !row.rules.empty();
  sum.exempt += row.rules.empty() && row.exempt != nullptr;
  sum.exercised += row.exercised;
  sum.proven += !row.proven.empty();
}

std::string line(const Account& account, const std::string& name, const Sum& sum) {
  std::string text =
      fmt::format("{:<9} {:>5} {:>8} {:>7} {:>12}", name, sum.rows, sum.applied, sum.exempt, sum.unaccounted());
  if (account.target) text += fmt::format(" {:>10}", sum.exercised);
  if (account.defects) text += fmt::format(" {:>7}", sum.proven);
  return text + "\n";
}

std::string heading(const Account& account) {
  std::string text =
      fmt::format("{:<9} {:>5} {:>8} {:>7} {:>12}", "DOCUMENT", "ROWS", "APPLIED", "EXEMPT", "UNACCOUNTED");
  if (account.target) text += fmt::format(" {:>10}", "EXERCISED");
  if (account.defects) text += fmt::format(" {:>7}", "PROVEN");
  return text + "\n";
}

std::string paragraph(const std::string& title, const std::vector<std::string>& names, int columns) {
  if (names.empty()) return "";
  return "\n" + wrapped(fmt::format("{} ({}): {}", title, names.size(), fmt::join(names, " ")), columns, 2) + "\n";
}

std::string appendix_b_text(const Sum& sum) {
  return fmt::format("Appendix B: {} of {} accounted for", sum.applied + sum.exempt, sum.rows);
}

Json to_json(const Account& account, const Sum& sum) {
  Json json{{"rows", sum.rows}, {"applied", sum.applied}, {"exempt", sum.exempt}, {"unaccounted", sum.unaccounted()}};
  if (account.target) json["exercised"] = sum.exercised;
  if (account.defects) json["proven"] = sum.proven;
  return json;
}

Json to_json(const Account& account, const RowAccount& row) {
  Json json{{"name", row.row->name}, {"level", to_string(row.row->level)}, {"rfc", row.row->rfc}};
  json["rules"] = Json::array();
  for (const Rule rule : row.rules) json["rules"].push_back(info(rule).id);
  if (row.exempt) json["exempt"] = row.exempt->reason;
  if (account.target) json["exercised"] = row.exercised;
  if (account.defects) json["proven_by"] = row.proven;
  return json;
}

// Where the kill matrix names a rule: {"defects": [{"id": ..., "by": [...]}]}.
Strikes strikes_from(const Json& json) {
  Strikes strikes;
  for (const Json& defect : json.at("defects")) {
    auto& struck = strikes[defect.at("id").get<std::string>()];
    for (const Json& rule : defect.at("by")) struck.insert(rule.get<std::string>());
  }
  return strikes;
}

}  // namespace

Strikes read_strikes(const std::string& file) {
  const Json json = read_json(file);
  try {
    return strikes_from(json);
  } catch (const Json::exception&) {
    throw std::runtime_error(file + ": not what 'tcpassay zoo --format json' writes");
  }
}

Account account(const CheckResult* checked, const Strikes* strikes) {
  Account account;
  if (checked) account.target = checked->target;
  account.defects = strikes != nullptr;
  std::map<std::string, std::set<std::string>> struck_by;  // rule, defects
  if (strikes) {
    for (const auto& [defect, struck] : *strikes) {
      for (const auto& rule : struck) struck_by[rule].insert(defect);
    }
  }
  std::set<Rule> unexercised, unproven;
  for (const RowInfo& row : rows()) {
    RowAccount& one = account.rows.emplace_back(RowAccount{.row = &row, .rules = rules_stating(row.name)});
    one.exempt = exemption_of(row.name);
    for (const Rule rule : one.rules) {
      const bool judged = checked && checked->rules[static_cast<std::size_t>(rule)].judged > 0;
      one.exercised = one.exercised || judged;
      if (checked && !judged) unexercised.insert(rule);
      const auto struck = struck_by.find(std::string(info(rule).id));
      if (struck != struck_by.end()) one.proven.insert(struck->second.begin(), struck->second.end());
      if (strikes && struck == struck_by.end() && info(rule).level != Level::kMay) unproven.insert(rule);
    }
    add(account.documents[row.rfc], one);
    add(account.all, one);
    if (in_appendix_b(row)) add(account.appendix_b, one);
  }
  for (const Rule rule : unexercised) account.unexercised.emplace_back(info(rule).id);
  for (const Rule rule : unproven) account.unproven.emplace_back(info(rule).id);
  return account;
}

std::string account_text(const Account& account, int columns) {
  std::string text = heading(account);
  // RFC 9293 first, then its companions by number.
  const auto ours = account.documents.find(9293);
  if (ours != account.documents.end()) text += line(account, "RFC 9293", ours->second);
  for (const auto& [rfc, sum] : account.documents) {
    if (rfc != 9293) text += line(account, fmt::format("RFC {}", rfc), sum);
  }
  text += line(account, "all", account.all);
  std::vector<std::string> unaccounted;
  for (const RowAccount& row : account.rows) {
    if (!row.accounted()) unaccounted.emplace_back(row.row->name);
  }
  text += paragraph("unaccounted", unaccounted, columns);
  text += paragraph("rules not exercised", account.unexercised, columns);
  text += paragraph("rules that no planted defect strikes", account.unproven, columns);
  return text + "\n" + appendix_b_text(account.appendix_b) + "\n" + freedom_counts_text();
}

std::string account_json(const Account& account) {
  Json json{{"tool", "tcpassay"}, {"version", kVersion}};
  if (account.target) json["target"] = {{"name", account.target->name}, {"version", account.target->version}};
  json["documents"] = Json::array();
  for (const auto& [rfc, sum] : account.documents) {
    Json one{{"rfc", rfc}};
    one.update(to_json(account, sum));
    json["documents"].push_back(one);
  }
  json["all"] = to_json(account, account.all);
  json["appendix_b"] = to_json(account, account.appendix_b);
  if (account.target) json["not_exercised"] = account.unexercised;
  if (account.defects) json["not_proven"] = account.unproven;
  json["freedoms"] = freedom_counts_json();
  json["horizons"] = horizons_json();
  json["rows"] = Json::array();
  for (const RowAccount& row : account.rows) json["rows"].push_back(to_json(account, row));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string row_text(const RowInfo& row, int columns) {
  std::string text = fmt::format("{} {}, RFC {}\n", row.name, to_string(row.level), row.rfc);
  const auto stating = rules_stating(row.name);
  for (const Rule rule : stating) {
    const RuleInfo& about = info(rule);
    text += wrapped(fmt::format("stated by {} {}: {}", about.id, to_string(about.level), about.sentence), columns, 2);
    text += "\n";
  }
  if (const Exemption* exempt = exemption_of(row.name)) {
    text += wrapped("exempt, " + std::string(exempt->reason), columns, 2) + "\n";
  } else if (stating.empty()) {
    text += "unaccounted: no rule states it, and it is not exempt\n";
  }
  return text;
}

}  // namespace tcpassay
