// SPDX-License-Identifier: Apache-2.0
#include "harness/session/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "harness/base/processes.h"
#include "harness/script/scenario.h"
#include "harness/script/shell_commands.h"
#include "harness/session/round_trip.h"
#include "harness/session/session_impl.h"
#include "harness/session/trace.h"
#include "harness/target/settings.h"
#include "harness/target/target.h"
#include "harness/wire/icmp.h"
#include "harness/wire/packet.h"
#include "models/event.h"
#include "models/oracle.h"
#include "models/segment.h"

namespace tcpassay {
namespace {

using std::chrono::seconds;

constexpr int kReadsMax = 1024;                 // reads from one handle in finish()
constexpr int kAcceptsMax = 128;                // connections accepted from one listener in finish()
constexpr Time kAnyWaitVirtual = seconds(300);  // how long a `*` line waits
constexpr Time kAnyWaitReal = seconds(5);
constexpr Time kLateReturn = std::chrono::milliseconds(4);  // the tolerance that packetdrill has for calls
constexpr Time kLateTimer = std::chrono::milliseconds(14);  // the same, and a tick of 10 ms of the system's timers

// An acknowledgment and nothing else, on a connection that exists.
bool is_pure_ack(const ScriptStep& step) {
  const auto* in = std::get_if<Inject>(&step.action);
  if (in == nullptr || in->segment.length > 0 || in->segment.damage != Damage{}) return false;
  const Ctl& ctl = in->segment.ctl;
  return ctl.ack && !ctl.syn && !ctl.fin && !ctl.rst && !ctl.urg;
}

// The next step is an acknowledgment for the same connection that leaves at the same time, so that a peer which
// compresses acknowledgments sends only that.
bool is_compressed(const Scenario& scenario, std::size_t index) {
  if (index + 1 >= scenario.steps.size()) return false;
  const ScriptStep &step = scenario.steps[index], &next = scenario.steps[index + 1];
  if (!is_pure_ack(step) || !is_pure_ack(next)) return false;
  const SegmentSpec &a = std::get<Inject>(step.action).segment, &b = std::get<Inject>(next.action).segment;
  const bool at_once = next.time.form == StepTime::Form::kRelative && next.time.at == Time{};
  return at_once && a.local_port == b.local_port && a.remote_port == b.remote_port && a.ack <= b.ack;
}

// Over IPv6, where the script does not ask for it, a target that takes an ISS gets one so near to where sequence
// numbers begin again, or change their sign, that the text of most scenarios crosses that place: now in the SYN, now in
// the first segment, now in a later one.
std::uint32_t iss_near_wrap(std::string_view name) {
  constexpr std::uint32_t kPlaces[] = {0xffffffff, 0u - 2, 0u - 50, 0u - 700, 0u - 1500, 0u - 5000, 0x7fffffff - 700};
  std::uint32_t sum = 0;
  for (const char c : name) sum = 31 * sum + static_cast<unsigned char>(c);
  return kPlaces[sum % std::size(kPlaces)];
}

}  // namespace

Terms terms_over(std::uint8_t ip) {
  Terms terms;
  if (ip != 6) return terms;
  terms.mms_r = terms.mms_s = 1460;
  terms.default_mss = 1220;
  return terms;
}

void Session::Impl::start(const std::string& name, std::uint64_t seed) {
  forget();
  if (options.keep_trace) trace.scenario = name;
  target.use_ip(ip);
  target.reset(seed);
  Terms terms = terms_over(ip);
  constexpr std::uint32_t kUsualMtu = 1500;
  if (mtu && target.tune(kInterfaceMtu, std::to_string(*mtu))) {
    terms.mms_r += *mtu - kUsualMtu;
    terms.mms_s += *mtu - kUsualMtu;
  }
  terms.edition = options.edition;
  terms.strict = options.strict;
  terms.msl = target.identity().msl;
  terms.fast_open_unseen = std::exchange(fast_open_unseen, false);
  if (options.observer) options.observer->begins(terms, name);
  if (options.judge) oracle.start(terms);
}

void Session::Impl::forget() {
  if (options.keep_trace) trace = Trace{};
  mismatches.clear();
  conversations.clear();
  sockets.clear();
  pending.clear();
  timestamps.clear();
  code_names.clear();
  cookie.clear();
  named = strict = false;
  clock = late = Time{};
  scheduled.reset();
  pair_now = {.local = kTargetPort, .remote = options.peer_port};
  sent_end = sent_taken = sent_cursor = 0;
  fragments.forget();
}

// Makes each blocking call again at the time at which the script says that it returns, if that is by `until`. A call
// that would still block then gets a little more time.
void Session::Impl::complete_pending(Time until) {
  if (pending.empty()) return;
  std::vector<Pending> again;
  while (!pending.empty()) {
    const auto first = std::min_element(pending.begin(), pending.end(),
                                        [](const Pending& a, const Pending& b) { return a.returns < b.returns; });
    if (first->returns > until) break;
    Pending due = std::move(*first);
    pending.erase(first);
    if (target.now() < due.returns) advance_to(due.returns);
    const bool last = until > due.returns + kLateReturn;
    if (!complete(due, last)) again.push_back(std::move(due));
  }
  for (Pending& due : again) pending.push_back(std::move(due));
}

// The active OPEN of a blocking connect() has not ended.
bool Session::Impl::still_opens(const Pending& due) {
  const Socket* socket = by_script(due.call.handle);
  if (due.call.kind != CallKind::kConnect || !socket || !target.identity().can(Ability::kState)) return false;
  const auto state = target.state(socket->tuple);
  return state && (state->state == State::kSynSent || state->state == State::kSynReceived);
}

// A program that waits for a call to return makes no other on that socket meanwhile.
void Session::Impl::await_return(int handle) {
  const auto waits = [&](const Pending& each) { return each.call.handle == handle; };
  for (auto due = std::find_if(pending.begin(), pending.end(), waits); due != pending.end();
       due = std::find_if(pending.begin(), pending.end(), waits)) {
    const Pending first = std::move(*due);
    pending.erase(due);
    if (!still_opens(first) && complete(first, false)) continue;
    if (target.now() < first.returns) advance_to(first.returns);
    complete(first, true);
  }
}

// False, without comparing, when the call would still block although the script says that it returns.
bool Session::Impl::complete(const Pending& due, bool last) {
  Call again = due.call;
  if (again.kind == CallKind::kConnect) {  // the outcome of an active OPEN is the socket's error
    again.kind = CallKind::kGetOption;
    again.option = SocketOption::kError;
    UserCall outcome = call(again, due.where);
    outcome.kind = CallKind::kConnect;
    const auto error = static_cast<UserError>(outcome.value);
    const bool failed = outcome.result == 0 && error != UserError::kNone;
    if (failed) outcome.result = -1;
    if (failed) outcome.error = error;
    compare(due.call, outcome, due.where);
    return true;
  }
  if (again.kind == CallKind::kWrite) again.length -= static_cast<std::uint32_t>(due.done);
  UserCall made = call(again, due.where);
  const bool blocks = made.error == UserError::kWouldBlock && due.call.error != UserError::kWouldBlock;
  if (blocks && !last) return false;
  if (made.result >= 0) made.result += due.done;
  compare(due.call, made, due.where);
  return true;
}

void Session::Impl::play_step(const ScriptStep& step, const Schedule::Slot& slot) {
  if (const auto* line = std::get_if<Expect>(&step.action)) {
    const Time wait = virtual_time ? kAnyWaitVirtual : kAnyWaitReal;
    const Time tolerance = virtual_time ? slot.tolerance : std::max(slot.tolerance, kLateTimer);
    const Time deadline = slot.any ? target.now() + wait : slot.until + tolerance + late;
    const std::optional<Time> earliest = slot.any ? std::nullopt : std::optional<Time>(slot.from - tolerance);
    expect(line->segment, earliest, deadline, step.where);
    return;
  }
  wait_until(slot.from);
  const auto* made = std::get_if<Call>(&step.action);
  if (made) await_return(made->handle);
  stimulus_at(slot.from);
  if (const auto* icmp = std::get_if<Icmp>(&step.action)) {
    if (const auto spec = read_icmp(icmp->text)) put_icmp(*spec, step.where);
    return;
  }
  if (const auto* code = std::get_if<Code>(&step.action)) {
    reached(target.now());
    return run_code(code->text, step.where);
  }
  if (!made) return;
  const UserCall outcome = call(*made, step.where);
  const bool blocked = outcome.error == UserError::kWouldBlock || outcome.error == UserError::kInProgress;
  const bool partly =
      made->kind == CallKind::kWrite && made->result && outcome.result >= 0 && outcome.result < *made->result;
  if (slot.returns && (blocked || partly)) {
    pending.push_back({.call = *made,
                       .returns = *slot.returns,
                       .done = std::max<std::int64_t>(outcome.result, 0),
                       .where = step.where});
    return;
  }
  compare(*made, outcome, step.where);
}

// Whether a command turns Fast Open on by more than the setting, for listeners that did not ask for it.
static bool turns_on_fast_open(const ScriptStep& step) {
  const auto* shell = std::get_if<Shell>(&step.action);
  if (!shell) return false;
  const ShellMeaning meaning = read_shell(shell->text, folder_of(step.where.file));
  return std::any_of(meaning.tuning.begin(), meaning.tuning.end(),
                     [](const Tuning& one) { return one.name.starts_with("net.ipv4.tcp_fastopen"); });
}

// Whether a command makes the target answer every SYN with a cookie: it then has no connection that could be asked for.
static bool answers_with_cookies(const ScriptStep& step) {
  const auto* shell = std::get_if<Shell>(&step.action);
  if (!shell) return false;
  const ShellMeaning meaning = read_shell(shell->text, folder_of(step.where.file));
  return std::any_of(meaning.settings.begin(), meaning.settings.end(),
                     [](const Setting& one) { return one.name == "syncookies" && one.value == 2; });
}

void Session::play(const Scenario& scenario) {
  impl_->fast_open_unseen = std::any_of(scenario.steps.begin(), scenario.steps.end(), turns_on_fast_open);
  impl_->mtu = mtu_of(scenario);
  if (std::any_of(scenario.steps.begin(), scenario.steps.end(), answers_with_cookies)) impl_->white_box = false;
  start(scenario.name, impl_->options.seed, ip_version(scenario));
  if (impl_->ip == 6 && !ip_version(scenario) && impl_->target.identity().has_setting(kInitialSequenceNumber)) {
    configure({.name = std::string(kInitialSequenceNumber), .value = iss_near_wrap(scenario.name)});
  }
  for (const Setting& setting : scenario.about.settings) configure(setting);
  Schedule schedule(scenario.options);
  for (const auto& option : scenario.options) {
    if (option.starts_with("--strict_segments")) impl_->strict = true;
    constexpr std::string_view kSegment = "--mss=";
    if (option.starts_with(kSegment)) impl_->target.tune(kInterfaceSegment, option.substr(kSegment.size()));
  }
  const bool compresses = impl_->options.round_trip > Time{} && impl_->options.manner == PeerManner::kCompressed;
  for (std::size_t index = 0; index < scenario.steps.size() && !Interrupt::interrupted(); ++index) {
    const ScriptStep& step = scenario.steps[index];
    impl_->foresee(std::span(scenario.steps).subspan(index), schedule, scenario.about.rounds == 0);
    const Schedule::Slot slot = schedule.next(step.time);
    const auto* in = std::get_if<Inject>(&step.action);
    if (compresses && is_compressed(scenario, index)) continue;
    impl_->complete_pending(in ? slot.from - Time(1) : slot.from);  // the packet may be what a call waits for
    if (in) {
      impl_->wait_until(slot.from);
      if (await_answer(in->segment)) schedule.reached(impl_->target.now());
      impl_->stimulus_at(slot.from);
      inject(in->segment, step.where);
    } else {
      impl_->play_step(step, slot);
    }
    const auto* shell = std::get_if<Shell>(&step.action);
    if (shell && &step != &scenario.steps.back()) {  // the last command only restores the previous configuration
      configure(*shell, step.where);
    }
    if (slot.any) schedule.reached(impl_->target.now());
  }
  impl_->complete_pending(Time::max());
  for (int round = 0; round < scenario.about.rounds; ++round) {
    for (int peer = round == 0 ? 1 : 0; peer < scenario.about.peers; ++peer) play_again(scenario, schedule, peer);
  }
  finish();
}

// For scripts with `//! peers:` or `rounds:`: plays the inbound packets again, from the port of another peer.
void Session::play_again(const Scenario& scenario, Schedule& schedule, int peer) {
  for (const auto& step : scenario.steps) {
    const auto* in = std::get_if<Inject>(&step.action);
    if (!in) continue;
    const Schedule::Slot slot = schedule.next(step.time);
    impl_->wait_until(slot.from);
    SegmentSpec segment = in->segment;
    const std::uint16_t first = segment.remote_port.value_or(impl_->options.peer_port);
    segment.remote_port = static_cast<std::uint16_t>(first + peer);
    inject(segment, step.where);
  }
}

void Session::Impl::examine(int handle, Role role) {
  Call ask;
  ask.handle = handle;
  const Socket* socket = by_handle(handle);
  if (!socket) return;
  if (role == Role::kListener) {
    for (int i = 0; i < kAcceptsMax; ++i) {
      const UserCall made = make(last_accept(handle), {}, nowhere);
      ask.kind = CallKind::kAccept;
      learn(ask, made);
      settle();
      if (made.result < 0) return;
      examine(static_cast<int>(made.result), Role::kConnection);
    }
    return;
  }
  const Tuple tuple = socket->tuple;
  for (int i = 0; i < kReadsMax; ++i) {
    const UserCall made = make(last_read(handle), tuple, nowhere);
    settle();
    if (made.result <= 0) return;
  }
}

void Session::Impl::finish() {
  if (options.final_wait > Time{}) advance_to(target.now() + options.final_wait);
  foresee_end();
  const std::size_t count = sockets.size();  // examine() itself examines the connections that it accepts
  for (std::size_t i = 0; i < count; ++i) {
    if (sockets[i].role != Role::kIdle) examine(sockets[i].handle, sockets[i].role);
  }
  if (options.judge) oracle.finish();
}

void Session::finish() {
  impl_->finish();
}

// The rest of the interface.

Session::Session(Target& target, SessionOptions options) : impl_(std::make_unique<Impl>(target, options)) {
  impl_->forget();
}
Session::~Session() = default;

void Session::start(const std::string& name, std::uint64_t seed, std::optional<std::uint8_t> ip) {
  impl_->ip = ip.value_or(impl_->options.ip);
  impl_->start(name, seed);
}
void Session::use_peer_port(std::uint16_t port) {
  impl_->options.peer_port = port;
}
void Session::configure(const Setting& setting) {
  Target& target = impl_->target;
  if (target.configure(setting.name, setting.value)) return;
  throw TargetError(fmt::format("{} cannot set {}={}", target.identity().name, setting.name, setting.value));
}
// What the commands set, as far as the target can.
void Session::configure(const Shell& shell, const Place& where) {
  const ShellMeaning meaning = read_shell(shell.text, folder_of(where.file));
  for (const Setting& setting : meaning.settings) {
    if (impl_->options.assertions || impl_->target.identity().has_setting(setting.name)) configure(setting);
  }
  for (const Tuning& one : meaning.tuning) {
    if (!impl_->target.has_tuning(one.name) || impl_->target.tune(one.name, one.value) || !one.decides) continue;
    impl_->mismatch(where, print_tuning(one), "the system refuses that");
  }
}
void Session::advance(Time by) {
  impl_->advance_to(impl_->target.now() + by);
}

Target& Session::target() {
  return impl_->target;
}
Oracle& Session::oracle() {
  return impl_->oracle;
}
const Trace& Session::trace() const {
  return impl_->trace;
}
const std::vector<Mismatch>& Session::mismatches() const {
  return impl_->mismatches;
}

std::size_t Session::departures() const {
  return impl_->sent_end;
}

std::vector<Bytes> Session::take_packets() {
  Impl& self = *impl_;
  const std::size_t kept = self.options.packets_kept;
  if (self.sent_end > kept) self.sent_taken = std::max(self.sent_taken, self.sent_end - kept);
  std::vector<Bytes> packets;
  for (; self.sent_taken < self.sent_end; ++self.sent_taken) {
    packets.push_back(self.sent[self.sent_taken % kept].packet);
  }
  return packets;
}

const Session::Peer& Session::peer(std::optional<std::uint16_t> local, std::optional<std::uint16_t> remote) {
  return impl_->conversation(impl_->pair(local, remote)).peer;
}

}  // namespace tcpassay
