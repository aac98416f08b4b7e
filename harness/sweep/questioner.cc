// SPDX-License-Identifier: Apache-2.0
#include "harness/sweep/questioner.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/session/finding.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

constexpr std::size_t kPeerPorts = 20000;  // the peer uses so many ports in turn, so that no pair comes again too soon
constexpr std::uint32_t kWritten = 10;     // octets that the user sends after the stimulus
constexpr std::uint32_t kFillOctets = 65000;            // in one of them: what a packet holds
constexpr int kFillsMax = 4;                            // at most so many segments of text to close the window
constexpr Time kPendingWait = std::chrono::seconds(3);  // in it what is in flight leaves again, or the window is probed
constexpr Time kNeverWait = std::chrono::seconds(101);  // what has not left by then never does (horizons.def)
constexpr int kHandle = 4;                              // the file descriptor of the connection, on every road

SessionOptions options_for(const Target& target, Edition edition, bool strict) {
  SessionOptions options;
  options.edition = edition;
  options.strict = strict;
  options.keep_trace = options.assertions = false;
  if (target.identity().can(Ability::kVirtualTime)) options.final_wait = kDelayedAckWait;
  return options;
}

bool has(const std::string& states, State state) {
  return states.find(to_string(state)) != std::string::npos;
}

// Whether no connection is left.
bool gone(const std::string& states) {
  return states.empty() || states == "CLOSED" || states == "LISTEN" || states == "CLOSED|LISTEN" ||
         states == "LISTEN|CLOSED";
}

bool there(const std::string& states, State wanted) {
  return wanted <= State::kListen ? gone(states) : has(states, wanted);
}

// Whether a user who has the connection can send in this state.
bool user_sends(State state) {
  return state == State::kEstablished || state == State::kCloseWait || state == State::kSynSent ||
         state == State::kSynReceived;
}

// A departure from a SHOULD does not hinder the road: the judge goes on with the TCBs that follow from it.
bool departs_only(const std::vector<Verdict>& verdicts) {
  return std::all_of(verdicts.begin(), verdicts.end(),
                     [](const Verdict& verdict) { return verdict.kind == Verdict::Kind::kDeparted; });
}

SegmentSpec plain(Ctl ctl, std::uint32_t seq, std::optional<std::uint32_t> ack) {
  SegmentSpec spec;
  spec.ctl = ctl;
  spec.seq = seq;
  spec.ack = ack;
  spec.wnd = 65535;
  return spec;
}

}  // namespace

Questioner::Questioner(Target& target, Edition edition, bool strict)
    : session_(target, options_for(target, edition, strict)),
      real_time_(!target.identity().can(Ability::kVirtualTime)) {}

Questioner::Prepared& Questioner::prepared(const Road& road, std::uint8_t ip) {
  for (const auto& known : roads_) {
    if (known->road == &road && known->ip == ip) return *known;
  }
  auto fresh = std::make_unique<Prepared>();
  fresh->road = &road;
  fresh->ip = ip;
  fresh->steps = steps_of(road);
  const Identity& identity = session_.target().identity();
  std::erase_if(fresh->steps, [&](const ScriptStep& step) {  // what the target has not got, its scenario cannot set
    const auto* call = std::get_if<Call>(&step.action);
    return call && call->kind == CallKind::kSetOption && !identity.has_option(call->option);
  });
  fresh->snd_una = last_ack(fresh->steps);
  for (const ScriptStep& step : fresh->steps) {
    const auto* call = std::get_if<Call>(&step.action);
    fresh->listens = fresh->listens || (call && call->kind == CallKind::kListen);
    fresh->speaks = fresh->speaks || std::holds_alternative<Inject>(step.action);
    if (!call || (call->handle != kHandle && call->kind != CallKind::kAccept)) continue;
    fresh->held = call->kind != CallKind::kClose && (fresh->held || call->kind != CallKind::kSocket);
    fresh->sends = fresh->held && call->kind != CallKind::kShutdown && user_sends(road.state);
  }
  return *roads_.emplace_back(std::move(fresh));
}

std::string Questioner::states() {
  return session_.oracle().states(session_.peer().tuple);
}

