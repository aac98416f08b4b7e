// SPDX-License-Identifier: Apache-2.0
#include "harness/offline/judge_run.h"

#include <fmt/format.h>

#include "harness/session/run_log.h"

namespace tcpassay {

FileResult judge_run(const std::string& capture, const std::string& log, Edition edition, bool strict) {
  RunLogReader reader(capture, log);
  FileResult result{.file = capture};
  result.trace.scenario = reader.scenario();
  Terms terms = reader.terms();
  terms.edition = edition;
  terms.strict = strict;
  Oracle oracle;
  oracle.start(terms);
  Tuple latest{};
  while (auto entry = reader.next(result.trace.store)) {
    oracle.observe(entry->event);
    if (!(entry->event.tuple == Tuple{})) latest = entry->event.tuple;
    result.trace.events.push_back(entry->event);
    result.trace.states.push_back(oracle.states(latest));
    result.trace.places.push_back({.file = capture, .line = static_cast<int>(entry->frame)});
  }
  oracle.finish();
  result.verdicts = oracle.verdicts();
  result.tolerated = oracle.tolerated();
  result.freedoms = oracle.freedoms_taken();
  for (const Verdict& verdict : result.verdicts) {
    if (verdict.consequence || verdict.kind == Verdict::Kind::kDeparted) continue;
    const bool violated = verdict.kind == Verdict::Kind::kViolated;
    result.outcome = violated ? Outcome::kFail : Outcome::kInconclusive;
    result.why = fmt::format("{}: allowed {}; seen {}", info(verdict.rule).id, verdict.allowed, verdict.seen);
    if (violated) break;
  }
  return result;
}

}  // namespace tcpassay
