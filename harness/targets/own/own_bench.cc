// SPDX-License-Identifier: Apache-2.0
// How fast the own stack is: a connection of six segments from reset to LAST-ACK, and reset alone.
#include <benchmark/benchmark.h>

#include <vector>

#include "harness/targets/own/own_target.h"
#include "harness/targets/own/packet.h"

namespace tcpassay {
namespace {

using Packet = std::vector<std::uint8_t>;

Packet packet(own::Ctl ctl, std::uint32_t seq, std::uint32_t ack, std::size_t length) {
  const own::Segment seg{.source = own::ipv4(0x0a4d0002),
                         .destination = own::ipv4(0x0a4d0001),
                         .source_port = 5000,
                         .destination_port = 80,
                         .seq = seq,
                         .ack = ack,
                         .wnd = 65535,
                         .ctl = ctl};
  Packet wire;
  own::begin_packet(wire, seg, length);
  own::finish_packet(wire, 0);
  return wire;
}

int drain(OwnTarget& target) {
  int count = 0;
  while (target.collect()) ++count;
  return count;
}

int start(OwnTarget& target) {
  target.reset(1);
  UserCall socket{.kind = CallKind::kSocket};
  target.call(socket);
  const int handle = static_cast<int>(socket.result);
  UserCall bind{.kind = CallKind::kBind, .handle = handle, .port = 80};
  target.call(bind);
  UserCall listen{.kind = CallKind::kListen, .handle = handle, .length = 8};
  target.call(listen);
  return handle;
}

// In: SYN, ACK, text, FIN, ACK; out: SYN,ACK, reply with ACK, ACK of FIN, FIN.
void SixSegments(benchmark::State& state) {
  OwnTarget target;
  start(target);
  target.inject(packet({.syn = true}, 1000, 0, 0));
  const std::uint32_t iss = target.state({.local = 80, .remote = 5000})->snd_una.value();
  const Packet syn = packet({.syn = true}, 1000, 0, 0);
  const Packet ack = packet({.ack = true}, 1001, iss + 1, 0);
  const Packet text = packet({.psh = true, .ack = true}, 1001, iss + 1, 100);
  const Packet fin = packet({.fin = true, .ack = true}, 1101, iss + 101, 0);
  const Packet last = packet({.ack = true}, 1102, iss + 102, 0);
  const std::vector<std::uint8_t> reply(100);
  benchmark::IterationCount sent = 0;
  for (auto _ : state) {
    const int listener = start(target);
    target.inject(syn), sent += drain(target);
    target.inject(ack), sent += drain(target);
    UserCall accept{.kind = CallKind::kAccept, .handle = listener};
    target.call(accept);
    const int handle = static_cast<int>(accept.result);
    target.inject(text), sent += drain(target);
    UserCall read{.kind = CallKind::kRead, .handle = handle, .length = 1000};
    target.call(read);
    UserCall write{.kind = CallKind::kWrite, .handle = handle, .length = 100, .text = reply};
    target.call(write), sent += drain(target);
    target.inject(fin), sent += drain(target);
    UserCall close{.kind = CallKind::kClose, .handle = handle};
    target.call(close), sent += drain(target);
    target.inject(last), sent += drain(target);
  }
  if (sent != state.iterations() * 4) state.SkipWithError("the conversation went another way");
}
BENCHMARK(SixSegments);

void Reset(benchmark::State& state) {
  OwnTarget target;
  std::uint64_t seed = 0;
  for (auto _ : state) target.reset(++seed);
}
BENCHMARK(Reset);

}  // namespace
}  // namespace tcpassay

BENCHMARK_MAIN();
