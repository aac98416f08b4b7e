// SPDX-License-Identifier: Apache-2.0
#include "harness/check/player.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "harness/base/processes.h"
#include "harness/check/check_options.h"
#include "harness/check/corpus.h"
#include "harness/check/played_json.h"
#include "harness/check/tally.h"
#include "harness/script/scenario.h"
#include "harness/script/schedule.h"
#include "harness/session/round_trip.h"
#include "harness/session/run_log.h"
#include "harness/session/session.h"
#include "harness/target/inconclusive.h"
#include "harness/target/settings.h"
#include "harness/target/target.h"
#include "harness/targets/registry.h"
#include "harness/targets/remote/remote_place.h"
#include "harness/wire/capture_file.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view kNotJudged = "inconclusive";  // what `why` begins with, then
constexpr std::size_t kDeathsMax = 20;                   // times a target may die in one run and be made again
// An implementation that crashes costs some milliseconds a scenario, one that hangs many seconds.
constexpr std::chrono::seconds kLostMax{120};
// A target may keep TIME-WAIT from one scenario to the next. So the peer uses this many ports in turn, and no pair of
// ports comes again too soon.
constexpr std::size_t kPeerPorts = 20000;

OwnStackOptions own_options_of(const CheckOptions& options) {
  return {.defect = options.defect, .legal_variants = options.legal_variants};
}

// Whether the script has `>` lines or code. If not, the results that it gives for its calls are no assertions: they
// only say what usually comes.
bool asserts(const Scenario& scenario) {
  return std::any_of(scenario.steps.begin(), scenario.steps.end(), [](const ScriptStep& step) {
    return std::holds_alternative<Expect>(step.action) || std::holds_alternative<Code>(step.action);
  });
}

SessionOptions options_for(const Target& target, const CheckOptions& options, std::size_t number,
                           CaptureFile* capture) {
  const bool in_virtual_time = target.identity().can(Ability::kVirtualTime);
  SessionOptions session;
  session.edition = options.edition;
  session.strict = options.strict;
  session.keep_trace = false;
  session.assertions = false;
  session.capture = capture;
  session.seed = options.seed;
  session.round_trip = options.round_trip;
  session.manner = options.manner;
  if (in_virtual_time) {
    session.final_wait = kDelayedAckWait;
  } else {
    session.peer_port = static_cast<std::uint16_t>(kPeerPort + number % kPeerPorts);
  }
  return session;
}

// Plays scenarios on one target and makes the target again when it dies.
class Player {
 public:
  Player(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options)
      : scenarios_(scenarios), options_(options), target_(make_target(options.target, own_options_of(options))) {}

  const Identity& identity() const { return target_->identity(); }

  Played play(std::size_t number) {
    const ScenarioFile& file = scenarios_[number];
    const bool at_once = options_.round_trip.count() == 0;  // the times in scripts hold
    const bool assertions = asserts(file.scenario) && !options_.oracle_only && at_once;
    const auto why = Session::unsupported(file.scenario, *target_, file.ip, assertions,
                                          options_.round_trip + delay_max(options_.round_trip, options_.manner));
    if (why) return {.why = *why};
    if (lost_ > kLostMax) return {.why = std::string(kNotPlayed)};
    const auto begin = std::chrono::steady_clock::now();
    try {
      return judge_again(file, number, assertions);
    } catch (const Inconclusive& why_not) {
      return {.why = fmt::format("{}: {}", kNotJudged, why_not.what())};
    } catch (const TargetDied& died) {
      lost_ += std::chrono::steady_clock::now() - begin;
      return {.why = fmt::format("{}: {}", kImplementationDied, died.what())};
    } catch (const TargetError& error) {
      if (++deaths_ > kDeathsMax) throw;
      target_.reset();
      target_ = make_target(options_.target, own_options_of(options_));
      return {.why = fmt::format("{}: {}", kTargetDied, error.what())};
    }
  }

