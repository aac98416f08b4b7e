// SPDX-License-Identifier: Apache-2.0
// A run of check in parts, for machines that work at the same time, and the whole made of them again.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "harness/check/check.h"
#include "harness/check/player.h"

namespace tcpassay {

struct Shard {
  std::size_t index = 1, of = 1;
};
inline constexpr std::size_t kShardsMax = 1000;

// "2/8": the second of eight. Throws std::runtime_error.
Shard shard_named(const std::string& word);

// The shard in which a name belongs: the same on every machine, whatever else is in the run. From 1.
std::size_t shard_of(const std::string& name, std::size_t of);
std::vector<ScenarioFile> in_shard(const std::vector<ScenarioFile>& all, const Shard& shard);

// What a shard writes beside its own result, so that merge can say what the whole run would have said: "shard" in its
// JSON. CheckOptions::record gives the records.
nlohmann::ordered_json record_json(const ScenarioFile& file, const Played& played);
nlohmann::ordered_json shard_json(const Shard& shard, const std::vector<ScenarioFile>& all, const CheckOptions& options,
                                  const CheckResult& result, nlohmann::ordered_json records);

// A result in JSON, and the file that it was read from.
using NamedResult = std::pair<std::string, nlohmann::ordered_json>;

// Throws UnusableResult (result_diff.h) when a shard is missing, is there twice, or belongs to another run.
void require_all_shards(const std::vector<NamedResult>& shards);
CheckResult merged(const std::vector<NamedResult>& shards);

}  // namespace tcpassay
