// SPDX-License-Identifier: Apache-2.0
#include "harness/report/packetdrill_export.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "harness/report/packetdrill_script.h"
#include "harness/script/packetdrill_numbers.h"
#include "harness/script/python_code.h"
#include "harness/script/tcp_options.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

using Kind = OptionSpec::Kind;

// Writes a run, event by event.
class RunExport {
 public:
  RunExport(const Scenario& scenario, const Trace& trace, const std::vector<Bytes>& packets, const Identity& target)
      : scenario_(scenario), trace_(trace), packets_(packets), target_(target), script_(scenario) {}

  std::string text(std::uint8_t ip);

 private:
  static constexpr std::uint32_t kFirstMax = 1u << 30;

  void choose_pair();
  std::uint32_t peer_start_of(Tuple tuple) const;
  void write(std::size_t number);
  void arrives(const Arriving& seen, const Event& event, const Place& where);
  void departs(const Event& event);
  void calls(const UserCall& made, const Event& event);
  void reports(const StateReport& report, const Event& event);
  void add(Time at, decltype(ScriptStep::action) action, bool hidden = false);
  const ScriptStep* step_at(const Place& where) const;
  void name_ports(SegmentSpec& spec, Tuple tuple) const;

  const Scenario& scenario_;
  const Trace& trace_;
  const std::vector<Bytes>& packets_;
  const Identity& target_;
  PacketdrillScript script_;
  std::size_t packet_ = 0;    // the next of packets_
  std::size_t not_kept_ = 0;  // departures, the first ones, of which the session did not keep the packet
  Tuple pair_{.local = kTargetPort, .remote = kPeerPort};  // the ports of the connection that packetdrill follows
  std::map<std::uint32_t, std::uint32_t> iss_;             // the target's ISS, by key()
  std::map<std::uint32_t, bool> acknowledged_;             // whether the last segment that arrived had an ACK
  std::map<std::uint32_t, std::uint32_t> peer_starts_;     // the peer's number that is written as zero, by key()
  std::map<int, std::uint16_t> bound_ports_;               // by file descriptor
  std::optional<State> reported_{};
  std::uint8_t ip_ = 4;
  bool several_connections_ = false;
};

std::uint32_t key(Tuple tuple) {
  return std::uint32_t{tuple.local} << 16 | tuple.remote;
}

void RunExport::add(Time at, decltype(ScriptStep::action) action, bool hidden) {
  script_.add({.time = {.form = StepTime::Form::kAbsolute, .at = at}, .action = std::move(action), .hidden = hidden});
}

const ScriptStep* RunExport::step_at(const Place& where) const {
  for (const ScriptStep& step : scenario_.steps) {
    if (where.line != 0 && step.where.line == where.line && step.where.column == where.column) return &step;
  }
  return nullptr;
}

void RunExport::name_ports(SegmentSpec& spec, Tuple tuple) const {
  spec.local_port.reset();
  spec.remote_port.reset();
  if (tuple == pair_) return;
  spec.local_port = tuple.local;
  spec.remote_port = tuple.remote;
}

// packetdrill counts the peer's sequence numbers from its SYN; ours begin with the number of the SYN. Both agree once
// the number of the SYN is subtracted. That is not done where the numbers would wrap or change their sign.
std::uint32_t RunExport::peer_start_of(Tuple tuple) const {
  const auto first = peer_starts_.find(key(tuple));
  return first == peer_starts_.end() ? 0 : first->second;
}

// The line of the script, with what the session filled in: the echo of a timestamp, a cookie.
void RunExport::arrives(const Arriving& seen, const Event& event, const Place& where) {
  const ScriptStep* step = step_at(where);
  const auto* in = step ? std::get_if<Inject>(&step->action) : nullptr;
  if (!in) return script_.note_loss("a packet that is not in the script");
  SegmentSpec spec = in->segment;
  acknowledged_[key(event.tuple)] = spec.ctl.ack;
  if (spec.ctl.syn) peer_starts_.try_emplace(key(event.tuple), spec.seq <= kFirstMax ? spec.seq : 0);
  if (spec.ctl.syn && spec.seq > kFirstMax) script_.note_loss("the numbers of a peer that begins so high");
  spec.seq -= peer_start_of(event.tuple);
  name_ports(spec, event.tuple);
  for (OptionSpec& option : spec.options) {
    if (option.kind == Kind::kTimestamp && option.values.size() == 2 && seen.opt.timestamps) {
      option.values = {seen.opt.timestamps->value, seen.opt.timestamps->echo};
    }
    if (option.kind == Kind::kFastOpen && !option.name.empty() && seen.opt.fast_open) {
      option.name.clear();
      option.octets.assign(seen.opt.cookie.begin(), seen.opt.cookie.begin() + seen.opt.cookie_octets);
    }
  }
  add(event.from, Inject{spec});
}