// Plays the road. False when the target did not reach the state; the answer says why.
bool Questioner::go(Prepared& on) {
  if (real_time_) session_.use_peer_port(static_cast<std::uint16_t>(kPeerPort + cases_++ % kPeerPorts));
  session_.start("sweep", 1, on.ip);
  if (on.road->iss) {
    if (!session_.target().identity().has_setting(kInitialSequenceNumber)) {
      answer_.unreachable = "the target has no setting initial-sequence-number";
      return false;
    }
    session_.configure({.name = std::string(kInitialSequenceNumber), .value = *on.road->iss});
  }
  for (const ScriptStep& step : on.steps) {
    if (const auto* inject = std::get_if<Inject>(&step.action)) session_.inject(inject->segment);
    if (const auto* call = std::get_if<Call>(&step.action)) session_.call(*call);
  }
  if (on.road->fills) fill(on.road->first, on.road->kind == RoadKind::kStamped, shift(on));
  passed_ = 0;
  if (const Verdict* verdict = first_finding(session_.oracle())) {
    if (departs_only(session_.oracle().verdicts())) {
      passed_ = session_.oracle().verdicts().size();
      answer_.on_the_way = verdict;
      return arrived(on);
    }
    answer_.unreachable = fmt::format("{} is broken on the way", info(verdict->rule).id);
    answer_.finding = verdict;
    return false;
  }
  return arrived(on);
}

// Whether the road has led to its state; the answer says why not.
bool Questioner::arrived(const Prepared& on) {
  const std::string now = states();
  if (on.road->fills && session_.peer().rcv_wnd != 0) {
    answer_.unreachable = "the window does not close";
    return false;
  }
  if (there(now, on.road->state)) return true;
  answer_.unreachable = fmt::format("this road leads to {}", now.empty() ? "CLOSED" : now);
  return false;
}

// Closes the target's window with text of its length; again where the target then announces more. An empty segment
// outside the window makes the target announce the window at once.
void Questioner::fill(std::uint32_t outside, bool stamped, int shift) {
  for (int i = 0; i < kFillsMax && session_.peer().rcv_wnd != 0; ++i) {
    SegmentSpec text = plain({.psh = true, .ack = true}, session_.peer().snd_nxt, 1);
    text.length = std::min<std::uint32_t>(std::uint32_t{session_.peer().rcv_wnd} << shift, kFillOctets);
    for (SegmentSpec segment : {text, plain({.ack = true}, outside, 1)}) {
      add_stamp(segment, kRoadStamp, {.stamped = stamped});
      filling_.push_back(segment);
      session_.inject(segment);
    }
  }
}

// By how much the target's windows are scaled, where the peer offers that, too. The window of a SYN never is.
int Questioner::shift(Prepared& on) {
  if (on.road->kind != RoadKind::kStamped || on.road->state == State::kSynReceived) return 0;
  if (on.shift) return *on.shift;
  for (const Bytes& packet : session_.take_packets()) {
    const auto out = decode(packet);
    if (out && out->ctl.syn) on.shift = out->opt.window_scale.value_or(0);
  }
  return on.shift.value_or(0);
}

Numbers Questioner::numbers(Prepared& on) {
  const Session::Peer& peer = session_.peer();
  Numbers numbers;
  numbers.sent = numbers.announced = peer.irs.has_value();
  if (numbers.sent) {
    numbers.snd_una = on.snd_una;
    numbers.snd_nxt = *peer.rcv_nxt - *peer.irs;
    numbers.rcv_wnd = std::uint32_t{peer.rcv_wnd} << shift(on);
  }
  numbers.rcv_nxt = on.speaks ? peer.snd_nxt : on.road->first + 1;
  numbers.stamped = on.road->kind == RoadKind::kStamped;
  return numbers;
}

// Sends a segment that must be answered, chosen by the state in which the target may be.
void Questioner::probe(const Prepared& on, const Numbers& before) {
  const std::string now = states();
  const bool reopened = on.road->state <= State::kSynSent || on.road->state == State::kTimeWait;
  if (gone(now)) {
    probe_ = on.listens ? plain({.syn = true}, on.road->first + 500000, {})
                        : plain({.ack = true}, before.rcv_nxt, before.snd_nxt);
  } else if (has(now, State::kSynSent)) {
    probe_ = plain({.syn = true, .ack = true}, on.road->first, before.snd_nxt);
  } else if (reopened && !has(now, State::kTimeWait)) {  // the segment was a SYN that began a connection
    probe_ = plain({.ack = true}, stimulus_.seq - 1, 1);
  } else {  // outside the window, so that an ACK is due (3.10.7.4, first)
    probe_ = plain({.ack = true}, before.rcv_nxt - 1, before.snd_nxt);
  }
  add_stamp(*probe_, kLaterStamp, before);
  session_.inject(*probe_);
}

