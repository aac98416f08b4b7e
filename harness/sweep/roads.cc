// SPDX-License-Identifier: Apache-2.0
#include "harness/sweep/roads.h"

#include <optional>
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

// Where text waits: the peer's window has room for ten octets, which is also the largest that it has ever had, so that
// the ten leave at once. The other twenty wait, and a FIN behind them. "closed" takes away what room there was.
constexpr char kNarrowSyn[] = "+0 < S 0:0(0) win 10 <mss 1460>\n";
constexpr char kNarrowSynAck[] = "+0 < S. 0:0(0) ack 1 win 10 <mss 1460>\n";
constexpr char kNarrowPass[] =
    "+0 < . 1:1(0) ack 1 win 10\n"
    "+0 accept(3, ..., ...) = 4\n";
constexpr char kWriteMore[] =
    "+0 write(4, ..., 10) = 10\n"
    "+0 write(4, ..., 20) = 20\n";
constexpr char kNarrowFin[] = "+0 < F. 1:1(0) ack 1 win 10\n";
constexpr char kAckAndShut[] = "+0 < . 1:1(0) ack 11 win 0\n";
constexpr char kFinAndShut[] = "+0 < F. 1:1(0) ack 11 win 0\n";
constexpr char kShut[] = "+0 < . 1:1(0) ack 1 win 0\n";

// Where options were negotiated. The stimuli have as late timestamps, later or earlier ones, or none. The target needs
// no shift for a buffer as small as its own, so that its windows are what they say.
constexpr char kStampedSyn[] = "+0 < S 0:0(0) win 65535 <mss 1460,sackOK,TS val 20000 ecr 0,nop,wscale 2>\n";
constexpr char kStampedSynAck[] = "+0 < S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 20000 ecr 0,nop,wscale 2>\n";
constexpr char kStampedPass[] =
    "+0 < . 1:1(0) ack 1 win 16384 <nop,nop,TS val 20000 ecr 0>\n"
    "+0 accept(3, ..., ...) = 4\n";
constexpr char kStampedFin[] = "+0 < F. 1:1(0) ack 1 win 16384 <nop,nop,TS val 20000 ecr 0>\n";
constexpr char kStampedAckOfFin[] = "+0 < . 1:1(0) ack 12 win 16384 <nop,nop,TS val 20000 ecr 0>\n";
constexpr char kStampedFinAfterFin[] = "+0 < F. 1:1(0) ack 12 win 16384 <nop,nop,TS val 20000 ecr 0>\n";

// Initial sequence numbers of the target. Ten octets are in flight, so that these are the numbers in flight.
constexpr std::uint32_t kCrosses = 0xfffffffa, kCrossesHalf = 0x7ffffffa;  // from five below the place to four above
constexpr std::uint32_t kLastBelow = 0xffffffff, kLastBelowHalf = 0x7fffffff;  // the SYN has the last number below it
constexpr std::uint32_t kEndsAt = 0xfffffff5, kEndsAtHalf = 0x7ffffff5;        // SND.NXT is the place itself
constexpr std::uint32_t kFinAt = 0xfffffff4, kFinAtHalf = 0x7ffffff4;          // and so it is behind a FIN

// Initial sequence numbers of the peer: on active roads the numbers wrap within the window, on simultaneous opens they
// pass 2^31 there.
constexpr std::uint32_t kLow = 0, kWraps = 0xfffffe00, kHalf = 0x7ffffe00;

using Iss = std::optional<std::uint32_t>;

template <class... Parts>
constexpr Road waits(Iss iss, State state, std::string_view name, std::uint32_t first, Parts... parts) {
  return {state, name, first, {parts...}, RoadKind::kPending, false, iss};
}

template <class... Parts>
constexpr Road stamped(State state, std::string_view name, std::uint32_t first, Parts... parts) {
  return {state, name, first, {parts...}, RoadKind::kStamped};
}

