// SPDX-License-Identifier: Apache-2.0
#include "scripts/python/run.h"

#include <fmt/format.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "harness/report/verdict_json.h"
#include "harness/script/parse.h"
#include "harness/session/session.h"
#include "harness/target/settings.h"
#include "harness/targets/registry.h"
#include "harness/wire/commented_capture.h"
#include "scripts/python/values.h"

namespace tcpassay {
namespace {

constexpr std::pair<const char*, CallKind> kCalls[] = {
    {"socket", CallKind::kSocket},
    {"bind", CallKind::kBind},
    {"listen", CallKind::kListen},
    {"connect", CallKind::kConnect},
    {"accept", CallKind::kAccept},
    {"write", CallKind::kWrite},
    {"read", CallKind::kRead},
    {"shutdown", CallKind::kShutdown},
    {"close", CallKind::kClose},
    {"set_option", CallKind::kSetOption},
    {"get_option", CallKind::kGetOption},
    {"poll", CallKind::kPoll},
};

py::dict verdict_of(const Verdict& verdict) {
  const RuleInfo& rule = info(verdict.rule);
  py::dict out;
  out["rule"] = rule.id;
  out["level"] = to_string(rule.level);
  out["rfc"] = rule.rfc;
  out["section"] = rule.section;
  out["sentence"] = rule.sentence;
  out["kind"] = to_string(verdict.kind);
  out["event"] = verdict.event;
  out["at"] = seconds(verdict.at);
  out["state"] = verdict.state;
  out["allowed"] = verdict.allowed;
  out["seen"] = verdict.seen;
  out["consequence"] = verdict.consequence;
  return out;
}

std::string text_of(const Place& place) {
  return place.file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

std::uint8_t ip_version_of(int ip, const Target& target) {
  if (ip != 4 && ip != 6) throw py::value_error("ip is 4 or 6, not " + std::to_string(ip));
  if (ip == 6 && !target.identity().can(Ability::kIpv6)) {
    throw TargetError(target.identity().name + " has no IPv6 here");
  }
  return static_cast<std::uint8_t>(ip);
}

}  // namespace

Run::Run(const std::string& target, const std::optional<std::string>& plant, bool assertions, double final_wait, int ip)
    : target_(std::make_unique<WatchedTarget>(make_target(target, plant.value_or("")))),
      ip_(ip_version_of(ip, *target_)),
      assertions_(assertions),
      session_(*target_, {.assertions = assertions, .ip = ip_, .final_wait = seconds(final_wait)}) {}

void Run::start(const std::string& name, std::uint64_t seed) {
  session_.start(name, seed);
  taken_ = events_ = matched_ = 0;
}

py::dict Run::identity() const {
  const Identity& identity = target_->identity();
  py::dict out;
  out["name"] = identity.name;
  out["version"] = identity.version;
  std::vector<std::string> abilities;
  for (const Ability ability : identity.abilities) abilities.emplace_back(to_string(ability));
  out["abilities"] = abilities;
  out["ip"] = ip_;
  out["address"] = (ip_ == 6 ? identity.ipv6_address : identity.address).text();
  out["peer_address"] = (ip_ == 6 ? identity.ipv6_peer_address : identity.peer_address).text();
  return out;
}

void Run::inject_line(const std::string& line, const std::string& payload) {
  const Scenario scenario = parse_script("+0 < " + line + "\n", "inject");
  const auto* in = scenario.steps.size() == 1 ? std::get_if<Inject>(&scenario.steps[0].action) : nullptr;
  if (!in) throw py::value_error("not one segment: " + line);
  SegmentSpec segment = in->segment;
  segment.payload.assign(payload.begin(), payload.end());
  session_.inject(segment);
}

py::tuple Run::call(const std::string& kind, int handle, std::uint16_t port, std::uint32_t length, int how,
                    const std::string& option, std::int64_t value) {
  const UserCall made =
      session_.call({.kind = named("call", kind, kCalls),
                     .handle = handle,
                     .port = port,
                     .length = length,
                     .how = how,
                     .option = option.empty() ? SocketOption::kNone : named("socket option", option, kOptions),
                     .value = value});
  const std::string error = made.error == UserError::kNone ? "" : to_string(made.error);
  return py::make_tuple(made.result, error, made.value, octets(made.kind == CallKind::kRead ? made.text : ByteView{}),
                        made.tuple.local, made.tuple.remote);
}

void Run::configure(const std::string& name, std::int64_t value) {
  const SettingInfo* known = setting_named(name);
  if (!known) throw py::value_error(fmt::format("there is no setting {}; tcpassay.settings() lists them", name));
  if (value < known->least || value > known->most) {
    throw py::value_error(fmt::format("{} is from {} to {}", name, known->least, known->most));
  }
  session_.configure({.name = name, .value = value});
}

void Run::wait(double within) {
  SegmentSpec any;
  any.any_options = true;
  for (take(); matched_ < taken_; ++matched_) session_.expect(any, Time{});
  if (session_.expect(any, seconds(within))) ++matched_;
  take();
  matched_ = taken_;
}

py::list Run::take_segments() {
  take();
  py::list out;
  for (auto& [at, packet] : std::exchange(waiting_, {})) out.append(segment_of(at, packet));
  return out;
}

py::dict Run::peer(std::optional<std::uint16_t> local, std::optional<std::uint16_t> remote) {
  const Session::Peer& peer = session_.peer(local, remote);
  py::dict out;
  out["local_port"] = peer.tuple.local;
  out["remote_port"] = peer.tuple.remote;
  out["iss"] = peer.iss;
  out["snd_nxt"] = peer.snd_nxt;
  out["irs"] = peer.irs;
  out["rcv_nxt"] = peer.rcv_nxt;
  out["rcv_wnd"] = peer.rcv_wnd;
  return out;
}

std::optional<std::string> Run::reported_state() {
  if (!target_->identity().can(Ability::kState)) return std::nullopt;
  const auto report = target_->state(session_.peer().tuple);
  return report ? std::optional<std::string>(to_string(report->state)) : std::nullopt;
}

py::list Run::verdicts() {
  py::list out;
  for (const Verdict& verdict : session_.oracle().verdicts()) out.append(verdict_of(verdict));
  return out;
}

py::dict Run::judged() {
  py::dict out;
  const auto& counts = session_.oracle().counts();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i].judged) out[py::str(std::string(rules()[i].id))] = counts[i].judged;
  }
  return out;
}