void RunExport::departs(const Event& event) {
  const auto& sent = std::get<Departing>(event.what);
  if (sent.ctl.syn) iss_[key(event.tuple)] = sent.seq.value;
  if (not_kept_ > 0) {
    --not_kept_;
    return script_.note_loss("packets of which there were too many to be kept");
  }
  const auto decoded = decode(packets_[packet_++]);
  if (!decoded || decoded->fault == Fault::kTruncated) return script_.note_loss("a packet that cannot be read as TCP");
  if (decoded->fault != Fault::kNone) script_.note_loss("what is wrong with a packet of the target's");
  const auto offset = iss_.find(key(event.tuple));
  SegmentSpec spec{.ctl = decoded->ctl, .length = static_cast<std::uint32_t>(decoded->text.size())};
  name_ports(spec, event.tuple);
  const bool counts = offset != iss_.end();
  // Where no connection is, a RST that answers a segment without ACK has the number 0 (3.10.7.1).
  const bool of_none = decoded->ctl.rst && decoded->ctl.ack && decoded->seq == 0;
  spec.absolute = counts && of_none && !acknowledged_[key(event.tuple)];
  spec.seq = decoded->seq - (counts && !spec.absolute ? offset->second : 0);
  const std::uint32_t first = peer_start_of(event.tuple);
  if (decoded->ctl.ack) spec.ack = decoded->ack - first;
  if (!decoded->ctl.ack && decoded->ack != 0) spec.ack = decoded->ack;
  spec.wnd = decoded->wnd;
  if (decoded->ctl.urg || decoded->up != 0) spec.up = decoded->up;
  if (decoded->traffic_class != 0) spec.traffic_class = decoded->traffic_class;
  if (decoded->ttl != PacketFields{}.ttl && decoded->ttl != 0) spec.ttl = decoded->ttl;
  spec.options = parse_options(decoded->options);
  for (OptionSpec& option : spec.options) {
    if (option.kind != Kind::kSack) continue;
    for (std::uint32_t& edge : option.values) edge -= first;
  }
  ScriptStep step{.time = {.form = StepTime::Form::kAbsolute, .at = event.from}, .action = Expect{spec}};
  if (event.until != event.from)
    step.time = {.form = StepTime::Form::kAbsoluteRange, .at = event.from, .to = event.until};
  script_.add(std::move(step));
}

std::string address_text(std::uint16_t port, const std::string& address) {
  return fmt::format("{{sa_family = AF_INET, sin_port = htons({}), sin_addr = inet_addr(\"{}\")}}", port, address);
}

// The call as print_call() writes it, with other arguments where the usual ones do not say all.
Call call_of(const UserCall& made, std::uint8_t ip) {
  Call call{.kind = made.kind,
            .handle = made.handle,
            .port = made.port,
            .length = made.length,
            .how = made.how,
            .urgent = made.urgent,
            .option = made.option,
            .value = made.value};
  call.result = made.result;
  if (made.result < 0) call.error = made.error;
  const std::string handle = std::to_string(made.handle);
  const char* elsewhere = made.host == Host::kBroadcast   ? "255.255.255.255"
                          : made.host == Host::kMulticast ? "224.0.0.1"
                          : made.host == Host::kElsewhere ? "127.0.0.1"
                          : made.host == Host::kNamed     ? "192.168.0.1"
                                                          : nullptr;
  if (elsewhere) {
    call.address = elsewhere;
    call.name = made.kind == CallKind::kBind ? "bind" : "connect";
    call.arguments = {handle, address_text(made.port, elsewhere), "..."};
  }
  const bool names_port = made.kind == CallKind::kBind || made.kind == CallKind::kConnect;
  if (!elsewhere && names_port && made.port == 0) {  // the target chooses the port, or nobody is named
    call.name = made.kind == CallKind::kBind ? "bind" : "connect";
    call.arguments = {handle, "{sa_family = AF_INET, sin_port = htons(0)}", "..."};
  }
  if (!elsewhere && made.port == kTargetPort) call.port = 0;  // the default
  if (made.kind == CallKind::kWrite && made.urgent) {
    call.name = "send";
    call.arguments = {handle, "...", std::to_string(made.length), "MSG_OOB"};
  }
  const bool field_of_ip = made.option == SocketOption::kTypeOfService || made.option == SocketOption::kTimeToLive;
  if (ip == 6 && field_of_ip) {
    const char* const name = made.option == SocketOption::kTimeToLive ? "16" : "IPV6_TCLASS";  // IPV6_UNICAST_HOPS
    const bool set = made.kind == CallKind::kSetOption;
    call.name = set ? "setsockopt" : "getsockopt";
    call.arguments = {handle, "SOL_IPV6", name, fmt::format("[{}]", made.value), set ? "4" : "[4]"};
  }
  if (made.option == SocketOption::kAtMark) {
    call.name = "ioctl";
    call.arguments = {handle, "SIOCATMARK", fmt::format("[{}]", made.value)};
  }
  return call;
}

