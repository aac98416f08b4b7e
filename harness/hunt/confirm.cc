// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/confirm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "harness/base/processes.h"
#include "harness/base/write_file.h"
#include "harness/hunt/hunted.h"
#include "harness/hunt/move_player.h"
#include "harness/hunt/moves.h"
#include "harness/hunt/reduce.h"
#include "harness/report/replay_command.h"
#include "harness/script/parse.h"
#include "harness/script/print.h"
#include "harness/script/scenario.h"
#include "harness/session/finding.h"
#include "harness/session/session.h"
#include "harness/target/target.h"
#include "harness/targets/registry.h"
#include "models/oracle.h"
#include "models/rule.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

constexpr int kPlaysMax = 1500, kRealPlaysMax = 100;  // to make one finding smaller
constexpr int kTries = 3;                             // to see it again where time is real

bool is_virtual(const HuntTerms& terms) {
  return !terms.target.starts_with("linux");
}

void write_script(const fs::path& path, const Scenario& scenario) {
  write_file(path.string(), "// SPDX-License-Identifier: Apache-2.0\n" + print_script(scenario));
}

// As it will be when it is read from its file.
Scenario read_back(const Scenario& scenario) {
  return parse_script(print_script(scenario), "finding");
}

std::optional<FindingKind> seen_again(Witness& witness, const Scenario& scenario, const FindingKind& kind,
                                      const HuntTerms& terms) {
  for (int i = 0; i < (is_virtual(terms) ? 1 : kTries); ++i) {
    const auto shown = witness.shown_by(scenario);
    if (shown && same_fault(*shown, kind)) return shown;
  }
  return std::nullopt;
}

// The shortest end of the history, of a power of two inputs, behind which the scenario shows the fault.
std::size_t history_needed(const std::vector<Moves>& history, const Scenario& scenario, const FindingKind& kind,
                           const HuntTerms& terms) {
  for (std::size_t count = 1;; count *= 2) {
    const std::size_t used = std::min(count, history.size());
    Witness witness(terms);
    for (std::size_t i = history.size() - used; i < history.size(); ++i) witness.shown_by(history[i]);
    const auto shown = witness.shown_by(scenario);
    if (shown && same_fault(*shown, kind)) return used;
    if (used == history.size()) return 0;
  }
}

void write_history(const fs::path& folder, const std::vector<Moves>& history, std::size_t used,
                   const HuntTerms& terms) {
  fs::create_directories(folder);
  Witness witness(terms);
  for (std::size_t i = 0; i < used; ++i) {
    witness.shown_by(history[history.size() - used + i]);
    write_script(folder / fmt::format("{:03}.pkt", i), witness.played());
  }
}

// The scenario of the smallest moves that show the fault, if it shows the fault without the moves.
std::optional<Scenario> smallest(Witness& witness, const Moves& moves, const FindingKind& kind,
                                 const HuntTerms& terms) {
  const auto shows = [&](const Moves& candidate) {
    const auto shown = witness.shown_by(candidate);
    return shown && same_fault(*shown, kind);
  };
  if (!shows(moves)) return std::nullopt;
  const Moves least = reduced(moves, shows, is_virtual(terms) ? kPlaysMax : kRealPlaysMax);
  if (!shows(least)) return std::nullopt;
  Scenario script = read_back(witness.played());
  witness.renew();
  if (!seen_again(witness, script, kind, terms)) return std::nullopt;
  return script;
}

// Leaves out each step, from the last to the first, without which the fault shows, too.
Scenario smaller_script(Witness& witness, Scenario script, const FindingKind& kind) {
  for (std::size_t i = script.steps.size(); i > 0; --i) {
    Scenario shorter = script;
    shorter.steps.erase(shorter.steps.begin() + static_cast<std::ptrdiff_t>(i - 1));
    const auto shown = witness.shown_by(shorter);
    if (shown && same_fault(*shown, kind)) script = std::move(shorter);
  }
  return script;
}

std::string title_of(const FindingKind& kind) {
  const auto rule = rule_by_id(kind.rule);
  return rule ? std::string(info(*rule).sentence) : "the target " + kind.rule;
}

// A process that may die is asked whether the scenario kills it: the own stack and adapters without a child process.
bool kills(const Scenario& scenario, const HuntTerms& terms) {
  const auto ends =
      in_processes(1, [&](int, const LineWriter&) { Witness(terms).shown_by(scenario); }, [](const std::string&) {});
  return !ends.empty() && !ends.front().empty();
}

