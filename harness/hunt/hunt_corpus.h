// SPDX-License-Identifier: Apache-2.0
// The inputs of a campaign that are worth keeping. Each is a script in a folder, which several processes share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "harness/hunt/moves.h"

namespace tcpassay {

class HuntCorpus {
 public:
  explicit HuntCorpus(std::filesystem::path folder);

  struct Entry {
    std::uint64_t id = 0;
    Moves moves{};
  };
  const std::vector<Entry>& entries() const { return entries_; }

  // Writes the scenario into the folder, and keeps it as it is read from there. False when it is known. `quiet` is a
  // session without a judge on the target that inputs are played on.
  bool add(const Scenario& scenario, Session& quiet);
  // Reads what other processes, or an earlier campaign, have written since. Returns how many.
  std::size_t read_new(Session& quiet);
  // The entry with this id, read from the folder; nothing when it is not there.
  static std::optional<Moves> read(const std::filesystem::path& folder, std::uint64_t id, Session& quiet);

 private:
  std::filesystem::path folder_;
  std::vector<Entry> entries_;
  std::unordered_set<std::uint64_t> known_;
};

}  // namespace tcpassay
