// SPDX-License-Identifier: Apache-2.0
// The inputs of a campaign that are worth keeping. They stand in one file that only grows, which several processes
// write and read at the same time. Scripts that are copied beside it are read, too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "harness/hunt/moves.h"

namespace tcpassay {

// The file: records, each a line with the hash and the length of its script, and the script. A record that is cut off,
// because its process was killed, costs that record only. Files may be joined with `cat`.
class KeptFile {
 public:
  // Throws std::runtime_error when the file cannot be opened.
  explicit KeptFile(std::filesystem::path path);
  ~KeptFile();
  KeptFile(const KeptFile&) = delete;
  KeptFile& operator=(const KeptFile&) = delete;

  using Record = std::pair<std::uint64_t, std::string>;  // id and script

  void append(std::uint64_t id, std::string_view script);
  std::vector<Record> read_new();  // what was not read before, in the order of the file

 private:
  std::filesystem::path path_;
  int file_;
  std::uint64_t read_ = 0;  // octets that were read
};

std::uint64_t kept_id(std::string_view script);
// Takes the whole records out of `text`. `used` says how many octets of it never need to be looked at again.
std::vector<KeptFile::Record> kept_records(std::string_view text, std::size_t& used);

class HuntCorpus {
 public:
  explicit HuntCorpus(std::filesystem::path folder);

  struct Entry {
    std::uint64_t id = 0;
    Moves moves{};
  };
  const std::vector<Entry>& entries() const { return entries_; }
  // The moves of the entry with this id; nothing when it is not there.
  std::optional<Moves> find(std::uint64_t id) const;

  // Writes the scenario into the file, and keeps it as it is read from there. False when it is known. `quiet` is a
  // session without a judge on the target that inputs are played on.
  bool add(const Scenario& scenario, Session& quiet);
  // Reads what other processes, or an earlier campaign, have written since. Returns how many.
  std::size_t read_new(Session& quiet);

  // The moves of the entry with this id, from the folder; nothing when it is not there.
  static std::optional<Moves> read(const std::filesystem::path& folder, std::uint64_t id, Session& quiet);
  // A process has died of the entry: it is not read any more.
  static void leave_out(const std::filesystem::path& folder, std::uint64_t id);

 private:
  void take(std::uint64_t id, const Scenario& scenario, Session& quiet);

  std::filesystem::path folder_;
  KeptFile file_;
  std::vector<Entry> entries_;
  std::unordered_map<std::uint64_t, std::size_t> places_;
  std::unordered_set<std::uint64_t> known_;
};

}  // namespace tcpassay
