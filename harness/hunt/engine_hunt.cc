// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/engine_hunt.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "harness/hunt/confirm.h"
#include "harness/hunt/episodes.h"
#include "harness/hunt/move_octets.h"
#include "harness/script/print.h"
#include "harness/session/finding.h"

namespace tcpassay {
namespace {

constexpr std::size_t kHistory = 64;

std::string environment(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

}  // namespace

EngineTerms terms_of_environment(const std::string& target) {
  EngineTerms terms;
  terms.terms.target = environment("TCPASSAY_TARGET", target);
  terms.terms.own_options.defect = environment("TCPASSAY_PLANT", "");
  terms.folder = environment("TCPASSAY_FINDINGS", "");
  terms.findings_max = std::strtoul(environment("TCPASSAY_FINDINGS_MAX", "1").c_str(), nullptr, 10);
  const auto signals = signals_of(environment("TCPASSAY_SIGNALS", "transitions,pairs,rules,freedoms"));
  if (!signals) throw std::runtime_error("TCPASSAY_SIGNALS: expected all, none, or some of transitions, pairs ...");
  terms.signals = *signals;
  std::istringstream ignored(environment("TCPASSAY_IGNORE", ""));
  for (std::string id; std::getline(ignored, id, ',');) {
    if (!rule_by_id(id)) throw std::runtime_error("TCPASSAY_IGNORE: no rule is named " + id);
    terms.ignored.push_back(id);
  }
  return terms;
}

EngineHunt::EngineHunt(EngineTerms terms, std::span<std::uint8_t> map)
    : terms_(std::move(terms)), feedback_(terms_.signals) {
  if (!map.empty()) feedback_.count_in(map.data(), map.size());
  make_again();
  limits_.settings = target_->identity().settings;
  limits_.ipv6 = target_->identity().can(Ability::kIpv6);
  limits_.missing_options = target_->identity().missing_options;
  limits_.urgent_data = target_->identity().can(Ability::kUrgentData);
}

EngineHunt::~EngineHunt() = default;

void EngineHunt::make_again() {
  player_.reset();
  session_.reset();
  target_ = make_target(terms_.terms.target, terms_.terms.own_options);
  session_ = std::make_unique<Session>(*target_, hunt_session(terms_.terms, *target_));
  player_ = std::make_unique<MovePlayer>(*session_);
  player_->after_each([this] { feedback_.step(); });
  feedback_.watch(session_->oracle());
}

bool EngineHunt::play(ByteView input) {
  Moves moves = moves_within(input);
  if (!limits_.ipv6) moves.ip = 4;
  std::erase_if(moves.settings, [&](const Setting& each) { return !target_->identity().has_setting(each.name); });
  feedback_.begin();
  try {
    player_->play(moves);
    const Verdict* verdict = first_finding(session_->oracle());
    if (verdict != nullptr) note(kind_of(*verdict, player_->played()), describe(*verdict), moves);
    feedback_.is_new(session_->oracle());
  } catch (const TargetError& error) {
    const bool died = dynamic_cast<const TargetDied*>(&error) != nullptr;
    const FindingKind kind = kind_of_death(error.what(), died, player_->played());
    note(kind, error.what(), moves);
    make_again();
  }
  if (history_.size() >= kHistory) history_.pop_front();
  history_.emplace_back(input.begin(), input.end());
  ++inputs_;
  return found_.size() < terms_.findings_max;
}

// Octets may say anything, and times would be doubled beyond what a number holds.
Moves EngineHunt::moves_within(ByteView octets) const {
  Moves moves = moves_of(octets);
  keep_within(moves, limits_);
  return moves;
}

// Of each rule one finding. It is written before it is made smaller.
void EngineHunt::note(FindingKind kind, const std::string& verdict, const Moves& moves) {
  if (std::find(terms_.ignored.begin(), terms_.ignored.end(), kind.rule) != terms_.ignored.end()) return;
  if (!found_.insert(kind.rule).second) return;
  const std::string script = print_script(player_->played());
  fmt::print(stderr, "{}finding: {} in {} steps\n", verdict, kind.rule, player_->played().steps.size());
  if (terms_.folder.empty()) {
    fmt::print(stderr, "{}", script);
    return;
  }
  Hunted found{.kind = std::move(kind), .inputs = inputs_, .cpu_s = processor_time(), .verdict = verdict};
  if (!write_first(found, terms_.folder, {.script = script}, terms_.terms)) return;
  const auto history = [&] {
    std::vector<Moves> all;
    for (const Bytes& input : history_) all.push_back(moves_of(input));
    return all;
  };
  confirm(found, moves, history, terms_.terms);
  move_to_its_name(found, terms_.terms);
  fmt::print(stderr, "finding: {}, {} steps: {}\n", to_string(found.status), found.steps, found.replay);
}

std::size_t EngineHunt::put(const Moves& moves, std::uint8_t* place, std::size_t most) const {
  const Bytes octets = octets_of(moves);
  const std::size_t size = std::min(octets.size(), most);
  std::memcpy(place, octets.data(), size);
  return size;
}

std::size_t EngineHunt::mutate(std::uint8_t* input, std::size_t size, std::size_t most, std::uint64_t seed) const {
  Moves parent = moves_within({input, size});
  Random random(~seed);
  if (parent.moves.empty()) parent.moves = some_opening(random);
  const Moves other = history_.empty() ? parent : moves_within(history_[random.below(history_.size())]);
  return put(mutated(parent, other, seed, limits_), input, most);
}

std::size_t EngineHunt::cross(ByteView one, ByteView two, std::uint8_t* made, std::size_t most,
                              std::uint64_t seed) const {
  return put(mutated(moves_within(one), moves_within(two), seed, limits_), made, most);
}

}  // namespace tcpassay