template <class... Parts>
constexpr Road numbered(Iss iss, State state, std::string_view name, std::uint32_t first, Parts... parts) {
  return {state, name, first, {parts...}, RoadKind::kNumbers, false, iss};
}

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
    {State::kEstablished,
     "active, window closed",
     kWraps,
     {kConnect, kSynAck, kWrite},
     RoadKind::kPlain,
     /*fills=*/true},
    {State::kFinWait1, "passive", kLow, {kListen, kSyn, kPass, kWrite, kShutdown}},
    {State::kFinWait1, "active", kWraps, {kConnect, kSynAck, kWrite, kClose}},
    {State::kFinWait1, "simultaneous", kHalf, {kConnect, kSyn, kAckOfSyn, kWrite, kShutdown}},
    {State::kFinWait1, "closed in SYN-RECEIVED", kHalf, {kConnect, kSyn, kShutdown}},
    {State::kFinWait1,
     "passive, window closed",
     kLow,
     {kListen, kSyn, kPass, kWrite, kShutdown},
     RoadKind::kPlain,
     /*fills=*/true},
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

    // Text that waits.
    waits({}, State::kEstablished, "text waits, passive", kLow, kListen, kNarrowSyn, kNarrowPass, kWriteMore),
    waits({}, State::kEstablished, "text waits, active", kWraps, kConnect, kNarrowSynAck, kWriteMore),
    waits({}, State::kEstablished, "closed window, passive", kLow, kListen, kNarrowSyn, kNarrowPass, kWriteMore,
          kAckAndShut),
    waits({}, State::kEstablished, "closed window, active", kWraps, kConnect, kNarrowSynAck, kWriteMore, kAckAndShut),
    waits({}, State::kFinWait1, "text waits, passive", kLow, kListen, kNarrowSyn, kNarrowPass, kWriteMore, kShutdown),
    waits({}, State::kFinWait1, "text waits, active", kWraps, kConnect, kNarrowSynAck, kWriteMore, kClose),
    waits({}, State::kFinWait1, "closed window, passive", kLow, kListen, kNarrowSyn, kNarrowPass, kWriteMore, kShutdown,
          kAckAndShut),
    waits({}, State::kFinWait1, "closed window, active", kWraps, kConnect, kNarrowSynAck, kWriteMore, kClose,
          kAckAndShut),
    waits({}, State::kFinWait1, "FIN waits, passive", kLow, kListen, kNarrowSyn, kNarrowPass, kShut, kShutdown),
    waits({}, State::kFinWait1, "FIN waits, active", kWraps, kConnect, kNarrowSynAck, kShut, kClose),
    waits({}, State::kCloseWait, "text waits, passive", kLow, kListen, kNarrowSyn, kNarrowPass, kNarrowFin, kWriteMore),
    waits({}, State::kCloseWait, "text waits, active", kWraps, kConnect, kNarrowSynAck, kNarrowFin, kWriteMore),
    waits({}, State::kCloseWait, "closed window, passive", kLow, kListen, kNarrowSyn, kNarrowPass, kWriteMore,
          kFinAndShut),
    waits({}, State::kCloseWait, "closed window, active", kWraps, kConnect, kNarrowSynAck, kWriteMore, kFinAndShut),
    waits({}, State::kLastAck, "text waits, passive", kLow, kListen, kNarrowSyn, kNarrowPass, kNarrowFin, kWriteMore,
          kShutdown),
    waits({}, State::kLastAck, "text waits, active", kWraps, kConnect, kNarrowSynAck, kNarrowFin, kWriteMore, kClose),
    waits({}, State::kLastAck, "closed window, passive", kLow, kListen, kNarrowSyn, kNarrowPass, kWriteMore,
          kFinAndShut, kShutdown),
    waits({}, State::kLastAck, "closed window, active", kWraps, kConnect, kNarrowSynAck, kWriteMore, kFinAndShut,
          kClose),
    waits({}, State::kClosing, "text waits, passive", kLow, kListen, kNarrowSyn, kNarrowPass, kWriteMore, kShutdown,
          kNarrowFin),
    waits({}, State::kClosing, "text waits, active", kWraps, kConnect, kNarrowSynAck, kWriteMore, kClose, kNarrowFin),
    waits({}, State::kClosing, "closed window, passive", kLow, kListen, kNarrowSyn, kNarrowPass, kWriteMore, kShutdown,
          kFinAndShut),
    waits({}, State::kClosing, "closed window, active", kWraps, kConnect, kNarrowSynAck, kWriteMore, kClose,
          kFinAndShut),
    waits(kEndsAt, State::kEstablished, "text, ISS 2^32-11", kLow, kListen, kNarrowSyn, kNarrowPass, kWriteMore),
    waits(kEndsAt, State::kFinWait1, "text, ISS 2^32-11", kLow, kListen, kNarrowSyn, kNarrowPass, kWriteMore,
          kShutdown),
    waits(kEndsAtHalf, State::kEstablished, "text, ISS 2^31-11", kLow, kListen, kNarrowSyn, kNarrowPass, kWriteMore),
    waits(kEndsAtHalf, State::kFinWait1, "text, ISS 2^31-11", kLow, kListen, kNarrowSyn, kNarrowPass, kWriteMore,
          kShutdown),

    waits({}, State::kSynSent, "text waits, active", kWraps, kConnect, kWriteMore),
    waits({}, State::kSynReceived, "text waits, simultaneous", kHalf, kConnect, kWriteMore, kNarrowSyn),

    // Timestamps and other options.
    stamped(State::kSynReceived, "timestamps, passive", kLow, kListen, kStampedSyn),
    stamped(State::kEstablished, "timestamps, passive", kLow, kListen, kStampedSyn, kStampedPass, kWrite),
    stamped(State::kEstablished, "timestamps, active", kWraps, kConnect, kStampedSynAck, kWrite),
    {State::kEstablished,
     "timestamps, window closed",
     kWraps,
     {kConnect, kStampedSynAck, kWrite},
     RoadKind::kStamped,
     /*fills=*/true},
    stamped(State::kFinWait1, "timestamps, passive", kLow, kListen, kStampedSyn, kStampedPass, kWrite, kShutdown),
    stamped(State::kFinWait1, "timestamps, active", kWraps, kConnect, kStampedSynAck, kWrite, kClose),
    stamped(State::kFinWait2, "timestamps, passive", kLow, kListen, kStampedSyn, kStampedPass, kWrite, kShutdown,
            kStampedAckOfFin),
    stamped(State::kFinWait2, "timestamps, active", kWraps, kConnect, kStampedSynAck, kWrite, kClose, kStampedAckOfFin),
    stamped(State::kCloseWait, "timestamps, passive", kLow, kListen, kStampedSyn, kStampedPass, kStampedFin, kWrite),
    stamped(State::kClosing, "timestamps, passive", kLow, kListen, kStampedSyn, kStampedPass, kWrite, kShutdown,
            kStampedFin),
    stamped(State::kLastAck, "timestamps, passive", kLow, kListen, kStampedSyn, kStampedPass, kWrite, kStampedFin,
            kShutdown),
    stamped(State::kLastAck, "timestamps, active", kWraps, kConnect, kStampedSynAck, kWrite, kStampedFin, kClose),
    stamped(State::kTimeWait, "timestamps, passive", kLow, kListen, kStampedSyn, kStampedPass, kWrite, kShutdown,
            kStampedFinAfterFin),
    stamped(State::kTimeWait, "timestamps, active", kWraps, kConnect, kStampedSynAck, kWrite, kClose, kStampedAckOfFin,
            kStampedFinAfterFin),

    // The target's numbers near 2^32 and 2^31.
    numbered(kLastBelow, State::kSynSent, "ISS 2^32-1, active", kWraps, kConnect),
    numbered(kLastBelowHalf, State::kSynSent, "ISS 2^31-1, active", kWraps, kConnect),
    numbered(kLastBelow, State::kSynReceived, "ISS 2^32-1, passive", kLow, kListen, kSyn),
    numbered(kLastBelowHalf, State::kSynReceived, "ISS 2^31-1, passive", kLow, kListen, kSyn),
    numbered(kLastBelow, State::kSynReceived, "ISS 2^32-1, simultaneous", kHalf, kConnect, kSyn),
    numbered(kLastBelowHalf, State::kSynReceived, "ISS 2^31-1, simultaneous", kHalf, kConnect, kSyn),
    numbered(kCrosses, State::kEstablished, "ISS 2^32-6, passive", kLow, kListen, kSyn, kPass, kWrite),
    numbered(kCrossesHalf, State::kEstablished, "ISS 2^31-6, passive", kLow, kListen, kSyn, kPass, kWrite),
    numbered(kEndsAt, State::kEstablished, "ISS 2^32-11, passive", kLow, kListen, kSyn, kPass, kWrite),
    numbered(kEndsAtHalf, State::kEstablished, "ISS 2^31-11, passive", kLow, kListen, kSyn, kPass, kWrite),
    numbered(kLastBelow, State::kEstablished, "ISS 2^32-1, active", kWraps, kConnect, kSynAck, kWrite),
    numbered(kLastBelowHalf, State::kEstablished, "ISS 2^31-1, active", kWraps, kConnect, kSynAck, kWrite),
    numbered(kCrosses, State::kFinWait1, "ISS 2^32-6, passive", kLow, kListen, kSyn, kPass, kWrite, kShutdown),
    numbered(kCrossesHalf, State::kFinWait1, "ISS 2^31-6, passive", kLow, kListen, kSyn, kPass, kWrite, kShutdown),
    numbered(kFinAt, State::kFinWait1, "ISS 2^32-12, passive", kLow, kListen, kSyn, kPass, kWrite, kShutdown),
    numbered(kFinAtHalf, State::kFinWait1, "ISS 2^31-12, passive", kLow, kListen, kSyn, kPass, kWrite, kShutdown),
    numbered(kFinAt, State::kFinWait2, "ISS 2^32-12, passive", kLow, kListen, kSyn, kPass, kWrite, kShutdown,
             kAckOfFin),
    numbered(kFinAtHalf, State::kFinWait2, "ISS 2^31-12, passive", kLow, kListen, kSyn, kPass, kWrite, kShutdown,
             kAckOfFin),
    numbered(kCrosses, State::kCloseWait, "ISS 2^32-6, passive", kLow, kListen, kSyn, kPass, kFin, kWrite),
    numbered(kCrossesHalf, State::kCloseWait, "ISS 2^31-6, passive", kLow, kListen, kSyn, kPass, kFin, kWrite),
    numbered(kFinAt, State::kClosing, "ISS 2^32-12, passive", kLow, kListen, kSyn, kPass, kWrite, kShutdown, kFin),
    numbered(kFinAtHalf, State::kClosing, "ISS 2^31-12, passive", kLow, kListen, kSyn, kPass, kWrite, kShutdown, kFin),
    numbered(kFinAt, State::kLastAck, "ISS 2^32-12, passive", kLow, kListen, kSyn, kPass, kWrite, kFin, kShutdown),
    numbered(kFinAtHalf, State::kLastAck, "ISS 2^31-12, passive", kLow, kListen, kSyn, kPass, kWrite, kFin, kShutdown),
    numbered(kFinAt, State::kTimeWait, "ISS 2^32-12, passive", kLow, kListen, kSyn, kPass, kWrite, kShutdown,
             kFinAfterFin),
    numbered(kFinAtHalf, State::kTimeWait, "ISS 2^31-12, passive", kLow, kListen, kSyn, kPass, kWrite, kShutdown,
             kFinAfterFin),
};

}  // namespace

const char* to_string(RoadKind kind) {
  constexpr const char* kNames[] = {"plain", "pending text", "old options", "numbers near 2^32 and 2^31"};
  return kNames[static_cast<int>(kind)];
}

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
