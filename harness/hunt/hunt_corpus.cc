// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/hunt_corpus.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "harness/hunt/moves.h"
#include "harness/script/error.h"
#include "harness/script/parse.h"
#include "harness/script/print.h"
#include "harness/script/scenario.h"
#include "harness/session/session.h"
#include "harness/target/target.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

constexpr const char* kKept = "kept.pkts";
constexpr const char* kKillers = "killers";
constexpr std::string_view kMark = "\n//kept ";  // and "0123456789abcdef 1234\n": hash and length of what follows
constexpr std::size_t kHexDigits = 16, kHeadMax = kMark.size() + kHexDigits + 24;

// The name of a file, where a campaign wrote it: its hash.
std::optional<std::uint64_t> id_named(const std::string& word) {
  std::uint64_t id = 0;
  const auto read = std::from_chars(word.data(), word.data() + word.size(), id, 16);
  if (read.ec != std::errc{} || read.ptr != word.data() + word.size()) return std::nullopt;
  return id;
}

struct Head {
  std::uint64_t id = 0;
  std::size_t length = 0, octets = 0;  // of the script, and of the head itself
};

// The head that stands at the beginning of `text`, behind its mark; nothing when it is none.
std::optional<Head> head_at(std::string_view text) {
  Head head;
  const char *place = text.data() + kMark.size(), *end = text.data() + text.size();
  const auto id = std::from_chars(place, end, head.id, 16);
  if (id.ec != std::errc{} || id.ptr == end || *id.ptr != ' ') return std::nullopt;
  const auto length = std::from_chars(id.ptr + 1, end, head.length);
  if (length.ec != std::errc{} || length.ptr == end || *length.ptr != '\n') return std::nullopt;
  head.octets = static_cast<std::size_t>(length.ptr + 1 - text.data());
  return head;
}

}  // namespace

std::uint64_t kept_id(std::string_view text) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char octet : text) hash = (hash ^ static_cast<std::uint8_t>(octet)) * 1099511628211u;
  return hash;
}

std::vector<KeptFile::Record> kept_records(std::string_view text, std::size_t& used) {
  std::vector<KeptFile::Record> records;
  std::optional<std::size_t> unfinished;  // a record whose end is not there yet, or never will be
  used = 0;
  for (std::size_t at = text.find(kMark); at != std::string_view::npos; at = text.find(kMark, at)) {
    const std::string_view rest = text.substr(at);
    const auto head = head_at(rest.substr(0, kHeadMax));
    const bool whole = head && head->length <= rest.size() - head->octets;
    if (whole && kept_id(rest.substr(head->octets, head->length)) == head->id) {
      records.emplace_back(head->id, rest.substr(head->octets, head->length));
      at += head->octets + head->length;
      used = at;
      unfinished.reset();  // what comes behind it never will be finished
      continue;
    }
    if (!whole && !unfinished) unfinished = at;
    at += kMark.size();
  }
  if (unfinished) used = std::max(used, *unfinished);
  return records;
}

KeptFile::KeptFile(fs::path path) : path_(std::move(path)) {
  file_ = open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file_ < 0) throw std::runtime_error(fmt::format("cannot open {}: {}", path_.string(), std::strerror(errno)));
}

KeptFile::~KeptFile() {
  close(file_);
}

// In one piece, so that records of several processes do not mix.
void KeptFile::append(std::uint64_t id, std::string_view script) {
  const std::string record = fmt::format("{}{:016x} {}\n{}", kMark, id, script.size(), script);
  for (int tries = 0; tries < 3; ++tries) {
    if (write(file_, record.data(), record.size()) == static_cast<ssize_t>(record.size())) return;
  }
  throw std::runtime_error(fmt::format("cannot write {}: {}", path_.string(), std::strerror(errno)));
}

std::vector<KeptFile::Record> KeptFile::read_new() {
  struct stat now{};
  if (fstat(file_, &now) != 0) return {};
  const auto size = static_cast<std::uint64_t>(now.st_size);
  if (size <= read_) return {};
  std::string text(size - read_, '\0');
  const ssize_t got = pread(file_, text.data(), text.size(), static_cast<off_t>(read_));
  if (got <= 0) return {};
  text.resize(static_cast<std::size_t>(got));
  std::size_t used = 0;
  auto records = kept_records(text, used);
  read_ += used;
  return records;
}

HuntCorpus::HuntCorpus(fs::path folder)
    : folder_((fs::create_directories(folder), std::move(folder))), file_(folder_ / kKept) {
  std::ifstream killers(folder_ / kKillers);
  for (std::string word; killers >> word;) {
    if (const auto id = id_named(word)) known_.insert(*id);
  }
}

std::optional<Moves> HuntCorpus::find(std::uint64_t id) const {
  const auto place = places_.find(id);
  if (place == places_.end()) return std::nullopt;
  return entries_[place->second].moves;
}

bool HuntCorpus::add(const Scenario& scenario, Session& quiet) {
  const std::string text = print_script(scenario);
  const std::uint64_t id = kept_id(text);
  if (!known_.insert(id).second) return false;
  file_.append(id, text);
  take(id, parse_script(text, "corpus"), quiet);
  return true;
}

void HuntCorpus::take(std::uint64_t id, const Scenario& scenario, Session& quiet) {
  entries_.push_back({.id = id, .moves = moves_of(scenario, quiet)});
  places_[id] = entries_.size() - 1;
}

std::size_t HuntCorpus::read_new(Session& quiet) {
  std::vector<KeptFile::Record> found;
  for (KeptFile::Record& record : file_.read_new()) {
    if (known_.insert(record.first).second) found.push_back(std::move(record));
  }
  const auto kept = static_cast<std::ptrdiff_t>(found.size());
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (entry.path().extension() != ".pkt") continue;
    const std::string stem = entry.path().stem().string();
    const std::uint64_t id = id_named(stem).value_or(kept_id(stem));
    if (!known_.insert(id).second) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    found.emplace_back(id, std::string(std::istreambuf_iterator<char>(in), {}));
  }
  std::sort(found.begin() + kept, found.end());
  for (const auto& [id, text] : found) {
    try {
      const Scenario scenario = parse_script(text, "corpus");
      if (!can_be_moves(scenario) || Session::unsupported(scenario, quiet.target(), 4, false)) continue;
      take(id, scenario, quiet);
    } catch (const ScriptError&) {  // not ours
    } catch (const TargetError&) {  // the target has died of it: that is a finding already
    }
  }
  return found.size();
}

std::optional<Moves> HuntCorpus::read(const fs::path& folder, std::uint64_t id, Session& quiet) {
  for (const auto& [each, text] : KeptFile(folder / kKept).read_new()) {
    if (each == id) return moves_of(parse_script(text, "corpus"), quiet);
  }
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() != ".pkt" || id_named(stem).value_or(kept_id(stem)) != id) continue;
    return moves_of(read_script(entry.path().string()), quiet);
  }
  return std::nullopt;
}

void HuntCorpus::leave_out(const fs::path& folder, std::uint64_t id) {
  std::ofstream(folder / kKillers, std::ios::app) << fmt::format("{:016x}\n", id);
}

}  // namespace tcpassay
