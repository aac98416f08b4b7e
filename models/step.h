// SPDX-License-Identifier: Apache-2.0
// What the functions of section 3.10 are written with: what a step may read, what it may do, and how it asks for the
// choices that the RFC leaves.
#pragma once

#include "models/candidate.h"
#include "models/edition.h"
#include "models/event.h"
#include "models/freedom.h"
#include "models/pick.h"
#include "models/rules.h"
#include "models/sent_segments.h"
#include "models/why_again.h"

namespace tcpassay {

inline constexpr Time kDelayedAckMax = std::chrono::milliseconds(500);  // RFC 9293 section 3.8.6.3, MUST-40
inline constexpr Time kAckMax793 = std::chrono::minutes(1);             // RFC 793 names no time; we allow this much
inline constexpr Time kSendDelayMax = std::chrono::seconds(1);          // the override time-out of 3.8.6.2.1 at most
inline constexpr Time kUserTimeoutMin = std::chrono::seconds(100);      // R2 for text, 3.8.3 SHLD-11
inline constexpr Time kSynTimeoutMin = std::chrono::minutes(3);         // R2 for a SYN, 3.8.3 MUST-23
inline constexpr Time kRtoMin = std::chrono::seconds(1);                // RFC 6298 section 2
inline constexpr Time kRtoMaxMin = std::chrono::seconds(60);  // RFC 6298 (2.5): an upper bound on RTO is at least this
inline constexpr Time kOverrideMin = std::chrono::milliseconds(100);  // 3.8.6.2.1: a sender may wait so long at least
inline constexpr Time kClockSlack = std::chrono::milliseconds(10);    // a timer's granularity
inline constexpr Time kThrottlePeriod = std::chrono::seconds(5);      // RFC 5961 section 7: challenge ACKs
inline constexpr Time kOrphanMin =
    std::chrono::seconds(20);                            // after this stacks may end a FIN-WAIT-2 whose user is gone
inline constexpr Time kForever = std::chrono::hours(2);  // 3.6: by then a connection without acknowledgments has ended
// Freedom::kPromptAcks: SHLD-18 says that there is a delayed ACK, not when. Stacks delay none while a connection is
// young, for 16 segments or while slow start lasts; 40 are more than any of them.
inline constexpr int kPromptAcksMax = 40;
// Freedom::kSmallUpdates: MUST-39 says that there is an algorithm. Rounding by the window scale, or a buffer that
// another connection has made smaller, explains one small update or two, not three in a row.
inline constexpr int kSillyUpdatesMax = 3;
inline constexpr Time kProbeMin = std::chrono::milliseconds(20);  // below any retransmission timeout in use
inline constexpr std::uint32_t kWindowMax = 65535;                // without window scaling

// What a step may know of the world around its connection.
struct Environment {
  bool listening = false;     // a passive OPEN stands on the port
  bool backlog_full = false;  // as many connections as the user allowed for may be waiting for accept
  bool deserted = false;      // a passive OPEN stood on the port and was closed
  bool aborted = false;       // ... by ABORT
  bool elsewhere = false;     // a passive OPEN stands on the port, for another address of the target
  Time since{}, now{};        // the event happened in this interval
  Time before{};              // when the event before it happened; zero: not known
  Time msl{};
  Time user_timeout{};      // of the passive OPEN that stands on the port; zero: the user has set none
  Time listened_timeout{};  // the same when it began to listen
  Time challenged{-1};      // when the target last sent a challenge ACK on any connection; negative: never
  std::uint32_t mms_r = 1480, mms_s = 1480;
  std::uint16_t default_mss = 536;
  bool link_known = false;  // mms_r is that of the target's link
  Edition edition = kNewest;
  const FreedomSet* withheld = nullptr;         // freedoms that nobody has; null: none
  const fast_open::Known* fast_open = nullptr;  // when a SYN arrives or departs
  const SentSegments* sent = nullptr;           // what has left on this connection; null: not known
  ProfileSet profiles{};                        // of congestion control: the target has one of these
  bool user_known = true;                       // false: the calls of the user are not recorded (inferred_calls.h)
  std::optional<SndSeq> last_ack{};             // with an unknown user: SEG.ACK of the last segment that arrived
};

// Why a TCB cannot have produced what was seen: the rule that forbids it, and how many things differ from what was due.
struct Refusal {
  Rule rule{};
  int distance = kFar;
  static constexpr int kFar = 1000;

