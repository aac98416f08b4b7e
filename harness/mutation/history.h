// SPDX-License-Identifier: Apache-2.0
// What can be read off a recorded run without any model of TCP: who has sent, acknowledged, written and closed what
// before each event. By this the edits of of_histories.def know that their result is illegal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "harness/mutation/passed_runs.h"

namespace tcpassay {

// What has happened before an event.
struct Known {
  std::optional<SndSeq> iss{};  // once the target has sent a SYN
  std::optional<RcvSeq> irs{};  // once the peer has
  SndSeq sent{};                // behind all that the target has sent
  SndSeq acked{};               // the highest acknowledgment of the peer
  SndSeq edge{};                // the farthest right edge of a window that the peer has offered
  RcvSeq told{};                // the highest acknowledgment of the target
  RcvSeq arrived{};             // behind all that the peer has sent
  std::optional<SndSeq> fin{};  // behind the target's FIN
  std::uint32_t window = 0;     // offered by the peer's last segment with ACK
  std::uint32_t written = 0;    // octets that the target has taken from its user
  std::uint32_t mss = 0;        // offered by the peer; 0: none
  std::uint8_t timeouts = 0;    // how often the target has sent the oldest octet again, long after anything arrived
  int handle = -1;              // of a socket on which the user may read
  bool listening = false, opening = false;  // the user has made a passive, an active OPEN
  bool closed = false;                      // ... has called CLOSE in the sense of the RFC
  bool reset = false;                       // a RST has passed
  bool peer_fin = false;                    // the peer has sent a FIN
  bool sack = false;                        // both SYNs permit SACK
  bool resent = false;                      // the target has sent something again
  bool urgent = false;                      // the peer has sent urgent octets
  bool user_timeout = false;                // the user has set a user timeout

  // The peer has acknowledged the SYN of the target, and has sent its own.
  bool established() const { return iss && irs && acked > *iss; }
  // Both sides have closed, and the peer has acknowledged that of the target: the connection may be gone.
  bool over() const { return fin && acked >= *fin && peer_fin; }
};

// A run of one connection: one pair of ports, on which each side has sent one SYN at most, and whole packets without
// Fast Open only; no message of ICMP.
class History {
 public:
  // Nothing when the run is another one. `run` must outlive the history.
  static std::optional<History> of(const PassedRun& run);

  const PassedRun& run() const { return *run_; }
  std::size_t size() const { return run_->trace.events.size(); }
  const Event& event(std::size_t i) const { return run_->trace.events[i]; }
  Time at(std::size_t i) const { return event(i).until; }
  const Known& before(std::size_t i) const { return before_[i]; }
  const Known& after(std::size_t i) const { return before_[i + 1]; }

  // The event, when it is of this kind.
  const Arriving* in(std::size_t i) const { return std::get_if<Arriving>(&event(i).what); }
  const Departing* out(std::size_t i) const { return std::get_if<Departing>(&event(i).what); }
  const UserCall* call(std::size_t i) const { return std::get_if<UserCall>(&event(i).what); }

  // A segment of the target that carries text which it has not sent before, and no SYN.
  bool sends_new_text(std::size_t i) const;
  // The next event but for silences; size() when there is none. What happened at `i` was its only cause.
  std::size_t next(std::size_t i) const;
  // The last segment that arrived before `i`; size() when there is none.
  std::size_t last_arrival(std::size_t i) const;
  // The last segment of the target before `i`, but for SYN and RST; the last one with text. size() when there is none.
  std::size_t last_departure(std::size_t i) const;
  std::size_t last_text(std::size_t i) const;

 private:
  explicit History(const PassedRun& run);

  const PassedRun* run_;
  std::vector<Known> before_;  // one more than there are events
};

}  // namespace tcpassay
