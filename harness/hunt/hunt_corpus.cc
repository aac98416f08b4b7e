// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/hunt_corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <utility>

#include "harness/base/write_file.h"
#include "harness/script/parse.h"
#include "harness/script/print.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

std::uint64_t id_of(const std::string& text) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char octet : text) hash = (hash ^ static_cast<std::uint8_t>(octet)) * 1099511628211u;
  return hash;
}

fs::path file_of(const fs::path& folder, std::uint64_t id) {
  return folder / fmt::format("{:016x}.pkt", id);
}

}  // namespace

HuntCorpus::HuntCorpus(fs::path folder) : folder_(std::move(folder)) {
  fs::create_directories(folder_);
}

bool HuntCorpus::add(const Scenario& scenario, Session& quiet) {
  const std::string text = print_script(scenario);
  const std::uint64_t id = id_of(text);
  if (!known_.insert(id).second) return false;
  const fs::path path = file_of(folder_, id);
  try {
    if (!fs::exists(path)) write_file(path.string(), text);
  } catch (const std::runtime_error&) {  // unless another process was quicker
    if (!fs::exists(path)) throw;
  }
  entries_.push_back({.id = id, .moves = moves_of(parse_script(text, "corpus"), quiet)});
  return true;
}

std::size_t HuntCorpus::read_new(Session& quiet) {
  std::vector<std::pair<std::uint64_t, fs::path>> found;
  for (const auto& file : fs::directory_iterator(folder_)) {
    const std::string stem = file.path().stem().string();
    std::uint64_t id = 0;
    const auto read = std::from_chars(stem.data(), stem.data() + stem.size(), id, 16);
    if (file.path().extension() != ".pkt") continue;
    if (read.ec != std::errc{} || read.ptr != stem.data() + stem.size()) id = id_of(stem);  // put there by hand
    if (known_.insert(id).second) found.emplace_back(id, file.path());
  }
  std::sort(found.begin(), found.end());
  for (const auto& [id, path] : found) {
    try {
      const Scenario scenario = read_script(path.string());
      if (!can_be_moves(scenario) || Session::unsupported(scenario, quiet.target(), 4, false)) continue;
      entries_.push_back({.id = id, .moves = moves_of(scenario, quiet)});
    } catch (const ScriptError&) {  // not ours
    } catch (const TargetError&) {  // the target has died of it: that is a finding already
    }
  }
  return found.size();
}

std::optional<Moves> HuntCorpus::read(const fs::path& folder, std::uint64_t id, Session& quiet) {
  const fs::path path = file_of(folder, id);
  if (!fs::exists(path)) return std::nullopt;
  return moves_of(read_script(path.string()), quiet);
}

}  // namespace tcpassay
