// SPDX-License-Identifier: Apache-2.0
// A conformance statement: the options of TCP that a stack's author claims. What is claimed must show; what is not
// claimed is not missed.
//
//   # comment
//   claims: sack timestamps window-scale
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/text.h"
#include "harness/check/check_result.h"
#include "models/rule.h"

namespace tcpassay {

// One option of TCP: by what it shows, and which rules are about it.
struct Feature {
  std::string_view name;      // "window-scale"
  std::optional<Rule> shown;  // a MAY that is taken where the target has the option
  std::optional<Trait> trait;
  int rfc;
  std::string_view sections;  // of the rules about it, with blanks between; empty: all of the RFC
};
std::span<const Feature> features();

// Reads the names of the features that FILE claims. Throws std::runtime_error, "FILE:line: what is wrong".
std::vector<std::string> read_claims(const std::string& file);

// Says in `result` of each feature whether it is claimed and was shown. Rules about a feature that is neither are not
// testable: "not claimed".
void apply_claims(const std::vector<std::string>& claims, CheckResult& result);

std::string claims_text(const CheckResult& result, const TextStyle& style);
nlohmann::ordered_json claims_json(const CheckResult& result);

}  // namespace tcpassay