// Sends the second segment, with the numbers that the target has since acknowledged.
void Questioner::follow_up(FollowUp next, const Numbers& before) {
  if (next == FollowUp::kNone || gone(states())) return;
  Numbers now = before;
  if (session_.peer().acked) now.rcv_nxt = *session_.peer().acked;
  next_ = segment_of(next, stimulus_, before, now);
  session_.inject(*next_);
}

// At last, some time later, the peer acknowledges all and opens its window, so that what waits must leave.
void Questioner::open_window(const Prepared& on, const Numbers& before, FollowUp next) {
  if (on.road->kind != RoadKind::kPending || gone(states())) return;
  waited_ = real_time_ ? Time{} : next == FollowUp::kNone ? kNeverWait : kPendingWait;
  if (!real_time_) session_.advance(waited_);
  if (gone(states())) return;
  const Session::Peer& peer = session_.peer();
  opens_ = plain({.ack = true}, peer.acked.value_or(before.rcv_nxt), *peer.rcv_nxt - *peer.irs);
  session_.inject(*opens_);
}

// The user sends, and polls for urgent data if the stimulus had URG.
void Questioner::user_acts(const Prepared& on) {
  if (on.sends) {
    write_ = Call{.kind = CallKind::kWrite, .handle = kHandle, .length = kWritten};
    const UserCall made = session_.call(*write_);
    write_->result = made.result < 0 ? -1 : made.result;
    if (made.result < 0) write_->error = made.error;
  }
  if (on.held && stimulus_.ctl.urg) {
    poll_ = Call{.kind = CallKind::kPoll, .handle = kHandle};
    session_.call(*poll_);
  }
}

const Answer& Questioner::ask(const Road& road, std::uint8_t ip, const Cell* cell) {
  answer_ = {};
  asked_ = false;
  filling_.clear();
  probe_.reset();
  next_.reset();
  opens_.reset();
  write_.reset();
  poll_.reset();
  Prepared& on = prepared(road, ip);
  on_ = &on;
  if (cell && on.numbers) {
    const char* why = impossible(*cell, *on.numbers);
    if (why) {
      answer_.unreachable = why;
      return answer_;
    }
  }
  if (!go(on)) return answer_;
  const Numbers before = numbers(on);
  on.numbers = before;
  if (!cell) return answer_;
  if (const char* why = impossible(*cell, before)) {
    answer_.unreachable = why;
    return answer_;
  }
  stimulus_ = segment_of(*cell, before);
  asked_ = true;
  const std::size_t departed = session_.departures();
  session_.inject(stimulus_);
  answer_.answered = session_.departures() != departed;
  const bool had_one = road.state > State::kListen;
  answer_.ended = had_one && gone(states());
  probe(on, before);
  answer_.ended = answer_.ended || (had_one && gone(states()));
  const FollowUp next = follow_up_of(*cell, static_cast<std::size_t>(&road - all_roads().data()), ip);
  if (!first_finding(session_.oracle(), passed_)) {
    follow_up(next, before);
    answer_.after = next_ && first_finding(session_.oracle(), passed_) ? next : FollowUp::kNone;
  }
  user_acts(on);
  open_window(on, before, next);
  session_.finish();
  answer_.finding = first_finding(session_.oracle(), passed_);
  const auto& verdicts = session_.oracle().verdicts();
  // The list of verdicts may have moved since.
  if (answer_.on_the_way) answer_.on_the_way = first_finding(session_.oracle());
  answer_.inconclusive = std::any_of(verdicts.begin(), verdicts.end(), [](const Verdict& verdict) {
    return verdict.kind == Verdict::Kind::kInconclusive;
  });
  return answer_;
}

Scenario Questioner::scenario() const {
  Scenario scenario;
  scenario.name = "sweep";
  scenario.steps = on_->steps;
  if (on_->road->iss) {
    scenario.about.settings.push_back({.name = std::string(kInitialSequenceNumber), .value = *on_->road->iss});
  }
  if (on_->ip == 6) scenario.options.emplace_back("--ip_version=ipv6");
  for (const SegmentSpec& text : filling_) scenario.steps.push_back({.action = Inject{text}});
  if (asked_) scenario.steps.push_back({.action = Inject{stimulus_}});
  if (probe_) scenario.steps.push_back({.action = Inject{*probe_}});
  if (next_) scenario.steps.push_back({.action = Inject{*next_}});
  if (write_) scenario.steps.push_back({.action = *write_});
  if (poll_) scenario.steps.push_back({.action = *poll_});
  if (opens_) {
    scenario.steps.push_back({.time = {.at = waited_}, .action = Inject{*opens_}});
  }
  return scenario;
}

}  // namespace tcpassay