 private:
  // A wire that lost a packet or a machine that was busy may do better the second time.
  Played judge_again(const ScenarioFile& file, std::size_t number, bool assertions) {
    try {
      return judge(file, number, assertions);
    } catch (const Inconclusive&) {
      return judge(file, number, assertions);
    }
  }

  Played judge(const ScenarioFile& file, std::size_t number, bool assertions) {
    std::unique_ptr<CaptureFile> capture;
    std::unique_ptr<RunLog> log;
    if (!options_.pcap_folder.empty()) {
      const char* const ending = chosen_ipv6(file) ? "_ipv6.pcap" : ".pcap";
      const fs::path path = fs::path(options_.pcap_folder) / (flat_name(file.path) + ending);
      capture = std::make_unique<CaptureFile>(path.string());
      log = std::make_unique<RunLog>(run_log_of(path.string()));
    }
    SessionOptions session_options = options_for(*target_, options_, number, capture.get());
    session_options.observer = log.get();
    session_options.ip = file.ip;
    session_options.assertions = assertions;
    Session session(*target_, session_options);
    session.play(file.scenario);
    if (Interrupt::interrupted()) return {.why = std::string(kInterrupted)};
    if (capture) capture->close();
    if (log) log->close();
    return {.skipped = false, .result = result_of(session.oracle()), .mismatches = session.mismatches()};
  }

  const std::vector<ScenarioFile>& scenarios_;
  const CheckOptions& options_;
  std::unique_ptr<Target> target_;
  std::size_t deaths_ = 0;
  std::chrono::nanoseconds lost_{};  // in scenarios during which the implementation died
};

// With several processes each plays a part of the scenarios that are left, and writes a line of JSON for each of them
// to its pipe.

using Part = std::vector<std::size_t>;  // numbers of scenarios, as they are played

void work(const std::vector<ScenarioFile>& scenarios, const Part& part, const CheckOptions& options,
          const LineWriter& write_line) {
  const auto write = [&](const Json& json) {
    return write_line(json.dump(-1, ' ', false, Json::error_handler_t::replace));
  };
  Player player(scenarios, options);
  if (!write({{"identity", to_json(player.identity())}})) return;
  for (const std::size_t number : part) {
    if (Interrupt::interrupted()) return;
    if (!write({{"number", number}, {"played", to_json(player.play(number))}})) return;
  }
}

// The scenarios that no process has played. The first one of a process that died is what it died of.
std::vector<std::size_t> left_over(const std::vector<Part>& parts, const std::vector<std::string>& deaths,
                                   const std::vector<bool>& done, std::vector<Played>& played) {
  std::vector<std::size_t> left;
  for (std::size_t job = 0; job < parts.size(); ++job) {
    bool blamed = deaths[job].empty();
    for (const std::size_t number : parts[job]) {
      if (done[number]) continue;
      if (blamed) left.push_back(number);
      if (!blamed) played[number].why = fmt::format("{}: its process ended by {}", kTargetDied, deaths[job]);
      blamed = true;
    }
  }
  std::sort(left.begin(), left.end());
  return left;
}