void RunExport::calls(const UserCall& made, const Event& event) {
  Call call = call_of(made, ip_);
  const bool opens = made.kind == CallKind::kConnect || made.kind == CallKind::kSendTo;
  const bool opened = opens && (made.result >= 0 || made.error == UserError::kInProgress);
  if (made.kind == CallKind::kBind && made.result == 0) bound_ports_[made.handle] = pair_.local = made.port;
  if (made.kind == CallKind::kClose) bound_ports_.erase(made.handle);
  if (made.kind == CallKind::kAccept && made.result >= 0 && !(made.tuple == pair_)) call.port = made.tuple.remote;
  if (opened) {
    if (made.tuple.local != 0 &&
        bound_ports_[made.handle] == 0) {  // so that the script says which port the target chose
      Call bind{.kind = CallKind::kBind, .handle = made.handle, .port = made.tuple.local};
      bind.result = 0;
      add(event.from, bind, true);
      bound_ports_[made.handle] = made.tuple.local;
    }
    pair_ = {.local = bound_ports_[made.handle] != 0 ? bound_ports_[made.handle] : kPeerPort, .remote = made.port};
  }
  add(event.from, call);
}

// The state that the target itself reports, as hidden code: only tcpassay reads it.
void RunExport::reports(const StateReport& report, const Event& event) {
  if (several_connections_ || !(event.tuple == pair_) || reported_ == report.state) return;
  reported_ = report.state;
  add(event.from, Code{fmt::format(" {} ", assertion_of_state(report.state))}, true);
}

void RunExport::write(std::size_t number) {
  const Event& event = trace_.events[number];
  const Place& where = trace_.places[number];
  if (const auto* in = std::get_if<Arriving>(&event.what)) return arrives(*in, event, where);
  if (std::holds_alternative<Departing>(event.what)) return departs(event);
  if (const auto* made = std::get_if<UserCall>(&event.what)) return calls(*made, event);
  if (const auto* report = std::get_if<StateReport>(&event.what)) return reports(*report, event);
  const ScriptStep* step = std::holds_alternative<IcmpArrives>(event.what) ? step_at(where) : nullptr;
  if (step) add(event.from, step->action);
}

// packetdrill follows the first connection, even where its peer does not use the usual port.
void RunExport::choose_pair() {
  bool opens = false, usual = false;
  std::optional<Tuple> first;
  for (const Event& event : trace_.events) {
    const auto* call = std::get_if<UserCall>(&event.what);
    opens = opens || (call && (call->kind == CallKind::kConnect || call->kind == CallKind::kSendTo));
    const bool arrives = std::holds_alternative<Arriving>(event.what);
    if (!arrives && !std::holds_alternative<Departing>(event.what)) continue;
    usual = usual || event.tuple.remote == kPeerPort;
    several_connections_ = several_connections_ || (first && !(*first == event.tuple));
    if (!first) first = event.tuple;
  }
  if (first && !opens && !usual) pair_.remote = first->remote;
}

std::string RunExport::text(std::uint8_t ip) {
  ip_ = ip;
  script_.record_of(ip);
  choose_pair();
  const auto departs = [](const Event& event) { return std::holds_alternative<Departing>(event.what); };
  const auto departures = std::count_if(trace_.events.begin(), trace_.events.end(), departs);
  not_kept_ = static_cast<std::size_t>(departures) - packets_.size();
  Scenario& made = script_.scenario();
  made.about.complete_record = true;
  made.about.msl_s = static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(target_.msl).count());
  made.about.peers = made.about.rounds = 1;
  if (ip == 6 && !ip_version(made)) made.options.push_back("--ip_version=ipv6");
  Time end{};
  for (std::size_t i = 0; i < trace_.events.size(); ++i) {
    write(i);
    end = std::max(end, trace_.events[i].until);
  }
  add(end, Shell{"true"});
  return script_.text();
}

}  // namespace

std::string export_scenario(const Scenario& scenario) {
  Scenario counted = scenario;
  write_as_packetdrill_counts(counted);
  PacketdrillScript script(counted);
  if (scenario.about.peers * scenario.about.rounds > 1) {
    script.note_loss("that the packets are played for many peers (export --target writes them out)");
  }
  for (const ScriptStep& step : counted.steps) script.add(step);
  return script.text();
}

std::string export_run(const Scenario& scenario, const Trace& trace, const std::vector<Bytes>& packets,
                       const Identity& target, std::uint8_t ip) {
  return RunExport(scenario, trace, packets, target).text(ip);
}

}  // namespace tcpassay
