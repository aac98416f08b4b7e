// SPDX-License-Identifier: Apache-2.0
// For tests: a TCB in each state, segments written briefly, and what a step makes of a TCB in words. All sequence
// numbers in tests count from the SYN of their side, so that the first octet is 1.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/segment_arrives.h"
#include "models/segment_departs.h"
#include "models/step.h"
#include "models/user_calls.h"

namespace tcpassay {

inline constexpr SndSeq kIss{1000};
inline constexpr RcvSeq kIrs{5000};
inline constexpr std::uint16_t kSndWnd = 8000, kRcvWnd = 10000, kMss = 1000;
inline constexpr std::uint32_t kOctetsMax = 70000;  // of one segment or call
inline constexpr Time kNow = std::chrono::seconds(10);
inline constexpr Environment kListening{
    .listening = true, .since = kNow, .now = kNow, .msl = std::chrono::minutes(2), .link_known = true};
inline constexpr Environment kNobody{.since = kNow, .now = kNow, .msl = std::chrono::minutes(2), .link_known = true};

inline Environment at(Time time) {
  Environment env = kListening;
  env.since = env.now = time;
  return env;
}

// The octets of each stream, from `first` on; the first octet behind the SYN is 1. They are made by functions and not
// by lambdas: a compiler would try to work out a lambda's result itself, octet by octet, for seconds.
inline std::vector<std::uint8_t> all_peer_text() {
  std::vector<std::uint8_t> text(2 * kOctetsMax);
  for (std::uint32_t i = 0; i < text.size(); ++i) text[i] = peer_octet((kIrs + i).value);
  return text;
}
inline std::vector<std::uint8_t> all_target_text() {
  std::vector<std::uint8_t> text(3 * kOctetsMax);
  for (std::uint32_t i = 1; i < text.size(); ++i) text[i] = target_octet(i - 1);
  return text;
}
inline std::span<const std::uint8_t> peer_text(std::uint32_t first, std::uint32_t octets) {
  static const std::vector<std::uint8_t> all = all_peer_text();
  return std::span(all).subspan(first % kOctetsMax, octets);
}
inline std::span<const std::uint8_t> target_text(std::uint32_t first, std::uint32_t octets) {
  static const std::vector<std::uint8_t> all = all_target_text();
  return std::span(all).subspan(first < 2 * kOctetsMax ? first : first % kOctetsMax, octets);
}

inline Ctl ctl(std::string_view flags) {
  const auto has = [&](char flag) { return flags.find(flag) != std::string_view::npos; };
  return {.fin = has('F'), .syn = has('S'), .rst = has('R'), .psh = has('P'), .ack = has('.'), .urg = has('U')};
}

// A segment from the peer: its flags as packetdrill writes them, SEG.SEQ, SEG.ACK, octets of text, SEG.WND.
inline Arriving in(std::string_view flags, std::uint32_t seq, std::uint32_t ack = 0, std::uint32_t octets = 0,
                   std::uint16_t wnd = kSndWnd) {
  return {.seq = kIrs + seq, .ack = kIss + ack, .wnd = wnd, .ctl = ctl(flags), .text = peer_text(seq, octets)};
}
// A segment from the target. Unless told otherwise the right edge of its window stands still, at 1 + kRcvWnd.
inline constexpr std::uint32_t kEdgeStays = 0x10000;
inline Departing out(std::string_view flags, std::uint32_t seq, std::uint32_t ack = 0, std::uint32_t octets = 0,
                     std::uint32_t wnd = kEdgeStays) {
  if (wnd == kEdgeStays) wnd = ack <= kRcvWnd ? 1u + kRcvWnd - ack : kRcvWnd;
  Departing seg{.seq = kIss + seq,
                .ack = kIrs + ack,
                .wnd = static_cast<std::uint16_t>(wnd),
                .ctl = ctl(flags),
                .text = target_text(seq, octets)};
  if (seg.ctl.syn) seg.opt = {.mss = kMss, .octets = 4};
  return seg;
}

// A TCB in each state, with nothing outstanding but the SYN or FIN that makes the state.
inline Candidate closed_tcb() {
  return {};
}
inline Candidate listen_tcb() {
  Candidate tcb;
  tcb.state = State::kListen;
  return tcb;
}
inline Candidate syn_sent() {
  Candidate tcb;
  tcb.state = State::kSynSent;
  tcb.iss_known = true;
  tcb.iss = tcb.snd_una = tcb.congestion.resent_to = kIss;
  tcb.snd_nxt = tcb.snd_end = kIss + 1;
  tcb.rcv_mss = kMss;
  return tcb;
}
inline Candidate syn_received(bool passive = true) {
  Candidate tcb = syn_sent();
  tcb.state = State::kSynReceived;
  tcb.passive = passive;
  tcb.irs = tcb.snd_wl1 = tcb.snd_wl1_least = kIrs;
  tcb.rcv_nxt = tcb.rcv_nxt_max = tcb.rcv_user = tcb.user_at_offer = tcb.rcv_acked = tcb.syn_text_end = kIrs + 1;
  tcb.rcv_edge = tcb.rcv_far = kIrs + 1 + kRcvWnd;
  tcb.edge_known = tcb.mss_given = true;
  tcb.snd_wnd = tcb.max_snd_wnd = kSndWnd;
  tcb.snd_mss = kMss;
  tcb.snd_wl2 = kIss;
  return tcb;
}
inline Candidate established() {
  Candidate tcb = syn_received();
  tcb.state = State::kEstablished;
  tcb.was_open = true;
  tcb.snd_una = tcb.snd_wl2 = kIss + 1;
  tcb.snd_wl1 = tcb.snd_wl1_least = kIrs + 1;
  return tcb;
}
// So many octets were given to SEND, and have not left.
inline Candidate given(Candidate tcb, std::uint32_t octets) {
  tcb.snd_end = tcb.snd_end + octets;
  return tcb;
}
// So many octets were given to SEND, and have left.
inline Candidate sent(Candidate tcb, std::uint32_t octets) {
  tcb.snd_end = tcb.snd_nxt = tcb.snd_end + octets;
  return tcb;
}
inline Candidate fin_wait_1(Candidate tcb = established()) {
  tcb.state = State::kFinWait1;
  tcb.fin_queued = true;
  tcb.snd_nxt = tcb.snd_end + 1;
  return tcb;
}
inline Candidate fin_wait_2() {
  Candidate tcb = fin_wait_1();
  tcb.state = State::kFinWait2;
  tcb.snd_una = tcb.snd_wl2 = tcb.snd_nxt;
  return tcb;
}
inline Candidate with_peers_fin(Candidate tcb, State state) {
  tcb.state = state;
  tcb.rcv_fin = true;
  tcb.fin_seq = tcb.rcv_nxt;
  tcb.rcv_nxt = tcb.rcv_nxt_max = tcb.rcv_acked = tcb.rcv_nxt + 1;
  return tcb;
}
inline Candidate close_wait(Candidate tcb = established()) {
  return with_peers_fin(tcb, State::kCloseWait);
}
inline Candidate closing() {
  return with_peers_fin(fin_wait_1(), State::kClosing);
}
inline Candidate last_ack() {
  return with_peers_fin(fin_wait_1(), State::kLastAck);
}
inline Candidate time_wait() {
  Candidate tcb = with_peers_fin(fin_wait_2(), State::kTimeWait);
  tcb.time_wait.from = std::chrono::minutes(4);
  tcb.time_wait.to = std::chrono::minutes(5);
  return tcb;
}
inline Candidate in_state(State state) {
  switch (state) {
    case State::kClosed:
      return closed_tcb();
    case State::kListen:
      return listen_tcb();
    case State::kSynSent:
      return syn_sent();
    case State::kSynReceived:
      return syn_received();
    case State::kEstablished:
      return established();
    case State::kFinWait1:
      return fin_wait_1();
    case State::kFinWait2:
      return fin_wait_2();
    case State::kCloseWait:
      return close_wait();
    case State::kClosing:
      return closing();
    case State::kLastAck:
      return last_ack();
    case State::kTimeWait:
      return time_wait();
  }
  return {};
}
inline constexpr State kSynchronized[] = {State::kEstablished, State::kFinWait1, State::kFinWait2, State::kCloseWait,
                                          State::kClosing,     State::kLastAck,  State::kTimeWait};

// The target offers no window.
inline Candidate at_zero_window(Candidate tcb) {
  tcb.rcv_edge = tcb.rcv_far = tcb.rcv_nxt;
  return tcb;
}
// The peer offers so much.
inline Candidate offered(Candidate tcb, std::uint32_t wnd) {
  tcb.snd_far = tcb.snd_edge();
  tcb.snd_wnd = wnd;
  return tcb;
}
// The stack has shown that it does so, or does not.
inline Candidate with_trait(Candidate tcb, Trait trait, bool value) {
  tcb.traits[static_cast<std::size_t>(trait)] = value ? 1 : -1;
  return tcb;
}

inline std::string id(Rule rule) {
  return std::string(info(rule).id);
}

// What a step has made of a TCB: its state, the variables that changed, what it owes now.
inline std::string change(const Candidate& before, const Candidate& after) {
  std::string text = to_string(after.state);
  const auto add = [&](const std::string& more) { text += ", " + more; };
  const auto snd = [](SndSeq seq) { return std::to_string(static_cast<std::int32_t>(seq - kIss)); };
  const auto rcv = [](RcvSeq seq) { return std::to_string(static_cast<std::int32_t>(seq - kIrs)); };
  if (after.state > State::kListen) {
    if (after.iss_known && after.snd_una != before.snd_una) add("SND.UNA=" + snd(after.snd_una));
    if (after.iss_known && after.snd_nxt != before.snd_nxt) add("SND.NXT=" + snd(after.snd_nxt));
    if (after.snd_wnd != before.snd_wnd) add("SND.WND=" + std::to_string(after.snd_wnd));
    if (after.rcv_nxt != before.rcv_nxt || after.rcv_nxt_max != before.rcv_nxt_max) {
      add("RCV.NXT=" + rcv(after.rcv_nxt));
      if (after.rcv_nxt_max != after.rcv_nxt) text += ".." + rcv(after.rcv_nxt_max);
    }
  }
  const Reply& reply = after.reply;
  switch (reply.form) {
    case Reply::Form::kNone:
      break;
    case Reply::Form::kRst:
      add("RST " + snd(reply.seq));
      if (reply.other != reply.seq) text += " or " + snd(reply.other);
      break;
    case Reply::Form::kRstAck:
      add("RST,ACK " + rcv(reply.ack));
      break;
    case Reply::Form::kSyn:
      add("SYN");
      break;
    case Reply::Form::kSynAck:
      add("SYN,ACK");
      break;
    case Reply::Form::kAck:
      add("ACK " + rcv(reply.ack));
      break;
  }
  if (reply.form != Reply::Form::kNone && !reply.must) text += reply.optional ? " (may)" : " (should)";
  if (after.ack_now) add(after.ack_now_must ? "ACK now" : "ACK now (should)");
  if (after.ack_later && !after.ack_now) add("ACK later");
  if (after.signal == Signal::kNotOpened) add("tells of no connection");
  if (after.signal == Signal::kRefused) add("tells refused");
  if (after.signal == Signal::kReset) add("tells reset");
  if (after.signal == Signal::kTimedOut) add("tells timed out");
  for (const Rule rule : after.demerits) {
    if (!before.demerits.has(rule)) add("without " + id(rule));
  }
  return text;
}

using Texts = std::set<std::string>;

struct Outcomes {
  std::vector<Candidate> all;
  Texts texts;         // what each changed
  std::string blamed;  // when there is none: the rule that forbids it
  bool within_limits = true;

