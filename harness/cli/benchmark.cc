// SPDX-License-Identifier: Apache-2.0
#include "harness/cli/benchmark.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <type_traits>
#include <variant>
#include <vector>

#include "harness/base/processes.h"
#include "harness/session/session.h"
#include "harness/targets/plugin/child_target.h"

namespace tcpassay {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kRoundSeconds = 0.05;
constexpr std::uint32_t kTextOctets = 100;
constexpr std::uint16_t kFirstPort = 1024, kLastPort = 61000;

// What one connection does: SYN, ACK, text, ACK of the reply, FIN and ACK of FIN from our side; the target's user
// accepts, reads, writes and closes. Built once, so that the round measures playing alone.
class Connection {
 public:
  Connection() {
    constexpr int kListener = 3, kAccepted = 4;
    add(named(CallKind::kSocket, -1, 0, kListener));
    add(named(CallKind::kBind, kListener));
    add(named(CallKind::kListen, kListener, 16));
    SegmentSpec syn;
    syn.ctl = {.syn = true};
    syn.options = {{.kind = OptionSpec::Kind::kMss, .values = {1460}}};
    add(syn);
    add(segment({.ack = true}, 1, 0, 1));
    add(named(CallKind::kAccept, kListener, 0, kAccepted));
    add(segment({.psh = true, .ack = true}, 1, kTextOctets, 1));
    add(named(CallKind::kRead, kAccepted, 1000));
    add(named(CallKind::kWrite, kAccepted, kTextOctets));
    add(segment({.ack = true}, 1 + kTextOctets, 0, 1 + kTextOctets));
    add(segment({.fin = true, .ack = true}, 1 + kTextOctets, 0, 1 + kTextOctets));
    add(named(CallKind::kClose, kAccepted));
    add(segment({.ack = true}, 2 + kTextOctets, 0, 2 + kTextOctets));
    add(named(CallKind::kClose, kListener));
  }

  // Returns how many steps that is.
  std::size_t play(Session& session, std::uint16_t peer_port) {
    for (ScriptStep& step : scenario_.steps) {
      if (auto* inject = std::get_if<Inject>(&step.action)) inject->segment.remote_port = peer_port;
    }
    session.play(scenario_);
    return scenario_.steps.size();
  }

 private:
  static SegmentSpec segment(Ctl ctl, std::uint32_t seq, std::uint32_t length, std::uint32_t ack) {
    SegmentSpec spec;
    spec.ctl = ctl;
    spec.seq = seq;
    spec.length = length;
    spec.ack = ack;
    return spec;
  }
  static Call named(CallKind kind, int handle, std::uint32_t length = 0, std::optional<std::int64_t> result = {}) {
    Call call;
    call.kind = kind;
    call.handle = handle;
    call.length = length;
    call.result = result;
    return call;
  }
  void add(const SegmentSpec& segment) { scenario_.steps.push_back({.action = Inject{segment}}); }
  void add(const Call& call) { scenario_.steps.push_back({.action = call}); }

