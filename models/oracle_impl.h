// SPDX-License-Identifier: Apache-2.0
// The private part of Oracle: conversations with their possible TCBs, the user's sockets, and how an event is judged.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "models/describe.h"
#include "models/fast_open.h"
#include "models/first_numbers.h"
#include "models/oracle.h"
#include "models/step.h"

namespace tcpassay {

// Which kind of event, as an index below 64: for the coverage signal.
int event_class(const Event& event);

struct Oracle::Impl {
  // One pair of ports, and every TCB that the target may have for it.
  struct Conversation {
    Tuple tuple{};
    std::vector<Candidate> possible;
    int incarnation = 0;          // counts the connections that used this pair of ports
    bool taken = false;           // the user has it (accept or connect)
    bool accurate_named = false;  // that it uses Accurate ECN has been told
    bool begins = false;          // a SYN may have begun a new connection
    bool named = false;           // the user has chosen the local address
    bool dead = false;            // this incarnation may have ended before anybody took it, and may still be handed out
    int dead_before = 0;          // ... earlier ones that did
    bool handed_out = false;      // perhaps: it, or one of those
    bool abandoned = false;       // its listener was closed before anybody took it: it is not handed out
    void abandon() {
      dead = false;
      dead_before = 0;
      abandoned = !taken;
    }
    SentSegments sent{};
    bool tainted = false;  // a MUST was broken here: what follows in this conversation proves nothing
  };

  // A socket of the user.
  struct Handle {
    enum class Kind : std::uint8_t { kFree, kNew, kListener, kConnection };
    int id = -1;
    Kind kind = Kind::kFree;
    std::uint16_t port = 0;
    std::uint32_t backlog = 0;
    Tuple tuple{};
    int incarnation = 0;
    bool zero_linger = false, listeners_linger = false;  // its own; that of the listener that it was accepted from
    bool reads_shut = false;
    bool no_delay = false;
    bool had_zero_linger = false, had_no_delay = false;  // once: what a connection inherits it has from its SYN on
    bool elsewhere = false;                              // bound to another address of the target
    bool named = false;                                  // bound to the address of the trace
    bool reuse = false;                                  // others may use its port
    std::vector<UserCall> chosen{};           // options that TCP answers for, set before there was a connection
    std::size_t listened_with = 0;            // how many of these it had when it began to listen
    std::uint32_t fast_open = 0;              // what may be pending; 0: off
    Time user_timeout{}, listened_timeout{};  // as it is, and as it was when it began to listen
    void linger_set(bool zero) {
      zero_linger = zero;
      listeners_linger = false;
      had_zero_linger |= zero;
    }
    void no_delay_set(bool on) {
      no_delay = on;
      had_no_delay |= on;
    }
  };

  // The first timestamp of a connection, and when it was seen.
  struct Clock {
    Tuple tuple{};
    std::uint32_t tsval = 0;
    Time at{};
  };

  struct Port {
    std::uint16_t number = 0;
    std::uint32_t backlog = 0;
    bool open = false, aborted = false;
    bool elsewhere = false;  // open for another address of the target only
    std::uint32_t fast_open = 0;
  };

  Terms terms;
  std::vector<Conversation> conversations;
  std::size_t used = 0;  // conversations of this trace; the rest keep their memory
  std::vector<Handle> handles;
  std::vector<Port> ports;
  std::vector<FirstNumber> beginnings;
  Time last_at{};
  std::vector<Clock> clocks;
  int predicted_timestamps = 0;  // first timestamps that could be computed from another connection's
  fast_open::Ledger ledger;
  fast_open::Known cookies;             // what `ledger` says of the SYN at hand
  int guessed = 0;                      // initial sequence numbers that could be computed from another connection's
  InlineVector<Cite, kCitesMax> loose;  // rules obeyed that belong to no conversation
  std::vector<Verdict> verdicts, tolerated;
  FreedomSet taken;  // freedoms that every explanation of this trace needs
  std::vector<Count> counts = std::vector<Count>(rules().size());
  std::array<std::int8_t, kTraits> traits{};
  Time challenged_at{-1};       // when the target last owed a challenge ACK, on any connection
  bool opened_wrongly = false;  // an OPEN that must fail has not: connections that appear now follow from it
  std::size_t event_index = 0;
  std::vector<Candidate> next;
  std::uint8_t* transitions = nullptr;
  std::string last_seen;  // the segment that left last, if it departs from a SHOULD
  Tcb last_left;          // ... the TCB before it left, and when that was
  Time last_left_at{};
  Departing last_segment;

  // Events, one function each (oracle.cc).
  void start();
  void observe(const Event& event);
  void arrives(const Event& event, const Arriving& seg);
  void departs(const Event& event, const Departing& seg);
  void name_accurate_ecn(Conversation& c, const Event& event);
  // 3.9.2.2: for the connection that the message quotes, and for all others, which must stay as they are.
  void icmp(const Event& event, const IcmpArrives& message);
  void quiet(const Event& event, const Quiet& silence);

  Conversation& conversation(Tuple tuple);
  const Conversation* find(Tuple tuple) const;
  Port* port(std::uint16_t number);
  Environment environment(const Conversation& c, const Event& event);
  // RFC 7413 section 4.2: cookies, the limit of the user, and PendingFastOpenRequests. Connections that were reset may
  // still count.
  void know(const Conversation& c, const Options& opt, Time at);
  // Connections on the port of `but`, other than it, that the user has not accepted yet.
  std::uint32_t waiting(const Conversation& but) const;
  // Nothing of this conversation can be overdue or waits to be counted.
  static bool rests(const Conversation& c);
  static bool may_begin(const Conversation& c, SndSeq iss);
  void listeners_timeout(std::uint16_t number, Environment& a) const;
  // A connection has what the user has set on its listener, all of it or its keep-alives alone, or has not.
  static void inherits(Step& on, const Handle& parent, bool keep_alive_alone);
  // A connection that nobody has accepted yet may have the listener's keep-alives.
  void keep_alive_of_listener(Conversation& c, const Event& event, const Departing& seg);

