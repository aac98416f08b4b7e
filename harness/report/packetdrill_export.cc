// SPDX-License-Identifier: Apache-2.0
#include "harness/report/packetdrill_export.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "harness/base/version.h"
#include "harness/script/print.h"
#include "harness/script/python_code.h"
#include "harness/script/shell_commands.h"
#include "harness/script/tcp_options.h"
#include "harness/wire/icmp.h"

namespace tcpassay {
namespace {

using Kind = OptionSpec::Kind;

// Why packetdrill cannot say it, or nothing.
std::string beyond(const SegmentSpec& segment) {
  if (segment.local_port || segment.remote_port) return "a second pair of ports: it tests one connection";
  const bool wraps = std::uint64_t{segment.seq} + segment.length > std::numeric_limits<std::uint32_t>::max();
  if (wraps) return "text that reaches sequence number 2^32";
  if (segment.traffic_class && segment.ttl) return "a TTL beside a traffic class";
  const int said = segment.ace ? 15 : 1;  // AE is among the flags
  if ((segment.ctl.reserved & ~said) != 0) return "reserved bits";
  const auto raw = [](const OptionSpec& option) { return option.kind == Kind::kRaw; };
  if (std::any_of(segment.options.begin(), segment.options.end(), raw)) return "options that have no name";
  const Damage& damage = segment.damage;
  if (damage.bad_checksum) return "a wrong checksum";
  if (damage.data_offset) return "a wrong data offset";
  if (damage.truncate) return "a packet that is cut short";
  if (damage.source || damage.destination) return "other addresses";
  if (damage.identification || !damage.ip_options.empty()) return "fields of the IPv4 header";
  return "";
}

// packetdrill knows one address and one port of each end, and writes them itself.
std::string beyond(const Call& call) {
  if (call.option == SocketOption::kAtMark) return "ioctl SIOCATMARK";
  if (!call.result) return "a result that is not told (export --target tells it)";
  const bool may = call.kind == CallKind::kBind || call.kind == CallKind::kConnect || call.kind == CallKind::kAccept ||
                   call.kind == CallKind::kSendTo;
  const bool names = call.port != 0 || !call.address.empty();
  return may && names ? "an address or a port of its own in a call" : "";
}

// The header of what packetdrill reads ends on a multiple of four octets; the end-of-option-list octets that fill it up
// are sent anyway (RFC 9293 section 3.1).
void pad(std::vector<OptionSpec>& options) {
  while (option_octets(options).size() % 4 != 0) options.push_back({.kind = Kind::kEnd});
}

// The call would have waited on a socket that waits.
bool needs_nonblocking(const Call& call) {
  const bool short_write = call.kind == CallKind::kWrite && call.result && *call.result < call.length;
  return short_write || call.error == UserError::kWouldBlock || call.error == UserError::kInProgress ||
         call.error == UserError::kAlready;
}

bool names_cookie(const Step& step) {
  const auto* in = std::get_if<Inject>(&step.action);
  return in && std::any_of(in->segment.options.begin(), in->segment.options.end(), [](const OptionSpec& option) {
           return option.kind == Kind::kFastOpen && !option.name.empty();
         });
}

// A script with what cannot be said set aside, and a word on each kind of it.
class Script {
 public:
  explicit Script(const Scenario& from) {
    made_.name = from.name;
    made_.about = from.about;
    made_.options = from.options;
    ip_ = ip_version(from).value_or(4);
    std::string sysctls;
    for (const Setting& setting : from.about.settings) {
      const std::string sysctl = sysctl_of(setting);
      if (sysctl.empty()) lost_["the setting " + setting.name]++;
      if (!sysctl.empty()) sysctls += " " + sysctl;
    }
    if (!sysctls.empty()) made_.steps.push_back({.action = Shell{"sysctl -q" + sysctls}});
  }