void Run::write_capture(const std::string& path) {
  std::vector<std::string> comments(target_->packets().size());
  for (const Verdict& verdict : session_.oracle().verdicts()) {
    const std::size_t at = packets_until(verdict.event);
    if (at == 0 || at > comments.size()) continue;
    std::string& comment = comments[at - 1];
    comment += (comment.empty() ? "" : "\n") + verdict_text(verdict, TextStyle{}, 0);
  }
  CommentedCapture capture(path);
  for (std::size_t i = 0; i < comments.size(); ++i) {
    const WatchedTarget::Packet& packet = target_->packets()[i];
    capture.write(packet.at, packet.octets, comments[i]);
  }
  capture.close();
}

py::list Run::mismatches() {
  py::list out;
  for (const Mismatch& one : session_.mismatches()) {
    out.append(py::make_tuple(text_of(one.where), one.expected, one.seen));
  }
  return out;
}

std::optional<std::string> Run::unsupported(const Scenario& scenario) {
  return Session::unsupported(scenario, *target_, ip_, assertions_);
}

std::size_t Run::packets_until(std::size_t event) const {
  const auto& events = session_.trace().events;
  const auto end = events.begin() + static_cast<std::ptrdiff_t>(std::min(event + 1, events.size()));
  return static_cast<std::size_t>(std::count_if(events.begin(), end, [](const Event& each) {
    return std::holds_alternative<Arriving>(each.what) || std::holds_alternative<Departing>(each.what);
  }));
}

void Run::take() {
  const auto& events = session_.trace().events;
  for (Bytes& packet : session_.take_packets()) {
    while (events_ < events.size() && !std::holds_alternative<Departing>(events[events_].what)) ++events_;
    const Time at = events_ < events.size() ? events[events_++].until : target_->now();
    waiting_.emplace_back(at, std::move(packet));
    ++taken_;
  }
}

py::dict Run::segment_of(Time at, const Bytes& packet) {
  py::dict out;
  out["at"] = seconds(at);
  out["raw"] = octets(packet);
  const auto read = decode(packet);
  if (!read) return out;
  const Session::Peer& with = session_.peer(read->source_port, read->destination_port);
  out["local_port"] = read->source_port;
  out["remote_port"] = read->destination_port;
  out["flags"] = to_string(read->ctl);
  out["seq_wire"] = read->seq;
  out["ack_wire"] = read->ack;
  out["seq"] = read->seq - with.irs.value_or(0);
  out["ack"] = read->ctl.ack ? std::optional(read->ack) : std::nullopt;
  out["win"] = read->wnd;
  out["urg"] = read->ctl.urg ? std::optional(read->up) : std::nullopt;
  out["mss"] = read->opt.mss;
  out["options"] = octets(read->options);
  out["payload"] = octets(read->text);
  out["fault"] = read->fault == Fault::kNone ? "" : to_string(read->fault);
  return out;
}

}  // namespace tcpassay
