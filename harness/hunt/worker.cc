// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "harness/base/processes.h"
#include "harness/base/write_file.h"
#include "harness/check/corpus.h"
#include "harness/hunt/campaign.h"
#include "harness/hunt/confirm.h"
#include "harness/hunt/hunt_corpus.h"
#include "harness/hunt/hunted.h"
#include "harness/hunt/move_player.h"
#include "harness/hunt/moves.h"
#include "harness/hunt/mutator.h"
#include "harness/hunt/now_playing.h"
#include "harness/script/parse.h"
#include "harness/script/print.h"
#include "harness/script/scenario.h"
#include "harness/session/finding.h"
#include "harness/session/session.h"
#include "harness/target/target.h"
#include "harness/targets/registry.h"
#include "models/event.h"
#include "models/oracle.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

constexpr std::size_t kHistory = 64;                               // inputs kept in case a finding needs them
constexpr int kKindsMax = 12;                                      // findings of one rule that are looked into
constexpr int kListedKindsMax = 2;                                 // where the target is known to break it
constexpr Time kRealWaitOfInput = std::chrono::milliseconds(400);  // where time is real
constexpr std::chrono::milliseconds kTellEvery{500};
constexpr std::chrono::seconds kReadEvery{5};

bool says_that_it_covers(const Scenario& scenario, const std::vector<std::string>& rules) {
  const auto& covers = scenario.about.covers;
  return std::any_of(rules.begin(), rules.end(), [&](const std::string& rule) {
    return std::find(covers.begin(), covers.end(), rule) != covers.end();
  });
}

}  // namespace

HuntWorker::HuntWorker(const HuntOptions& options, int job, const HuntStatus& before, NowPlaying& playing,
                       const LineWriter& write_line)
    : options_(options),
      job_(job),
      before_(before),
      playing_(playing),
      write_line_(write_line),
      feedback_(options.signals),
      random_(options.seed * 1000003 + before.inputs * 64 + static_cast<std::uint64_t>(job) + playing.name().seed) {
  make_again();
  corpus_ = std::make_unique<HuntCorpus>(options_.folder / "corpus");
  const Identity& identity = target_->identity();
  limits_.settings = identity.settings;
  limits_.ipv6 = identity.can(Ability::kIpv6);
  limits_.missing_options = identity.missing_options;
  limits_.urgent_data = identity.can(Ability::kUrgentData);
  if (!identity.can(Ability::kVirtualTime)) limits_.wait_max = kRealWaitOfInput;
  for (const Hunted& found : read_findings(options_.folder / "findings")) {
    known_.insert(found.folder.filename().string());
    ++by_rule_[found.kind.rule];
  }
}

void HuntWorker::make_again() {
  player_.reset();
  session_.reset();
  auto target = make_target(options_.terms.target, options_.terms.own_options);
  session_ = std::make_unique<Session>(*target, hunt_session(options_.terms, *target));
  quiet_ = std::make_unique<Session>(*target, SessionOptions{.judge = false, .keep_trace = false, .assertions = false});
  target_ = std::move(target);
  player_ = std::make_unique<MovePlayer>(*session_);
  player_->after_each([this] { feedback_.step(); });
  feedback_.watch(session_->oracle());
}

void HuntWorker::run(steady_clock::time_point deadline) {
  corpus_->read_new(*quiet_);
  if (job_ == 0) finish_unconfirmed();
  const InputName last = playing_.name();  // of the process before this one, which has died of it
  for (std::size_t i = 0; i < corpus_->entries().size(); ++i) {
    playing_.name() = {.kind = InputName::Kind::kKept, .parent = corpus_->entries()[i].id, .count = inputs_};
    play(Moves(corpus_->entries()[i].moves));
  }
  const bool in_seeds = last.kind == InputName::Kind::kSeed;
  deadline_ = deadline;
  if (last.kind != InputName::Kind::kMutated) plant_seeds(in_seeds ? last.seed + 1 : before_.seeds);
  if (corpus_->entries().empty()) {
    const bool all = planted_ == seeds_;
    if (inputs_ == 0 && !in_seeds && all) throw TargetError("no seed can be played on this target");
    return tell();  // whatever was played was found
  }
  const std::uint64_t look_every = target_->identity().can(Ability::kVirtualTime) ? 16 : 1;
  auto tell_at = steady_clock::now(), read_at = tell_at + kReadEvery;
  for (std::uint64_t i = 0; !Interrupt::interrupted(); ++i) {
    play_one();
    if (options_.inputs > 0 && inputs_ >= options_.inputs) break;
    if (i % look_every != 0) continue;
    const auto now = steady_clock::now();
    if (now >= deadline) break;
    if (now >= tell_at) tell(), tell_at = now + kTellEvery;
    if (options_.jobs > 1 && now >= read_at) corpus_->read_new(*quiet_), read_at = now + kReadEvery;
  }
  tell();
}

