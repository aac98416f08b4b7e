// SPDX-License-Identifier: Apache-2.0
#include "harness/check/plugin_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "harness/check/plugin_conversation.h"
#include "harness/targets/plugin/child_target.h"

namespace tcpassay {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr microseconds kOddStep{700};     // of time: no whole number of milliseconds
constexpr milliseconds kLate{20};         // real time in which a thread of the adapter may emit
constexpr int kWarm = 40, kRounds = 200;  // scenarios before the heap is measured, and between two measurements

// One mistake is told once, however many conversations show it.
void add(PluginReport& report, const std::string& complaint) {
  auto& all = report.complaints;
  if (std::find(all.begin(), all.end(), complaint) == all.end()) all.push_back(complaint);
}

// The first line that differs.
std::string difference(const Transcript& a, const Transcript& b) {
  for (std::size_t i = 0; i < std::max(a.lines.size(), b.lines.size()); ++i) {
    const std::string left = i < a.lines.size() ? a.lines[i] : "nothing";
    const std::string right = i < b.lines.size() ? b.lines[i] : "nothing";
    if (left != right)
      return fmt::format("line {} was '{}', then '{}'", i + 1, left.substr(0, 120), right.substr(0, 120));
  }
  return "nothing";
}

class PluginInspector {
 public:
  PluginInspector(const FreshTarget& fresh, PluginReport& report)
      : fresh_(fresh), report_(report), all_(plugin_conversations(report.identity)) {}

  void inspect() {
    guard("plays each conversation alone", [&] { alone(); });
    guard("emits nothing between calls", [&] { between_calls(); });
    if (!report_.complaints.empty()) return;  // the rest would only repeat it
    if (!report_.identity.can(Ability::kVirtualTime)) return;
    guard("repeats itself with the same seed", [&] { repeated(); });
    guard("forgets earlier scenarios: all forwards, then backwards", [&] { in_other_orders(); });
    guard("takes other initial sequence numbers with another seed", [&] { other_seeds(); });
    guard("keeps time: in large steps and in steps of 0.7 ms", [&] { small_steps(); });
    guard("keeps no memory of a scenario", [&] { memory(); });
  }

 private:
  template <typename Work>
  void guard(const char* what, Work work) {
    report_.tried.emplace_back(what);
    try {
      work();
    } catch (const TargetDied& died) {
      add(report_, fmt::format("the stack or its adapter dies: {}", died.what()));
    } catch (const TargetError& error) {
      add(report_, error.what());
    }
  }

  Transcript play(Target& target, const PluginConversation& each, std::uint64_t seed = 1, Time step = {}) {
    Transcript seen = each.play(target, seed, step);
    for (const std::string& complaint : seen.complaints) add(report_, fmt::format("{} ({})", complaint, each.name));
    return seen;
  }

  void alone() {
    for (const PluginConversation& each : all_) {
      const auto target = fresh_();
      expected_.push_back(play(*target, each));
    }
  }

  void between_calls() {
    const auto target = fresh_();
    for (const PluginConversation& each : all_) {
      play(*target, each);
      std::this_thread::sleep_for(kLate);
      target->advance(target->now() + Time(1));
      if (target->identity().can(Ability::kSynchronous)) target->collect();
    }
  }

  void repeated() {
    for (std::size_t i = 0; i < all_.size(); ++i) {
      const Transcript again = play(*fresh_(), all_[i]);
      if (again == expected_[i]) continue;
      differs_ = true;
      return add(report_, fmt::format("does not repeat itself: {} was played twice with the same seed, and {}. All "
                                      "randomness must come from host->random(), all time from advance()",
                                      all_[i].name, difference(expected_[i], again)));
    }
  }

  void in_other_orders() {
    if (differs_) return;
    const auto target = fresh_();
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < all_.size(); ++i) order.push_back(i);
    for (std::size_t i = all_.size(); i > 0; --i) order.push_back(i - 1);
    for (std::size_t place = 0; place < order.size(); ++place) {
      const Transcript seen = play(*target, all_[order[place]]);
      if (seen == expected_[order[place]]) continue;
      const char* const before = place == 0 ? "nothing" : all_[order[place - 1]].name;
      return add(report_,
                 fmt::format("remembers earlier scenarios: {} differs after {}: {}. reset() leaves something of "
                             "the old one; without TCPASSAY_EXACT_RESET each scenario gets a process of its own",
                             all_[order[place]].name, before, difference(expected_[order[place]], seen)));
    }
  }

  void other_seeds() {
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (!expected_[i].iss) continue;
      const Transcript other = play(*fresh_(), all_[i], 2);
      if (other.iss != expected_[i].iss) return;
      add(report_,
          fmt::format("the initial sequence number is {} with every seed: is the stack's random source "
                      "host->random()? (MUST-8 is about that; if the stack is like this, ignore the complaint)",
                      *other.iss));
      return;
    }
  }

  // What happens must not depend on how often advance() is called.
  void small_steps() {
    if (differs_) return;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      const Transcript small = play(*fresh_(), all_[i], 1, kOddStep);
      if (small.departures == expected_[i].departures) continue;
      const auto& large = expected_[i].departures;
      std::size_t first = 0;
      while (first < std::min(large.size(), small.departures.size()) && large[first] == small.departures[first])
        ++first;
      const auto told = [&](const std::vector<Time>& times) {
        return first < times.size()
                   ? fmt::format("leaves at {:.6f} s", std::chrono::duration<double>(times[first]).count())
                   : "never leaves";
      };
      return add(report_,
                 fmt::format("loses time, or next_deadline() names a timer too late: in {}, packet {} {} when time "
                             "goes from deadline to deadline, and {} when it goes in steps of 0.7 ms",
                             all_[i].name, first + 1, told(large), told(small.departures)));
    }
  }

  // The heap of the child, where it serves many scenarios.
  void memory() {
    const auto target = fresh_();
    auto* child = dynamic_cast<ChildTarget*>(target.get());
    if (child == nullptr || child->renewal() != Renewal::kReset) return;
    const auto rounds = [&](int count) {
      for (int i = 0; i < count; ++i) all_[static_cast<std::size_t>(i) % all_.size()].play(*target, 1, {});
      target->reset(1);
      return child->heap();
    };
    const std::uint64_t before = rounds(kWarm), after = rounds(kRounds), later = rounds(kRounds);
    if (after <= before || later <= after) return;
    add(report_,
        fmt::format("leaks: {} octets of heap remain of each scenario after reset()", (later - after) / kRounds));
  }

  const FreshTarget& fresh_;
  PluginReport& report_;
  std::vector<PluginConversation> all_;
  std::vector<Transcript> expected_{};
  bool differs_ = false;
};

}  // namespace

PluginReport check_plugin(const FreshTarget& fresh) {
  PluginReport report;
  report.tried.emplace_back("loads, and its table is complete");
  try {
    report.identity = fresh()->identity();
  } catch (const TargetError& error) {
    report.complaints.emplace_back(error.what());
    return report;
  }
  PluginInspector(fresh, report).inspect();
  return report;
}

}  // namespace tcpassay
