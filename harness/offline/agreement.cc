// SPDX-License-Identifier: Apache-2.0
#include "harness/offline/agreement.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "harness/offline/judge.h"
#include "harness/offline/judge_run.h"
#include "harness/report/packetdrill_export.h"
#include "harness/script/parse.h"
#include "harness/session/run_log.h"

namespace tcpassay {
namespace {

constexpr std::size_t kPacketsMax = 1 << 20;  // kept of a run

void sort_once(std::vector<Rule>& rules) {
  std::sort(rules.begin(), rules.end());
  rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
}

// Of the ends with this address.
Findings findings_of(const CaptureResult& result, const Address& target) {
  Findings found;
  for (const ConversationResult& one : result.conversations) {
    for (const EndpointResult& end : one.ends) {
      if (!(end.end.address == target)) continue;
      if (found.why.empty()) found.why = end.why;
      found.inconclusive = found.inconclusive || end.outcome == Outcome::kInconclusive;
      if (end.outcome != Outcome::kFail) continue;
      const bool departs = end.verdict->kind == Verdict::Kind::kDeparted;
      (departs ? found.departed : found.broken).push_back(end.verdict->rule);
    }
  }
  sort_once(found.broken);
  sort_once(found.departed);
  return found;
}

// A capture and the log beside it, of this process, removed in the end.
class Files {
 public:
  explicit Files(const std::string& folder)
      : pcap_((std::filesystem::path(folder) / fmt::format("agreement-{}.pcap", ::getpid())).string()),
        log_(run_log_of(pcap_)) {}
  ~Files() {
    std::error_code ignored;
    std::filesystem::remove(pcap_, ignored);
    std::filesystem::remove(log_, ignored);
  }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  const std::string& pcap() const { return pcap_; }
  const std::string& log() const { return log_; }

 private:
  std::string pcap_, log_;
};

class TermsSeen : public TraceObserver {
 public:
  explicit TermsSeen(TraceObserver& log) : log_(log) {}
  void begins(const Terms& terms, const std::string& name) override {
    terms_ = terms;
    log_.begins(terms, name);
  }
  void happens(const Event& event) override { log_.happens(event); }
  const Terms& terms() const { return terms_; }

 private:
  TraceObserver& log_;
  Terms terms_{};
};

}  // namespace

const char* to_string(Way way) {
  static constexpr const char* kNames[kWays] = {"live", "log", "record", "capture"};
  return kNames[static_cast<std::size_t>(way)];
}

const char* to_string(Difference difference) {
  static constexpr const char* kNames[kDifferences] = {"none",        "link",    "octets",      "numbers",
                                                       "states",      "silence", "not written", "calls",
                                                       "passed over", "name",    "excused",     "unknown"};
  return kNames[static_cast<std::size_t>(difference)];
}

Findings findings_of(const std::vector<Verdict>& verdicts) {
  Findings found;
  for (const Verdict& verdict : verdicts) {
    if (verdict.consequence) continue;
    if (verdict.kind == Verdict::Kind::kInconclusive) found.inconclusive = true;
    if (verdict.kind == Verdict::Kind::kViolated) found.broken.push_back(verdict.rule);
    if (verdict.kind == Verdict::Kind::kDeparted) found.departed.push_back(verdict.rule);
    if (!found.why.empty()) continue;
    found.why = fmt::format("{} at event {}: allowed {}; seen {}", info(verdict.rule).id, verdict.event,
                            verdict.allowed, verdict.seen);
  }
  sort_once(found.broken);
  sort_once(found.departed);
  return found;
}

bool Agreement::holds() const {
  return std::find(differences.begin(), differences.end(), Difference::kUnknown) == differences.end();
}

std::string Agreement::text() const {
  std::string text;
  for (std::size_t i = 0; i < kWays; ++i) {
    const Findings& found = findings[i];
    text += fmt::format("{:<8} {:<12}", to_string(static_cast<Way>(i)), to_string(differences[i]));
    for (const Rule rule : found.broken) text += fmt::format(" {}", info(rule).id);
    for (const Rule rule : found.departed) text += fmt::format(" ({})", info(rule).id);
    text += fmt::format("{}{}{}\n", found.inconclusive ? " inconclusive" : "", found.why.empty() ? "" : " ", found.why);
  }
  return text;
}

Agreement judge_four_ways(const Scenario& scenario, Target& target, const AgreementOptions& options) {
  const Files files(options.folder);
  CaptureFile capture(files.pcap());
  RunLog log(files.log());
  TermsSeen observer(log);
  Session session(target, {.assertions = false,
                           .ip = options.ip,
                           .capture = &capture,
                           .observer = &observer,
                           .packets_kept = kPacketsMax,
                           .round_trip = options.round_trip,
                           .manner = options.manner,
                           .final_wait = kDelayedAckWait});
  session.play(scenario);
  capture.close();
  log.close();
  const std::uint8_t ip = ip_version(scenario).value_or(options.ip);
  const Identity& identity = target.identity();
  const Address& end = ip == 6 ? identity.ipv6_address : identity.address;
  const std::string script = export_run(scenario, session.trace(), session.take_packets(), identity, ip);
  const FileResult record = judge_script(parse_script(script, "record.pkt"), "record.pkt");

  Agreement result;
  auto& [live, from_log, from_record, from_capture] = result.findings;
  live = findings_of(session.oracle().verdicts());
  from_log = findings_of(judge_run(files.pcap(), files.log(), kNewest, false).verdicts);
  from_record = findings_of(record.verdicts);
  from_capture = findings_of(judge_capture(files.pcap(), {.ends = {{.address = end, .port = 0}}}), end);
  auto& differences = result.differences;
  if (!(from_log == live)) differences[static_cast<std::size_t>(Way::kLog)] = Difference::kUnknown;
  differences[static_cast<std::size_t>(Way::kRecord)] =
      difference_of_record(session.trace(), observer.terms(), live, from_record);
  differences[static_cast<std::size_t>(Way::kCapture)] =
      difference_of_capture(session.trace(), observer.terms(), live, from_capture);
  return result;
}

}  // namespace tcpassay