// Scripts of the corpus that the target can play, but for those that are left out. A campaign that ends among them goes
// on there. Where time is real, each of several processes plays a part of them, and reads what the others have kept.
void HuntWorker::plant_seeds(std::uint64_t first) {
  const auto seeds = read_scenarios(options_.seeds);
  seeds_ = seeds.size();
  const bool goes_on = before_.seeds == 0 || before_.seeds_total == seeds_;  // otherwise those were others
  const auto jobs = static_cast<std::uint64_t>(options_.jobs);
  const bool shared = jobs <= seeds_ && !target_->identity().can(Ability::kVirtualTime);
  auto tell_at = steady_clock::now();
  for (std::uint64_t i = goes_on ? first : 0; i < seeds.size(); ++i) {
    const Scenario& scenario = seeds[i].scenario;
    const auto now = steady_clock::now();
    planted_ = i;
    if (Interrupt::interrupted() || now >= deadline_) return;
    if (now >= tell_at) tell(), tell_at = now + kTellEvery;
    if (shared && i % jobs != static_cast<std::uint64_t>(job_)) continue;
    if (!can_be_moves(scenario) || says_that_it_covers(scenario, options_.left_out)) continue;
    if (Session::unsupported(scenario, *target_, 4, false)) continue;
    playing_.name() = {.kind = InputName::Kind::kSeed, .seed = i, .count = inputs_};
    const Moves moves = moves_or_none(scenario);
    keep_all_ = true;
    if (!moves.moves.empty()) play(moves);
    keep_all_ = false;
  }
  planted_ = seeds_;
  if (shared) corpus_->read_new(*quiet_);
}

// What a process that was killed had seen and not looked into.
void HuntWorker::finish_unconfirmed() {
  const fs::path folder = options_.folder / "findings";
  std::error_code none;
  std::vector<fs::path> all;
  for (const auto& entry : fs::directory_iterator(folder, none)) all.push_back(entry.path());
  for (const fs::path& place : all) {
    if (Interrupt::interrupted()) return;
    const auto found = read_finding(place);
    if (is_half_written(place)) {
      finish_half_written(place);
    } else if (found && found->status == FindingStatus::kUnconfirmed && fs::exists(place / kFirstScript)) {
      look_into(*found);
    }
  }
}

void HuntWorker::look_into(Hunted found) {
  const Scenario first = read_script((found.folder / kFirstScript).string());
  std::vector<Moves> before = history_of(found.folder);
  confirm(found, moves_or_none(first), [&] { return before; }, options_.terms);
  known_.insert(found.kind.id());
  move_to_its_name(found, options_.terms);
}

// The process was killed before the folder had its name: what is in there is played once more.
void HuntWorker::finish_half_written(const fs::path& place) {
  auto found = read_finding(place);
  if (found) {
    const fs::path named = place.parent_path() / found->kind.id();
    std::error_code taken;
    fs::rename(place, named, taken);
    if (!taken) {
      found->folder = named;
      return look_into(*found);
    }
  } else if (fs::exists(place / kFirstScript)) {
    const Moves moves = moves_or_none(read_script((place / kFirstScript).string()));
    if (!moves.moves.empty()) play(moves);
  }
  fs::remove_all(place);
}

// Of two that are chosen at random the later one: what is new is tried more often.
std::size_t HuntWorker::pick() {
  const std::size_t all = corpus_->entries().size();
  const std::size_t one = random_.below(all), two = random_.below(all);
  return random_.one_in(2) ? std::max(one, two) : one;
}

void HuntWorker::play_one() {
  const Played next{.parent = pick(), .other = pick(), .seed = random_.next()};
  const HuntCorpus::Entry &parent = corpus_->entries()[next.parent], &other = corpus_->entries()[next.other];
  playing_.name() = {
      .kind = InputName::Kind::kMutated, .parent = parent.id, .other = other.id, .seed = next.seed, .count = inputs_};
  play(made_from(parent.moves, other.moves, next.seed));
  if (history_.size() >= kHistory) history_.pop_front();
  history_.push_back(next);
}

void HuntWorker::play(const Moves& moves) {
  feedback_.begin();
  ++inputs_;
  try {
    player_->play(moves);
    if (const Verdict* verdict = first_finding(session_->oracle())) {
      note(kind_of(*verdict, player_->played()), describe(*verdict), moves, player_->played());
    } else if (feedback_.is_new(session_->oracle()) || keep_all_) {
      corpus_->add(player_->played(), *quiet_);
    }
  } catch (const TargetError& error) {
    note_death(error, moves, player_->played());
  }
  steps_ += player_->played().steps.size();
}

Moves HuntWorker::made_from(const Moves& parent, const Moves& other, std::uint64_t seed) const {
  return options_.plain ? mutated_plainly(parent, seed, limits_) : mutated(parent, other, seed, limits_);
}

std::vector<Moves> HuntWorker::history() const {
  std::vector<Moves> all;
  const auto& entries = corpus_->entries();
  for (const Played& each : history_) {
    all.push_back(made_from(entries[each.parent].moves, entries[each.other].moves, each.seed));
  }
  return all;
}

