// SPDX-License-Identifier: Apache-2.0
#include "harness/mutation/of_segments.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <random>

#include "harness/base/processes.h"
#include "harness/mutation/passed_runs.h"
#include "harness/targets/registry.h"

namespace tcpassay {
namespace {

constexpr const char* kNames[kAlterations] = {
    "sequence number", "acknowledgment", "window", "control bit", "urgent pointer", "option",
    "octet of text",   "length",         "sooner", "left out",    "repeated",       "damaged",
};
constexpr int kTriesMax = 20;  // to find a segment to which the alteration applies

bool is_finding(const Verdict& verdict) {
  return verdict.kind != Verdict::Kind::kInconclusive;
}

bool is_noticed(Oracle& oracle, const Terms& terms, const std::vector<Event>& events) {
  oracle.start(terms);
  for (const Event& event : events) oracle.observe(event);
  oracle.finish();
  return std::any_of(oracle.verdicts().begin(), oracle.verdicts().end(), is_finding);
}

// Counts an alteration that passes: once for each row of profiles.def with which it does, and those above it.
void count_profiles(SensitivityResult& result, Oracle& oracle, Terms terms, const std::vector<Event>& events) {
  ++result.passed[kProfiles - 1];
  for (int i = kProfiles - 1; i > 0; --i) {
    terms.profiles.remove(static_cast<Profile>(i));
    if (is_noticed(oracle, terms, events)) return;
    ++result.passed[static_cast<std::size_t>(i - 1)];
  }
}

class Alterer {
 public:
  explicit Alterer(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_); }

  // The events of the run with the one at `index` altered; nothing where the alteration does not apply. `freedom` is
  // set when the RFC leaves the target free to do that, `what` describes the alteration.
  std::optional<std::vector<Event>> alter(const PassedRun& run, std::size_t index, Alteration alteration,
                                          std::string& freedom, std::string& what) {
    std::vector<Event> events = run.trace.events;
    const Departing before = std::get<Departing>(events[index].what);
    const bool applies = alteration >= Alteration::kSooner && alteration != Alteration::kDamaged
                             ? alter_presence(events, index, alteration, freedom)
                             : alter_field(events, index, alteration, freedom);
    if (!applies) return std::nullopt;
    what = described(run, before, events, index, alteration);
    return events;
  }

 private:
  // Each of these returns false where the alteration does not apply.
  bool alter_presence(std::vector<Event>& events, std::size_t index, Alteration alteration, std::string& freedom) {
    const auto at = events.begin() + static_cast<std::ptrdiff_t>(index);
    if (alteration == Alteration::kSooner) return leaves_sooner(events, index, freedom);
    if (alteration == Alteration::kRepeated) {
      const Event again = *at;
      events.insert(at, again);
      return true;
    }
    const bool retransmits = std::get<Departing>(at->what).len() > 0 && sent_before(events, index);
    if (retransmits) freedom = "when exactly a timer makes it leave";
    events.erase(at);
    return true;
  }

  // An ACK without text and the segment that left upon it change places.
  static bool leaves_sooner(std::vector<Event>& events, std::size_t index, std::string& freedom) {
    if (index == 0 || events[index - 1].tuple != events[index].tuple) return false;
    const auto* ack = std::get_if<Arriving>(&events[index - 1].what);
    const auto& text = std::get<Departing>(events[index].what);
    if (ack == nullptr || !ack->text.empty() || ack->len() > 0 || text.text.empty() || text.ctl.syn) return false;
    Event &first = events[index - 1], &second = events[index];
    if (!sent_before(events, index)) freedom = "not every ACK makes room for text";
    std::swap(first.what, second.what);
    return true;
  }

