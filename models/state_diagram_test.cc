// SPDX-License-Identifier: Apache-2.0
// RFC 9293 figure 5 beside the model: every transition is an arrow there or an exception with its clause, and every
// arrow is reached.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>

#include "models/test_tcb.h"

namespace tcpassay {
namespace {

using enum State;
using Arrow = std::pair<State, State>;

// The arrows of figure 5, from the top. CLOSED to LISTEN and back is the user's passive OPEN and CLOSE.
const std::map<Arrow, const char*> kFigure5 = {
    {{kClosed, kListen}, "passive OPEN"},
    {{kListen, kClosed}, "CLOSE"},
    {{kClosed, kSynSent}, "active OPEN"},
    {{kListen, kSynSent}, "SEND, or an active OPEN (3.10.1)"},
    {{kListen, kSynReceived}, "rcv SYN"},
    {{kSynSent, kClosed}, "CLOSE"},
    {{kSynSent, kSynReceived}, "rcv SYN"},
    {{kSynSent, kEstablished}, "rcv SYN,ACK"},
    {{kSynReceived, kListen}, "rcv RST (note 1)"},
    {{kSynReceived, kEstablished}, "rcv ACK of SYN"},
    {{kSynReceived, kFinWait1}, "CLOSE"},
    {{kEstablished, kFinWait1}, "CLOSE"},
    {{kEstablished, kCloseWait}, "rcv FIN"},
    {{kFinWait1, kFinWait2}, "rcv ACK of FIN"},
    {{kFinWait1, kClosing}, "rcv FIN"},
    {{kFinWait1, kTimeWait}, "rcv FIN and ACK of FIN (note 2)"},
    {{kFinWait2, kTimeWait}, "rcv FIN"},
    {{kClosing, kTimeWait}, "rcv ACK of FIN"},
    {{kCloseWait, kLastAck}, "CLOSE"},
    {{kLastAck, kClosed}, "rcv ACK of FIN"},
    {{kTimeWait, kClosed}, "Timeout=2MSL"},
};

// What figure 5 leaves out, each with its clause.
const std::map<Arrow, const char*> kExceptions = {
    {{kSynReceived, kClosed}, "note 3: rcv RST; 3.10.5 ABORT; 3.10.8 user timeout"},
    {{kEstablished, kClosed}, "note 3; 3.10.5; 3.10.8"},
    {{kFinWait1, kClosed}, "note 3; 3.10.5; 3.10.8"},
    {{kFinWait2, kClosed}, "note 3; 3.10.5; RFC 6429: a FIN-WAIT-2 whose user has gone"},
    {{kCloseWait, kClosed}, "note 3; 3.10.5; 3.10.8"},
    {{kClosing, kClosed}, "note 3; 3.10.5; 3.10.8"},
    {{kEstablished, kTimeWait}, "3.5.2: the side that aborts should pass through TIME-WAIT"},
    {{kCloseWait, kTimeWait}, "3.5.2"},
    {{kSynSent, kCloseWait}, "3.10.7.3, Fourth: a FIN beside the SYN,ACK is processed in ESTABLISHED"},
    {{kSynReceived, kCloseWait}, "3.10.7.4, Eighth: a FIN beside the ACK of our SYN"},
    {{kSynReceived, kClosing}, "3.10.4: CLOSE was queued, and a FIN beside the ACK of our SYN"},
    {{kSynReceived, kTimeWait}, "3.6.1, MAY-2: back to TIME-WAIT since the SYN was an old duplicate"},
    {{kTimeWait, kSynReceived}, "3.6.1, MAY-2: a SYN opens a connection straight from TIME-WAIT"},
};

// One connection, driven at random by events that may happen. Whatever the model makes of it, the outcome is one of
// those it allows; the next event starts from one of them.
class Walk {
 public:
  explicit Walk(unsigned seed) : random_(seed) {}

  std::map<Arrow, std::uint64_t> seen;
  std::uint64_t departed = 0;  // segments that the model let the target send