// Leaves out each step, from the last to the first, without which the process dies, too.
Scenario smallest_killer(Scenario scenario, const HuntTerms& terms) {
  for (std::size_t i = scenario.steps.size(); i > 0; --i) {
    Scenario shorter = scenario;
    shorter.steps.erase(shorter.steps.begin() + static_cast<std::ptrdiff_t>(i - 1));
    if (kills(shorter, terms)) scenario = std::move(shorter);
  }
  return scenario;
}

void keep(Hunted& found, Scenario script, const HuntTerms& terms) {
  script.about.title = title_of(found.kind);
  found.steps = script.steps.size();
  const fs::path path = found.folder / "finding.pkt";
  write_script(path, script);
  found.replay = replay_command(path.string(), replay_options(terms));
}

}  // namespace

SessionOptions hunt_session(const HuntTerms& terms, const Target& target) {
  SessionOptions options{.edition = terms.edition, .strict = terms.strict, .keep_trace = false, .assertions = false};
  if (target.identity().can(Ability::kVirtualTime)) options.final_wait = kDelayedAckWait;
  return options;
}

Witness::~Witness() = default;

void Witness::renew() {
  session_.reset();
  target_.reset();
}

Session& Witness::session() {
  if (!target_) target_ = make_target(terms_.target, terms_.own_options);
  if (!session_) session_ = std::make_unique<Session>(*target_, hunt_session(terms_, *target_));
  return *session_;
}

template <class Play>
std::optional<FindingKind> Witness::shown(Play&& play) {
  bool died = false;
  std::string how;
  try {
    play();
    const Verdict* verdict = first_finding(session().oracle());
    if (verdict == nullptr) return std::nullopt;
    verdict_ = describe(*verdict);
    return kind_of(*verdict, played_);
  } catch (const TargetDied& error) {
    died = true;
    how = error.what();
  } catch (const TargetError& error) {
    how = error.what();
  }
  verdict_ = how;
  renew();
  return kind_of_death(how, died, played_);
}

std::optional<FindingKind> Witness::shown_by(const Scenario& scenario) {
  return shown([&] {
    played_ = scenario;
    session().play(scenario);
  });
}

std::optional<FindingKind> Witness::shown_by(const Moves& moves) {
  return shown([&] {
    MovePlayer player(session());
    try {
      player.play(moves);
    } catch (const TargetError&) {
      played_ = player.played();
      throw;
    }
    played_ = player.played();
  });
}

bool same_fault(const FindingKind& a, const FindingKind& b) {
  const bool of_target = a.rule == "died" || a.rule == "failed";
  return a.rule == b.rule && a.departed == b.departed && (!of_target || a.seen == b.seen);
}

void confirm(Hunted& found, const Moves& moves, const std::function<std::vector<Moves>()>& history,
             const HuntTerms& terms) {
  const Scenario first = read_script((found.folder / "first.pkt").string());
  if (found.kind.rule == "crashed") {
    const bool again = kills(first, terms);
    found.status = again ? FindingStatus::kConfirmed : FindingStatus::kUnsteady;
    keep(found, again ? smallest_killer(first, terms) : first, terms);
    return write_finding_json(found, terms);
  }
  Witness witness(terms);
  if (seen_again(witness, first, found.kind, terms)) {
    found.status = FindingStatus::kConfirmed;
    const auto least = smallest(witness, moves, found.kind, terms);
    const Scenario shown = least ? *least : smaller_script(witness, first, found.kind);
    witness.renew();
    if (const auto kind = seen_again(witness, shown, found.kind, terms)) found.kind = *kind;
    found.verdict = witness.verdict();
    keep(found, shown, terms);
  } else {
    const std::vector<Moves> before = history();
    const std::size_t used = before.empty() ? 0 : history_needed(before, first, found.kind, terms);
    found.status = used > 0 ? FindingStatus::kNeedsHistory : FindingStatus::kUnsteady;
    if (!before.empty()) write_history(found.folder / "history", before, used > 0 ? used : before.size(), terms);
    keep(found, first, terms);
  }
  write_forms(found, terms);
  write_finding_json(found, terms);  // last: until then the finding is unconfirmed, and is looked into again
}

void minimise(Hunted& found, const HuntTerms& terms) {
  const Scenario script = read_script((found.folder / "finding.pkt").string());
  Witness witness(terms);
  const auto target = make_target(terms.target, terms.own_options);
  Session quiet(*target, {.judge = false, .keep_trace = false, .assertions = false});
  Moves moves;
  try {
    moves = moves_of(script, quiet);
  } catch (const TargetError&) {  // the target dies of it
  }
  const auto least = smallest(witness, moves, found.kind, terms);
  if (least && least->steps.size() <= script.steps.size()) keep(found, *least, terms);
  write_finding_json(found, terms);
  write_forms(found, terms);
}

}  // namespace tcpassay
