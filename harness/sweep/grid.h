// SPDX-License-Identifier: Apache-2.0
// The grid of the sweep. Each cell is one stimulus segment: a set of control bits with classes of SEG.SEQ, SEG.ACK,
// text and SEG.WND. Also the second segment that follows, because some faults show only in the reaction to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/script/scenario.h"

namespace tcpassay {

inline constexpr int kFlagSets = 64;  // of FIN SYN RST PSH ACK URG, by the bits of RFC 9293 section 3.1

enum class SeqClass : std::uint8_t { kWellBelow, kJustBelow, kNext, kInside, kLast, kEdge, kBeyond, kOpposite };
enum class AckClass : std::uint8_t {
  kFarBelow,
  kBelow,
  kUna,
  kInside,
  kNxt,
  kAbove,
  kOpposite,
  kZero,
  kUnheeded,  // kZero and kUnheeded: segments without the ACK bit; the field is 0, or SND.NXT
};
enum class TextClass : std::uint8_t { kNone, kOctet, kFills, kOverruns };
enum class WindowClass : std::uint8_t { kZero, kSmall, kLarge };
// Something else that the segment carries. An unknown option and a reserved bit have to be ignored (MUST-6; section
// 3.1, Rsrvd). Where timestamps were negotiated a plain segment carries a current one (with a small window that of the
// segment before it, else a later one); others an old one, or none.
enum class Dress : std::uint8_t { kPlain, kUnknownOption, kReservedBit, kOldStamp, kNoStamp };

inline constexpr int kSeqClasses = 8, kAckClasses = 9, kTextClasses = 4, kWindowClasses = 3, kDresses = 5;
const char* to_string(SeqClass seq);        // "last in window"
const char* to_string(AckClass ack);        // "SND.UNA"
const char* to_string(TextClass text);      // "fills the window"
const char* to_string(WindowClass window);  // "zero"
const char* to_string(Dress dress);         // ", unknown option"; nothing for a plain one

struct Cell {
  std::uint8_t flags = 0;
  SeqClass seq{};
  AckClass ack{};
  TextClass text{};
  WindowClass window{};
  Dress dress{};

  bool has_ack() const { return (flags & 0x10) != 0; }
  friend bool operator==(const Cell&, const Cell&) = default;
};

// All cells for one state, in a fixed order. If sets of control bits are given, only cells with these. Segments with a
// large window and neither PSH nor URG come with two kinds of Dress too: the two that are to be ignored, or with
// `stamped` those of timestamps. Either list has as many cells.
std::vector<Cell> all_cells(const std::vector<std::uint8_t>& flags = {}, bool stamped = false);

// "SYN,ACK", "no flag".
std::string flags_text(std::uint8_t flags);
// Reads "SYN+ACK", "S.", "SA", "none".
std::optional<std::uint8_t> flags_named(std::string_view word);

std::string to_text(const Cell& cell);  // "SYN,ACK, SEQ at RCV.NXT, ACK of SND.UNA, one octet, window zero"

// The sequence variables when the segment arrives, numbered as in scripts.
struct Numbers {
  bool sent = false;       // the target has sent its SYN, so it has SND.UNA and SND.NXT
  bool announced = false;  // ... and it has announced a window
  std::uint32_t snd_una = 0, snd_nxt = 0, rcv_nxt = 0, rcv_wnd = 0;
  bool stamped = false;  // timestamps were negotiated
};

// Why no such segment exists for these numbers; null when one does.
const char* impossible(const Cell& cell, const Numbers& numbers);

// Timestamps of the peer: one long past, those of the road, and a later one. Where none were negotiated nothing is
// added.
inline constexpr std::uint32_t kOldStamp = 5000, kRoadStamp = 20000, kLaterStamp = 20010;
void add_stamp(SegmentSpec& segment, std::uint32_t value, const Numbers& numbers);

// The segment, without ports.
SegmentSpec segment_of(const Cell& cell, const Numbers& numbers);

// The segment that follows the stimulus, to see whether the target goes on correctly.
enum class FollowUp : std::uint8_t {
  kNone,
  kAgain,   // the stimulus, once more
  kReset,   // RST at RCV.NXT, which is believed in every state that has one
  kSyn,     // SYN in the window
  kText,    // the next octet
  kOldAck,  // the next octet, with an ACK below SND.UNA and a large window
  kWindow,  // an ACK of everything with a large window, whose SEQ is RCV.NXT as it was before the stimulus
  kFin,     // FIN at RCV.NXT
};
inline constexpr int kFollowUps = 8;
const char* to_string(FollowUp next);  // "RST at RCV.NXT"

// The follow-up of a cell on this road. It does not depend on Dress, and each class is followed by each of them.
FollowUp follow_up_of(const Cell& cell, std::size_t road, std::uint8_t ip);

// `before`: the numbers when the stimulus arrived; `now`: those after it.
SegmentSpec segment_of(FollowUp next, const SegmentSpec& stimulus, const Numbers& before, const Numbers& now);

// The class of stimuli to which the cell belongs: "RST, SEQ in the window". Cells of one class have the same cause.
std::string stimulus_class(const Cell& cell);

}  // namespace tcpassay
