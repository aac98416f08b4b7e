// SPDX-License-Identifier: Apache-2.0
// A script read as a record: its steps become events, which the oracle judges. script_replay.cc makes the events.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "harness/offline/judge.h"
#include "harness/offline/outcome.h"
#include "harness/offline/script_replay.h"
#include "harness/script/error.h"
#include "harness/script/scenario.h"
#include "harness/script/tcp_options.h"
#include "harness/wire/icmp.h"
#include "models/edition.h"
#include "models/event.h"
#include "models/freedom.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;

constexpr Time kTimeTolerance = milliseconds(4);  // packetdrill's
constexpr int kMovedMax = 256;                    // how often a line is tried one place earlier

std::optional<std::string> unknown_construct(const ScriptStep& step, std::uint8_t ip) {
  if (const auto* icmp = std::get_if<Icmp>(&step.action)) {
    if (!icmp->inbound) return "an ICMP message of the target";
    const auto spec = read_icmp(icmp->text);
    if (!spec || !icmp_numbers(*spec, ip)) return icmp->text;
  }
  const auto* unknown = std::get_if<Unsupported>(&step.action);
  if (unknown && !unknown->harmless && !unknown->recorded) return unknown->construct;
  return std::nullopt;
}

// What a complete record does not show did not happen; of any other script a target's silence is no part.
bool records_the_target(const Scenario& scenario) {
  const auto sent = [](const ScriptStep& step) { return std::holds_alternative<Expect>(step.action); };
  return scenario.about.complete_record || std::any_of(scenario.steps.begin(), scenario.steps.end(), sent);
}

// Whether the peer signs a segment (RFC 2385). What a target without a key does with it, no text says.
bool has_signatures(const Scenario& scenario) {
  return std::any_of(scenario.steps.begin(), scenario.steps.end(), [](const ScriptStep& step) {
    const auto* in = std::get_if<Inject>(&step.action);
    return in && is_signed(in->segment);
  });
}

std::string place_text(const Place& where) {
  return where.line == 0 ? "" : fmt::format(" ({}:{}:{})", where.file, where.line, where.column);
}

// What no line says.
struct Assumed {
  Time any_time{};            // ScriptReplay::assume_any()
  bool doubles = false;       // ... and each such line after twice the time
  bool drops_signed = false;  // ScriptReplay::assume_signed_dropped()
};

// `begun`: the name of the file and of the scenario.
FileResult judge_with(const Assumed& assumed, const Scenario& scenario, const FileResult& begun, Edition edition,
                      bool strict, const FreedomSet& withheld) {
  FileResult result{.file = begun.file};
  result.trace.scenario = scenario.name;
  ScriptReplay replay(result.trace, scenario, edition, strict, withheld);
  replay.assume_any(assumed.any_time, assumed.doubles);
  replay.assume_signed_dropped(assumed.drops_signed);
  replay.play();
  result.verdicts = replay.oracle().verdicts();
  result.tolerated = replay.oracle().tolerated();
  result.freedoms = replay.oracle().freedoms_taken();
  for (const auto& verdict : result.verdicts) {
    if (verdict.consequence || verdict.kind == Verdict::Kind::kDeparted) continue;
    const bool violated = verdict.kind == Verdict::Kind::kViolated;
    result.outcome = violated ? Outcome::kFail : Outcome::kInconclusive;
    const Place& where = result.trace.places[std::min(verdict.event, result.trace.places.size() - 1)];
    result.why = fmt::format("{}allowed {}; seen {}", where.line == 0 ? "" : fmt::format("line {}: ", where.line),
                             verdict.allowed, verdict.seen);
    if (violated) break;
  }
  if (result.outcome == Outcome::kFail && replay.vague()) {
    result.outcome = Outcome::kInconclusive;
    result.why = "options that are not told (<...>); otherwise " + result.why;
  }
  return result;
}

const Verdict* first_broken(const FileResult& record) {
  const auto broken = [](const Verdict& verdict) {
    return !verdict.consequence && verdict.kind == Verdict::Kind::kViolated;
  };
  const auto first = std::find_if(record.verdicts.begin(), record.verdicts.end(), broken);
  return first == record.verdicts.end() ? nullptr : &*first;
}

bool at_once(const ScriptStep& step) {
  return step.time.form == StepTime::Form::kRelative && step.time.at == Time{};
}

bool acknowledges(const SegmentSpec& line, const SegmentSpec& of_peer) {
  const std::uint32_t octets = of_peer.length + of_peer.ctl.fin;
  return line.ack && octets > 0 && of_peer.seq + of_peer.ctl.syn + octets == *line.ack;
}

// The place behind the peer's segment whose end the `>` line acknowledges, when all that stands between happens at once
// and is none of the target's.
std::vector<ScriptStep>::iterator behind_acknowledged(Scenario& scenario, std::vector<ScriptStep>::iterator line) {
  const SegmentSpec& spec = std::get<Expect>(line->action).segment;
  for (auto step = line; spec.ack && at_once(*step) && step != scenario.steps.begin(); --step) {
    const auto before = step - 1;
    if (std::holds_alternative<Expect>(before->action)) break;
    const auto* in = std::get_if<Inject>(&before->action);
    if (in && in->segment.length > 0 && acknowledges(spec, in->segment)) return step;
  }
  return line;
}

