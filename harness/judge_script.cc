// SPDX-License-Identifier: Apache-2.0
// A script read as a record: its steps become events, which the oracle judges.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "harness/judge.h"
#include "harness/schedule.h"
#include "harness/script.h"

namespace tcpassay {
namespace {

constexpr Time kReplyWithin = std::chrono::milliseconds(1);  // a `>` line so soon after a stimulus is its answer

// What of the script the judge has no model of, or nothing.
std::optional<std::string> unknown_segment(const SegmentSpec& segment) {
  if (segment.ace) return "Accurate ECN";
  for (const auto& option : segment.options) {
    switch (option.kind) {
      case OptionSpec::Kind::kFastOpen:
      case OptionSpec::Kind::kFastOpenExp: return "TCP Fast Open (RFC 7413)";
      case OptionSpec::Kind::kMd5: return "TCP MD5 signatures (RFC 2385)";
      case OptionSpec::Kind::kAccEcn: return "Accurate ECN";
      default: break;
    }
  }
  return std::nullopt;
}

std::optional<std::string> unknown_construct(const Step& step) {
  if (std::holds_alternative<Icmp>(step.action)) return "ICMP";
  const auto* unknown = std::get_if<Unsupported>(&step.action);
  if (unknown && !unknown->harmless) return unknown->construct;
  if (const auto* in = std::get_if<Inject>(&step.action)) return unknown_segment(in->segment);
  if (const auto* out = std::get_if<Expect>(&step.action)) return unknown_segment(out->segment);
  return std::nullopt;
}

// The shift count that a segment with SYN offers (RFC 7323 section 2.2).
std::optional<std::uint32_t> offered_shift(const SegmentSpec& segment) {
  constexpr std::uint32_t kShiftMax = 14;
  for (const auto& option : segment.options) {
    if (option.kind == OptionSpec::Kind::kWindowScale && !option.values.empty()) {
      return std::min(option.values[0], kShiftMax);
    }
  }
  return std::nullopt;
}

struct Socket {
  int handle = -1;
  std::uint16_t port = 0;
  bool connection = false;
  Tuple tuple{};
  std::uint32_t written = 0, read = 0;
};

struct Numbers {
  Tuple tuple{};
  std::uint32_t iss = 0, irs = 0;
  std::optional<std::uint32_t> peer_shift{}, target_shift{};
};

// A call of which the script says that it returned later.
struct Blocked {
  const Step* step;
  Time called{}, returns{};
};

// Turns the steps into events and shows them to the oracle.
class Recording {
 public:
  Recording(Opinion& opinion, std::uint8_t ip, Edition edition) : opinion_(opinion), ip_(ip) {
    Terms terms = terms_over(ip);
    terms.edition = edition;
    oracle_.start(terms);
  }

  void play(const Scenario& scenario);
  Oracle& oracle() { return oracle_; }
  bool capped() const { return capped_; }  // a scaled window was beyond what the oracle takes

 private:
  std::uint16_t window(const SegmentSpec& spec, bool arrives, Numbers& known);
  void packet(const SegmentSpec& spec, Time from, Time until, bool arrives, const Place& where);
  void call(const Call& call, Time from, Time until, const Place& where);
  void return_until(Time until);
  bool blocks(const Step& step, const Call& call, const Schedule::Slot& slot);
  void connect(const Call& call, Socket& socket, UserCall& made);
  void quiet(Time at);
  void show(Event& event, const Place& where);
  Tuple pair(const SegmentSpec& spec) const;
  Numbers& numbers(Tuple tuple);
  Socket* socket(int handle);

