// SPDX-License-Identifier: Apache-2.0
#include "harness/mutation/of_histories.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>

#include "harness/base/processes.h"
#include "harness/base/write_file.h"
#include "harness/mutation/history_edits.h"
#include "harness/report/packetdrill_export.h"
#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

using EditFunction = MaybeRetelling (*)(const History&, std::size_t);

constexpr HistoryClass kClasses[] = {
#define HISTORY(id, name, rfc, section, sentence) {#id, name, rfc, section, sentence},
#include "harness/mutation/of_histories.def"
#undef HISTORY
};
constexpr EditFunction kEdits[] = {
#define HISTORY(id, name, rfc, section, sentence) history_edits::id,
#include "harness/mutation/of_histories.def"
#undef HISTORY
};
constexpr std::size_t kEscapesListed = 3;

struct Place {
  const History* history;
  std::size_t event;
};

// What the judge says first of the events; nothing when it accepts them.
std::optional<Rule> first_broken(Oracle& oracle, const Terms& terms, const std::vector<Event>& events) {
  oracle.start(terms);
  for (const Event& event : events) oracle.observe(event);
  oracle.finish();
  for (const Verdict& verdict : oracle.verdicts()) {
    if (verdict.kind != Verdict::Kind::kInconclusive) return verdict.rule;
  }
  return std::nullopt;
}

// The sequence number and acknowledgment of the packet become those of the segment.
void renumber(Bytes& packet, const Departing& seg) {
  const std::size_t tcp = packet.at(0) >> 4 == 6 ? 40 : 4u * (packet.at(0) & 15);
  const auto put = [&](std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) packet.at(at + i) = static_cast<std::uint8_t>(value >> (24 - 8 * i));
  };
  put(tcp + 4, seg.seq.value);
  put(tcp + 8, seg.ack.value);
}

// The retelling as a script that `tcpassay judge` reads.
std::string script_of(const Retelling& told, const Identity& identity) {
  const PassedRun& run = told.history().run();
  Trace trace{.scenario = run.trace.scenario, .events = told.events(), .states = {}, .places = {}, .store = {}};
  const auto kept = static_cast<std::ptrdiff_t>(told.kept());
  trace.places.assign(run.trace.places.begin(), run.trace.places.begin() + kept);
  const auto packet_of = [&](std::size_t event) {
    const auto at = std::lower_bound(run.departing.begin(), run.departing.end(), event) - run.departing.begin();
    return static_cast<std::size_t>(at) - (run.departing.size() - run.packets.size());
  };
  std::vector<Bytes> packets;
  for (std::size_t i = 0; i < told.kept(); ++i) {
    if (told.history().out(i) != nullptr) packets.push_back(run.packets.at(packet_of(i)));
  }
  for (const Retelling::Moment& moment : told.added()) {
    trace.places.emplace_back();
    const auto* seg = std::get_if<Departing>(&moment.event.what);
    if (seg == nullptr) continue;
    packets.push_back(run.packets.at(packet_of(moment.of)));
    renumber(packets.back(), *seg);
  }
  return export_run(run.file->scenario, trace, packets, identity, run.ip);
}

class Examination {
 public:
  Examination(const std::deque<History>& histories, const HistoryOptions& options, const Identity& identity)
      : histories_(histories), options_(options), identity_(identity), random_(options.seed) {}

  HistoryResult::Row examine(std::size_t edit, std::size_t samples) {
    HistoryResult::Row row{.edit = &kClasses[edit]};
    std::vector<Place> places;
    for (const History& history : histories_) {
      for (std::size_t i = 0; i < history.size(); ++i) {
        if (kEdits[edit](history, i)) places.push_back({&history, i});
      }
    }
    row.moments = places.size();
    std::shuffle(places.begin(), places.end(), random_);
    if (places.size() > samples) places.resize(samples);
    for (const Place& place : places) {
      if (Interrupt::interrupted()) break;
      judge(row, *kEdits[edit](*place.history, place.event), place);
    }
    return row;
  }