// Of the target's lines that happen at once, up to the accused one, the first that can stand further up; none when all
// stand as far up as they can. The lines keep their order.
bool moves_up(Scenario& scenario, std::vector<ScriptStep>::iterator accused) {
  auto first = accused;
  while (first != scenario.steps.begin() && at_once(*first) && std::holds_alternative<Expect>((first - 1)->action)) {
    --first;
  }
  for (auto line = first; line <= accused; ++line) {
    const auto to = behind_acknowledged(scenario, line);
    if (to == line) continue;
    std::rotate(to, line, line + 1);
    return true;
  }
  return false;
}

// packetdrill compares a line with the next packet that it has seen, which may have left before a packet was injected
// that stands in front of the line: within the tolerance of time the order of the two is not known. Moves the `>` line
// that is accused behind what it acknowledges, or before such a line, but not before what it acknowledges; false when
// there is no such place.
bool left_before(Scenario& scenario, const FileResult& accused) {
  const Verdict* verdict = first_broken(accused);
  if (!verdict || verdict->event >= accused.trace.places.size()) return false;
  const Place& where = accused.trace.places[verdict->event];
  const auto same = [&](const ScriptStep& step) {
    return step.where.line == where.line && step.where.column == where.column;
  };
  const auto line = std::find_if(scenario.steps.begin(), scenario.steps.end(), same);
  if (line == scenario.steps.end() || line == scenario.steps.begin()) return false;
  if (!std::holds_alternative<Expect>(line->action)) return false;
  if (moves_up(scenario, line)) return true;
  const auto before = line - 1;
  const auto* in = std::get_if<Inject>(&before->action);
  const bool soon = line->time.form == StepTime::Form::kRelative && line->time.at <= kTimeTolerance;
  const bool as_late = line->time.form == StepTime::Form::kAbsolute && before->time.form == line->time.form &&
                       line->time.at - before->time.at <= kTimeTolerance;
  if (!in || in->segment.ctl.syn || (!soon && !as_late)) return false;
  if (acknowledges(std::get<Expect>(line->action).segment, in->segment)) return false;
  std::swap(*before, *line);
  std::swap(before->time, line->time);
  return true;
}

}  // namespace

FileResult judge_script(const Scenario& scenario, const std::string& file, Edition edition, bool strict,
                        const FreedomSet& withheld) {
  FileResult result{.file = file};
  result.trace.scenario = scenario.name;
  const std::uint8_t ip = ip_version(scenario).value_or(4);
  for (const auto& step : scenario.steps) {
    if (const auto construct = unknown_construct(step, ip)) {
      result.outcome = Outcome::kUnsupported;
      result.why = *construct + place_text(step.where);
      return result;
    }
  }
  if (scenario.steps.empty()) {
    result.outcome = Outcome::kUnsupported;
    result.why = "nothing is in it";
    return result;
  }
  if (!records_the_target(scenario)) {
    result.outcome = Outcome::kInconclusive;
    result.why = "no line says what the target sent: a scenario, to be played (tcpassay run)";
    return result;
  }
  // At which times the lines with `*` happened is not known: the target is innocent if it is with some.
  const Scenario* script = &scenario;
  const bool any_time = std::any_of(script->steps.begin(), script->steps.end(),
                                    [](const ScriptStep& step) { return step.time.form == StepTime::Form::kAny; });
  FileResult first = judge_with({}, scenario, result, edition, strict, withheld);
  for (const Time longest : {milliseconds(300), milliseconds(1100), milliseconds(3300), milliseconds(70000)}) {
    if (!any_time || first.outcome != Outcome::kFail) break;
    FileResult again = judge_with({.any_time = longest}, scenario, result, edition, strict, withheld);
    if (again.outcome != Outcome::kFail) return again;
  }
  if (any_time && first.outcome != Outcome::kPass) {  // a timeout doubles
    FileResult again =
        judge_with({.any_time = milliseconds(2200), .doubles = true}, scenario, result, edition, strict, withheld);
    if (again.outcome == Outcome::kPass) return again;
  }
  if (first.outcome == Outcome::kFail && has_signatures(scenario)) {
    FileResult again = judge_with({.drops_signed = true}, scenario, result, edition, strict, withheld);
    if (again.outcome != Outcome::kFail) return again;
  }
  Scenario other = scenario;
  FileResult again = first;
  for (int moved = 0; moved < kMovedMax && !scenario.about.complete_record; ++moved) {
    if (again.outcome != Outcome::kFail || !left_before(other, again)) break;
    again = judge_with({}, other, result, edition, strict, withheld);
  }
  // Either nothing is wrong then, or what is wrong comes later.
  const auto line_of = [](const FileResult& record) {
    const Verdict* broken = first_broken(record);
    return broken && broken->event < record.trace.places.size() ? record.trace.places[broken->event].line : 0;
  };
  return again.outcome != Outcome::kFail || line_of(again) > line_of(first) ? again : first;
}

}  // namespace tcpassay