  // Every outcome cites the rule, now or later.
  bool cite(Rule rule) const;
  // Some outcome does.
  bool may_cite(Rule rule) const;
};

// The outcomes of a step. A step without any fails the test: a loop over none would test nothing.
inline std::vector<Candidate> outcomes(const Outcomes& of) {
  if (of.all.empty()) ADD_FAILURE() << "there is no outcome; forbidden by " << of.blamed;
  return of.all;
}

inline bool cites(const Candidate& tcb, Rule rule) {
  return tcb.now.has({rule, true}) || tcb.now.has({rule, false}) || tcb.later.has({rule, true});
}

inline bool Outcomes::cite(Rule rule) const {
  const std::vector<Candidate> some = outcomes(*this);
  return !some.empty() && std::all_of(some.begin(), some.end(), [&](const Candidate& tcb) { return cites(tcb, rule); });
}

inline bool Outcomes::may_cite(Rule rule) const {
  const std::vector<Candidate> some = outcomes(*this);
  return std::any_of(some.begin(), some.end(), [&](const Candidate& tcb) { return cites(tcb, rule); });
}

template <class Act>
Outcomes outcomes_of(const Candidate& before, const Environment& env, Act&& act) {
  Outcomes found;
  Refusal nearest;
  found.within_limits = each_outcome(before, env, found.all, nearest, act);
  for (const Candidate& after : found.all) found.texts.insert(change(before, after));
  if (found.all.empty()) found.blamed = id(nearest.rule);
  return found;
}

inline Outcomes arrives(const Candidate& before, const Arriving& seg, const Environment& env = kListening) {
  return outcomes_of(before, env, [&](Step& on) { segment_arrives(on, seg); });
}
inline Outcomes departs(const Candidate& before, const Departing& seg, const Environment& env = kListening) {
  return outcomes_of(before, env, [&](Step& on) { segment_departs(on, seg); });
}
inline Outcomes silence(const Candidate& before, const Environment& env = kListening) {
  return outcomes_of(before, env, [](Step& on) { falls_quiet(on); });
}
inline Outcomes reports(const Candidate& before, const StateReport& report, const Environment& env = kListening) {
  return outcomes_of(before, env, [&](Step& on) { state_reported(on, report); });
}
inline Outcomes time_goes_by(const Candidate& before, const Environment& env) {
  return outcomes_of(before, env, [](Step& on) { time_passes(on); });
}

// What a step leads to where it leaves no choice.
inline Candidate after_arrival(const Candidate& before, const Arriving& seg, const Environment& env = kListening) {
  return arrives(before, seg, env).all.at(0);
}
inline Candidate after_departure(const Candidate& before, const Departing& seg) {
  return departs(before, seg).all.at(0);
}
inline Candidate with_text() {
  return after_arrival(established(), in("P.", 1, 1, 100));
}
inline Candidate opening() {
  return outcomes_of(closed_tcb(), kListening, [](Step& on) { active_open_call(on, {}); }).all.at(0);
}
inline Candidate answering() {
  return after_arrival(listen_tcb(), in("S", 0));
}

}  // namespace tcpassay
