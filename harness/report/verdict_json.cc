// SPDX-License-Identifier: Apache-2.0
#include "harness/report/verdict_json.h"

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "models/freedom.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;
using Kind = Verdict::Kind;

Kind kind_named(const std::string& name) {
  for (const Kind kind : {Kind::kViolated, Kind::kDeparted, Kind::kInconclusive}) {
    if (name == to_string(kind)) return kind;
  }
  throw std::runtime_error("no kind of verdict is called " + name);
}

Rule rule_named(const std::string& id) {
  if (const auto rule = rule_by_id(id)) return *rule;
  throw std::runtime_error("no rule is called " + id);
}

Freedom freedom_named(const std::string& id) {
  if (const auto freedom = freedom_by_id(id)) return *freedom;
  throw std::runtime_error("no freedom is called " + id);
}

}  // namespace

const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::kViolated:
      return "violated";
    case Kind::kDeparted:
      return "departed";
    case Kind::kInconclusive:
      return "inconclusive";
  }
  return "?";
}

std::string level_text(const Verdict& verdict) {
  return verdict.kind == Kind::kInconclusive ? "inconclusive" : to_string(info(verdict.rule).level);
}

Json freedoms_json(const FreedomSet& set) {
  Json ids = Json::array();
  for (std::size_t i = 0; i < kFreedoms; ++i) {
    if (set.test(i)) ids.push_back(freedoms()[i].id);
  }
  return ids;
}

Json to_json(const Verdict& verdict) {
  const RuleInfo& about = info(verdict.rule);
  Json applied = Json::array();
  for (const Rule rule : verdict.at_work) applied.push_back(info(rule).id);
  Json json{{"kind", to_string(verdict.kind)},
            {"rule", about.id},
            {"level", to_string(about.level)},
            {"section", about.section},
            {"event", verdict.event},
            {"at_s", std::chrono::duration<double>(verdict.at).count()},
            {"local_port", verdict.tuple.local},
            {"remote_port", verdict.tuple.remote},
            {"state", verdict.state},
            {"allowed", verdict.allowed},
            {"seen", verdict.seen},
            {"at_work", applied},
            {"consequence", verdict.consequence},
            {"context", verdict.context ? Json(info(*verdict.context).id) : Json(nullptr)}};
  if (verdict.freedom) json["freedom"] = info(*verdict.freedom).id;
  return json;
}

Verdict verdict_from_json(const Json& json) {
  // A double holds a time of some weeks exactly to the nanosecond, once it is rounded.
  const std::chrono::duration<double, std::nano> at = std::chrono::duration<double>(json.at("at_s").get<double>());
  Verdict verdict{.kind = kind_named(json.at("kind")),
                  .rule = rule_named(json.at("rule")),
                  .event = json.at("event"),
                  .at = Time(std::llround(at.count())),
                  .tuple = {.local = json.at("local_port"), .remote = json.at("remote_port")},
                  .state = json.at("state"),
                  .allowed = json.at("allowed"),
                  .seen = json.at("seen"),
                  .consequence = json.at("consequence")};
  for (const Json& id : json.at("at_work")) verdict.at_work.push_back(rule_named(id));
  if (!json.at("context").is_null()) verdict.context = rule_named(json.at("context"));
  if (json.contains("freedom")) verdict.freedom = freedom_named(json.at("freedom"));
  return verdict;
}

Json brief_json(const Verdict& verdict) {
  Json json{{"rule", info(verdict.rule).id},
            {"level", level_text(verdict)},
            {"state", verdict.state},
            {"allowed", verdict.allowed},
            {"seen", verdict.seen}};
  if (verdict.freedom) json["freedom"] = info(*verdict.freedom).id;
  return json;
}

}  // namespace tcpassay