bool HuntWorker::wanted(const FindingKind& kind) const {
  const auto& ignored = options_.ignored;
  if (std::find(ignored.begin(), ignored.end(), kind.rule) != ignored.end()) return false;
  const auto of_rule = by_rule_.find(kind.rule);
  const int most = is_listed(kind, options_.listed) ? kListedKindsMax : kKindsMax;
  return known_.count(kind.id()) == 0 && (of_rule == by_rule_.end() || of_rule->second < most);
}

// Writes what was played before anything else is done with it.
void HuntWorker::note(const FindingKind& kind, const std::string& verdict, const Moves& moves, const Scenario& played) {
  if (!wanted(kind)) return;
  known_.insert(kind.id());
  ++by_rule_[kind.rule];
  Hunted found{.kind = kind};
  found.inputs = before_.inputs + inputs_;
  found.seconds = before_.seconds + std::chrono::duration<double>(steady_clock::now() - began_).count();
  found.cpu_s = processor_time();
  found.verdict = verdict;
  const FirstSight sight{.job = job_, .script = print_script(played), .history = history_names()};
  if (!write_first(found, options_.folder / "findings", sight, options_.terms)) return;  // another process has it
  confirm(found, moves, [&] { return history(); }, options_.terms);
  known_.insert(found.kind.id());
  if (!move_to_its_name(found, options_.terms)) return;
  write_line_(Json{{"finding", kind.rule}, {"id", found.kind.id()}, {"status", to_string(found.status)}}.dump());
}

// From which the inputs before a finding can be made again, should this process be killed now.
std::string HuntWorker::history_names() const {
  std::string lines;
  const auto& entries = corpus_->entries();
  for (const Played& each : history_) {
    lines += fmt::format("{} {} {}\n", entries[each.parent].id, entries[each.other].id, each.seed);
  }
  return lines;
}

std::vector<Moves> HuntWorker::history_of(const fs::path& folder) const {
  std::vector<Moves> all;
  std::ifstream in(folder / kHistoryNames);
  for (std::uint64_t parent = 0, other = 0, seed = 0; in >> parent >> other >> seed;) {
    const auto one = corpus_->find(parent), two = corpus_->find(other);
    if (one && two) all.push_back(made_from(*one, *two, seed));
  }
  return all;
}

void HuntWorker::note_death(const TargetError& error, const Moves& moves, const Scenario& played) {
  const bool died = dynamic_cast<const TargetDied*>(&error) != nullptr;
  const Scenario kept = played;  // NOLINT(performance-unnecessary-copy-initialization): make_again() takes it away
  make_again();
  note(kind_of_death(error.what(), died, kept), error.what(), moves, kept);
}

// None, where the target dies of the scenario.
Moves HuntWorker::moves_or_none(const Scenario& scenario) {
  try {
    return moves_of(scenario, *quiet_);
  } catch (const TargetError& error) {
    ++inputs_;
    note_death(error, {}, scenario);
    return {};
  }
}

void HuntWorker::tell() {
  const Json line = {{"job", job_},
                     {"inputs", inputs_ - told_},
                     {"steps", steps_ - std::exchange(told_steps_, steps_)},
                     {"seeds", planted_},
                     {"of", seeds_},
                     {"transitions", feedback_.transitions()},
                     {"rules", feedback_.rules()},
                     {"features", feedback_.features()},
                     {"corpus", corpus_->entries().size()}};
  told_ = inputs_;
  if (!write_line_(line.dump())) throw TargetError("nobody listens");
}

std::optional<Moves> HuntWorker::named(const InputName& name) {
  const fs::path corpus = options_.folder / "corpus";
  if (name.kind == InputName::Kind::kSeed) {
    const auto seeds = read_scenarios(options_.seeds);
    if (name.seed >= seeds.size()) return std::nullopt;
    return moves_of(seeds[name.seed].scenario, *quiet_);
  }
  auto parent = HuntCorpus::read(corpus, name.parent, *quiet_);
  if (!parent || name.kind != InputName::Kind::kMutated) return parent;
  const auto other = HuntCorpus::read(corpus, name.other, *quiet_);
  return other ? std::optional(made_from(*parent, *other, name.seed)) : std::nullopt;
}

void HuntWorker::play_carefully() {
  const fs::path crash = options_.folder / "crash";
  fs::create_directories(crash);
  const fs::path script = crash / fmt::format("{}.pkt", job_);
  const InputName& name = playing_.name();
  if (name.kind == InputName::Kind::kSeed) {  // it may have died before there were moves
    const auto seeds = read_scenarios(options_.seeds);
    if (name.seed < seeds.size()) write_file(script.string(), print_script(seeds[name.seed].scenario));
  }
  const auto moves = named(name);
  if (!moves) return;
  std::ofstream out(script, std::ios::trunc);
  Scenario terms;
  terms.about.settings = moves->settings;
  if (moves->ip == 6) terms.options.emplace_back("--ip_version=ipv6");
  out << print_script(terms);
  player_->watch([&](const ScriptStep& step) { out << to_text(step) << "\n" << std::flush; });
  player_->play(*moves);
  out.close();
  fs::remove(script);  // it did not die of that
}

}  // namespace tcpassay
