// SPDX-License-Identifier: Apache-2.0
// The connections of a scenario that may have left something in the kernel.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "harness/targets/linux/socket_monitor.h"
#include "harness/wire/packet.h"

namespace tcpassay {

// To destroy a connection, also one that is gone, takes the kernel as long as four segments do. So a connection that is
// seen to have ended is left alone; from time to time the kernel is asked whether anything is left of them all. It is
// seen to have ended only when the peer's FIN came first, the target's FIN acknowledged it, and a sound ACK of that FIN
// arrived (RFC 9293 section 3.10.7.4: from LAST-ACK to CLOSED). TIME-WAIT, resets, options and whatever came twice do
// not count as seen.
class FlowLog {
 public:
  // Before the kernel gets the packet. Returns the connection if a SYN opens one that may have been left alone in an
  // earlier scenario: should anything of it still be there, it has to go now.
  std::optional<Flow> note_arriving(ByteView packet);
  void note_leaving(ByteView packet);
  void note_opened(const Flow& flow);  // by the target's user
  void note_accepted(Tuple tuple);

  // Whether a connection may wait at a listener, to be accepted or for the ACK of its SYN.
  bool may_wait() const;

  // There were too many in this scenario, or too many were left alone since forget(): the kernel has to be asked.
  bool overflowed() const { return overflowed_ || ended_count_ >= kEndedMax; }

  // What has to be destroyed at the end of the scenario, at most SocketMonitor::kFlowsMax.
  std::vector<Flow> end_scenario();

  void forget();

 private:
  struct Known {
    Flow flow;
    std::optional<std::uint32_t> peer_end{}, target_end{};  // behind the FIN
    bool accepted = false, unclear = false, ended = false;
  };

  static constexpr int kEndedMax = 16384;  // to ask takes the kernel a millisecond
  static constexpr std::size_t kTuples = 65536;

  static std::size_t place_of(const Flow& flow) { return (flow.tuple.remote + 31u * flow.tuple.local) % kTuples; }
  Known* find(const Flow& flow);
  std::optional<Flow> add(const Flow& flow);
  void note_peer_end(const Flow& flow, const Decoded& packet);

  std::vector<Known> known_;      // of this scenario
  std::bitset<kTuples> ended_{};  // place_of() each that was left alone since forget()
  int ended_count_ = 0;
  bool overflowed_ = false;
  int ending_ = 0;  // connections that lack nothing but the last ACK
};

}  // namespace tcpassay