  void go(int steps) {
    tcb_ = {};
    listening_ = false;
    now_ = kNow;
    for (int i = 0; i < steps; ++i) step();
  }

 private:
  Candidate tcb_;
  bool listening_ = false;
  Time now_{};
  std::mt19937 random_;

  std::uint32_t upto(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  bool one_in(std::uint32_t n) { return upto(n) == 0; }

  // An event at the TCB: notes the transitions to all outcomes and goes on from one.
  template <class Act>
  bool happens(Act&& act) {
    Environment env = at(now_);
    env.listening = listening_;
    if (tcb_.state == kClosed || tcb_.state == kListen) tcb_.state = listening_ ? kListen : kClosed;
    const Outcomes after = outcomes_of(tcb_, env, act);
    EXPECT_TRUE(after.within_limits);
    if (after.all.empty()) return false;
    for (const Candidate& tcb : outcomes(after)) {
      EXPECT_LE(tcb.rcv_nxt, tcb.rcv_nxt_max);
      EXPECT_LE(tcb.snd_una, tcb.snd_nxt);
      if (tcb.state != tcb_.state) ++seen[{tcb_.state, tcb.state}];
    }
    tcb_ = after.all[upto(static_cast<std::uint32_t>(after.all.size()))];
    tcb_.now.clear();
    tcb_.later.clear();
    tcb_.demerits.clear();
    return true;
  }

  void step() {
    now_ += std::chrono::milliseconds(upto(50));
    target_answers();
    switch (upto(8)) {
      case 0:
        user_calls();
        break;
      case 1:
        passive();
        break;
      case 2:
        time_passes_by();
        break;
      default:
        segment();
        break;
    }
  }

  // The target sends what it owes, as far as the model allows it.
  void target_answers() {
    if (tcb_.ack_later && tcb_.ack_due < now_) tcb_.ack_later = false;  // as if it had left in time
    if (tcb_.reply.form != Reply::Form::kNone || tcb_.ack_now) {
      Departing seg;
      seg.wnd = kRcvWnd;
      seg.ack = tcb_.rcv_nxt;
      seg.ctl.ack = true;
      seg.seq = tcb_.snd_nxt;
      const Reply& reply = tcb_.reply;
      switch (reply.form) {
        case Reply::Form::kNone:
        case Reply::Form::kAck:  // only among the debts
          break;
        case Reply::Form::kRst:
          seg.ctl = {.rst = true}, seg.seq = reply.seq;
          break;
        case Reply::Form::kRstAck:
          seg.ctl = {.rst = true, .ack = true}, seg.seq = {}, seg.ack = reply.ack;
          break;
        case Reply::Form::kSyn:
          seg.ctl = {.syn = true}, seg.seq = kIss, seg.opt.mss = kMss;
          break;
        case Reply::Form::kSynAck:
          seg.ctl.syn = true, seg.opt.mss = kMss;
          seg.seq = tcb_.iss_known ? tcb_.iss : tcb_.former.kept ? tcb_.former.snd_nxt : kIss;
          break;
      }
      const Candidate before = tcb_;
      ASSERT_TRUE(happens([&](Step& on) { segment_departs(on, seg); }))
          << change(before, before) << ": " << departs(before, seg, at(now_)).blamed;
      ++departed;
    } else if (tcb_.fin_queued && !tcb_.fin_sent() && synchronized(tcb_.state) && one_in(2)) {
      const auto octets = tcb_.snd_end - tcb_.snd_nxt;
      Departing seg = out("FP.", tcb_.snd_nxt - kIss, 0, octets);
      seg.ack = tcb_.rcv_nxt;
      departed += happens([&](Step& on) { segment_departs(on, seg); });
    }
    if (one_in(3)) now_ += std::chrono::seconds(1);
    if (!happens([](Step& on) { falls_quiet(on); })) {  // a delayed ACK was due
      tcb_.ack_later = tcb_.send_pending = tcb_.timed = false;
    }
  }

  void user_calls() {
    const UserCall done{.length = 10, .result = one_in(2) ? 10 : 0};
    switch (upto(6)) {
      case 0:
        happens([&](Step& on) { active_open_call(on, {.result = -1, .error = UserError::kInProgress}); });
        break;
      case 1:
        happens([&](Step& on) { send_call(on, done); });
        break;
      case 2:
        happens([&](Step& on) { close_call(on, {}); });
        break;
      case 3:
        happens([&](Step& on) { close_call(on, {}); });
        break;
      case 4:
        if (one_in(4)) happens([&](Step& on) { close_socket_call(on, {}); });
        break;
      case 5:
        if (one_in(4)) happens([&](Step& on) { abort_call(on, {}); });
        break;
      default:
        break;
    }
  }

  void passive() {
    if (tcb_.state != kClosed && tcb_.state != kListen) return;
    const State before = tcb_.state;
    if (before == kListen && one_in(4)) {
      happens([&](Step& on) { close_call(on, {}); });
      listening_ = false;
    } else if (before == kClosed) {
      listening_ = true;
      tcb_.state = kListen;
      ++seen[{kClosed, kListen}];  // 3.10.1: a passive OPEN enters LISTEN and returns; around.listening says so
    }
  }

  void time_passes_by() {
    if (one_in(4)) now_ += std::chrono::minutes(upto(5));
    Environment env = at(now_);
    if (time_matters(tcb_, env)) happens([](Step& on) { time_passes(on); });
  }

  // A segment near what would be right: around RCV.NXT, acknowledging around SND.UNA and SND.NXT.
  void segment() {
    const char* kinds[] = {"S", "S.", "SF.", ".", ".", ".", "P.", "F.", "F.", "R", "R.", "", "SF", "FP."};
    Arriving seg = in(kinds[upto(14)], 0);
    const bool known = tcb_.state > kSynSent;
    seg.seq = (known ? tcb_.rcv_nxt : kIrs) + (one_in(4) ? upto(20) - 10 : 0);
    if (seg.ctl.syn && one_in(2)) seg.seq = kIrs + (one_in(2) ? 0 : 3000);
    seg.ack = one_in(3) ? tcb_.snd_una : one_in(6) ? tcb_.snd_nxt + upto(3) - 1 : tcb_.snd_nxt;
    if (tcb_.held_fin) seg.ctl.psh = seg.ctl.fin = false;  // the peer does not contradict its FIN
    if (seg.ctl.psh) seg.text = peer_text(seg.seq - kIrs, 1 + upto(20));
    happens([&](Step& on) { segment_arrives(on, seg); });
  }
};

std::string to_string(const Arrow& arrow) {
  return std::string(tcpassay::to_string(arrow.first)) + " -> " + tcpassay::to_string(arrow.second);
}

const std::map<Arrow, std::uint64_t>& transitions() {
  static const std::map<Arrow, std::uint64_t> seen = [] {
    Walk walk(793);
    for (int trace = 0; trace < 3000; ++trace) walk.go(60);
    EXPECT_GT(walk.departed, 10000u);
    return walk.seen;
  }();
  return seen;
}

TEST(StateDiagram, EveryTransitionIsAnArrowOrAListedException) {
  for (const auto& [arrow, times] : transitions()) {
    EXPECT_TRUE(kFigure5.count(arrow) || kExceptions.count(arrow)) << to_string(arrow) << ", " << times << " times";
  }
}

TEST(StateDiagram, EveryArrowIsReached) {
  for (const auto& [arrow, event] : kFigure5) {
    EXPECT_TRUE(transitions().count(arrow)) << to_string(arrow) << ": " << event;
  }
}

// The table of exceptions holds nothing that does not happen.
TEST(StateDiagram, EveryExceptionHappens) {
  for (const auto& [arrow, clause] : kExceptions) {
    EXPECT_TRUE(transitions().count(arrow)) << to_string(arrow) << ": " << clause;
  }
}

}  // namespace
}  // namespace tcpassay
