// SPDX-License-Identifier: Apache-2.0
// A script read as a record: its steps become events, which the oracle judges. script_replay.cc makes the events.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "harness/offline/judge.h"
#include "harness/offline/script_replay.h"
#include "harness/wire/icmp.h"

namespace tcpassay {
namespace {

using std::chrono::milliseconds;

constexpr Time kTimeTolerance = milliseconds(4);  // packetdrill's
constexpr int kMovedMax = 256;                    // how often a line is tried one place earlier

// What the model does not know of the segment; nothing if it knows all.
std::optional<std::string> unknown_segment(const SegmentSpec& segment) {
  for (const auto& option : segment.options) {
    switch (option.kind) {
      case OptionSpec::Kind::kMd5:
        return "TCP MD5 signatures (RFC 2385)";
      default:
        break;
    }
  }
  return std::nullopt;
}

std::optional<std::string> unknown_construct(const ScriptStep& step, std::uint8_t ip) {
  if (const auto* icmp = std::get_if<Icmp>(&step.action)) {
    if (!icmp->inbound) return "an ICMP message of the target";
    const auto spec = read_icmp(icmp->text);
    if (!spec || !icmp_numbers(*spec, ip)) return icmp->text;
  }
  const auto* unknown = std::get_if<Unsupported>(&step.action);
  if (unknown && !unknown->harmless && !unknown->recorded) return unknown->construct;
  if (const auto* in = std::get_if<Inject>(&step.action)) return unknown_segment(in->segment);
  if (const auto* out = std::get_if<Expect>(&step.action)) return unknown_segment(out->segment);
  return std::nullopt;
}

// What a complete record does not show did not happen; of any other script a target's silence is no part.
bool records_the_target(const Scenario& scenario) {
  const auto sent = [](const ScriptStep& step) { return std::holds_alternative<Expect>(step.action); };
  return scenario.about.complete_record || std::any_of(scenario.steps.begin(), scenario.steps.end(), sent);
}

std::string place_text(const Place& where) {
  return where.line == 0 ? "" : fmt::format(" ({}:{}:{})", where.file, where.line, where.column);
}

// `begun`: the name of the file and of the scenario. `any_time`: ScriptReplay::assume_any().
FileResult judge_with(Time any_time, const Scenario& scenario, const FileResult& begun, Edition edition, bool strict,
                      const FreedomSet& withheld) {
  FileResult result{.file = begun.file};
  result.trace.scenario = scenario.name;
  ScriptReplay replay(result.trace, scenario, edition, strict, withheld);
  replay.assume_any(any_time);
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

// packetdrill compares a line with the next packet that it has seen, which may have left before a packet was injected
// that stands in front of the line: within the tolerance of time the order of the two is not known. Moves the `>` line
// that is accused before such a line; false when none stands there.
bool left_before(Scenario& scenario, const FileResult& accused) {
  const Verdict* verdict = first_broken(accused);
  if (!verdict || verdict->event >= accused.trace.places.size()) return false;
  const Place& where = accused.trace.places[verdict->event];
  const auto same = [&](const ScriptStep& step) {
    return step.where.line == where.line && step.where.column == where.column;
  };
  const auto line = std::find_if(scenario.steps.begin(), scenario.steps.end(), same);
  if (line == scenario.steps.end() || line == scenario.steps.begin()) return false;
  const auto before = line - 1;
  const auto* in = std::get_if<Inject>(&before->action);
  const bool at_once = line->time.form == StepTime::Form::kRelative && line->time.at <= kTimeTolerance;
  const bool as_late = line->time.form == StepTime::Form::kAbsolute && before->time.form == line->time.form &&
                       line->time.at - before->time.at <= kTimeTolerance;
  if (!in || !std::holds_alternative<Expect>(line->action) || in->segment.ctl.syn || (!at_once && !as_late))
    return false;
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
  FileResult first = judge_with(Time{}, scenario, result, edition, strict, withheld);
  for (const Time longest : {milliseconds(300), milliseconds(1100), milliseconds(3300), milliseconds(70000)}) {
    if (!any_time || first.outcome != Outcome::kFail) break;
    FileResult again = judge_with(longest, scenario, result, edition, strict, withheld);
    if (again.outcome != Outcome::kFail) return again;
  }
  Scenario other = scenario;
  FileResult again = first;
  for (int moved = 0; moved < kMovedMax && !scenario.about.complete_record; ++moved) {
    if (again.outcome != Outcome::kFail || !left_before(other, again)) break;
    again = judge_with(Time{}, other, result, edition, strict, withheld);
  }
  // Either nothing is wrong then, or what is wrong comes later.
  const auto line_of = [](const FileResult& record) {
    const Verdict* broken = first_broken(record);
    return broken && broken->event < record.trace.places.size() ? record.trace.places[broken->event].line : 0;
  };
  return again.outcome != Outcome::kFail || line_of(again) > line_of(first) ? again : first;
}

}  // namespace tcpassay
