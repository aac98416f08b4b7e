// SPDX-License-Identifier: Apache-2.0
#include "harness/mutation/passed_runs.h"

#include <span>
#include <string>
#include <utility>
#include <variant>

#include "harness/session/session.h"

namespace tcpassay {
namespace {

// A copy of the trace with its own memory.
Trace copied(const Trace& trace) {
  Trace copy = trace;
  copy.store.clear();
  const auto keep = [&](std::span<const std::uint8_t>& text) {
    text = copy.store.emplace_back(text.begin(), text.end());
  };
  for (Event& event : copy.events) {
    if (auto* in = std::get_if<Arriving>(&event.what)) keep(in->text);
    if (auto* out = std::get_if<Departing>(&event.what)) keep(out->text);
    if (auto* call = std::get_if<UserCall>(&event.what)) keep(call->text);
  }
  return copy;
}

class TermsSeen : public TraceObserver {
 public:
  void begins(const Terms& terms, const std::string&) override { terms_ = terms; }
  void happens(const Event&) override {}
  const Terms& terms() const { return terms_; }

 private:
  Terms terms_{};
};

}  // namespace

std::deque<PassedRun> passed_runs(const std::vector<ScenarioFile>& scenarios, Target& target) {
  std::deque<PassedRun> all;  // whose elements stay where they are
  TermsSeen seen;
  Session session(target, {.white_box = false, .assertions = false, .observer = &seen, .final_wait = kDelayedAckWait});
  for (const auto& file : scenarios) {
    if (Session::unsupported(file.scenario, target)) continue;
    session.play(file.scenario);
    const std::vector<Bytes> packets = session.take_packets();
    if (!session.oracle().verdicts().empty()) continue;
    PassedRun run{.file = &file, .trace = copied(session.trace()), .packets = packets};
    run.trace.scenario = file.path;
    run.ip = ip_version(file.scenario).value_or(file.ip);
    run.terms = seen.terms();
    for (std::size_t i = 0; i < run.trace.events.size(); ++i) {
      if (std::holds_alternative<Departing>(run.trace.events[i].what)) run.departing.push_back(i);
    }
    if (!run.departing.empty()) all.push_back(std::move(run));
  }
  return all;
}

}  // namespace tcpassay
