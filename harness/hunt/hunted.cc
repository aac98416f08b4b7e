// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/hunted.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "harness/base/version.h"
#include "harness/base/write_file.h"
#include "harness/report/replay_command.h"
#include "harness/script/scenario.h"
#include "harness/wire/packet.h"
#include "models/event.h"
#include "models/oracle.h"
#include "models/rule.h"
#include "models/segment.h"

namespace tcpassay {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr const char* kFile = "finding.json";
constexpr const char* kHalfWritten = ".part-";  // in the name of a folder, before the number of the process
constexpr std::size_t kSeenMax = 60;
constexpr const char* kStatuses[] = {"unconfirmed", "confirmed", "needs history", "unsteady"};

// Without its numbers, which differ from one input to the next.
std::string without_numbers(const std::string& text) {
  std::string kind;
  for (const char c : text) {
    const bool number = std::isdigit(static_cast<unsigned char>(c)) != 0;
    if (!number) kind += c;
    if (kind.size() >= kSeenMax) break;
  }
  return kind;
}

std::uint32_t hash_of(const std::string& text) {
  std::uint32_t hash = 2166136261u;
  for (const char octet : text) hash = (hash ^ static_cast<std::uint8_t>(octet)) * 16777619u;
  return hash;
}

std::string class_of(const SegmentSpec& spec) {
  std::string bits;
  const Ctl& ctl = spec.ctl;
  for (const auto& [set, letter] : {std::pair{ctl.syn, 'S'}, std::pair{ctl.fin, 'F'}, std::pair{ctl.rst, 'R'},
                                    std::pair{ctl.urg, 'U'}, std::pair{ctl.ack, 'A'}}) {
    if (set) bits += letter;
  }
  if (bits.empty()) bits = "none";
  if (spec.length > 0) bits += "+text";
  if (spec.damage != Damage{}) bits += "+damage";
  return bits;
}

std::string last_stimulus(const Scenario& played) {
  if (played.steps.empty()) return "nothing";
  constexpr Time kLong = std::chrono::milliseconds(1);
  const ScriptStep& last = played.steps.back();
  const auto* call = std::get_if<Call>(&last.action);
  const bool only_time = call != nullptr && call->kind == CallKind::kSocket;  // the last step stands for the time
  if (last.time.at > kLong && (only_time || played.steps.size() < 2)) return "time";
  return stimulus_class(last);
}

}  // namespace

std::string FindingKind::text() const {
  return rule + "|" + state + "|" + stimulus + "|" + seen;
}

std::string FindingKind::id() const {
  return fmt::format("{}-{:08x}", rule, hash_of(text()));
}

bool is_listed(const FindingKind& kind, const ListedFaults& listed, std::string_view verdict) {
  const auto is_said = [&](const std::string& text) { return verdict.find(text) != std::string_view::npos; };
  return std::find(listed.rules.begin(), listed.rules.end(), kind.rule) != listed.rules.end() ||
         std::any_of(listed.deaths.begin(), listed.deaths.end(), is_said);
}

std::string stimulus_class(const ScriptStep& step) {
  if (const auto* in = std::get_if<Inject>(&step.action)) return class_of(in->segment);
  if (const auto* call = std::get_if<Call>(&step.action)) return to_string(call->kind);
  return std::holds_alternative<Icmp>(step.action) ? "icmp" : "other";
}

FindingKind kind_of(const Verdict& verdict, const Scenario& played) {
  return {.rule = std::string(info(verdict.rule).id),
          .state = verdict.state,
          .stimulus = last_stimulus(played),
          .seen = without_numbers(verdict.seen),
          .departed = verdict.kind == Verdict::Kind::kDeparted};
}

FindingKind kind_of_death(const std::string& how, bool died, const Scenario& played) {
  return {.rule = died ? "died" : "failed",
          .state = "",
          .stimulus = last_stimulus(played),
          .seen = without_numbers(how),
          .departed = false};
}

double processor_time() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

