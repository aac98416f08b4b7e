// SPDX-License-Identifier: Apache-2.0
// A session with one target: plays stimuli, keeps the peer's bookkeeping, records the trace and shows each event to the
// oracle.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/script/scenario.h"
#include "harness/session/round_trip.h"
#include "harness/session/trace.h"
#include "harness/target/target.h"
#include "harness/wire/capture_file.h"
#include "harness/wire/icmp.h"
#include "models/oracle.h"

namespace tcpassay {

class Schedule;

inline constexpr std::uint16_t kTargetPort = 8080;  // bind and connect without a port
inline constexpr std::uint16_t kPeerPort = 40000;

// The longest that one scenario may wait in total on a target without virtual time.
inline constexpr Time kRealWaitMax = std::chrono::seconds(10);

// A delayed ACK is due within 500 ms (RFC 5681 section 4.2), so a final wait of this length makes it visible.
inline constexpr Time kDelayedAckWait = std::chrono::milliseconds(600);

// The terms of a connection over this IP version (4 or 6) on a path with the usual MTU of 1500 octets.
Terms terms_over(std::uint8_t ip);

struct SessionOptions {
  bool judge = true;          // show events to the oracle
  Edition edition = kNewest;  // the edition of the RFCs that the oracle applies
  bool strict = false;        // tolerated freedoms are held against the target
  std::uint64_t seed = 1;     // the seed that play() passes to Target::reset()
  bool white_box = true;      // with Ability::kState, ask the target for its states whenever it is silent
  bool keep_trace = true;
  bool assertions = true;          // compare `>` lines, results of calls and what code asserts
  std::uint8_t ip = 4;             // 4 or 6, for scripts without --ip_version
  CaptureFile* capture = nullptr;  // also write every packet to this file
  TraceObserver* observer = nullptr;
  std::uint16_t peer_port = kPeerPort;         // the peer's port where the script names none and the target is passive
  Time settle = std::chrono::milliseconds(5);  // a target without kSynchronous is silent after so long without a packet
  std::size_t packets_kept = 4096;  // how many of the target's latest packets expect() and take_packets() can see
  Time round_trip{};                // between peer and target; the peer answers what it knows by then (round_trip.h)
  PeerManner manner = PeerManner::kPrompt;  // how the peer answers, where a round trip takes time
  Time final_wait{};                        // finish() first lets this much time pass, so that a delayed ACK falls due
};

// play() runs a whole scenario. The sweep, the fuzzer and Python call the single steps.
class Session {
 public:
  Session(Target& target, SessionOptions options = {});
  ~Session();

  // Resets the target and the oracle and begins a new trace.
  void start(const std::string& name, std::uint64_t seed = 1, std::optional<std::uint8_t> ip = {});
  void use_peer_port(std::uint16_t port);  // replaces SessionOptions::peer_port from the next start() on
  // Configures the target, after start() and before anything else. Throws TargetError when the target refuses.
  void configure(const Setting& setting);

  void inject(const SegmentSpec& segment, const Place& where = {});  // numbers in script terms
  void icmp(const IcmpSpec& message, const Place& where = {});       // likewise
  void inject_packet(ByteView ip_packet);                            // octets unchanged
  UserCall call(const Call& call, const Place& where = {});          // returns the call with its results
  void advance(Time by);                                             // lets time pass and records what comes out
  bool expect(const SegmentSpec& segment, Time within, const Place& where = {});  // next unmatched outbound segment
  // Ends the scenario: accepts every waiting connection and reads all text, so that the oracle sees what users are
  // told.
  void finish();

  void play(const Scenario& scenario);  // start, every step, finish

  // Why the scenario cannot be played on this target over this IP version, or nothing. Without `assertions`, constructs
  // that only assertions need do not count.
  static std::optional<std::string> unsupported(const Scenario& scenario, const Target& target, std::uint8_t ip = 4,
                                                bool assertions = true, Time round_trip = {});

  Target& target();
  Oracle& oracle();
  const Trace& trace() const;
  const std::vector<Mismatch>& mismatches() const;
  std::size_t departures() const;     // how many packets the target has sent since the start
  std::vector<Bytes> take_packets();  // what the target has sent since the last call, as IP packets

  // The peer's bookkeeping for one conversation (the script's only pair when ports are empty), in wire numbers.
  struct Peer {
    Tuple tuple{};
    std::uint32_t iss = 0, snd_nxt = 0;             // ours; snd_nxt is behind the last octet sent in order
    std::optional<std::uint32_t> irs{}, rcv_nxt{};  // the target's, once seen; behind the last octet in order
    std::uint16_t rcv_wnd = 0;                      // the window the target advertised last
    std::optional<std::uint32_t> acked{};           // the target's latest SEG.ACK
    std::optional<std::uint32_t> tsval{};           // the target's latest timestamp (RFC 7323), once seen
  };
  const Peer& peer(std::optional<std::uint16_t> local = {}, std::optional<std::uint16_t> remote = {});

 private:
  void configure(const Shell& shell, const Place& where);
  bool await_answer(const SegmentSpec& spec);
  void encode_segment(const SegmentSpec& spec);
  void play_again(const Scenario& scenario, Schedule& schedule, int peer);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpassay
