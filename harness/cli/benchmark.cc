// SPDX-License-Identifier: Apache-2.0
#include "harness/cli/benchmark.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <vector>

#include "harness/base/processes.h"
#include "harness/session/session.h"

namespace tcpassay {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kRoundSeconds = 0.05;
constexpr std::uint32_t kTextOctets = 100;
constexpr std::uint16_t kFirstPort = 1024, kLastPort = 61000;

// What one connection does. Built once, so that the round measures playing alone.
class Connection {
 public:
  Connection() {
    syn_.ctl = {.syn = true};
    syn_.options = {{.kind = OptionSpec::Kind::kMss, .values = {1460}}};
    ack_ = segment({.ack = true}, 1, 0, 1);
    text_ = segment({.psh = true, .ack = true}, 1, kTextOctets, 1);
    more_ = segment({.ack = true}, 1 + kTextOctets, 0, 1 + kTextOctets);
    fin_ = segment({.fin = true, .ack = true}, 1 + kTextOctets, 0, 1 + kTextOctets);
    last_ = segment({.ack = true}, 2 + kTextOctets, 0, 2 + kTextOctets);
    listener_ = {named(CallKind::kSocket, -1), named(CallKind::kBind, 3), named(CallKind::kListen, 3)};
    listener_[2].length = 16;
    accept_ = named(CallKind::kAccept, 3);
    read_ = named(CallKind::kRead, -1);
    read_.length = 1000;
    write_ = named(CallKind::kWrite, -1);
    write_.length = kTextOctets;
    close_ = named(CallKind::kClose, -1);
  }

  // SYN, ACK, text, ACK of the reply, FIN and ACK of FIN from our side; the target's user accepts, reads, writes and
  // closes. Returns how many steps that is.
  std::size_t play(Session& session, std::uint16_t peer_port) {
    for (SegmentSpec* segment : {&syn_, &ack_, &text_, &more_, &fin_, &last_}) segment->remote_port = peer_port;
    session.start("bench");
    int listener = -1;
    for (Call& call : listener_) {
      call.handle = listener;
      const UserCall made = session.call(call);
      if (call.kind == CallKind::kSocket) listener = static_cast<int>(made.result);
    }
    session.inject(syn_);
    session.inject(ack_);
    accept_.handle = listener;
    const int handle = static_cast<int>(session.call(accept_).result);
    session.inject(text_);
    for (Call* call : {&read_, &write_}) {
      call->handle = handle;
      session.call(*call);
    }
    session.inject(more_);
    session.inject(fin_);
    close_.handle = handle;
    session.call(close_);
    session.inject(last_);
    close_.handle = listener;
    session.call(close_);
    return 14;
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
  static Call named(CallKind kind, int handle) {
    Call call;
    call.kind = kind;
    call.handle = handle;
    return call;
  }

  SegmentSpec syn_, ack_, text_, more_, fin_, last_;
  std::vector<Call> listener_;
  Call accept_, read_, write_, close_;
};

struct Round {
  double seconds = 0;
  std::size_t connections = 0, steps = 0, verdicts = 0;
};

Round play_round(Session& session, Connection& connection, std::uint16_t& port) {
  Round round;
  const auto begin = Clock::now();
  do {
    for (int i = 0; i < 16; ++i) {
      round.steps += connection.play(session, port);
      port = port == kLastPort ? kFirstPort : static_cast<std::uint16_t>(port + 1);
      ++round.connections;
      round.verdicts += session.oracle().verdicts().size();
    }
    round.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  } while (round.seconds < kRoundSeconds);
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
  std::vector<double> bare_steps, judged_steps, bare_connections, judged_connections, ratios;
  const auto begin = Clock::now();
  do {
    const Round without = play_round(bare, connection, port);
    const Round with = play_round(judged, connection, port);
    const auto rate = [](std::size_t count, const Round& round) { return static_cast<double>(count) / round.seconds; };
    bare_steps.push_back(rate(without.steps, without));
    judged_steps.push_back(rate(with.steps, with));
    bare_connections.push_back(rate(without.connections, without));
    judged_connections.push_back(rate(with.connections, with));
    ratios.push_back(bare_steps.back() / judged_steps.back());
    result.verdicts += with.verdicts;
    ++result.rounds;
  } while (std::chrono::duration<double>(Clock::now() - begin).count() < seconds && !Interrupt::interrupted());
  result.bare_steps_per_s = median(bare_steps);
  result.judged_steps_per_s = median(judged_steps);
  result.bare_connections_per_s = median(bare_connections);
  result.judged_connections_per_s = median(judged_connections);
  result.overhead = median(ratios);
  return result;
}

std::string bench_text(const BenchResult& result) {
  return fmt::format(
      "{}: connections of six segments, {} pairs of rounds\n"
      "  bare    {:>12.0f} steps/s {:>10.0f} connections/s\n"
      "  judged  {:>12.0f} steps/s {:>10.0f} connections/s\n"
      "  the judge makes a step {:.2f} times as long\n",
      result.target, result.rounds, result.bare_steps_per_s, result.bare_connections_per_s, result.judged_steps_per_s,
      result.judged_connections_per_s, result.overhead);
}

std::string bench_json(const BenchResult& result) {
  const nlohmann::ordered_json json{{"target", result.target},
                                    {"bare_steps_per_s", result.bare_steps_per_s},
                                    {"judged_steps_per_s", result.judged_steps_per_s},
                                    {"overhead", result.overhead},
                                    {"bare_connections_per_s", result.bare_connections_per_s},
                                    {"judged_connections_per_s", result.judged_connections_per_s},
                                    {"rounds", result.rounds},
                                    {"verdicts", result.verdicts}};
  return json.dump(2) + "\n";
}

}  // namespace tcpassay
