// SPDX-License-Identifier: Apache-2.0
// Reads a file of JSON, or says where it is none.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tcpassay {

// std::runtime_error says in one line why the file cannot be read, or from which line and column on it is no JSON.
nlohmann::ordered_json read_json(const std::string& file);

}  // namespace tcpassay