// Processes that test one machine take turns with its settings, so that scenarios with the same ones come together.
// Those with ICMP messages leave path MTUs behind, which are forgotten while nobody plays.
std::vector<std::size_t> in_order(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options) {
  std::vector<std::size_t> order(scenarios.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (!is_remote(options.target)) return order;
  const auto key = [&](std::size_t number) {
    const Scenario& scenario = scenarios[number].scenario;
    std::string text;
    for (const Setting& setting : scenario.about.settings) text += fmt::format("{}={} ", setting.name, setting.value);
    const bool icmp = std::any_of(scenario.steps.begin(), scenario.steps.end(),
                                  [](const ScriptStep& step) { return std::holds_alternative<Icmp>(step.action); });
    return text + (icmp ? "icmp" : "");
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  return order;
}

// Every scenario goes to the process that has the least to do, the long ones first, so that all end at about the same
// time. Where a machine is shared, every process plays the n-th scenario of each n, so that they keep their order.
std::vector<Part> dealt(const std::vector<std::size_t>& left, std::size_t jobs,
                        const std::vector<ScenarioFile>& scenarios, const CheckOptions& options) {
  constexpr Time kAtLeast = std::chrono::milliseconds(20);  // what a scenario takes that does not wait
  std::vector<Part> parts(jobs);
  if (is_remote(options.target)) {
    for (std::size_t i = 0; i < left.size(); ++i) parts[i % jobs].push_back(left[i]);
    return parts;
  }
  std::vector<Time> length(scenarios.size());
  for (const std::size_t number : left) {
    const Time waits = length_of(scenarios[number].scenario, options.round_trip);
    length[number] = kAtLeast + (waits > kRealWaitMax ? Time{} : waits);  // what waits longer is skipped
  }
  Part by_length = left;
  std::stable_sort(by_length.begin(), by_length.end(),
                   [&](std::size_t a, std::size_t b) { return length[a] > length[b]; });
  std::vector<Time> load(jobs);
  for (const std::size_t number : by_length) {
    const auto job = static_cast<std::size_t>(std::min_element(load.begin(), load.end()) - load.begin());
    parts[job].push_back(number);
    load[job] += length[number];
  }
  return parts;
}

std::vector<Played> play_in_processes(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options,
                                      Identity& identity) {
  std::vector<Played> played(scenarios.size(), Played{.why = fmt::format("{} too often", kTargetDied)});
  std::vector<bool> done(scenarios.size());
  std::size_t count = 0;
  const auto take = [&](const std::string& text) {
    const Json line = Json::parse(text);
    if (line.contains("identity")) {
      identity = identity_from_json(line.at("identity"));
      return;
    }
    const std::size_t number = line.at("number");
    played[number] = played_from_json(line.at("played"));
    done[number] = true;
    if (options.progress) options.progress(++count, scenarios.size(), scenarios[number].path);
  };
  std::vector<std::size_t> left = in_order(scenarios, options);
  for (std::size_t deaths = 0; !left.empty() && deaths < kDeathsMax && !Interrupt::interrupted();) {
    const auto jobs = std::min(static_cast<std::size_t>(options.jobs), left.size());
    const std::vector<Part> parts = dealt(left, jobs, scenarios, options);
    const auto ends = in_processes(
        static_cast<int>(jobs),
        [&](int job, const LineWriter& write_line) {
          work(scenarios, parts[static_cast<std::size_t>(job)], options, write_line);
        },
        take);
    const auto died = std::count_if(ends.begin(), ends.end(), [](const std::string& how) { return !how.empty(); });
    if (died == 0) break;
    deaths += static_cast<std::size_t>(died);
    left = left_over(parts, ends, done, played);
  }
  if (!Interrupt::interrupted()) return played;
  for (std::size_t i = 0; i < played.size(); ++i) {
    if (!done[i]) played[i].why = kInterrupted;
  }
  return played;
}

std::vector<Played> play_here(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options,
                              Identity& identity) {
  Player player(scenarios, options);
  identity = player.identity();
  std::vector<Played> played;
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    if (Interrupt::interrupted()) {
      played.push_back({.why = std::string(kInterrupted)});
      continue;
    }
    played.push_back(player.play(i));
    if (options.progress) options.progress(i + 1, scenarios.size(), scenarios[i].path);
  }
  return played;
}

}  // namespace

bool chosen_ipv6(const ScenarioFile& file) {
  return file.ip == 6 && !ip_version(file.scenario);
}

std::vector<Played> play_all(const std::vector<ScenarioFile>& scenarios, const CheckOptions& options,
                             Identity& identity) {
  const bool apart = options.jobs > 1 && scenarios.size() > 1;
  return apart ? play_in_processes(scenarios, options, identity) : play_here(scenarios, options, identity);
}

}  // namespace tcpassay
