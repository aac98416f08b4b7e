// SPDX-License-Identifier: Apache-2.0
// Congestion control: how much may be in flight at most. What the RFCs say stands in one file rfcNNNN.cc for each of
// them (algorithms.h), which profiles are judged in profiles.def; README.md is the way in. Here is what they all share:
// the loss that was seen, what has left the network since, and the windows of RFC 5681 and RFC 9438. A target may run
// either (RFC 9293 section 3.8.2, MAY-18). Counts are octets unless a comment says otherwise.
#pragma once

#include <cstdint>

#include "models/congestion/profiles.h"
#include "models/event.h"
#include "models/rule.h"
#include "models/seq.h"

namespace tcpassay {

struct Step;

// CUBIC's time: W_max and W_est of RFC 9438, and when the window was last reduced.
struct Epoch {
  static constexpr Time kNever{-1};

  std::uint32_t w_max = 0, w_est = 0;
  Time began = kNever;

  friend bool operator==(const Epoch&, const Epoch&) = default;
};

struct Congestion {
  enum class Phase : std::uint8_t {
    kNone,      // not ESTABLISHED yet
    kOpen,      // slow start or congestion avoidance
    kRecovery,  // fast recovery: duplicate ACKs made the target send SND.UNA again
    kLoss,      // the retransmission timer has expired
  };
  static constexpr Time kNever{-1};

  // What a loss changes, as it was before: restored when nothing turns out to have been lost.
  struct Before {
    Window reno{.cwnd = 0}, cubic{.cwnd = 0};
    Epoch epoch{};
    friend bool operator==(const Before&, const Before&) = default;
  };

  Phase phase = Phase::kNone;
  bool lost_told = false;            // an ICMP message said that segments in flight were too large (RFC 1191)
  bool arrived_since_quiet = false;  // a segment has arrived since the target last fell silent
  bool progress = false;             // since then an ACK of new text has arrived
  bool window_moved = false;         // since then a segment has moved the window
  bool duplicated = false;           // since then a duplicate ACK has arrived
  bool informed = false;             // since then a SACK option has told something new
  bool news = false;                 // since then new text has left
  bool news_since_loss = false;      // ... since the retransmission timer last expired
  bool recovered = false;            // since then an ACK has ended fast recovery
  bool was_held_back = false;        // when it fell silent, text waited
  bool recover_known = false;
  bool lossless = true;                 // no loss was seen on this connection
  bool loss_told = false;               // ... but ACKs have told of one, be it that a closed window let nothing leave
  bool counts_unknown = false;          // octets may have been counted before slow start, or ACKs and not octets
  bool waits = false;                   // text has left without a cause that waited before: silence tells no window
  bool after_timeout = false;           // the last loss was shown by the retransmission timer
  bool after_partial = false;           // NewReno: a partial ACK has arrived in this recovery
  bool recovers_further = false;        // ... and has not ended it, as in RFC 5681 section 3.2 it does
  bool unanswered = false;              // nothing has left since the last ACK
  bool several = false;                 // ... nor between it and the one before
  bool fast_retransmit_due = false;     // the third duplicate ACK has arrived
  bool limited_transmit_due = false;    // the first or second duplicate ACK has arrived
  bool partial_retransmit_due = false;  // a partial ACK has arrived
  bool partial_may_retransmit = false;  // ... and the front has not left again since, due or not
  std::uint8_t duplicates = 0;          // duplicate ACKs in a row
  std::uint8_t syn_losses = 0;          // SYNs that the timer sent again
  std::uint8_t acks = 0;                // ACKs of new text in this round trip
  std::uint8_t halved_silences = 0;     // in a row, at which half of the flight before the last loss was in flight
  std::uint8_t flat_rounds = 0;         // round trips in a row in which the flight did not grow as it should
  ProfileSet fits{};                    // the profiles that explain all that the target has sent
  Rule cap{}, soft_cap{};               // the rules that bound the windows of the profiles, and `recommended`
  std::uint32_t smss = 536;
  std::uint32_t opened =
      0;  // by how much ACKs open a window in slow start: since the last silence, or the first halved
  std::uint32_t largest = 1;  // the largest segment of text that has left: the target's own SMSS
  std::uint32_t initial = 0;  // IW
  Window reno{}, cubic{};     // the largest that RFC 5681 and RFC 9438 give
  Window recommended{};       // ... that RFC 5681 gives when all its SHOULDs are followed
  Epoch epoch{};
  Before before{};
  std::uint32_t advanced = 0;    // octets that the latest ACK of new text has acknowledged
  std::uint32_t left = 0;        // octets in flight that have left the network, as far as the ACKs show
  std::uint32_t inflated = 0;    // the same, as duplicate ACKs alone show, where SACK options are in use
  std::uint32_t limited = 0;     // octets sent by limited transmit (RFC 3042)
  std::uint32_t excess = 0;      // ... before the latest ACK, and beyond the window until other new text leaves
  std::uint32_t resent = 0;      // octets sent since recovery began, new or again
  std::uint32_t delivered = 0;   // octets that duplicate ACKs have shown to be delivered since recovery began
  std::uint32_t burst = 0;       // octets by which the flight has grown since the last ACK
  std::uint32_t recover_fs = 1;  // RecoverFS of RFC 6937: the flight when recovery began
  std::uint32_t counted = 0;     // octets that a sender which counts them may have counted before a pause
  std::uint32_t generous = 0;    // so far the widest window is beyond what slow start with ABC has made since the loss
  std::uint32_t restarted = 0;   // the window since a pause, of slow start up to the ssthresh of RFC 9438
  std::uint32_t round_flight = 0;
  std::uint32_t quiet_flight = 0;   // when the target last fell silent
  std::uint32_t halved_from = 0;    // ... before the first of halved_silences
  std::uint32_t least_exit = 0;     // the smaller window that may follow fast recovery (RFC 6582 section 3.2, step 3)
  std::uint32_t probe = 0;          // octets of a loss probe, which the window does not hold back (RFC 8985)
  std::uint32_t cwnd_at_least = 0;  // the target's own window is no smaller, as the largest flight shows
  std::uint32_t at_least_on_path = 0;                     // ... since a router has told of a smaller path
  std::uint32_t cwnd_at_most = Window::kArbitrarilyHigh;  // ... and no larger before a loss, as text that waits shows
  std::uint32_t scaled = 0;       // the window scaled to the smaller segments of the path; 0: the path has not changed
  std::uint32_t scaled_last = 0;  // ... that the target has filled since the last ACK
  std::uint32_t scaled_to = 0;    // ... of so many octets; larger ones may go in fragments
  std::uint32_t scaled_sent = 0;  // octets sent since it was scaled
  SndSeq recover{};               // SND.NXT when the last loss was seen (RFC 6582)
  SndSeq timed_out{};             // SND.UNA when the retransmission timer last expired
  SndSeq told{};                  // behind the highest octet that SACK options have reported
  SndSeq resent_to{};             // behind the last octet sent again since the last loss
  SndSeq round_end{};
  SndSeq refused_to{};    // text below it was refused by a window or a path: it goes again without another reason
  SndSeq refused_from{};  // ... from here on it has not left again since a path refused it
  Time sent_at = kNever;  // when text last left