  Scenario& scenario() { return made_; }
  // What comes is a run over this version of IP, with what the target answered.
  void record_of(std::uint8_t ip) {
    ip_ = ip;
    record_ = true;
  }
  void lose(const std::string& what) { lost_[what]++; }

  void add(Step step) {
    if (names_cookie(step)) lose("the cookie that the target gives (run packetdrill with -D TFO_COOKIE=...)");
    complete(step);
    if (is_absolute(step.time)) last_ = step.time.at = std::max(step.time.at, last_);  // it never goes back
    const std::string why = step.hidden ? "" : beyond(step);
    const std::string because = why.empty() && cut_ && !step.hidden ? "what happened after that" : why;
    if (!because.empty()) {
      lose(because);
      set_aside(step);
    }
    cut_ = cut_ || (record_ && !why.empty() && is_of_the_connection(step));
    made_.steps.push_back(std::move(step));
  }

  std::string text() {
    make_nonblocking();
    begin_at_zero();
    std::string text = fmt::format("// Written by tcpassay {} from {}\n", kVersion, made_.name);
    for (const auto& [what, times] : lost_) text += fmt::format("// packetdrill cannot say ({}): {}\n", times, what);
    return text + print_script(made_);
  }

 private:
  // What our scripts may leave out, and their words for ICMP messages, which are those of both versions of IP.
  void complete(Step& step) const {
    if (auto* in = std::get_if<Inject>(&step.action)) {
      if (!in->segment.wnd) in->segment.wnd = kDefaultWindow;
      pad(in->segment.options);
    } else if (auto* out = std::get_if<Expect>(&step.action)) {
      pad(out->segment.options);
    } else if (auto* icmp = std::get_if<Icmp>(&step.action)) {
      const auto spec = read_icmp(icmp->text);
      const auto message = spec ? icmp_numbers(*spec, ip_) : std::nullopt;
      const std::size_t quote = icmp->text.find('[');
      if (!message) return;
      icmp->text = "icmp " + icmp_words(*message) + (quote == std::string::npos ? "" : " " + icmp->text.substr(quote));
    }
  }

  std::string beyond(const Step& step) {
    if (const auto* in = std::get_if<Inject>(&step.action)) return tcpassay::beyond(in->segment);
    if (const auto* out = std::get_if<Expect>(&step.action)) return tcpassay::beyond(out->segment);
    const auto* call = std::get_if<Call>(&step.action);
    if (!call) return "";
    std::string why = unknown_.contains(call->handle) ? "calls on what such a call returned" : tcpassay::beyond(*call);
    if (makes_handle(*call)) {
      if (why.empty()) unknown_.erase(static_cast<int>(*call->result));
      if (!why.empty()) unknown_.insert(static_cast<int>(*call->result));
    }
    return why;
  }

  void set_aside(Step& step) {
    step.hidden = true;
    const bool waits = step.time.form == StepTime::Form::kRelative && step.time.at > Time{};
    if (!waits) return;  // the steps behind it count from where it would have been
    made_.steps.push_back({.time = step.time, .action = Shell{"true"}});
    step.time = {};
  }

  // A call whose result is that of a socket which does not wait needs one: our own sockets never do.
  void make_nonblocking() {
    std::map<int, std::size_t> made;  // where the handle comes from; left out when it does not wait already
    std::set<std::size_t> wanted;
    for (std::size_t i = 0; i < made_.steps.size(); ++i) {
      const Step& step = made_.steps[i];
      if (step.hidden) continue;
      if (const auto* unknown = std::get_if<Unsupported>(&step.action)) {
        if (const auto handle = handle_of_fcntl(*unknown)) made.erase(*handle);
        continue;
      }
      const auto* call = std::get_if<Call>(&step.action);
      if (!call) continue;
      const auto from = made.find(call->handle);
      if (from != made.end() && !step.time.returns && needs_nonblocking(*call)) wanted.insert(from->second);
      if (!makes_handle(*call)) continue;
      made.erase(static_cast<int>(*call->result));
      const bool waits = call->arguments.size() < 2 || call->arguments[1].find("SOCK_NONBLOCK") == std::string::npos;
      if (waits) made[static_cast<int>(*call->result)] = i;
    }
    for (auto at = wanted.rbegin(); at != wanted.rend(); ++at) {
      const Step& after = made_.steps[*at];
      Step step{.time = after.time};
      if (step.time.form == StepTime::Form::kRelative) step.time = {};
      const auto handle = *std::get<Call>(after.action).result;
      step.action = Unsupported{.construct = "fcntl",
                                .text = fmt::format("fcntl({}, F_SETFL, O_RDWR|O_NONBLOCK) = 0", handle),
                                .harmless = true};
      made_.steps.insert(made_.steps.begin() + static_cast<std::ptrdiff_t>(*at) + 1, std::move(step));
    }
  }