  bool alter_field(std::vector<Event>& events, std::size_t index, Alteration alteration, std::string& freedom) {
    auto& seg = std::get<Departing>(events[index].what);
    switch (alteration) {
      case Alteration::kSeq:
        if (seg.ctl.syn) freedom = "the initial sequence number";
        seg.seq = seg.seq + distance();
        return true;
      case Alteration::kAck:
        if (!seg.ctl.ack) return false;
        if (seg.ctl.rst && seg.text.empty()) freedom = "the acknowledgment of a reset that needs none";
        seg.ack = seg.ack + distance();
        return true;
      case Alteration::kWindow:
        return alter_window(seg, freedom);
      case Alteration::kFlags:
        invert_a_bit(seg, freedom);
        return true;
      case Alteration::kUrgent:
        return alter_urgent_pointer(seg, freedom);
      case Alteration::kOption:
        return alter_option(seg, freedom);
      case Alteration::kText:
        return alter_text(seg);
      case Alteration::kLength:
        if (seg.text.empty() && !below(4)) return false;
        if (seg.len() > 0 && sent_before(events, index)) freedom = "a retransmission may be cut anew";
        if (seg.ctl.rst && freedom.empty()) freedom = "text on a reset says why";
        alter_length(seg);
        return true;
      default:
        damage(seg);
        return true;
    }
  }

  bool alter_window(Departing& seg, std::string& freedom) {
    const std::uint16_t before = seg.wnd;
    seg.wnd = static_cast<std::uint16_t>(below(2) ? below(65536) : seg.wnd + (below(2) ? 1 : -1));
    freedom = seg.ctl.rst ? "the window of a reset" : "the size of the receive window";
    return seg.wnd != before;
  }

  bool alter_urgent_pointer(Departing& seg, std::string& freedom) {
    const std::uint16_t before = seg.up;
    seg.up = static_cast<std::uint16_t>(1 + below(65535));
    if (!seg.ctl.urg) freedom = "an urgent pointer without URG means nothing";
    return seg.up != before;
  }

  bool alter_text(Departing& seg) {
    if (seg.text.empty()) return false;
    text_.assign(seg.text.begin(), seg.text.end());
    text_[below(text_.size())] ^= static_cast<std::uint8_t>(1 + below(255));
    seg.text = text_;
    return true;
  }

  void alter_length(Departing& seg) {
    text_.assign(seg.text.begin(), seg.text.end());
    if (text_.empty() || below(2)) {
      text_.push_back(static_cast<std::uint8_t>(below(256)));
    } else {
      text_.pop_back();
    }
    seg.text = text_;
  }

  void damage(Departing& seg) {
    if (below(2)) {
      seg.fault = Fault::kChecksum;
    } else {
      seg.ctl.reserved = static_cast<std::uint8_t>(2u << below(3));
    }
  }

  std::uint32_t distance() {
    const auto near = static_cast<std::uint32_t>(1 + below(3000));
    switch (below(4)) {
      case 0:
        return 1;
      case 1:
        return ~0u;  // one less
      case 2:
        return below(2) ? near : 0u - near;
      default:
        return static_cast<std::uint32_t>(1 + below(0xfffffffe));
    }
  }

  void invert_a_bit(Departing& seg, std::string& freedom) {
    switch (below(6)) {
      case 0:
        seg.ctl.fin = !seg.ctl.fin;
        break;
      case 1:
        seg.ctl.syn = !seg.ctl.syn;
        break;
      case 2:
        seg.ctl.rst = !seg.ctl.rst;
        break;
      case 3:
        seg.ctl.psh = !seg.ctl.psh;
        if (seg.ctl.psh) freedom = "PSH may be set on any segment";
        break;
      case 4:
        seg.ctl.ack = !seg.ctl.ack;
        if (seg.ctl.rst) freedom = "a reset may acknowledge or not";
        break;
      default:
        seg.ctl.urg = !seg.ctl.urg;
        break;
    }
  }

  bool alter_option(Departing& seg, std::string& freedom) {
    switch (below(4)) {
      case 0:
        if (!seg.opt.mss) {
          seg.opt.mss = static_cast<std::uint16_t>(1 + below(65535));
          seg.opt.octets += 4;
          return true;
        }
        seg.opt.mss = static_cast<std::uint16_t>(1 + below(65535));
        if (*seg.opt.mss <= 1460) freedom = "the MSS that is offered";
        return true;
      case 1:
        if (!seg.opt.mss) return false;
        seg.opt.mss.reset();
        seg.opt.octets -= 4;
        return true;
      case 2:
        if (!seg.opt.timestamps) return false;
        if (below(2)) {
          seg.opt.timestamps->value += distance();
          freedom = "the timestamp clock";
        } else {
          seg.opt.timestamps->echo += distance();
        }
        return true;
      default:
        if (seg.opt.unknown) return false;
        seg.opt.unknown = true;
        seg.opt.octets += 4;
        freedom = "an option that this judge does not know";
        return true;
    }
  }

