// SPDX-License-Identifier: Apache-2.0
#include "models/keep_alive.h"

#include <algorithm>

namespace tcpassay {
namespace {

using std::chrono::seconds;

constexpr Time kIdleMin = std::chrono::hours(2);  // MUST-28: the default
constexpr Time kLate = seconds(1);                // a probe may be late by this and a quarter of the idle time

Time idle_of(const KeepAlive& keep) {
  return keep.idle != 0 ? Time(seconds(keep.idle)) : kIdleMin;
}

}  // namespace

void keep_alive_set(Step& on, const UserCall& call) {
  KeepAlive& keep = on.tcb.keep;
  const auto value = static_cast<std::uint32_t>(call.value);
  switch (call.option) {
    case SocketOption::kKeepAlive:
      if (!keep.on || call.value == 0) keep.unanswered = 0;  // turned on twice: the probes before count as well
      keep.on = call.value != 0;
      keep.was_set = true;
      on.cite(Rule::MAY_5);
      break;
    case SocketOption::kKeepIdle:
      keep.idle = value;
      break;
    case SocketOption::kKeepInterval:  // a wait that goes on may be as long as before
      keep.running = std::min(keep.running, value);
      keep.interval = value;
      break;
    case SocketOption::kKeepCount:
      keep.count = value;
      break;
    default:
      return;
  }
  keep.since = on.env.now;
}

void keep_alive_hears(Step& on, const Arriving& seg) {
  KeepAlive& keep = on.tcb.keep;
  if (seg.ctl.syn && synchronized(on.tcb.state)) {  // no data and no acknowledgment: it may count or not
    keep.heard_to = on.env.now;
    return;
  }
  if (keep.unanswered == 1) on.cite_later(Rule::MUST_29);  // the segment must find the connection still open
  keep.unanswered = 0;
  keep.heard_from = on.env.since;
  keep.heard_to = on.env.now;
}

namespace {

// A SYN may have begun the idle time anew behind the last probe.
bool idle_since_a_syn(const KeepAlive& keep, const Environment& env) {
  return keep.probed_to <= keep.heard_to && env.now - keep.heard_to + kClockSlack >= idle_of(keep);
}

// The user has chosen again behind the last probe. The wait that goes on may be as long as before, or the new one, or
// that of an idle connection.
bool wait_is_unsure(const KeepAlive& keep) {
  return keep.probed_from <= keep.since;
}

// Behind a probe that nothing has answered another one is due when the interval that the user has set is over.
bool next_is_overdue(const KeepAlive& keep, const Environment& env) {
  if (keep.unanswered == 0 || keep.running == 0 || keep.unanswered >= std::max(keep.count, 2u)) return false;
  const bool anew = keep.probed_to <= keep.heard_to;  // a SYN may have begun the idle time anew
  const Time wait = anew ? std::max<Time>(seconds(keep.running), idle_of(keep)) : seconds(keep.running);
  return !wait_is_unsure(keep) && env.since - std::max(keep.probed_to, keep.heard_to) > wait + wait / 4 + kLate;
}

}  // namespace

bool is_keep_alive(const Tcb& tcb, const Departing& seg) {
  if (!synchronized(tcb.state) || seg.ctl.fin || seg.text.size() > 1 || tcb.snd_una != tcb.snd_nxt) return false;
  const bool probes_window = tcb.snd_wnd == 0 && tcb.snd_una < tcb.snd_limit();
  return seg.seq == tcb.snd_nxt - 1 && !probes_window;
}

void keep_alive_departs(Step& on, const Departing& seg) {
  Candidate& tcb = on.tcb;
  KeepAlive& keep = tcb.keep;
  if (!keep.on) {
    on.refuse(keep.was_set ? Rule::MUST_24 : Rule::MUST_25, 1);
    return;
  }
  if (tcb.state == State::kTimeWait) {  // "turn off the other timers"
    on.refuse(Rule::SA4_8_fin_wait_2, 1);
    return;
  }
  if (next_is_overdue(keep, on.env)) {
    on.refuse(Rule::MUST_27, 1);
    return;
  }
  const Time idle = idle_of(keep);
  const Time silence = on.env.now - keep.heard_from + kClockSlack;  // at most
  if (silence < idle) {
    // Did the target wait for the idle time, but without starting it again when the last segment arrived?
    const bool not_restarted = keep.since + idle <= on.env.now + kClockSlack;
    on.refuse(not_restarted ? Rule::MUST_26 : keep.idle != 0 ? Rule::MUST_27 : Rule::MUST_28, 1);
    return;
  }
  if (keep.unanswered > 0) {
    const Time gap = on.env.now - keep.probed_from + kClockSlack;
    if (keep.running != 0 && !wait_is_unsure(keep) && gap < seconds(keep.running)) {
      if (!idle_since_a_syn(keep, on.env)) {
        on.refuse(Rule::MUST_27, 1);
        return;
      }
      keep.unanswered = 0;  // it is the first one since
    }
    on.cite(Rule::MUST_29);
  }
  on.cite(Rule::MUST_24);
  on.cite(Rule::MUST_26);
  on.cite(keep.idle != 0 ? Rule::MUST_27 : Rule::MUST_28);
  const bool garbage = !seg.text.empty();
  on.cite(Rule::MAY_6, garbage);
  if (garbage) {
    on.depart(Rule::SHLD_12);
  } else {
    on.cite(Rule::SHLD_12);
  }
  if (keep.unanswered < 255) ++keep.unanswered;
  keep.running = keep.interval;
  keep.probed_from = on.env.since;
  keep.probed_to = on.env.now;
}

void keep_alive_quiet(Step& on) {
  const Candidate& tcb = on.tcb;
  const KeepAlive& keep = tcb.keep;
  const bool open = tcb.state == State::kEstablished || tcb.state == State::kCloseWait;
  if (!open || tcb.snd_una != tcb.snd_limit()) return;
  const Time begun = std::max(keep.heard_to, keep.since);
  const Time silence = on.env.since - begun;  // at least
  if (!keep.on) {
    if (!keep.was_set && silence > kIdleMin) on.cite(Rule::MUST_25);
    if (keep.was_set && keep.idle != 0 && silence > idle_of(keep)) on.cite(Rule::MUST_24);
    return;
  }
  if (next_is_overdue(keep, on.env)) on.refuse(Rule::MUST_27, 3);
  if (keep.idle == 0 || keep.unanswered > 0) return;
  if (silence > idle_of(keep) + idle_of(keep) / 4 + kLate) on.refuse(Rule::MUST_27, 3);
}

bool keep_alive_may_end(const Tcb& tcb, const Environment& env) {
  const KeepAlive& keep = tcb.keep;
  if (!keep.on || keep.unanswered == 0 || !synchronized(tcb.state)) return false;
  if (tcb.user_timeout > Time{} && env.now - keep.heard_from >= tcb.user_timeout) return true;
  if (keep.unanswered < 2 && keep.count != 1) return false;  // MUST-29: one may have been lost, or its answer
  return keep.running == 0 || env.now - keep.probed_from + kClockSlack >= seconds(keep.running);
}

}  // namespace tcpassay
