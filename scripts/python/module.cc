// SPDX-License-Identifier: Apache-2.0
// _tcpassay: thin Python bindings of the harness. The package around them, tcpassay/__init__.py, is what users import;
// tcpassay/_tcpassay.pyi has the signatures.
#include <fmt/format.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "harness/base/version.h"
#include "harness/check/check.h"
#include "harness/check/deviations.h"
#include "harness/report/ladder.h"
#include "harness/report/verdict_json.h"
#include "harness/script/parse.h"
#include "harness/script/print.h"
#include "harness/session/session.h"
#include "harness/target/settings.h"
#include "harness/targets/registry.h"
#include "harness/wire/commented_capture.h"
#include "scripts/python/watched_target.h"

namespace py = pybind11;

namespace tcpassay {
namespace {

// Converts seconds of Python. Throws ValueError for a number that is negative, too large or not finite.
Time seconds(double s) {
  if (!(s >= 0 && s < 1e9)) throw py::value_error("a time must be a number of seconds, not negative");
  return std::chrono::duration_cast<Time>(std::chrono::duration<double>(s));
}

double seconds(Time t) {
  return std::chrono::duration<double>(t).count();
}

py::bytes octets(ByteView view) {
  return {reinterpret_cast<const char*>(view.data()), view.size()};
}

ByteView view_of(const std::string& bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

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

constexpr std::pair<const char*, SocketOption> kOptions[] = {
    {"reuse_address", SocketOption::kReuseAddress},
    {"linger", SocketOption::kLinger},
    {"no_delay", SocketOption::kNoDelay},
    {"max_segment", SocketOption::kMaxSegment},
    {"receive_buffer", SocketOption::kReceiveBuffer},
    {"send_buffer", SocketOption::kSendBuffer},
    {"error", SocketOption::kError},
    {"user_timeout", SocketOption::kUserTimeout},
    {"keep_alive", SocketOption::kKeepAlive},
    {"keep_idle", SocketOption::kKeepIdle},
    {"keep_interval", SocketOption::kKeepInterval},
    {"keep_count", SocketOption::kKeepCount},
    {"quick_ack", SocketOption::kQuickAck},
    {"cork", SocketOption::kCork},
};

template <class Table>
std::vector<std::string> names_of(const Table& table) {
  std::vector<std::string> names;
  for (const auto& [name, value] : table) names.emplace_back(name);
  return names;
}

template <class Table>
auto named(const char* what, const std::string& name, const Table& table) {
  for (const auto& [known, value] : table) {
    if (name == known) return value;
  }
  throw py::value_error(fmt::format("there is no {} {}; there are {}", what, name, fmt::join(names_of(table), ", ")));
}

std::vector<std::string> ability_names() {
  std::vector<std::string> names;
  for (int i = 0; i < kAbilities; ++i) names.emplace_back(to_string(static_cast<Ability>(i)));
  return names;
}

// setting -> (least value, greatest value, what it means)
py::dict settings() {
  py::dict out;
  for (const SettingInfo& one : setting_table()) {
    out[py::str(std::string(one.name))] = py::make_tuple(one.least, one.most, std::string(one.what));
  }
  return out;
}

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

// One target and one session on it.
class Run {
 public:
  Run(const std::string& target, const std::optional<std::string>& plant, bool assertions, double final_wait, int ip)
      : target_(std::make_unique<WatchedTarget>(make_target(target, plant.value_or("")))),
        ip_(ip_version_of(ip, *target_)),
        assertions_(assertions),
        session_(*target_, {.assertions = assertions, .ip = ip_, .final_wait = seconds(final_wait)}) {}

  void start(const std::string& name, std::uint64_t seed) {
    session_.start(name, seed);
    taken_ = events_ = matched_ = 0;
  }

  py::dict identity() const {
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

  // One `<` line of the packetdrill language, without its time. `payload`, if there is any, is its text.
  void inject_line(const std::string& line, const std::string& payload) {
    const Scenario scenario = parse_script("+0 < " + line + "\n", "inject");
    const auto* in = scenario.steps.size() == 1 ? std::get_if<Inject>(&scenario.steps[0].action) : nullptr;
    if (!in) throw py::value_error("not one segment: " + line);
    SegmentSpec segment = in->segment;
    segment.payload.assign(payload.begin(), payload.end());
    session_.inject(segment);
  }

  void inject_bytes(const std::string& packet) { session_.inject_packet(view_of(packet)); }

  // (result, error, value, text, local port, remote port)
  py::tuple call(const std::string& kind, int handle, std::uint16_t port, std::uint32_t length, int how,
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

  void configure(const std::string& name, std::int64_t value) {
    const SettingInfo* known = setting_named(name);
    if (!known) throw py::value_error(fmt::format("there is no setting {}; tcpassay.settings() lists them", name));
    if (value < known->least || value > known->most) {
      throw py::value_error(fmt::format("{} is from {} to {}", name, known->least, known->most));
    }
    session_.configure({.name = name, .value = value});
  }

  void advance(double by) { session_.advance(seconds(by)); }

  // Lets time pass until the target sends something, but at most `within` seconds.
  void wait(double within) {
    SegmentSpec any;
    any.any_options = true;
    for (take(); matched_ < taken_; ++matched_) session_.expect(any, Time{});
    if (session_.expect(any, seconds(within))) ++matched_;
    take();
    matched_ = taken_;
  }

  // The segments that the target has sent since the last call.
  py::list take_segments() {
    take();
    py::list out;
    for (auto& [at, packet] : std::exchange(waiting_, {})) out.append(segment_of(at, packet));
    return out;
  }

  py::dict peer(std::optional<std::uint16_t> local, std::optional<std::uint16_t> remote) {
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

  double now() { return seconds(target_->now()); }
  std::string states() { return session_.oracle().states(session_.peer().tuple); }

  std::optional<std::string> reported_state() {
    if (!target_->identity().can(Ability::kState)) return std::nullopt;
    const auto report = target_->state(session_.peer().tuple);
    return report ? std::optional<std::string>(to_string(report->state)) : std::nullopt;
  }

  void finish() { session_.finish(); }
  void play(const Scenario& scenario) { session_.play(scenario); }

  py::list verdicts() {
    py::list out;
    for (const Verdict& verdict : session_.oracle().verdicts()) out.append(verdict_of(verdict));
    return out;
  }

  py::dict judged() {
    py::dict out;
    const auto& counts = session_.oracle().counts();
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i].judged) out[py::str(std::string(rules()[i].id))] = counts[i].judged;
    }
    return out;
  }

  // Writes what went over the wire as pcapng; verdicts are comments of the packets that they are about.
  void write_capture(const std::string& path) {
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

  std::string ladder() { return tcpassay::ladder(session_.trace(), session_.oracle().verdicts(), TextStyle{}); }

  py::list mismatches() {
    py::list out;
    for (const Mismatch& one : session_.mismatches()) {
      out.append(py::make_tuple(text_of(one.where), one.expected, one.seen));
    }
    return out;
  }

  std::optional<std::string> unsupported(const Scenario& scenario) {
    return Session::unsupported(scenario, *target_, ip_, assertions_);
  }

 private:
  // How many packets the trace has up to this event and with it.
  std::size_t packets_until(std::size_t event) const {
    const auto& events = session_.trace().events;
    const auto end = events.begin() + static_cast<std::ptrdiff_t>(std::min(event + 1, events.size()));
    return static_cast<std::size_t>(std::count_if(events.begin(), end, [](const Event& each) {
      return std::holds_alternative<Arriving>(each.what) || std::holds_alternative<Departing>(each.what);
    }));
  }

  // Takes times from the trace and octets from the session: both have the packets in the same order.
  void take() {
    const auto& events = session_.trace().events;
    for (Bytes& packet : session_.take_packets()) {
      while (events_ < events.size() && !std::holds_alternative<Departing>(events[events_].what)) ++events_;
      const Time at = events_ < events.size() ? events[events_++].until : target_->now();
      waiting_.emplace_back(at, std::move(packet));
      ++taken_;
    }
  }

  py::dict segment_of(Time at, const Bytes& packet) {
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

  std::unique_ptr<WatchedTarget> target_;
  std::uint8_t ip_;
  bool assertions_;
  Session session_;
  std::size_t taken_ = 0, events_ = 0, matched_ = 0;
  std::vector<std::pair<Time, Bytes>> waiting_;
};

// (name, what is missing or None)
py::list all_targets() {
  py::list out;
  for (const TargetEntry& entry : target_table()) out.append(py::make_tuple(std::string(entry.name), entry.missing()));
  return out;
}

// (rule, reason, version, IP version or 0) of each known deviation that one run can show.
py::list deviations(const std::string& folder, const std::string& target) {
  py::list out;
  for (const Deviation& one : read_deviations(folder, short_name(target))) {
    out.append(py::make_tuple(std::string(info(one.rule).id), one.reason, one.version, one.ip));
  }
  return out;
}

py::list all_rules() {
  py::list out;
  for (const RuleInfo& rule : rules()) {
    py::dict one;
    one["id"] = rule.id;
    one["level"] = to_string(rule.level);
    one["rfc"] = rule.rfc;
    one["section"] = rule.section;
    one["requirement"] = rule.row;
    one["sentence"] = rule.sentence;
    out.append(one);
  }
  return out;
}

}  // namespace
}  // namespace tcpassay

PYBIND11_MODULE(_tcpassay, module) {
  using namespace tcpassay;
  module.doc() = "The harness of tcpassay; see the package tcpassay.";
  py::register_exception<TargetError>(module, "TargetError");
  py::register_exception<ScriptError>(module, "ScriptError");

  module.attr("FINAL_WAIT") = seconds(kDelayedAckWait);
  module.attr("VERSION") = kVersion;
  module.attr("ABILITIES") = ability_names();
  module.attr("SOCKET_OPTIONS") = names_of(kOptions);
  module.def("settings", &settings);
  module.def("targets", &all_targets);
  module.def("rules", &all_rules);
  module.def("deviations", &deviations);

  py::class_<Scenario>(module, "Scenario")
      .def_static("parse", [](const std::string& text, const std::string& name) { return parse_script(text, name); })
      .def_static("read", [](const std::string& path) { return read_script(path); })
      .def("__str__", &print_script);

  py::class_<Run>(module, "Run")
      .def(py::init<const std::string&, const std::optional<std::string>&, bool, double, int>())
      .def("start", &Run::start)
      .def("identity", &Run::identity)
      .def("configure", &Run::configure)
      .def("inject_line", &Run::inject_line)
      .def("inject_bytes", &Run::inject_bytes)
      .def("call", &Run::call)
      .def("advance", &Run::advance)
      .def("wait", &Run::wait)
      .def("take_segments", &Run::take_segments)
      .def("peer", &Run::peer)
      .def("now", &Run::now)
      .def("states", &Run::states)
      .def("reported_state", &Run::reported_state)
      .def("finish", &Run::finish)
      .def("play", &Run::play)
      .def("unsupported", &Run::unsupported)
      .def("verdicts", &Run::verdicts)
      .def("judged", &Run::judged)
      .def("mismatches", &Run::mismatches)
      .def("write_capture", &Run::write_capture)
      .def("ladder", &Run::ladder);
}