  // The segment, or a part of it, is sent again.
  static bool sent_before(const std::vector<Event>& events, std::size_t index) {
    const auto& seg = std::get<Departing>(events[index].what);
    for (std::size_t i = 0; i < index; ++i) {
      const auto* earlier = std::get_if<Departing>(&events[i].what);
      const bool covers = earlier != nullptr && events[i].tuple == events[index].tuple && earlier->len() > 0;
      if (covers && seg.seq < earlier->seq + earlier->len()) return true;
    }
    return false;
  }

  static std::string described(const PassedRun& run, const Departing& before, const std::vector<Event>& events,
                               std::size_t index, Alteration alteration) {
    std::string after;
    if (alteration < Alteration::kSooner || alteration == Alteration::kDamaged) {
      const auto& seg = std::get<Departing>(events[index].what);
      after = fmt::format(" -> {} seq {:+} ack {:+} win {} length {}", to_string(seg.ctl),
                          static_cast<std::int32_t>(seg.seq.value - before.seq.value),
                          static_cast<std::int32_t>(seg.ack.value - before.ack.value), seg.wnd, seg.text.size());
    }
    return fmt::format("{} event {}: {} win {} length {}{}", run.trace.scenario, index, to_string(before.ctl),
                       before.wnd, before.text.size(), after);
  }

  std::mt19937_64 random_;
  Bytes text_;
};

void count(SensitivityResult::Row& row, const std::string& freedom) {
  ++row.free;
  for (auto& [name, times] : row.freedoms) {
    if (name == freedom) {
      ++times;
      return;
    }
  }
  row.freedoms.emplace_back(freedom, 1);
}

}  // namespace

const char* to_string(Alteration alteration) {
  return kNames[static_cast<std::size_t>(alteration)];
}

std::size_t SensitivityResult::samples() const {
  std::size_t all = 0;
  for (const Row& row : rows) all += row.samples;
  return all;
}

double SensitivityResult::share() const {
  std::size_t escaped = 0;
  for (const Row& row : rows) escaped += row.escapes();
  return samples() == 0 ? 0 : 1 - static_cast<double>(escaped) / static_cast<double>(samples());
}

SensitivityResult mutation_sensitivity(const std::vector<ScenarioFile>& scenarios, const SensitivityOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  SensitivityResult result;
  const auto target = make_target("own");
  const std::deque<PassedRun> all = passed_runs(scenarios, *target);
  result.traces = all.size();
  Oracle oracle;
  Alterer alterer(options.seed);
  for (std::size_t done = 0; done < options.samples && !all.empty() && !Interrupt::interrupted(); ++done) {
    const auto alteration = static_cast<Alteration>(done % kAlterations);
    SensitivityResult::Row& row = result.rows[done % kAlterations];
    std::optional<std::vector<Event>> altered;
    Terms terms;
    std::string freedom, what;
    for (int tries = 0; !altered && tries < kTriesMax; ++tries) {
      const PassedRun& run = all[alterer.below(all.size())];
      const std::size_t index = run.departing[alterer.below(run.departing.size())];
      freedom.clear();
      terms = run.terms;
      altered = alterer.alter(run, index, alteration, freedom, what);
    }
    if (!altered) continue;
    ++row.samples;
    const bool noticed = is_noticed(oracle, terms, *altered);
    if (!noticed) count_profiles(result, oracle, terms, *altered);
    if (noticed) {
      ++row.noticed;
    } else if (!freedom.empty()) {
      count(row, freedom);
    } else if (row.escaped.size() < options.examples) {
      row.escaped.push_back(what);
    }
    if (options.progress) options.progress(done + 1, options.samples, to_string(alteration));
  }
  result.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

}  // namespace tcpassay
