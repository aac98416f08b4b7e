// SPDX-License-Identifier: Apache-2.0
// For tests: a trace, written event by event, goes to an oracle, and what the oracle finds. Numbers as in test_tcb.h.
#pragma once

#include <string>
#include <vector>

#include "models/oracle.h"
#include "models/test_tcb.h"

namespace tcpassay {

inline constexpr Tuple kFirst{.local = 80, .remote = 4000}, kSecond{.local = 80, .remote = 4001};

class Trace {
 public:
  explicit Trace(Terms terms = {}) : oracle(terms) { oracle.start(); }

  // Segments, of the conversation that `on` has chosen.
  Trace& in(std::string_view flags, std::uint32_t seq, std::uint32_t ack = 0, std::uint32_t octets = 0,
            std::uint16_t wnd = kSndWnd) {
    return event(tcpassay::in(flags, seq, ack, octets, wnd));
  }
  Trace& out(std::string_view flags, std::uint32_t seq, std::uint32_t ack = 0, std::uint32_t octets = 0,
             std::uint32_t wnd = kEdgeStays) {
    return event(tcpassay::out(flags, seq, ack, octets, wnd));
  }
  // <SEQ=0><ACK=ack><CTL=RST,ACK>
  Trace& out_rst_ack(std::uint32_t ack) {
    Departing seg = tcpassay::out("R.", 0, ack);
    seg.seq = SndSeq{0};
    return event(seg);
  }
  // Time passes, and the target sends nothing more.
  Trace& quiet(Time after = {}) {
    now += after;
    return event(Quiet{});
  }
  Trace& wait(Time time) {
    now += time;
    return *this;
  }
  Trace& on(Tuple which) {
    tuple = which;
    return *this;
  }
  Trace& report(State state) { return event(StateReport{.state = state}); }

  // The user: handle 3 listens or connects, handle 4 is what accept gave.
  Trace& listen(std::uint32_t backlog = 8) {
    call({.kind = CallKind::kSocket, .result = 3});
    call({.kind = CallKind::kBind, .handle = 3, .port = tuple.local});
    return call({.kind = CallKind::kListen, .handle = 3, .length = backlog});
  }
  Trace& accept(int as = 4) {
    user = as;
    return call({.kind = CallKind::kAccept, .handle = 3, .result = as, .tuple = tuple});
  }
  Trace& connect() {
    user = 3;
    call({.kind = CallKind::kSocket, .result = 3});
    return call({.kind = CallKind::kConnect,
                 .handle = 3,
                 .port = tuple.remote,
                 .result = -1,
                 .error = UserError::kInProgress,
                 .tuple = tuple});
  }
  Trace& write(std::uint32_t octets) {
    return call({.kind = CallKind::kWrite, .handle = user, .length = octets, .result = octets});
  }
  Trace& write_fails(UserError error) {
    return call({.kind = CallKind::kWrite, .handle = user, .length = 10, .result = -1, .error = error});
  }
  Trace& read(std::uint32_t first, std::uint32_t octets) {
    return call(
        {.kind = CallKind::kRead, .handle = user, .length = 5000, .result = octets, .text = peer_text(first, octets)});
  }
  Trace& read_end() { return read(1, 0); }
  Trace& read_fails(UserError error) {
    return call({.kind = CallKind::kRead, .handle = user, .length = 5000, .result = -1, .error = error});
  }
  Trace& shutdown() { return call({.kind = CallKind::kShutdown, .handle = user, .how = 1}); }
  Trace& close() { return call({.kind = CallKind::kClose, .handle = user}); }
  Trace& call(UserCall made) { return event(made); }

  // The first lines of most stories: a passive OPEN and its handshake, taken by the user.
  Trace& open() { return listen().quiet().in("S", 0).out("S.", 0, 1).quiet().in(".", 1, 1).quiet().accept(); }
  Trace& open_actively() { return connect().out("S", 0).quiet().in("S.", 0, 1).out(".", 1, 1).quiet(); }

  // The verdicts in order, "SA4_7_ack violated"; of a consequence "... after that". Empty when there is none.
  std::vector<std::string> verdicts() const {
    std::vector<std::string> found;
    for (const Verdict& v : oracle.verdicts()) {
      const char* kinds[] = {" violated", " departed", " inconclusive"};
      found.push_back(id(v.rule) + kinds[static_cast<int>(v.kind)] + (v.consequence ? " after that" : ""));
    }
    return found;
  }
  const Count& count(Rule rule) const { return oracle.counts()[static_cast<std::size_t>(rule)]; }
  bool judged(Rule rule) const { return count(rule).judged > 0 && count(rule).broken == 0; }
  std::string state() const { return oracle.states(tuple); }

  template <class What>
  Trace& event(const What& what) {
    oracle.observe({.from = now, .until = now, .tuple = tuple, .what = what});
    return *this;
  }

  Oracle oracle;
  Time now = std::chrono::seconds(1);
  Tuple tuple = kFirst;
  int user = 3;
};

using Verdicts = std::vector<std::string>;

}  // namespace tcpassay
