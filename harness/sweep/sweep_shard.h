// SPDX-License-Identifier: Apache-2.0
// A sweep in parts, and the whole made of them again.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "harness/sweep/sweep.h"

namespace tcpassay {

// What a shard writes beside its own result: "shard" in its JSON.
nlohmann::ordered_json sweep_shard_json(const SweepOptions& options, const SweepResult& result);

// Of the files and what was read from them. Throws UnusableResult (result_diff.h) when a shard is missing, is there
// twice, or belongs to another sweep.
SweepResult merged_sweep(const std::vector<std::pair<std::string, nlohmann::ordered_json>>& shards);

}  // namespace tcpassay