  // A script has at least one event, and the first is at time 0.
  void begin_at_zero() {
    const auto seen = [](const Step& step) { return !step.hidden; };
    const auto first = std::find_if(made_.steps.begin(), made_.steps.end(), seen);
    const bool any = first != made_.steps.end();
    if (any && first->time.at == Time{} && first->time.form != StepTime::Form::kAny) return;
    const auto start = any && is_absolute(first->time) ? StepTime::Form::kAbsolute : StepTime::Form::kRelative;
    made_.steps.insert(made_.steps.begin(), Step{.time = {.form = start}, .action = Shell{"true"}});
  }

  // Without it the connection goes another way, so that no later answer can be expected.
  static bool is_of_the_connection(const Step& step) {
    const auto* in = std::get_if<Inject>(&step.action);
    const auto* out = std::get_if<Expect>(&step.action);
    const SegmentSpec* segment = in ? &in->segment : out ? &out->segment : nullptr;
    return segment && !segment->local_port && !segment->remote_port;
  }
  static bool is_absolute(const StepTime& time) {
    return time.form == StepTime::Form::kAbsolute || time.form == StepTime::Form::kAbsoluteRange;
  }
  static bool makes_handle(const Call& call) {
    return (call.kind == CallKind::kSocket || call.kind == CallKind::kAccept) && call.result && *call.result >= 0;
  }
  static std::optional<int> handle_of_fcntl(const Unsupported& unknown) {
    int handle = 0;
    if (std::sscanf(unknown.text.c_str(), "fcntl(%d, F_SETFL", &handle) != 1) return std::nullopt;
    return handle;
  }

  Scenario made_;
  std::map<std::string, int> lost_;
  std::uint8_t ip_ = 4;
  bool record_ = false, cut_ = false;
  Time last_{};
  std::set<int> unknown_;  // handles that packetdrill has not seen made
};

// ---- A run

class Run {
 public:
  Run(const Scenario& scenario, const Trace& trace, const std::vector<Bytes>& packets, const Identity& target)
      : scenario_(scenario), trace_(trace), packets_(packets), target_(target), script_(scenario) {}

  std::string text(std::uint8_t ip);

 private:
  static constexpr std::uint32_t kFirstMax = 1u << 30;

  void choose_pair();
  std::uint32_t first_of(Tuple tuple) const;
  void write(std::size_t number);
  void arrives(const Arriving& seen, const Event& event, const Place& where);
  void departs(const Event& event);
  void calls(const UserCall& made, const Event& event);
  void reports(const StateReport& report, const Event& event);
  void add(Time at, decltype(Step::action) action, bool hidden = false);
  const Step* step_at(const Place& where) const;
  void name_ports(SegmentSpec& spec, Tuple tuple) const;