  // Judging (oracle_judging.cc).
  // Replaces each TCB by its outcomes. When none is left, that is a violation; the oracle goes on from what it saw.
  template <class Act>
  void process(Conversation& c, const Event& event, Act&& act) {
    const Environment a = environment(c, event);
    let_time_pass(c, a, event);
    next.clear();
    Refusal nearest;
    bool within_limits = true;
    std::size_t nearest_index = 0;
    const int cls = transitions ? event_class(event) : 0;
    const bool tells = std::holds_alternative<Departing>(event.what) || std::holds_alternative<StateReport>(event.what);
    const auto happens = [&act, tells](Step& on) {
      if (!tells) on.end_by_reset();
      act(on);
    };
    for (std::size_t i = 0; i < c.possible.size(); ++i) {
      const std::size_t before = next.size();
      const Refusal best = nearest;
      within_limits &= each_outcome(c.possible[i], a, next, nearest, happens);
      if (nearest.is_nearer_than(best)) nearest_index = i;
      if (transitions) {
        for (std::size_t k = before; k < next.size(); ++k) {
          const std::size_t index =
              (static_cast<std::size_t>(c.possible[i].state) * 64 + static_cast<std::size_t>(cls)) * 11 +
              static_cast<std::size_t>(next[k].state);
          if (transitions[index] < 255) ++transitions[index];
        }
      }
    }
    if (next.empty()) {
      const Rule rule = nearest.rule;
      const Candidate& blamed = c.possible[nearest_index];
      std::string allowed = describe_allowed(c.possible, event, rule), seen = describe(event, blamed);
      tell_more(allowed, seen, event, blamed, rule);
      if (add_verdict(rule, kind_of(rule), &c, event, std::move(allowed), std::move(seen))) {
        note_at_work(verdicts.back(), blamed);
        if (kind_of(rule) == Verdict::Kind::kViolated) c.tainted = true;
      }
      resynchronise(c, nearest_index, event);
      return;
    }
    c.possible.swap(next);
    merge(c, event, within_limits);
  }

  void let_time_pass(Conversation& c, const Environment& a, const Event& event);
  // Equal TCBs are merged. Of the rules that led there those are kept on which all agree.
  void merge(Conversation& c, const Event& event, bool within_limits);
  // After a violation the oracle goes on from what it saw, as well as it can.
  void resynchronise(Conversation& c, std::size_t nearest, const Event& event);
  // The reaction is complete: the rules on which all explanations agree have been judged.
  void settle(Conversation& c, const Event& event);
  void settle_freedoms(Conversation& c, const Event& event);
  void count(const Cite& cite);
  // False when the edition that the target is held to does not have the rule.
  bool add_verdict(Rule rule, Verdict::Kind kind, const Conversation* c, const Event& event, std::string allowed,
                   std::string seen);
  // What the verdict's nearest candidate was about to be judged by, and what was odd about the peer's last packet.
  std::string departure_seen(Rule rule, const Event& event) const;
  static void note_at_work(Verdict& verdict, const Candidate& p);
  static Verdict::Kind kind_of(Rule rule);
  static void add_profile_fits(const Conversation& c, std::array<ProfileFit, kProfiles>& fits);
  static std::string states(const Conversation& c);

  template <class List>
  static void intersect(List& a, const List& b) {
    int kept = 0;
    for (int i = 0; i < a.size; ++i) {
      if (b.has(a.items[i])) a.items[kept++] = a.items[i];
    }
    a.size = static_cast<std::uint8_t>(kept);
  }

  // What only several connections together show (oracle_clocks.cc).
  // 3.4.1: ISN = M + F(the two sockets, a secret), with a clock M that ticks about every 4 microseconds.
  void first_sequence_number(const Conversation& c, const Event& event, std::uint32_t iss);
  // RFC 7323 section 7: the clocks of two connections differ by more than the time between them.
  void first_timestamp(const Conversation& c, const Event& event, std::uint32_t tsval);
  void finish();  // the trace is over: statistics of all its initial sequence numbers

  // The user's calls (oracle_sockets.cc).
  void user_call(const Event& event, const UserCall& call);
  void bind(Handle& h, const Event& event, const UserCall& call);
  void listen(Handle& h, const Event& event, const UserCall& call);  // 3.10.1. OPEN Call, passive
  bool opens_another(const Handle& h, const UserCall& call);
  void connect(Handle& h, const Event& event, const UserCall& call);
  void accept(const Event& event, const UserCall& call);
  void set_option(Handle& h, const Event& event, const UserCall& call);
  void on_connection(Handle& h, const Event& event, const UserCall& call);
  void on_unconnected(const Handle& h, const Event& event, const UserCall& call);
  void close_listener(const Handle& h, const Event& event);
  Handle* handle(int id);
  Handle& new_handle(int id);
  bool current(const Handle& h) { return conversation(h.tuple).incarnation == h.incarnation; }
  static void may_have_died(Conversation& c);
  bool is_open(const Handle& h);  // in a synchronized state, for sure
  // The port is in use, but only by connections that are being opened.
  bool only_opening(std::uint16_t number) const;
  void port_is_refused(const Event& event);
  static bool answers_for(SocketOption option);
  static void option_set(Step& on, const UserCall& call);
};

}  // namespace tcpassay