  Scenario scenario_{.name = "bench"};
};

// What this process and the target's, if it has one of its own, have used of the processors.
double processor_seconds(const Target& target) {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  auto seconds = static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
  const auto* child = dynamic_cast<const ChildTarget*>(&target);
  clockid_t clock{};
  if (child == nullptr || clock_getcpuclockid(child->process(), &clock) != 0) return seconds;
  clock_gettime(clock, &used);
  return seconds + static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

struct Round {
  double seconds = 0, processor = 0;
  std::size_t connections = 0, steps = 0, verdicts = 0;
};

Round play_round(Session& session, Connection& connection, std::uint16_t& port) {
  Round round;
  const auto begin = Clock::now();
  const double used = processor_seconds(session.target());
  do {
    for (int i = 0; i < 16; ++i) {
      round.steps += connection.play(session, port);
      port = port == kLastPort ? kFirstPort : static_cast<std::uint16_t>(port + 1);
      ++round.connections;
      round.verdicts += session.oracle().verdicts().size();
    }
    round.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  } while (round.seconds < kRoundSeconds);
  round.processor = processor_seconds(session.target()) - used;
  return round;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

BenchResult bench(Target& target, double seconds, Edition edition, std::uint8_t ip) {
  SessionOptions options;
  options.edition = edition;
  options.ip = ip;
  options.keep_trace = options.assertions = options.white_box = false;  // asking a kernel for states is not judging
  Session judged(target, options);
  options.judge = false;
  Session bare(target, options);
  Connection connection;
  std::uint16_t port = kFirstPort;
  play_round(bare, connection, port);  // to warm up
  play_round(judged, connection, port);

  BenchResult result{.target = target.identity().name};
  std::vector<double> bare_steps, judged_steps, bare_connections, judged_connections, per_processor, ratios;
  const auto begin = Clock::now();
  do {
    const Round without = play_round(bare, connection, port);
    const Round with = play_round(judged, connection, port);
    const auto rate = [](std::size_t count, const Round& round) { return static_cast<double>(count) / round.seconds; };
    bare_steps.push_back(rate(without.steps, without));
    judged_steps.push_back(rate(with.steps, with));
    bare_connections.push_back(rate(without.connections, without));
    judged_connections.push_back(rate(with.connections, with));
    per_processor.push_back(static_cast<double>(with.connections) / with.processor);
    ratios.push_back(bare_steps.back() / judged_steps.back());
    result.verdicts += with.verdicts;
    ++result.rounds;
  } while (std::chrono::duration<double>(Clock::now() - begin).count() < seconds && !Interrupt::interrupted());
  result.bare_steps_per_s = median(bare_steps);
  result.judged_steps_per_s = median(judged_steps);
  result.bare_connections_per_s = median(bare_connections);
  result.judged_connections_per_s = median(judged_connections);
  result.judged_connections_per_processor_s = median(per_processor);
  result.overhead = median(ratios);
  return result;
}

namespace {

void add_to(BenchResult& sum, const nlohmann::json& one) {
  const auto add = [&](const char* name, auto& value) { value += one[name].get<std::decay_t<decltype(value)>>(); };
  sum.target = one["target"];
  add("bare_steps_per_s", sum.bare_steps_per_s);
  add("judged_steps_per_s", sum.judged_steps_per_s);
  add("bare_connections_per_s", sum.bare_connections_per_s);
  add("judged_connections_per_s", sum.judged_connections_per_s);
  add("judged_connections_per_processor_s", sum.judged_connections_per_processor_s);
  add("overhead", sum.overhead);
  add("rounds", sum.rounds);
  add("verdicts", sum.verdicts);
}

}  // namespace

BenchResult bench_in_processes(int jobs, const std::function<std::unique_ptr<Target>()>& make, double seconds,
                               Edition edition, std::uint8_t ip) {
  BenchResult sum{.jobs = jobs};
  const auto ends = in_processes(
      jobs,
      [&](int, const LineWriter& write_line) {
        const BenchResult one = bench(*make(), seconds, edition, ip);
        write_line(nlohmann::json::parse(bench_json(one)).dump());
      },
      [&](const std::string& line) { add_to(sum, nlohmann::json::parse(line)); });
  for (const std::string& how : ends) {
    if (!how.empty()) throw TargetError("a process that measured ended: " + how);
  }
  sum.judged_connections_per_processor_s /= jobs;
  sum.overhead /= jobs;
  sum.rounds /= static_cast<std::size_t>(jobs);
  return sum;
}

std::string bench_text(const BenchResult& result) {
  return fmt::format(
      "{}: connections of six segments, {} pairs of rounds{}\n"
      "  bare    {:>12.0f} steps/s {:>10.0f} connections/s\n"
      "  judged  {:>12.0f} steps/s {:>10.0f} connections/s, {:.0f} in each second that a processor works\n"
      "  the judge makes a step {:.2f} times as long\n",
      result.target, result.rounds, result.jobs > 1 ? fmt::format(" in each of {} processes", result.jobs) : "",
      result.bare_steps_per_s, result.bare_connections_per_s, result.judged_steps_per_s,
      result.judged_connections_per_s, result.judged_connections_per_processor_s, result.overhead);
}

std::string bench_json(const BenchResult& result) {
  const nlohmann::ordered_json json{{"target", result.target},
                                    {"bare_steps_per_s", result.bare_steps_per_s},
                                    {"judged_steps_per_s", result.judged_steps_per_s},
                                    {"overhead", result.overhead},
                                    {"bare_connections_per_s", result.bare_connections_per_s},
                                    {"judged_connections_per_s", result.judged_connections_per_s},
                                    {"judged_connections_per_processor_s", result.judged_connections_per_processor_s},
                                    {"rounds", result.rounds},
                                    {"verdicts", result.verdicts},
                                    {"jobs", result.jobs}};
  return json.dump(2) + "\n";
}

}  // namespace tcpassay