  const Scenario& scenario_;
  const Trace& trace_;
  const std::vector<Bytes>& packets_;
  const Identity& target_;
  Script script_;
  std::size_t packet_ = 0, unkept_ = 0;                    // of the departures the first are missing among the packets
  Tuple pair_{.local = kTargetPort, .remote = kPeerPort};  // what a reader takes for the script's only pair
  std::map<std::uint32_t, std::uint32_t> offsets_;         // by both ports: the target's ISS
  std::map<std::uint32_t, std::uint32_t> firsts_;          // by both ports: what becomes the peer's zero
  std::map<int, std::uint16_t> bound_;                     // handles
  std::optional<State> told_{};
  std::uint8_t ip_ = 4;
  bool several_ = false;
};

std::uint32_t key(Tuple tuple) {
  return std::uint32_t{tuple.local} << 16 | tuple.remote;
}

void Run::add(Time at, decltype(Step::action) action, bool hidden) {
  script_.add({.time = {.form = StepTime::Form::kAbsolute, .at = at}, .action = std::move(action), .hidden = hidden});
}

const Step* Run::step_at(const Place& where) const {
  for (const Step& step : scenario_.steps) {
    if (where.line != 0 && step.where.line == where.line && step.where.column == where.column) return &step;
  }
  return nullptr;
}

void Run::name_ports(SegmentSpec& spec, Tuple tuple) const {
  spec.local_port.reset();
  spec.remote_port.reset();
  if (tuple == pair_) return;
  spec.local_port = tuple.local;
  spec.remote_port = tuple.remote;
}

// packetdrill counts a peer's later numbers from its SYN, we go on from the SYN's own number: where that becomes zero
// the two agree. What wraps or changes its sign is left where it does.
std::uint32_t Run::first_of(Tuple tuple) const {
  const auto first = firsts_.find(key(tuple));
  return first == firsts_.end() ? 0 : first->second;
}

// The line of the script, with what the session put in: the echo of a timestamp, a cookie.
void Run::arrives(const Arriving& seen, const Event& event, const Place& where) {
  const Step* step = step_at(where);
  const auto* in = step ? std::get_if<Inject>(&step->action) : nullptr;
  if (!in) return script_.lose("a packet that is not in the script");
  SegmentSpec spec = in->segment;
  if (spec.ctl.syn) firsts_.try_emplace(key(event.tuple), spec.seq <= kFirstMax ? spec.seq : 0);
  if (spec.ctl.syn && spec.seq > kFirstMax) script_.lose("the numbers of a peer that begins so high");
  spec.seq -= first_of(event.tuple);
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

void Run::departs(const Event& event) {
  const auto& sent = std::get<Departing>(event.what);
  if (sent.ctl.syn) offsets_[key(event.tuple)] = sent.seq.value;
  if (unkept_ > 0) {
    --unkept_;
    return script_.lose("packets of which there were too many to be kept");
  }
  const auto decoded = decode(packets_[packet_++]);
  if (!decoded || decoded->fault == Fault::kTruncated) return script_.lose("a packet that cannot be read as TCP");
  if (decoded->fault != Fault::kNone) script_.lose("what is wrong with a packet of the target's");
  const auto offset = offsets_.find(key(event.tuple));
  SegmentSpec spec{.ctl = decoded->ctl, .length = static_cast<std::uint32_t>(decoded->text.size())};
  name_ports(spec, event.tuple);
  spec.seq = decoded->seq - (offset == offsets_.end() ? 0 : offset->second);
  const std::uint32_t first = first_of(event.tuple);
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
  Step step{.time = {.form = StepTime::Form::kAbsolute, .at = event.from}, .action = Expect{spec}};
  if (event.until != event.from)
    step.time = {.form = StepTime::Form::kAbsoluteRange, .at = event.from, .to = event.until};
  script_.add(std::move(step));
}

std::string address_text(std::uint16_t port, const std::string& address) {
  return fmt::format("{{sa_family = AF_INET, sin_port = htons({}), sin_addr = inet_addr(\"{}\")}}", port, address);
}

// As print_call() would have it, but for what only other arguments can say.
Call written(const UserCall& made, std::uint8_t ip) {
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
  if (!elsewhere && names_port && made.port == 0) {  // left to the target, or left out
    call.name = made.kind == CallKind::kBind ? "bind" : "connect";
    call.arguments = {handle, address_text(0, "0.0.0.0"), "..."};
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

void Run::calls(const UserCall& made, const Event& event) {
  Call call = written(made, ip_);
  const bool opens = made.kind == CallKind::kConnect || made.kind == CallKind::kSendTo;
  const bool opened = opens && (made.result >= 0 || made.error == UserError::kInProgress);
  if (made.kind == CallKind::kBind && made.result == 0) bound_[made.handle] = pair_.local = made.port;
  if (made.kind == CallKind::kClose) bound_.erase(made.handle);
  if (made.kind == CallKind::kAccept && made.result >= 0 && !(made.tuple == pair_)) call.port = made.tuple.remote;
  if (opened) {
    if (made.tuple.local != 0 && bound_[made.handle] == 0) {  // a reader cannot know which port the target has chosen
      Call bind{.kind = CallKind::kBind, .handle = made.handle, .port = made.tuple.local};
      bind.result = 0;
      add(event.from, bind, true);
      bound_[made.handle] = made.tuple.local;
    }
    pair_ = {.local = bound_[made.handle] != 0 ? bound_[made.handle] : kPeerPort, .remote = made.port};
  }
  add(event.from, call);
}

// What the target itself says of its state, as code that a reader may look at.
void Run::reports(const StateReport& report, const Event& event) {
  if (several_ || !(event.tuple == pair_) || told_ == report.state) return;
  told_ = report.state;
  add(event.from, Code{fmt::format(" {} ", assertion_of_state(report.state))}, true);
}

void Run::write(std::size_t number) {
  const Event& event = trace_.events[number];
  const Place& where = trace_.places[number];
  if (const auto* in = std::get_if<Arriving>(&event.what)) return arrives(*in, event, where);
  if (std::holds_alternative<Departing>(event.what)) return departs(event);
  if (const auto* made = std::get_if<UserCall>(&event.what)) return calls(*made, event);
  if (const auto* report = std::get_if<StateReport>(&event.what)) return reports(*report, event);
  const Step* step = std::holds_alternative<IcmpArrives>(event.what) ? step_at(where) : nullptr;
  if (step) add(event.from, step->action);
}

// A peer that comes with a port of its own is the script's only peer, too, if there is no other with the usual one.
void Run::choose_pair() {
  bool opens = false, usual = false;
  std::optional<Tuple> first;
  for (const Event& event : trace_.events) {
    const auto* call = std::get_if<UserCall>(&event.what);
    opens = opens || (call && (call->kind == CallKind::kConnect || call->kind == CallKind::kSendTo));
    const bool arrives = std::holds_alternative<Arriving>(event.what);
    if (!arrives && !std::holds_alternative<Departing>(event.what)) continue;
    usual = usual || event.tuple.remote == kPeerPort;
    several_ = several_ || (first && !(*first == event.tuple));
    if (!first) first = event.tuple;
  }
  if (first && !opens && !usual) pair_.remote = first->remote;
}

std::string Run::text(std::uint8_t ip) {
  ip_ = ip;
  script_.record_of(ip);
  choose_pair();
  const auto departs = [](const Event& event) { return std::holds_alternative<Departing>(event.what); };
  const auto departures = std::count_if(trace_.events.begin(), trace_.events.end(), departs);
  unkept_ = static_cast<std::size_t>(departures) - packets_.size();
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
  Script script(scenario);
  if (scenario.about.peers * scenario.about.rounds > 1) {
    script.lose("that the packets are played for many peers (export --target writes them out)");
  }
  for (const Step& step : scenario.steps) script.add(step);
  return script.text();
}

std::string export_run(const Scenario& scenario, const Trace& trace, const std::vector<Bytes>& packets,
                       const Identity& target, std::uint8_t ip) {
  return Run(scenario, trace, packets, target).text(ip);
}

}  // namespace tcpassay
