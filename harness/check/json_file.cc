// SPDX-License-Identifier: Apache-2.0
#include "harness/check/json_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "harness/base/read_file.h"

namespace tcpassay {

nlohmann::ordered_json read_json(const std::string& file) {
  const std::string text = read_whole_file(file);
  if (text.empty()) throw std::runtime_error(file + ": nothing is in it");
  try {
    return nlohmann::ordered_json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    const std::size_t at = std::min(error.byte == 0 ? 0 : error.byte - 1, text.size());
    const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
    const std::size_t before = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
    const std::size_t column = before == std::string::npos ? at + 1 : at - before;
    throw std::runtime_error(
        fmt::format("{}:{}:{}: {}", file, line, column,
                    at >= text.size() ? "the JSON ends here, and it is not complete" : "no JSON from here on"));
  }
}

}  // namespace tcpassay