  // Of the explanations that fail, the weakest level is what is proven; at that level the nearest tells the rule.
  // Equals are decided by the order of the catalogue, which follows the RFC's, and never by the order in which they
  // were tried.
  bool is_nearer_than(const Refusal& other) const;
};

// One event at one possible TCB, under one combination of answers.
struct Step {
  Candidate& tcb;
  Pick& pick;
  const Environment& env;
  Refusal refusal{};                    // set when this combination contradicts what was seen: no outcome
  Why why = Why::kNew;                  // of text that departs: why it leaves again, if it does
  bool ack_allowed = false;             // this event has called for an acknowledgment already
  bool fin_acked_here = false;          // this segment acknowledged our FIN
  bool established_here = false;        // this segment completed the handshake
  Rule taken_by = Rule::SA4_7_ack;      // why the text of this segment counts
  bool at_shut = false;                 // this segment begins at a window that is zero for sure
  bool urgent_processed = false;        // RCV.UP is set already, though the segment is not acceptable (MUST-66)
  bool time_wait_syn_proceeds = false;  // a SYN in TIME-WAIT that is neither dropped nor begins a connection

  bool refuse(Rule rule, int distance = 1) {  // false, for functions that say whether a segment may leave
    refusal = {rule, distance};
    return false;
  }
  bool refused() const { return refusal.distance != Refusal::kFar; }

  // The target is held to this edition of the text, or to a later one.
  bool since(Edition edition) const { return edition <= env.edition; }

  // The target is now obeying this rule. The rule is judged when the target falls quiet, since it may react until then.
  void cite(Rule rule, bool taken = true) {
    if (!tcb.now.has({rule, taken})) tcb.now.add({rule, taken});
  }
  // A rule whose effect shows in the reaction to the next stimulus, or in a report of the state.
  void cite_later(Rule rule) {
    if (!tcb.later.has({rule, true})) tcb.later.add({rule, true});
  }
  // What has arrived could have ended the connection, and by this rule it must not.
  void survives(Rule rule) { tcb.survived = rule; }
  void enter(State state, Rule rule) {
    const bool begins = tcb.state == State::kClosed || tcb.state == State::kListen;
    if (begins) tcb.ways_out.clear();
    if (begins || state == State::kClosed) tcb.survived.reset();  // what a connection has survived while it was there
    if (tcb.state != state) tcb.ways_out.add({tcb.state, rule});
    tcb.state = state;
    cite_later(rule);
  }

  // A SHOULD: true when the target follows it, false when it departs, which is remembered as a demerit.
  bool should(Rule rule) {
    if (!pick.ask()) return true;
    depart(rule);
    return false;
  }
  void depart(Rule rule) {
    if (!in_force(rule, env.edition)) return;
    if (!tcb.demerits.has(rule) && !tcb.demerits.add(rule)) reach(Limit::kDemerits);
  }
  bool may(Rule rule) {
    const bool taken = pick.ask();
    cite(rule, taken);
    return taken;
  }
  // A freedom of models/catalogue/freedoms.def; recorded when it is taken.
  bool may(Freedom freedom) {
    if (env.withheld != nullptr && env.withheld->test(static_cast<std::size_t>(freedom))) return false;
    const bool taken = pick.ask();
    if (taken) tcb.freedoms.set(static_cast<std::size_t>(freedom));
    return taken;
  }
  // The same where nothing branches: what was seen needs the freedom.
  void takes(Freedom freedom) { tcb.freedoms.set(static_cast<std::size_t>(freedom)); }
  // A choice that an implementation makes once: the first answer holds from then on.
  bool trait(Trait trait) {
    std::int8_t& known = tcb.traits[static_cast<std::size_t>(trait)];
    if (known == 0) known = pick.ask() ? -1 : 1;
    return known > 0;
  }

