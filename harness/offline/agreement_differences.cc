// SPDX-License-Identifier: Apache-2.0
// What a record or a capture does not see. The oracle judges the run again without it: when it then says what the
// record says, that is the difference.
#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <variant>

#include "harness/offline/agreement.h"
#include "models/passive_oracle.h"
#include "models/rules.h"

namespace tcpassay {
namespace {

constexpr Time kReactionMax = std::chrono::milliseconds(500);  // as in script_replay.cc

std::uint32_t key_of(Tuple tuple) {
  return std::uint32_t{tuple.local} << 16 | tuple.remote;
}

// A run of which something is hidden.
class Hidden {
 public:
  Hidden(const Trace& trace, const Terms& terms) : events_(trace.events), terms_(terms) {}

  void hide(Difference what) {
    if (what == Difference::kLink) hide_link();
    if (what == Difference::kOctets) hide_octets();
    if (what == Difference::kReports) hide_reports();
    if (what == Difference::kSilence) hide_silence();
  }

  void hide_all_reports() {
    std::erase_if(events_, [](const Event& event) { return std::holds_alternative<StateReport>(event.what); });
  }

  Findings findings() const {
    Oracle oracle(terms_);
    for (const Event& event : events_) oracle.observe(event);
    oracle.finish();
    return findings_of(oracle.verdicts());
  }

 private:
  // Whether an MSS option may be missing, and how large it may be.
  void hide_link() {
    constexpr std::uint32_t kTcpHeader = 20;
    terms_.link_known = false;
    for (const Event& event : events_) {
      const auto* out = std::get_if<Departing>(&event.what);
      if (out == nullptr || !out->ctl.syn) continue;
      const std::uint32_t announced = out->opt.mss.value_or(0) + kTcpHeader;
      terms_.mms_r = std::max(terms_.mms_r, announced);
      terms_.mms_s = std::max(terms_.mms_s, announced);
    }
  }

  // The octets of the target follow from their place; which ones a read has given is not told.
  void hide_octets() {
    std::map<std::uint32_t, SndSeq> first;  // of the stream, by ports
    for (Event& event : events_) {
      if (auto* call = std::get_if<UserCall>(&event.what); call != nullptr && call->kind == CallKind::kRead) {
        call->text = {};
      }
      auto* seg = std::get_if<Departing>(&event.what);
      if (seg == nullptr) continue;
      const std::uint32_t key = key_of(event.tuple);
      if (seg->ctl.syn) first[key] = seg->seq + 1u;
      const auto begin = first.find(key);
      if (seg->text.empty() || begin == first.end()) continue;
      Bytes& text = store_.emplace_back(seg->text.size());
      const std::uint32_t offset = seg->seq + (seg->ctl.syn ? 1u : 0u) - begin->second;
      for (std::uint32_t i = 0; i < text.size(); ++i) text[i] = target_octet(offset + i);
      seg->text = text;
    }
  }

  // Silences as ScriptReplay notes them: before each event, and none that is sure but the last. What came before counts
  // as seen at its time.
  void hide_silence() {
    std::vector<Event> all;
    Time now{};
    const auto quiet = [&](Time at, Quiet silence) {
      all.push_back({.from = at, .until = at, .tuple = {}, .what = silence});
    };
    for (const Event& event : events_) {
      if (std::holds_alternative<Quiet>(event.what)) continue;
      const bool out = std::holds_alternative<Departing>(event.what);
      const bool state = std::holds_alternative<StateReport>(event.what);
      const bool was_quiet = all.empty() || std::holds_alternative<Quiet>(all.back().what);
      const Quiet silence{.idle = false, .reacting = out};
      const bool later = event.from > now;
      if ((later && !was_quiet) || (!later && !out && !state)) quiet(now, silence);
      const bool reacting = out && event.from - now < kReactionMax;
      if (later) quiet(event.from - Time(1), {.idle = false, .reacting = reacting});
      all.push_back(event);
      now = std::max(now, event.until);
    }
    quiet(now, {.idle = true});
    events_ = std::move(all);
  }

  // Of one connection the changes of its state are written, without its numbers.
  void hide_reports() {
    std::optional<Tuple> pair;
    bool several = false;
    for (const Event& event : events_) {
      const bool segment =
          std::holds_alternative<Arriving>(event.what) || std::holds_alternative<Departing>(event.what);
      if (!segment) continue;
      several = several || pair.value_or(event.tuple) != event.tuple;
      pair = event.tuple;
    }
    std::optional<State> last;
    std::erase_if(events_, [&](Event& event) {
      auto* report = std::get_if<StateReport>(&event.what);
      if (report == nullptr) return false;
      if (several || last == report->state) return true;
      last = report->state;
      *report = StateReport{.state = report->state};
      return false;
    });
  }