ReplayOptions replay_options(const HuntTerms& terms) {
  return {.target = terms.target,
          .defect = terms.own_options.defect,
          .legal_variants = terms.own_options.legal_variants,
          .edition = terms.edition,
          .strict = terms.strict};
}

const char* to_string(FindingStatus status) {
  return kStatuses[static_cast<std::size_t>(status)];
}

std::optional<Hunted> read_finding(const fs::path& folder) {
  std::ifstream in(folder / kFile);
  const Json json = Json::parse(in, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return std::nullopt;
  Hunted found{.folder = folder};
  found.kind = {.rule = json.value("rule", ""),
                .state = json.value("state", ""),
                .stimulus = json.value("stimulus", ""),
                .seen = json.value("seen", ""),
                .departed = json.value("level", "") == "SHOULD"};
  const auto* known = std::find(std::begin(kStatuses), std::end(kStatuses), json.value("status", ""));
  if (known != std::end(kStatuses)) found.status = static_cast<FindingStatus>(known - std::begin(kStatuses));
  found.steps = json.value("steps", std::size_t{0});
  found.inputs = json.value("inputs", std::uint64_t{0});
  found.seconds = json.value("seconds", 0.0);
  found.cpu_s = json.value("cpu_s", 0.0);
  found.verdict = json.value("verdict", "");
  found.replay = json.value("replay", "");
  return found;
}

bool write_first(Hunted& found, const fs::path& folder, const FirstSight& sight, const HuntTerms& terms) {
  const fs::path named = folder / found.kind.id();
  if (fs::exists(named)) return false;
  found.folder = folder / fmt::format("{}{}{}", found.kind.id(), kHalfWritten, sight.job);
  fs::remove_all(found.folder);
  fs::create_directories(found.folder);
  if (!sight.history.empty()) write_file((found.folder / kHistoryNames).string(), sight.history);
  write_file((found.folder / kFirstScript).string(), "// SPDX-License-Identifier: Apache-2.0\n" + sight.script);
  write_finding_json(found, terms);
  std::error_code taken;
  fs::rename(found.folder, named, taken);
  if (taken) fs::remove_all(found.folder);
  found.folder = named;
  return !taken;
}

bool is_half_written(const fs::path& folder) {
  return folder.filename().string().find(kHalfWritten) != std::string::npos;
}

std::vector<Hunted> read_findings(const fs::path& folder) {
  std::vector<Hunted> all;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    if (!entry.is_directory() || is_half_written(entry.path())) continue;
    if (auto found = read_finding(entry.path())) all.push_back(std::move(*found));
  }
  std::sort(all.begin(), all.end(), [](const Hunted& a, const Hunted& b) { return a.folder < b.folder; });
  return all;
}

bool move_to_its_name(Hunted& found, const HuntTerms& terms) {
  const fs::path named = found.folder.parent_path() / found.kind.id();
  if (named == found.folder) return true;
  const fs::path script = named / "finding.pkt";
  if (fs::exists(script)) {
    fs::remove_all(found.folder);
    return false;
  }
  std::error_code taken;
  fs::rename(found.folder, named, taken);
  if (taken) return true;  // another process looks into one of that name
  found.folder = named;
  found.replay = replay_command(script.string(), replay_options(terms));
  write_finding_json(found, terms);
  return true;
}

void write_finding_json(const Hunted& found, const HuntTerms& terms) {
  const bool of_rule = rule_by_id(found.kind.rule).has_value();
  const Json json = {{"rule", found.kind.rule},   {"level", !of_rule ? "" : found.kind.departed ? "SHOULD" : "MUST"},
                     {"state", found.kind.state}, {"stimulus", found.kind.stimulus},
                     {"seen", found.kind.seen},   {"status", to_string(found.status)},
                     {"steps", found.steps},      {"inputs", found.inputs},
                     {"seconds", found.seconds},  {"cpu_s", found.cpu_s},
                     {"target", terms.target},    {"plant", terms.own_options.defect},
                     {"version", kVersion},       {"verdict", found.verdict},
                     {"replay", found.replay}};
  write_file((found.folder / kFile).string(), json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace tcpassay