  // One of the profiles that fit keeps 0.7 of the window.
  bool may_be_cubic() const { return fits.has(Profile::kCubic); }
  // One of them halves it, as RFC 5681 has it.
  bool may_be_reno() const { return fits.has(Profile::kNewReno) || fits.has(Profile::kSack); }
  // What a window or a path has refused leaves again before new text does.
  bool old_text_goes_first(SndSeq una) const { return una < refused_to && resent_to < refused_to; }
  const Window& widest() const { return may_be_cubic() ? cubic : reno; }

  friend bool operator==(const Congestion&, const Congestion&) = default;
};

// An acceptable ACK is about to move SND.UNA to SEG.ACK.
void congestion_acked(Step& on, SndSeq ack);
// Any other acceptable ACK, before it moves the window.
void congestion_not_acked(Step& on, bool duplicate);
// SACK blocks may show that text has left the network.
void congestion_informed(Step& on, const Arriving& seg);
// An ACK that has acknowledged `octets` of new text shows that nothing was lost (spurious.h).
void congestion_undone(Step& on, std::uint32_t octets);
// An ICMP message says that segments of `before` octets are too large for the path: the text in flight is lost, and is
// sent again in segments of `after` octets.
void congestion_path_lowered(Step& on, std::uint32_t before, std::uint32_t after);
// Text leaves, new or again: does the congestion window have room for it? Refuses, and returns false, when it has not.
// A segment that is sent again may end with `added` octets of new text, which SND.NXT counts already.
bool congestion_admits(Step& on, SndSeq seq, std::uint32_t octets, bool again, std::uint32_t added = 0);
// The target falls silent: did the congestion window keep it from sending more, and rightly?
void congestion_silent(Step& on);

}  // namespace tcpassay