  std::vector<Event> events_;
  std::deque<Bytes> store_;
  Terms terms_;
};

constexpr Difference kOfRecords[] = {Difference::kLink, Difference::kOctets, Difference::kReports,
                                     Difference::kSilence};  // silences are noted between what is written

// What a script does not say of a packet, so that it is another one.
bool cannot_be_written(const Trace& trace) {
  std::map<std::uint32_t, SndSeq> first;
  for (const Event& event : trace.events) {
    const auto* seg = std::get_if<Departing>(&event.what);
    if (seg == nullptr) continue;
    if (seg->fault != Fault::kNone || seg->ip.oddity != Carrier::Oddity::kNone) return true;
    const std::uint32_t key = key_of(event.tuple);
    if (seg->ctl.syn && first.try_emplace(key, seg->seq).first->second != seg->seq) return true;
  }
  return false;
}

// The oracle of captures, shown the segments of the run in their order: what it says.
Findings of_passive_oracle(const Trace& trace, const Terms& terms) {
  std::map<std::uint32_t, PassiveOracle> oracles;
  std::uint64_t number = 0;
  for (const Event& event : trace.events) {
    const bool segment = std::holds_alternative<Arriving>(event.what) || std::holds_alternative<Departing>(event.what);
    if (!segment) continue;
    oracles.try_emplace(key_of(event.tuple), terms).first->second.observe({&event, 1}, ++number);
  }
  std::vector<Verdict> verdicts;
  for (const auto& [key, oracle] : oracles) {
    if (oracle.verdict()) verdicts.push_back(*oracle.verdict());
  }
  return findings_of(verdicts);
}

struct Copied {
  std::uint32_t seq = 0, ack = 0;
  std::size_t length = 0;
  Ctl ctl{};
  friend bool operator==(const Copied&, const Copied&) = default;
};

// Whether the reader of captures passes over a packet of the run (conversation.cc, docs/recordings.md): it may be a
// copy of the one before it, a frame of several segments, or for another address; or the connection is over.
bool is_passed_over(const Trace& trace) {
  std::optional<Copied> last_in, last_out;
  std::uint16_t mss = 0;
  int fins = 0;
  bool reset = false;
  for (const Event& event : trace.events) {
    const auto* in = std::get_if<Arriving>(&event.what);
    const auto* out = std::get_if<Departing>(&event.what);
    if (in != nullptr) {
      const Copied one{in->seq.value, in->ack.value, in->text.size(), in->ctl};
      if (reset || last_in == one || in->ip.oddity != Carrier::Oddity::kNone) return true;
      if (in->ctl.syn && mss == 0) mss = in->opt.mss.value_or(536);
      last_in = one;
      fins += in->ctl.fin;
      reset = reset || in->ctl.rst;
    }
    if (out == nullptr) continue;
    const Copied one{out->seq.value, out->ack.value, out->text.size(), out->ctl};
    const bool behind = reset || (fins >= 2 && out->ctl == Ctl{.ack = true});
    if (behind || last_out == one || (mss != 0 && out->text.size() + out->opt.octets > mss)) return true;
    last_out = one;
    fins += out->ctl.fin;
    reset = reset || out->ctl.rst;
  }
  return false;
}

bool is_of_numbers(Rule rule) {
  return rule == Rule::MUST_8 || rule == Rule::MUST_9 || rule == Rule::SHLD_1 || info(rule).rfc == 6528;
}

Findings without_numbers(Findings found) {
  std::erase_if(found.broken, is_of_numbers);
  std::erase_if(found.departed, is_of_numbers);
  return found;
}

}  // namespace

Difference difference_of_record(const Trace& trace, const Terms& terms, const Findings& live, const Findings& record) {
  if (record == live) return Difference::kNone;
  for (const Difference one : kOfRecords) {
    Hidden hidden(trace, terms);
    hidden.hide(one);
    if (hidden.findings() == record) return one;
  }
  Hidden hidden(trace, terms);
  for (const Difference one : kOfRecords) {
    hidden.hide(one);
    if (hidden.findings() == record) return one;
  }
  if (without_numbers(hidden.findings()) == record || without_numbers(live) == record) return Difference::kNumbers;
  return cannot_be_written(trace) ? Difference::kNotWritten : Difference::kUnknown;
}

Difference difference_of_capture(const Trace& trace, const Terms& terms, const Findings& live,
                                 const Findings& capture) {
  if (capture == live) return Difference::kNone;
  if (capture.any()) {
    Hidden hidden(trace, terms);
    hidden.hide(Difference::kLink);
    const Findings rest = hidden.findings();
    if (rest == capture) return Difference::kLink;
    const bool guilty = capture.broken.empty() ? rest.any() : !rest.broken.empty();  // a MUST needs another MUST
    return guilty ? Difference::kName : Difference::kUnknown;
  }
  if (capture.inconclusive) return Difference::kExcused;
  for (const Difference one : kOfRecords) {
    Hidden hidden(trace, terms);
    hidden.hide(one);
    if (one == Difference::kReports) hidden.hide_all_reports();
    if (!hidden.findings().any()) return one;
  }
  if (!of_passive_oracle(trace, terms).any()) return Difference::kCalls;
  return is_passed_over(trace) ? Difference::kPassedOver : Difference::kUnknown;
}

}  // namespace tcpassay