  // What leaves.
  void reply(const Reply& reply) {
    put_by();
    tcb.reply = reply;
  }
  // An answer to something earlier has not left yet: it is due still.
  void put_by() {
    if (tcb.reply.form == Reply::Form::kNone) return;
    Reply due = tcb.reply;
    if (due.form == Reply::Form::kSynAck) due.ack = tcb.rcv_nxt;
    if (!tcb.debts.add(due)) reach(Limit::kDebts);
    tcb.reply = {};
  }
  // <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> before the target falls quiet.
  void acknowledge_now(Rule rule) { acknowledge_now(rule, info(rule).level == Level::kMust); }
  void acknowledge_now(Rule rule, bool must) {
    if (!tcb.ack_now || !tcb.ack_now_must || must) {  // a SHOULD never replaces a MUST
      tcb.ack_now_rule = rule;
      tcb.ack_now_must = must;
    }
    tcb.ack_now = true;
    allow_ack();
  }
  // The same, on any segment, before the delayed acknowledgment is due.
  void acknowledge_later(Rule rule) {
    if (tcb.ack_later) {
      tcb.ack_put_off = true;
    } else {
      tcb.ack_put_off = false;
      tcb.ack_later = true;
      tcb.ack_due = env.now + (since(Edition::k1122) ? kDelayedAckMax : kAckMax793);
      tcb.ack_rule = rule;
    }
    allow_ack();
  }
  // At most one pure acknowledgment for each segment that arrives (RFC 5681 section 4.2).
  void allow_ack() {
    if (!ack_allowed && tcb.ack_credits < 255) ++tcb.ack_credits;
    ack_allowed = true;
  }

  // What the judge can no longer follow makes its word inconclusive.
  void reach(Limit limit) { tcb.limit = limit; }

  // Delete the TCB: what stays is what the user has still to be told, and answers that were due before.
  void delete_tcb(Rule rule) {
    const bool opens = tcb.reply.form == Reply::Form::kSyn || tcb.reply.form == Reply::Form::kSynAck;
    tcb.reply.optional = tcb.reply.optional || opens;  // what is no more need not be opened
    put_by();
    if (tcb.ack_now) {
      reply({.form = Reply::Form::kAck, .optional = true, .seq = tcb.snd_nxt, .ack = tcb.rcv_nxt, .rule = rule});
      put_by();
    }
    tcb.ack_now = tcb.ack_later = tcb.send_pending = tcb.timed = false;
    tcb.ack_credits = 0;
    tcb.held.spans.clear();
    tcb.held_fin = false;
    enter(State::kClosed, rule);
  }
  // The RST that was to end the connection leaves, or something else comes before it has.
  void end_by_reset() {
    Reply due = tcb.reply;
    if (!due.ends) return;
    tcb.reply = {};
    delete_tcb(due.rule);
    due.ends = due.lets_go = false;
    tcb.reply = due;
  }
};

// Calls `act(Step&)` once for each combination of answers and appends the outcomes. Of the refusals `nearest` keeps the
// one with the smallest distance. False when a limit was reached.
template <class Outcomes, class Act>
bool each_outcome(const Candidate& before, const Environment& env, Outcomes& outcomes, Refusal& nearest, Act&& act) {
  Pick pick;
  do {
    outcomes.push_back(before);
    Step step{outcomes.back(), pick, env};
    act(step);
    if (step.refused()) {
      if (step.refusal.is_nearer_than(nearest)) nearest = step.refusal;
      outcomes.pop_back();
    }
  } while (pick.next());
  return !pick.overflowed();
}

}  // namespace tcpassay