  Opinion& opinion_;
  std::uint8_t ip_;
  Oracle oracle_;
  std::vector<Socket> sockets_;
  std::vector<Numbers> numbers_;
  std::vector<Blocked> blocked_;
  Tuple pair_{.local = kTargetPort, .remote = kPeerPort};
  Time now_{};
  bool capped_ = false;
};

void Recording::show(Event& event, const Place& where) {
  const auto keep = [&](std::span<const std::uint8_t>& view) {
    if (view.empty()) return;
    opinion_.trace.store.emplace_back(view.begin(), view.end());
    view = opinion_.trace.store.back();
  };
  if (auto* in = std::get_if<Arriving>(&event.what)) keep(in->text);
  if (auto* out = std::get_if<Departing>(&event.what)) keep(out->text);
  if (auto* made = std::get_if<UserCall>(&event.what)) keep(made->text);
  oracle_.observe(event);
  now_ = std::max(now_, event.until);
  opinion_.trace.events.push_back(event);
  opinion_.trace.places.push_back(where);
  opinion_.trace.states.push_back(oracle_.states(event.tuple == Tuple{} ? pair_ : event.tuple));
}

Tuple Recording::pair(const SegmentSpec& spec) const {
  return {.local = spec.local_port.value_or(pair_.local), .remote = spec.remote_port.value_or(pair_.remote)};
}

Numbers& Recording::numbers(Tuple tuple) {
  for (auto& known : numbers_) {
    if (known.tuple == tuple) return known;
  }
  return numbers_.emplace_back(Numbers{.tuple = tuple});
}

Socket* Recording::socket(int handle) {
  const auto found =
      std::find_if(sockets_.rbegin(), sockets_.rend(), [&](const Socket& s) { return s.handle == handle; });
  return found == sockets_.rend() ? nullptr : &*found;
}

// The window in octets. The oracle reads header fields as they stand, so scaling is undone here.
std::uint16_t Recording::window(const SegmentSpec& spec, bool arrives, Numbers& known) {
  constexpr std::uint64_t kWindowMax = 65535;
  auto& shift = arrives ? known.peer_shift : known.target_shift;
  if (spec.ctl.syn) shift = offered_shift(spec);
  if (!spec.wnd) return kWindowMax;
  if (spec.ctl.syn || !known.peer_shift || !known.target_shift) return *spec.wnd;
  const std::uint64_t octets = std::uint64_t{*spec.wnd} << *shift;
  capped_ = capped_ || octets > kWindowMax;
  return static_cast<std::uint16_t>(std::min(octets, kWindowMax));
}

// Through octets and back, so that every field is read as it would be from the wire.
void Recording::packet(const SegmentSpec& spec, Time from, Time until, bool arrives, const Place& where) {
  Event event{.from = from, .until = until, .tuple = pair(spec)};
  Numbers& known = numbers(event.tuple);
  std::uint32_t& first = arrives ? known.irs : known.iss;
  if (spec.ctl.syn) first = spec.seq;
  const std::uint32_t start = spec.seq + spec.ctl.syn;
  Bytes text(std::min<std::uint32_t>(spec.length, 65000)), octets;
  for (std::uint32_t i = 0; i < text.size(); ++i) {
    text[i] = arrives ? peer_octet(start + i) : target_octet(start + i - (first + 1));
  }
  const Bytes options = option_octets(spec.options);
  const Address any = *Address::parse(ip_ == 6 ? "2001:db8::1" : "192.0.2.1");
  encode({.source = any,
          .destination = any,
          .source_port = event.tuple.local,
          .destination_port = event.tuple.remote,
          .seq = spec.seq,
          .ack = spec.ack.value_or(0),
          .ctl = spec.ctl,
          .wnd = window(spec, arrives, known),
          .up = spec.up.value_or(0),
          .options = options,
          .text = text,
          .damage = arrives ? spec.damage : Damage{}},
         octets);
  const auto decoded = decode(octets);
  if (!decoded) return;
  const auto fill = [&](auto segment) {
    segment.seq = {decoded->seq};
    segment.ack = {decoded->ack};
    segment.wnd = decoded->wnd;
    segment.up = decoded->up;
    segment.ctl = decoded->ctl;
    segment.fault = decoded->fault;
    segment.opt = decoded->opt;
    segment.ip = {.ttl = decoded->ttl, .traffic_class = decoded->traffic_class};
    segment.text = decoded->text;
    event.what = segment;
  };
  if (arrives) {
    fill(Arriving{});
  } else {
    fill(Departing{});
  }
  show(event, where);
}

void Recording::connect(const Call& call, Socket& at, UserCall& made) {
  if (made.error != UserError::kNone && made.error != UserError::kInProgress) return;
  at.connection = true;
  at.tuple = {.local = at.port != 0 ? at.port : kPeerPort, .remote = call.port != 0 ? call.port : kTargetPort};
  made.port = at.tuple.remote;
  made.tuple = pair_ = at.tuple;
}

void Recording::call(const Call& call, Time from, Time until, const Place& where) {
  if (!call.result) return;  // the script does not say what came of it
  UserCall made{.kind = call.kind,
                .handle = call.kind == CallKind::kSocket ? -1 : call.handle,
                .port = call.port,
                .length = call.length,
                .how = call.how,
                .urgent = call.urgent,
                .option = call.option,
                .value = call.value,
                .result = *call.result,
                .error = call.error.value_or(*call.result < 0 ? UserError::kOther : UserError::kNone)};
  Event event{.from = from, .until = until};
  Bytes text;
  Socket* at = socket(call.handle);
  if (at && at->connection) event.tuple = at->tuple;
  switch (call.kind) {
    case CallKind::kSocket:
      if (made.result >= 0) sockets_.push_back({.handle = static_cast<int>(made.result)});
      break;
    case CallKind::kBind:
      if (made.port == 0) made.port = kTargetPort;
      if (at && made.result == 0) at->port = pair_.local = made.port;
      break;
    case CallKind::kSendTo:
      text.resize(made.length);
      for (std::uint32_t i = 0; i < made.length; ++i) text[i] = target_octet(i);
      if (at && made.result > 0) at->written += static_cast<std::uint32_t>(made.result);
      [[fallthrough]];
    case CallKind::kConnect:
      if (at) connect(call, *at, made);
      event.tuple = made.tuple;
      break;
    case CallKind::kAccept:
      if (made.result < 0) break;
      made.tuple = event.tuple = {.local = at ? at->port : pair_.local, .remote = pair_.remote};
      sockets_.push_back({.handle = static_cast<int>(made.result), .connection = true, .tuple = made.tuple});
      break;
    case CallKind::kWrite:
      text.resize(made.length);
      for (std::uint32_t i = 0; i < made.length; ++i) text[i] = target_octet((at ? at->written : 0) + i);
      if (at && made.result > 0) at->written += static_cast<std::uint32_t>(made.result);
      break;
    case CallKind::kRead:
      if (made.result <= 0) break;
      text.resize(static_cast<std::size_t>(made.result));
      for (std::uint32_t i = 0; i < text.size(); ++i) {
        text[i] = peer_octet(numbers(event.tuple).irs + 1 + (at ? at->read : 0) + i);
      }
      if (at) at->read += static_cast<std::uint32_t>(made.result);
      break;
    default: break;
  }
  made.text = text;
  event.what = made;
  show(event, where);
  if (call.kind == CallKind::kClose && made.result == 0) {
    std::erase_if(sockets_, [&](const Socket& s) { return s.handle == call.handle; });
  }
}

// An active OPEN and a SEND take effect when they are called, whenever they return; the others when they return.
bool Recording::blocks(const Step& step, const Call& made, const Schedule::Slot& slot) {
  if (!slot.returns || *slot.returns <= slot.from || made.kind == CallKind::kWrite) return false;
  blocked_.push_back({.step = &step, .called = slot.from, .returns = *slot.returns});
  if (made.kind != CallKind::kConnect) return true;
  Call begun = made;
  begun.result = -1;
  begun.error = UserError::kInProgress;
  call(begun, slot.from, slot.from, step.where);
  return true;
}

void Recording::return_until(Time until) {
  while (!blocked_.empty()) {
    const auto first = std::min_element(blocked_.begin(), blocked_.end(), [](const Blocked& a, const Blocked& b) {
      return a.returns < b.returns;
    });
    if (first->returns > until) return;
    const Blocked due = *first;
    blocked_.erase(first);
    Call returned = std::get<Call>(due.step->action);
    if (returned.kind == CallKind::kConnect) {  // what became of it is the socket's error
      if (!returned.result) continue;
      returned.kind = CallKind::kGetOption;
      returned.option = SocketOption::kError;
      returned.value = *returned.result < 0 ? static_cast<int>(returned.error.value_or(UserError::kOther)) : 0;
      returned.result = 0;
      returned.error.reset();
    }
    call(returned, due.called, due.returns, due.step->where);
  }
}

void Recording::quiet(Time at) {
  Event event{.from = at, .until = at};
  event.what = Quiet{};
  show(event, {});
}

// The next `>` line from `step` on.
const Expect* next_observation(const Scenario& scenario, std::size_t step) {
  for (; step < scenario.steps.size(); ++step) {
    if (const auto* line = std::get_if<Expect>(&scenario.steps[step].action)) return line;
  }
  return nullptr;
}

void Recording::play(const Scenario& scenario) {
  const bool strict = std::any_of(scenario.options.begin(), scenario.options.end(),
                                  [](const std::string& option) { return option.starts_with("--strict_segments"); });
  Schedule schedule(scenario.options);
  for (std::size_t i = 0; i < scenario.steps.size(); ++i) {
    const Step& step = scenario.steps[i];
    const Schedule::Slot slot = schedule.next(step.time);
    return_until(slot.from);
    // Had the target sent anything else before its next line, the script would have failed on it.
    const Expect* next = next_observation(scenario, i);
    const bool told = next && (strict || next->segment.length == 0);
    if (told && slot.from > now_ + kReplyWithin) quiet(slot.from - Time(1));
    const Time from = std::max(slot.from, now_), until = std::max(slot.until, from);
    if (const auto* in = std::get_if<Inject>(&step.action)) {
      packet(in->segment, from, from, true, step.where);
    } else if (const auto* out = std::get_if<Expect>(&step.action)) {
      packet(out->segment, from, until, false, step.where);
    } else if (const auto* made = std::get_if<Call>(&step.action)) {
      if (!blocks(step, *made, slot)) call(*made, from, from, step.where);
    }
  }
  return_until(Time::max());
  oracle_.finish();
}

}  // namespace

Opinion judge_script(const Scenario& scenario, const std::string& file, Edition edition) {
  Opinion opinion{.file = file};
  opinion.trace.scenario = scenario.name;
  for (const auto& step : scenario.steps) {
    if (const auto construct = unknown_construct(step)) {
      opinion.kind = Opinion::Kind::kUnsupported;
      opinion.why = step.where.line != 0 ? fmt::format("{} (line {})", *construct, step.where.line) : *construct;
      return opinion;
    }
  }
  Recording recording(opinion, ip_version(scenario).value_or(4), edition);
  recording.play(scenario);
  opinion.verdicts = recording.oracle().verdicts();
  for (const auto& verdict : opinion.verdicts) {
    if (verdict.consequence || verdict.kind == Verdict::Kind::kDeparted) continue;
    const bool violated = verdict.kind == Verdict::Kind::kViolated;
    opinion.kind = violated ? Opinion::Kind::kCondemned : Opinion::Kind::kInconclusive;
    opinion.why = fmt::format("allowed {}; seen {}", verdict.allowed, verdict.seen);
    if (violated) break;
  }
  if (opinion.kind == Opinion::Kind::kCondemned && recording.capped()) {
    opinion.kind = Opinion::Kind::kInconclusive;
    opinion.why = "scaled windows beyond 65535 octets; otherwise " + opinion.why;
  }
  return opinion;
}

}  // namespace tcpassay
