// SPDX-License-Identifier: Apache-2.0
#include "harness/offline/script_replay.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "harness/script/addresses.h"
#include "harness/script/error.h"
#include "harness/script/packet_damage.h"
#include "harness/script/python_code.h"
#include "harness/script/scenario.h"
#include "harness/script/schedule.h"
#include "harness/script/shell_commands.h"
#include "harness/script/tcp_options.h"
#include "harness/session/session.h"
#include "harness/session/trace.h"
#include "harness/wire/icmp.h"
#include "harness/wire/other_octets.h"
#include "harness/wire/packet.h"
#include "harness/wire/segment_of.h"
#include "models/edition.h"
#include "models/event.h"
#include "models/freedom.h"
#include "models/oracle.h"
#include "models/segment.h"

namespace tcpassay {
namespace {

constexpr Time kReactionMax = std::chrono::milliseconds(500);  // 3.8.6.3: no acknowledgment waits so long
constexpr std::uint32_t kTextMax = 65000;                      // octets of one segment
constexpr Time kUsualMsl = std::chrono::seconds(30);           // of a target that does not say; most have so much

bool has_option(const std::vector<std::string>& options, std::string_view name) {
  return std::any_of(options.begin(), options.end(),
                     [&](const std::string& option) { return option.starts_with(name); });
}

// Whether Fast Open may have been turned on, and cookies granted, where the script does not show it: by a command, or
// with a key that the server has.
bool mentions_fast_open(const Scenario& scenario) {
  return std::any_of(scenario.steps.begin(), scenario.steps.end(), [](const ScriptStep& step) {
    if (const auto* call = std::get_if<Call>(&step.action)) {
      return call->option == SocketOption::kFastOpen ||
             call->implementation_specific.find("FASTOPEN") != std::string::npos;
    }
    const auto* shell = std::get_if<Shell>(&step.action);
    return shell && (shell->text.find("fastopen") != std::string::npos || shell->text.find(".sh") != std::string::npos);
  });
}

// Whether the connections are carried in UDP: the target's SYNs are.
bool opens_in_udp(const Scenario& scenario) {
  return std::any_of(scenario.steps.begin(), scenario.steps.end(), [](const ScriptStep& step) {
    const auto* out = std::get_if<Expect>(&step.action);
    return out && out->segment.ctl.syn && !out->segment.encapsulation.empty();
  });
}

// The largest MSS that a SYN of the target announces.
std::uint32_t announced_mss(const Scenario& scenario) {
  std::uint32_t largest = 0;
  for (const ScriptStep& step : scenario.steps) {
    const auto* out = std::get_if<Expect>(&step.action);
    if (out == nullptr || !out->segment.ctl.syn) continue;
    for (const OptionSpec& option : out->segment.options) {
      if (option.kind == OptionSpec::Kind::kMss && !option.values.empty())
        largest = std::max(largest, option.values[0]);
    }
  }
  return largest;
}

// The MTU of the target's link. packetdrill's own has 1500 octets, unless a line says otherwise. Where a complete
// record was made, nobody knows: it is as large as the target says, within what IP can carry.
std::int32_t mtu_of_link(const Scenario& scenario, std::uint8_t ip) {
  constexpr std::uint32_t kUsualMtu = 1500, kTcpHeader = 20;
  if (const auto mtu = mtu_of(scenario)) return static_cast<std::int32_t>(*mtu);
  if (!scenario.about.complete_record) return kUsualMtu;
  const std::uint32_t ip_header = ip == 6 ? 40 : 20, most = ip == 6 ? 65535 + ip_header : 65535;
  return static_cast<std::int32_t>(std::clamp(announced_mss(scenario) + kTcpHeader + ip_header, kUsualMtu, most));
}

// How much shorter than usual the segments are that IP can carry: by the header of UDP, or by another MTU. Below zero
// when they are longer.
std::int32_t encapsulation_octets(const Scenario& scenario, std::uint8_t ip, bool in_udp) {
  constexpr std::int32_t kUdpHeader = 8, kUsualMtu = 1500;
  return kUsualMtu - mtu_of_link(scenario, ip) + (in_udp ? kUdpHeader : 0);
}

// ISN = M + F(localip, localport, remoteip, remoteport, secretkey), where M is a clock of 4 microseconds.
std::uint32_t initial_number(Tuple tuple, Time at) {
  std::uint64_t f = (std::uint64_t{tuple.local} << 16 | tuple.remote) + 0x9E3779B97F4A7C15ull;
  f = (f ^ (f >> 30)) * 0xBF58476D1CE4E5B9ull;
  f = (f ^ (f >> 27)) * 0x94D049BB133111EBull;
  return static_cast<std::uint32_t>(f ^ (f >> 31)) + static_cast<std::uint32_t>(at.count() / 4000);
}

Address address(const char* text) {
  return *Address::parse(text);
}

}  // namespace

ScriptReplay::ScriptReplay(Trace& trace, const Scenario& scenario, Edition edition, bool strict,
                           const FreedomSet& withheld)
    : trace_(trace),
      scenario_(scenario),
      ip_(ip_version(scenario).value_or(4)),
      in_udp_(opens_in_udp(scenario)),
      complete_(scenario.about.complete_record),
      strict_(complete_ || has_option(scenario.options, "--strict_segments")),
      ticks_(complete_ || has_option(scenario.options, "--tcp_ts_tick_usecs")),
      identity_{.address = address("192.168.0.1"),
                .peer_address = address("192.0.2.1"),
                .ipv6_address = address("fd3d:fa7b:d17d::1"),
                .ipv6_peer_address = address("2001:db8::1")} {
  Terms terms = terms_over(ip_);
  terms.edition = edition;
  terms.strict = strict;
  terms.withheld = withheld;
  carried_less_ = encapsulation_octets(scenario, ip_, in_udp_);
  terms.mms_r -= static_cast<std::uint32_t>(carried_less_);
  terms.mms_s -= static_cast<std::uint32_t>(carried_less_);
  terms.fast_open_unseen = !complete_ && mentions_fast_open(scenario);
  terms.link_known = false;
  terms.msl = scenario.about.msl_s > 0 ? std::chrono::seconds(scenario.about.msl_s) : kUsualMsl;
  oracle_.start(terms);
}

void ScriptReplay::show(Event& event, const Place& where) {
  const auto keep = [&](std::span<const std::uint8_t>& view) {
    if (view.empty()) return;
    trace_.store.emplace_back(view.begin(), view.end());
    view = trace_.store.back();
  };
  if (auto* in = std::get_if<Arriving>(&event.what)) keep(in->text);
  if (auto* out = std::get_if<Departing>(&event.what)) keep(out->text);
  if (auto* made = std::get_if<UserCall>(&event.what)) keep(made->text);
  oracle_.observe(event);
  now_ = std::max(now_, event.until);
  trace_.events.push_back(event);
  trace_.places.push_back(where);
  trace_.states.push_back(oracle_.states(event.tuple == Tuple{} ? pair_ : event.tuple));
}

// The oracle knows connections by their ports: another host is told apart by a port that nobody else has. So is what
// comes in UDP, when the connections do not.
Tuple ScriptReplay::pair(const SegmentSpec& spec) {
  const Tuple pair{.local = spec.local_port.value_or(pair_.local), .remote = spec.remote_port.value_or(pair_.remote)};
  auto host = peer_of(spec);
  if (!in_udp_ && !spec.encapsulation.empty()) host = Address{};
  if (!host) return pair;
  constexpr std::uint16_t kLastPort = 65535, kUsual = 0;
  const std::pair named(*host, spec.remote_port.value_or(kUsual));
  const auto known = std::find(hosts_.begin(), hosts_.end(), named);
  const auto number = known - hosts_.begin();
  if (known == hosts_.end()) hosts_.push_back(named);
  return {.local = pair.local, .remote = static_cast<std::uint16_t>(kLastPort - number)};
}

ScriptReplay::Numbers& ScriptReplay::numbers(Tuple tuple) {
  for (auto& known : numbers_) {
    if (known.tuple == tuple) return known;
  }
  return numbers_.emplace_back(Numbers{.tuple = tuple});
}

// Whether the connection is over, so that a SYN of the target is no retransmission.
bool ScriptReplay::is_over(Tuple tuple) const {
  const std::string states = oracle_.states(tuple);
  return states.empty() || states == "CLOSED" || states == "LISTEN" || states == "TIME-WAIT";
}

// A SYN of the target begins a connection, unless it is a retransmission.
void ScriptReplay::target_syn(const SegmentSpec& spec, Numbers& known, Time at) {
  const bool again = known.has_iss && known.iss == spec.seq && !known.begins && !is_over(known.tuple);
  if (again) return;
  const bool used_before = known.has_iss, counts_on = used_before && spec.seq != 0;
  known.has_iss = true;
  known.begins = known.accepted = false;
  known.iss = spec.seq;
  known.edge.reset();
  if (counts_on) return;  // the script goes on counting from the first SYN, so that the new ISS can be compared
  constexpr std::uint32_t kApart = 0x10000;
  std::uint32_t first = initial_number(known.tuple, at);
  if (used_before && static_cast<std::int32_t>(first - known.next) < 0) first = known.next + kApart;  // MAY-2
  known.offset = first - spec.seq;
}

// Encodes the packet and decodes it again, so that every field is read as from the wire.
void ScriptReplay::packet(const SegmentSpec& spec, Time from, Time until, bool arrives, const Place& where,
                          std::uint32_t text_from) {
  Event event{.from = from, .until = until, .tuple = pair(spec)};
  Numbers& known = numbers(event.tuple);
  if (arrives && spec.ctl.syn && is_over(known.tuple)) known.begins = true;
  if (arrives && spec.ctl.syn) known.offered = spec.options;
  if (!arrives && spec.ctl.syn) target_syn(spec, known, from);
  const std::uint32_t end = spec.seq + known.offset + spec.length + spec.ctl.syn + spec.ctl.fin;
  const bool further = spec.ctl.syn || static_cast<std::int32_t>(end - known.next) > 0;
  if (!arrives && !spec.ctl.rst && !spec.absolute && further) known.next = end;
  const std::uint32_t start = spec.seq + spec.ctl.syn;
  Bytes text(std::min(spec.length, kTextMax)), octets;
  for (std::uint32_t i = 0; i < text.size(); ++i) {
    text[i] = arrives ? peer_octet(start + i) : target_octet(start + i - (known.iss + 1));
  }
  if (arrives && spec.ctl.syn) known.peer_first = start;
  put_text_said(spec, text_from, text);
  const Bytes area = options(spec, arrives, known, from);
  const bool ipv6 = ip_ == 6;
  const Address& ours = ipv6 ? identity_.ipv6_peer_address : identity_.peer_address;
  const Address& theirs = ipv6 ? identity_.ipv6_address : identity_.address;
  encode({.source = arrives ? spec.damage.source.value_or(ours) : theirs,
          .destination = arrives ? spec.damage.destination.value_or(theirs) : ours,
          .source_port = arrives ? event.tuple.remote : event.tuple.local,
          .destination_port = arrives ? event.tuple.local : event.tuple.remote,
          .seq = spec.seq + (arrives || spec.absolute ? 0 : known.offset),
          .ack = spec.ack ? *spec.ack + (arrives ? known.offset : 0) : 0,
          .ctl = control_of(spec),
          .wnd = window(spec, arrives, known),
          .up = spec.up.value_or(0),
          .ttl = spec.ttl.value_or(64),
          .traffic_class = spec.traffic_class.value_or(0),
          .options = area,
          .text = text,
          .damage = arrives ? spec.damage : Damage{}},
         octets);
  put_headers_said(spec, octets);
  const auto decoded = arrives && ip_discards(octets) ? std::nullopt : decode(octets);
  if (spec.ctl.syn && decoded) {
    if (!arrives && !decoded->opt.window_scale) known.shift.reset();
    if (arrives) known.scales = decoded->opt.window_scale.has_value();
  }
  if (arrives) {
    Arriving segment{.fault = Fault::kTruncated};
    if (decoded) {
      segment = observed<Arriving>(*decoded);
      segment.ip.oddity = oddity_of(*decoded);
    }
    if (segment.fault == Fault::kNone && drops(spec)) segment.fault = Fault::kChecksum;  // as if it had been damaged
    event.what = segment;
  } else {
    event.what = decoded ? observed<Departing>(*decoded) : Departing{.fault = Fault::kTruncated};
  }
  show(event, where);
  if (arrives && spec.ctl.syn && spec.ctl.ack) open_limit_ends(event.tuple, until, where);
}

// The interface on which packetdrill listens segments what it is given (TSO). So a `>` line may stand for several
// segments, unless the script has --strict_segments.
void ScriptReplay::segments(const SegmentSpec& spec, Time from, Time until, const Place& where) {
  constexpr std::uint32_t kMssIpv4 = 536, kMssIpv6 = 1220;  // RFC 9293 section 3.7.1
  constexpr std::uint32_t kEthernetIpv4 = 1460, kEthernetIpv6 = 1440;
  std::uint32_t mss = ip_ == 6 ? kMssIpv6 : kMssIpv4;
  for (const OptionSpec& option : numbers(pair(spec)).offered) {
    if (option.kind == OptionSpec::Kind::kMss && !option.values.empty()) mss = option.values[0];
  }
  mss = std::min(mss, (ip_ == 6 ? kEthernetIpv6 : kEthernetIpv4) - static_cast<std::uint32_t>(carried_less_));
  const auto taken = static_cast<std::uint32_t>(option_octets(spec.options).size() + 3) / 4 * 4;
  const std::uint32_t piece = mss > taken ? mss - taken : mss;
  if (strict_ || spec.ctl.syn || piece == 0 || spec.length <= piece) return packet(spec, from, until, false, where);
  for (std::uint32_t at = 0; at < spec.length; at += piece) {
    SegmentSpec part = spec;
    part.seq += at;
    part.length = std::min(piece, spec.length - at);
    if (at + part.length < spec.length) part.ctl.psh = part.ctl.fin = false;
    if (at > 0) part.ctl.cwr = false;
    packet(part, from, until, false, where, at);
  }
}

void ScriptReplay::icmp(const Icmp& message, Time at, const Place& where) {
  const auto spec = read_icmp(message.text);
  auto numbered = spec ? icmp_numbers(*spec, ip_) : std::nullopt;
  if (!numbered) return;
  numbered->seq = SndSeq{spec->seq + numbers(pair_).offset};
  const Tuple quoted{.local = spec->local_port.value_or(pair_.local),
                     .remote = spec->remote_port.value_or(pair_.remote)};
  Event event{.from = at, .until = at, .tuple = quoted};
  event.what = *numbered;
  show(event, where);
}

// Linux shows CLOSE for TIME-WAIT too, so such a report is ignored, unless tcpassay wrote the script as a complete
// record.
void ScriptReplay::report(State state, Time at, const Place& where) {
  const bool vague = state == State::kClosed || state == State::kListen || state == State::kTimeWait;
  if (vague && !complete_) return;
  Event event{.from = at, .until = at, .tuple = pair_};
  event.what = StateReport{.state = state};
  show(event, where);
}

void ScriptReplay::quiet(Time at, const Quiet& silence, const Place& where) {
  Event event{.from = at, .until = at};
  event.what = silence;
  show(event, where);
}

// Nothing was seen from the last event until just before `until`, and the time between has passed.
void ScriptReplay::silent_until(Time until, const Quiet& silence, const Place& where) {
  if (until <= now_) return;
  const bool timers_run = !trace_.events.empty() && !std::holds_alternative<Quiet>(trace_.events.back().what);
  if (timers_run) quiet(now_, silence, where);
  const bool reacting = silence.reacting && until - now_ < kReactionMax;
  quiet(until - Time(1), {.idle = false, .reacting = reacting}, where);
}

// The next `>` line from `step` on.
const Expect* ScriptReplay::next_observation(std::size_t step) const {
  for (; step < scenario_.steps.size(); ++step) {
    if (const auto* line = std::get_if<Expect>(&scenario_.steps[step].action)) return line;
  }
  return nullptr;
}

// A `>` line, and what it says about the time: packetdrill takes a packet that comes a little sooner or later, and with
// `*` one that comes at any time. Not later than the next step, though.
void ScriptReplay::expected(const SegmentSpec& spec, const Schedule::Slot& slot, Time next, const Place& where) {
  if (complete_) return segments(spec, slot.from, slot.until, where);
  const Time from = std::max(slot.from, now_), until = std::max(slot.until, from);
  if (slot.any) {
    constexpr Time kTimerMax = std::chrono::seconds(70);  // few timers wait for longer
    if (any_doubles_) any_ = std::min(2 * any_, kTimerMax);
    return segments(spec, now_, now_ + any_, where);
  }
  const Time latest = std::max(until, std::min(until + slot.tolerance, next));
  segments(spec, std::clamp(slot.from - slot.tolerance, std::min(now_, from), from), latest, where);
}

// `next`: when the step behind this one happens.
void ScriptReplay::step(std::size_t number, const Schedule::Slot& slot, Time next) {
  at_ = number;
  const ScriptStep& step = scenario_.steps[number];
  const auto* out = std::get_if<Expect>(&step.action);
  const Quiet silence{.idle = false, .reacting = out != nullptr};
  const auto* code = std::get_if<Code>(&step.action);
  const auto state = code ? state_in_code(code->text) : std::nullopt;
  if (complete_) {
    const bool stands_still = !out && !state && slot.from <= now_;  // a state is asked for before silence is noted
    if (stands_still) quiet(now_, silence, step.where);
    silent_until(slot.from, silence, step.where);
  } else {  // had the target sent anything else before its next line, the script would have failed on it
    const Expect* line = next_observation(number);
    const bool told = line && (strict_ || line->segment.length == 0);
    if (told) silent_until(out ? slot.from - slot.tolerance : slot.from, silence, step.where);
  }
  if (out) return expected(out->segment, slot, next, step.where);
  const Time from = std::max(slot.from, now_);
  if (const auto* in = std::get_if<Inject>(&step.action)) return packet(in->segment, from, from, true, step.where);
  if (const auto* message = std::get_if<Icmp>(&step.action)) return icmp(*message, from, step.where);
  if (const auto* unknown = std::get_if<Unsupported>(&step.action)) return limit_open(*unknown, from, step.where);
  if (const auto* shell = std::get_if<Shell>(&step.action)) return configured(*shell, step.where);
  if (state) return report(*state, from, step.where);
  if (const auto* made = std::get_if<Call>(&step.action)) {
    if (!blocks(step, *made, slot)) call(*made, from, from, step.where);
  }
}

void ScriptReplay::play() {
  Schedule schedule(scenario_.options);
  for (std::size_t i = 0; i < scenario_.steps.size(); ++i) {
    const Schedule::Slot slot = schedule.next(scenario_.steps[i].time);
    const bool packet = std::holds_alternative<Inject>(scenario_.steps[i].action);
    return_until(packet ? slot.from - Time(1) : slot.from);  // this packet may be what the call was waiting for
    const bool last = i + 1 == scenario_.steps.size();
    step(i, slot, last ? Time::max() : Schedule(schedule).next(scenario_.steps[i + 1].time).from);
    if (slot.any) schedule.reached(now_);
  }
  return_until(Time::max());
  if (complete_) quiet(now_, {.idle = true}, {});
  oracle_.finish();
}

}  // namespace tcpassay