 private:
  void judge(HistoryResult::Row& row, const Retelling& told, const Place& place) {
    ++row.samples;
    const Terms& terms = place.history->run().terms;
    const std::vector<Event> events = told.events();
    if (const auto rule = first_broken(oracle_, terms, events)) {
      ++row.noticed;
      ++row.rules[*rule];
      return;
    }
    explain(row, terms, events, *place.history);
    const std::string where = fmt::format("{} event {}", place.history->run().trace.scenario, place.event);
    if (row.escaped.size() < kEscapesListed) row.escaped.push_back(where);
    if (options_.survivors.empty()) return;
    const std::string name =
        fmt::format("{}-{}-{}.pkt", row.edit->id, flat_name(place.history->run().trace.scenario), place.event);
    write_file((std::filesystem::path(options_.survivors) / name).string(), script_of(told, identity_));
  }

  // A freedom lets the events pass when the judge notices them without it, and has nothing against the whole run. Or
  // when all that explains them takes it, and not all that explains the run.
  void explain(HistoryResult::Row& row, Terms terms, const std::vector<Event>& events, const History& history) {
    const auto& all = history.run().trace.events;
    FreedomSet needless;  // for the run
    for (std::size_t i = 0; i < kFreedoms; ++i) {
      terms.withheld = FreedomSet{}.set(i);
      if (first_broken(oracle_, terms, all)) continue;
      needless.set(i);
      if (!first_broken(oracle_, terms, events)) continue;
      ++row.freedoms[static_cast<Freedom>(i)];
      return;
    }
    terms.withheld = needless;
    if (!first_broken(oracle_, terms, all) && first_broken(oracle_, terms, events)) {
      ++row.several;
      return;
    }
    terms.withheld.reset();
    first_broken(oracle_, terms, all);
    const FreedomSet usual = oracle_.freedoms_taken();
    first_broken(oracle_, terms, events);
    const FreedomSet more = oracle_.freedoms_taken() & ~usual;
    for (std::size_t i = 0; i < kFreedoms; ++i) {
      if (more.test(i)) return static_cast<void>(++row.freedoms[static_cast<Freedom>(i)]);
    }
  }

  const std::deque<History>& histories_;
  const HistoryOptions& options_;
  const Identity& identity_;
  std::mt19937_64 random_;
  Oracle oracle_;
};

bool is_chosen(const HistoryOptions& options, std::string_view id) {
  const auto& chosen = options.classes;
  return chosen.empty() || std::find(chosen.begin(), chosen.end(), id) != chosen.end();
}

void require_known(const HistoryOptions& options) {
  for (const std::string& id : options.classes) {
    const auto named = [&](const HistoryClass& one) { return one.id == id; };
    if (std::none_of(std::begin(kClasses), std::end(kClasses), named)) {
      throw std::runtime_error(fmt::format("no class of edits of histories is called {}", id));
    }
  }
}

}  // namespace

std::span<const HistoryClass> history_classes() {
  return kClasses;
}

std::size_t HistoryResult::Row::escapes() const {
  const auto explained = [](std::size_t sum, const auto& one) { return sum + one.second; };
  return samples - noticed - several - std::accumulate(freedoms.begin(), freedoms.end(), std::size_t{0}, explained);
}

double HistoryResult::Row::share() const {
  return samples == 0 ? 1 : static_cast<double>(noticed) / static_cast<double>(samples);
}

HistoryResult history_sensitivity(const std::vector<ScenarioFile>& scenarios, const HistoryOptions& options) {
  require_known(options);
  const auto begin = std::chrono::steady_clock::now();
  if (!options.survivors.empty()) std::filesystem::create_directories(options.survivors);
  const auto target = make_target("own");
  const std::deque<PassedRun> runs = passed_runs(scenarios, *target);
  std::deque<History> histories;
  for (const PassedRun& run : runs) {
    if (auto history = History::of(run)) histories.push_back(std::move(*history));
  }
  HistoryResult result{.runs = histories.size()};
  const std::size_t each = std::max<std::size_t>(1, options.samples / std::size(kClasses));
  Examination examination(histories, options, target->identity());
  for (std::size_t i = 0; i < std::size(kClasses); ++i) {
    if (Interrupt::interrupted()) break;
    if (!is_chosen(options, kClasses[i].id)) continue;
    result.rows.push_back(examination.examine(i, each));
    if (options.progress) options.progress(i + 1, std::size(kClasses), std::string(kClasses[i].name));
  }
  result.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

}  // namespace tcpassay
