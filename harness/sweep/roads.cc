// SPDX-License-Identifier: Apache-2.0
#include "harness/sweep/roads.h"

#include <string>

#include "harness/script/parse.h"

namespace tcpassay {
namespace {

// The receive buffer is so small that one segment can fill it.
constexpr char kListen[] =
    "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
    "+0 setsockopt(3, SOL_SOCKET, SO_RCVBUF, [2048], 4) = 0\n"
    "+0 bind(3, ..., ...) = 0\n"
    "+0 listen(3, 1) = 0\n";
constexpr char kConnect[] =
    "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4\n"
    "+0 setsockopt(4, SOL_SOCKET, SO_RCVBUF, [2048], 4) = 0\n"
    "+0 connect(4, ..., ...) = -1 EINPROGRESS (Operation now in progress)\n";
constexpr char kSyn[] = "+0 < S 0:0(0) win 65535 <mss 1460>\n";
constexpr char kSynAck[] = "+0 < S. 0:0(0) ack 1 win 65535 <mss 1460>\n";
constexpr char kAckOfSyn[] = "+0 < . 1:1(0) ack 1 win 65535\n";
constexpr char kPass[] =
    "+0 < . 1:1(0) ack 1 win 65535\n"
    "+0 accept(3, ..., ...) = 4\n";
constexpr char kReset[] = "+0 < R. 1:1(0) ack 1 win 0\n";

// In ESTABLISHED ten octets are in flight: SND.UNA is 1 and SND.NXT 11, and 12 after the FIN. In CLOSE-WAIT the target
// sends them after the peer's FIN. They acknowledge the FIN, so that no delayed ACK is pending.
constexpr char kWrite[] = "+0 write(4, ..., 10) = 10\n";
constexpr char kShutdown[] = "+0 shutdown(4, SHUT_WR) = 0\n";
constexpr char kClose[] = "+0 close(4) = 0\n";
constexpr char kFin[] = "+0 < F. 1:1(0) ack 1 win 65535\n";
constexpr char kFinAfterFin[] = "+0 < F. 1:1(0) ack 12 win 65535\n";  // it also acknowledges the target's FIN
constexpr char kAckOfFin[] = "+0 < . 1:1(0) ack 12 win 65535\n";
constexpr char kAckOfFinAfterFin[] = "+0 < . 2:2(0) ack 12 win 65535\n";

// Initial sequence numbers of the peer: on active roads the numbers wrap within the window, on simultaneous opens they
// pass 2^31 there.
constexpr std::uint32_t kLow = 0, kWraps = 0xfffffe00, kHalf = 0x7ffffe00;

// On active roads the user calls close(); on the others shutdown(), so that he can still receive.
constexpr Road kRoads[] = {
    {State::kClosed, "never opened", kLow, {}},
    {State::kClosed, "after a reset", kWraps, {kConnect, kSynAck, kReset}},
    {State::kListen, "passive", kLow, {kListen}},
    {State::kListen, "back from SYN-RECEIVED", kLow, {kListen, kSyn, kReset}},
    {State::kSynSent, "active", kWraps, {kConnect}},
    {State::kSynReceived, "passive", kLow, {kListen, kSyn}},
    {State::kSynReceived, "simultaneous", kHalf, {kConnect, kSyn}},
    {State::kEstablished, "passive", kLow, {kListen, kSyn, kPass, kWrite}},
    {State::kEstablished, "active", kWraps, {kConnect, kSynAck, kWrite}},
    {State::kEstablished, "simultaneous", kHalf, {kConnect, kSyn, kAckOfSyn, kWrite}},
    {State::kEstablished, "active, window closed", kWraps, {kConnect, kSynAck, kWrite}, /*fills=*/true},
    {State::kFinWait1, "passive", kLow, {kListen, kSyn, kPass, kWrite, kShutdown}},
    {State::kFinWait1, "active", kWraps, {kConnect, kSynAck, kWrite, kClose}},
    {State::kFinWait1, "simultaneous", kHalf, {kConnect, kSyn, kAckOfSyn, kWrite, kShutdown}},
    {State::kFinWait1, "closed in SYN-RECEIVED", kHalf, {kConnect, kSyn, kShutdown}},
    {State::kFinWait1, "passive, window closed", kLow, {kListen, kSyn, kPass, kWrite, kShutdown}, /*fills=*/true},
    {State::kFinWait2, "passive", kLow, {kListen, kSyn, kPass, kWrite, kShutdown, kAckOfFin}},
    {State::kFinWait2, "active", kWraps, {kConnect, kSynAck, kWrite, kClose, kAckOfFin}},
    {State::kFinWait2, "simultaneous", kHalf, {kConnect, kSyn, kAckOfSyn, kWrite, kShutdown, kAckOfFin}},
    {State::kCloseWait, "passive", kLow, {kListen, kSyn, kPass, kFin, kWrite}},
    {State::kCloseWait, "active", kWraps, {kConnect, kSynAck, kFin, kWrite}},
    {State::kCloseWait, "simultaneous", kHalf, {kConnect, kSyn, kAckOfSyn, kFin, kWrite}},
    {State::kClosing, "passive", kLow, {kListen, kSyn, kPass, kWrite, kShutdown, kFin}},
    {State::kClosing, "active", kWraps, {kConnect, kSynAck, kWrite, kClose, kFin}},
    {State::kClosing, "simultaneous", kHalf, {kConnect, kSyn, kAckOfSyn, kWrite, kShutdown, kFin}},
    {State::kLastAck, "passive", kLow, {kListen, kSyn, kPass, kWrite, kFin, kShutdown}},
    {State::kLastAck, "active", kWraps, {kConnect, kSynAck, kWrite, kFin, kClose}},
    {State::kLastAck, "simultaneous", kHalf, {kConnect, kSyn, kAckOfSyn, kWrite, kFin, kShutdown}},
    {State::kTimeWait, "passive, from FIN-WAIT-1", kLow, {kListen, kSyn, kPass, kWrite, kShutdown, kFinAfterFin}},
    {State::kTimeWait,
     "passive, from FIN-WAIT-2",
     kLow,
     {kListen, kSyn, kPass, kWrite, kShutdown, kAckOfFin, kFinAfterFin}},
    {State::kTimeWait, "active, from FIN-WAIT-2", kWraps, {kConnect, kSynAck, kWrite, kClose, kAckOfFin, kFinAfterFin}},
    {State::kTimeWait, "active, from CLOSING", kWraps, {kConnect, kSynAck, kWrite, kClose, kFin, kAckOfFinAfterFin}},
    {State::kTimeWait,
     "simultaneous, from CLOSING",
     kHalf,
     {kConnect, kSyn, kAckOfSyn, kWrite, kShutdown, kFin, kAckOfFinAfterFin}},
};

}  // namespace

std::span<const Road> all_roads() {
  return kRoads;
}

std::vector<ScriptStep> steps_of(const Road& road) {
  std::string text;
  for (const char* part : road.parts) text += part != nullptr ? part : "";
  std::vector<ScriptStep> steps = parse_script(text, "road").steps;
  for (ScriptStep& step : steps) {
    if (auto* inject = std::get_if<Inject>(&step.action)) inject->segment.seq += road.first;
  }
  return steps;
}

std::uint32_t last_ack(const std::vector<ScriptStep>& steps) {
  std::uint32_t ack = 0;
  for (const ScriptStep& step : steps) {
    const auto* inject = std::get_if<Inject>(&step.action);
    if (inject && inject->segment.ack) ack = *inject->segment.ack;
  }
  return ack;
}

}  // namespace tcpassay
