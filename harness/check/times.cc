// SPDX-License-Identifier: Apache-2.0
#include "harness/check/times.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "harness/base/text.h"
#include "models/horizons.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;

double seconds_long(const HorizonInfo& entry) {
  return std::chrono::duration<double>(entry.time).count();
}

std::string entry_text(std::string_view before, const HorizonInfo& entry, int columns) {
  const std::string head = fmt::format("{}{} {} s: {} ({}). ", before, entry.id, seconds_long(entry),
                                       info(entry.rule).id, to_string(entry.kind));
  return wrapped(head + std::string(entry.reason), columns, 2) + "\n";
}

}  // namespace

std::string horizons_text(int columns) {
  std::string text;
  for (const HorizonInfo& entry : horizons()) text += entry_text("", entry, columns);
  return text;
}

Json horizons_json() {
  Json all = Json::array();
  for (const HorizonInfo& entry : horizons()) {
    all.push_back({{"id", entry.id},
                   {"rule", info(entry.rule).id},
                   {"seconds", seconds_long(entry)},
                   {"kind", to_string(entry.kind)},
                   {"reason", entry.reason}});
  }
  return all;
}

std::string horizons_of(Rule rule, int columns) {
  std::string text;
  for (const HorizonInfo& entry : horizons()) {
    if (entry.rule == rule) text += entry_text("horizon: ", entry, columns);
  }
  return text;
}

}  // namespace tcpassay
