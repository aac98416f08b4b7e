// SPDX-License-Identifier: Apache-2.0
// Plays stimuli against one target, keeps the peer's bookkeeping, writes the trace and shows it to the oracle.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/script/scenario.h"
#include "harness/session/trace.h"
#include "harness/target/target.h"
#include "harness/wire/capture_file.h"
#include "models/oracle.h"

namespace tcpassay {

class Schedule;

inline constexpr std::uint16_t kTargetPort = 8080;  // bind and connect without a port
inline constexpr std::uint16_t kPeerPort = 40000;

// What a scenario may wait in all on a target that has no virtual time.
inline constexpr Time kRealWaitMax = std::chrono::seconds(10);

// An ACK is due after 500 ms (RFC 5681 section 4.2); a final wait of so long shows it.
inline constexpr Time kDelayedAckWait = std::chrono::milliseconds(600);

// What the target's IP of this version (4 or 6) carries, its MTU being the usual 1500 octets.
Terms terms_over(std::uint8_t ip);

struct SessionOptions {
  bool judge = true;          // show events to the oracle
  Edition edition = kNewest;  // the text that the target is held to
  std::uint64_t seed = 1;     // play() begins with it
  bool white_box = true;      // ask a target that can tell for its state whenever it is quiet
  bool keep_trace = true;
  bool assertions = true;          // compare `>` lines, results of calls and what code asserts
  std::uint8_t ip = 4;             // 4 or 6, where the script does not say
  CaptureFile* capture = nullptr;  // every packet goes there too
  TraceObserver* witness = nullptr;
  std::uint16_t peer_port = kPeerPort;         // the peer's port where the script names none and the target is passive
  Time settle = std::chrono::milliseconds(5);  // so long a target that is not synchronous must say nothing to be silent
  std::size_t packets_kept = 4096;  // so many of the target's latest are there for expect() and take_packets()
  Time final_wait{};                // finish() lets so much time pass first, so that a delayed ACK falls due
};

// Imperative: explorers and Python call the primitives; play() runs a whole scenario.
class Session {
 public:
  Session(Target& target, SessionOptions options = {});
  ~Session();

  // Resets the target and the oracle and begins a new trace.
  void start(const std::string& name, std::uint64_t seed = 1, std::optional<std::uint8_t> ip = {});
  void use_peer_port(std::uint16_t port);  // as of SessionOptions, from the next start() on
  // Asks the target for a configuration, after start() and before anything else. Throws TargetError when it cannot.
  void configure(const Setting& setting);

  void inject(const SegmentSpec& segment, const Place& where = {});  // numbers in script terms
  void inject_packet(ByteView ip_packet);                            // as it stands
  UserCall call(const Call& call, const Place& where = {});          // the call as it was made, with its results
  void advance(Time by);                                             // lets time pass and records what comes out
  bool expect(const SegmentSpec& segment, Time within, const Place& where = {});  // next unmatched outbound segment
  // The final examination: waits for what is due at once and reads what the users of open handles would be told.
  void finish();

  void play(const Scenario& scenario);  // start, every step, finish

  // Why the scenario cannot be played on this target over this version of IP, or nothing.
  // Without assertions it may leave out what only they need.
  static std::optional<std::string> unsupported(const Scenario& scenario, const Target& target, std::uint8_t ip = 4,
                                                bool assertions = true);

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
  void play_again(const Scenario& scenario, Schedule& schedule, int peer);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpassay
