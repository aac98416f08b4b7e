// SPDX-License-Identifier: Apache-2.0
// The fuzzer's inputs: a byte language in which any bytes are a scenario, most bytes open a connection and use it, and
// similar bytes are similar scenarios.
//
// An input is a header of kHeaderOctets and records of kRecordOctets each; a rest at the end is ignored.
// A sequence number is an anchor (RCV.NXT, the window's edge, SND.UNA ...) and a distance. The anchor gets its value
// when the record is played, from the session's bookkeeping, so that a record means the same at any place in the input.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "harness/script/scenario.h"
#include "harness/session/session.h"

namespace tcpassay {

inline constexpr int kStepsMax = 64;  // records played; the opening is not counted
inline constexpr std::size_t kHeaderOctets = 4, kRecordOctets = 12;
inline constexpr std::size_t kInputOctetsMax = kHeaderOctets + kStepsMax * kRecordOctets;
inline constexpr std::uint16_t kSecondPeerPort = kPeerPort + 1;

// How a conversation begins: calls of the target's user and, where it says so, our side of the handshake.
enum class Opening : std::uint8_t {
  kPassive,      // listen, handshake, accept
  kActive,       // connect, handshake
  kListen,       // listen
  kSynSent,      // connect
  kSynReceived,  // listen, our SYN
  kCrossed,      // connect, our SYN: both sides open at once
  kUnaccepted,   // listen, handshake
  kNone,         // nobody listens
};

// What a record does. The values stand in saved inputs: append only.
enum class Op : std::uint8_t {
  kSegment,     // without text, flags from a table
  kText,        // with text, flags from a table
  kExact,       // flags as they stand in the record
  kPoliteAck,   // acknowledges everything seen
  kPoliteText,  // the next octets in order
  kPoliteFin,   // the end of our stream
  kPoliteSyn,   // a SYN, with ACK when the target has sent one
  kCall,        // a socket call
  kAdvance,     // time passes
};

// The anchors of SEG.SEQ, in the target's variables.
enum class SeqAnchor : std::uint8_t { kRcvNxt, kWindowEnd, kIrs, kOpposite, kWindowMiddle, kLast, kZero, kBelowWindow };
// The anchors of SEG.ACK.
enum class AckAnchor : std::uint8_t { kSndNxt, kSndUna, kIss, kOpposite, kBelow, kLast, kZero, kBeyond };

// Plays inputs on a session. One object serves many inputs.
class BytePlay {
 public:
  explicit BytePlay(Session& session);
  ~BytePlay();

  // Starts the session, plays the input and finishes the session; after a finding the rest of the input is not played.
  // When `recorded` is given the concrete steps are appended to it: they play the same without this language.
  void play(ByteView input, Scenario* recorded = nullptr);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Encodes a scenario in the byte language. Plays it on `session`, whose bookkeeping supplies the anchors. Leaves out
// what the language cannot express (most options, a third conversation) and rounds quantities down to those it has.
Bytes encode_scenario(const Scenario& scenario, Session& session);

// An input whose opening is the given one, with everything else at its default.
Bytes make_header(Opening opening);

// One record, for inputs written by hand.
struct RecordFields {
  Op op = Op::kPoliteAck;
  std::uint8_t choice = 0;  // flags, call or time, by op
  SeqAnchor seq = SeqAnchor::kRcvNxt;
  std::int16_t seq_distance = 0;
  AckAnchor ack = AckAnchor::kSndNxt;
  std::int16_t ack_distance = 0;
  std::uint32_t length = 0;
  std::uint16_t wnd = 65535;
  bool second_port = false;
};
void append_record(Bytes& input, const RecordFields& fields);

// Inserts, removes, swaps or changes whole records of an input, in place; libFuzzer's own mutations would cut records
// apart. Returns the new size, at most `size_max`.
std::size_t mutate_records(std::uint8_t* input, std::size_t size, std::size_t size_max, std::uint32_t seed);

}  // namespace tcpassay
