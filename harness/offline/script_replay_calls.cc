// SPDX-License-Identifier: Apache-2.0
// The socket calls of a recorded script.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "harness/offline/script_replay.h"
#include "harness/script/addresses.h"
#include "harness/script/error.h"
#include "harness/script/names.h"
#include "harness/script/reader.h"
#include "harness/script/scenario.h"
#include "harness/script/schedule.h"
#include "harness/script/shell_commands.h"
#include "harness/session/session.h"
#include "harness/wire/packet.h"
#include "models/event.h"
#include "models/segment.h"

namespace tcpassay {
namespace {

// Whether the call leaves the port to the script's usual one: neither names one nor lets the target choose.
bool names_usual_port(const Call& call) {
  const bool left_open = call.arguments.size() > 1 && call.arguments[1].find("htons(0)") != std::string::npos;
  return call.port == 0 && !left_open;
}

// The octets that a read gave first, where its record writes them instead of `...`: "te\x78t".
std::optional<Bytes> told_octets(const Call& call) {
  if (call.arguments.size() < 2 || !call.arguments[1].starts_with('"')) return std::nullopt;
  const std::string& text = call.arguments[1];
  Bytes octets;
  for (std::size_t i = 1; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] != '\\' || i + 1 >= text.size()) {
      octets.push_back(static_cast<std::uint8_t>(text[i]));
      continue;
    }
    const auto hex = text[++i] == 'x' ? hexadecimal(std::string_view(text).substr(i + 1, 2)) : std::nullopt;
    if (hex) i += 2;
    octets.push_back(hex && hex->size() == 1 ? hex->front() : static_cast<std::uint8_t>(text[i]));
  }
  return octets;
}

// A socket, and how long the user lets its attempt to open last, of a line such as
// setsockopt(3, IPPROTO_TCP, TCP_KEEPINIT, [5], 4) = 0: FreeBSD's option says the seconds, Linux's TCP_SYNCNT how often
// the SYN leaves again, each time after twice the time, the first time after a second (RFC 6298 section 2).
std::pair<int, Time> open_limit(const std::string& text) {
  constexpr std::int64_t kCountMax = 16;
  const auto number_behind = [&](const char* before) {
    const std::size_t at = text.find(before);
    return at == std::string::npos ? -1 : std::strtoll(text.c_str() + at + std::strlen(before), nullptr, 10);
  };
  const bool seconds = text.find("TCP_KEEPINIT") != std::string::npos;
  const bool counts = text.find("TCP_SYNCNT") != std::string::npos;
  const std::int64_t value = number_behind("[");
  if (!text.starts_with("setsockopt") || (!seconds && !counts) || value <= 0 || !text.ends_with("= 0")) return {};
  const std::int64_t most = std::min(value, seconds ? std::int64_t{1} << kCountMax : kCountMax);
  return {static_cast<int>(number_behind("(")), std::chrono::seconds(seconds ? most : std::int64_t{1} << most)};
}

}  // namespace

ScriptReplay::RecordedSocket* ScriptReplay::socket(int handle) {
  const auto found =
      std::find_if(sockets_.rbegin(), sockets_.rend(), [&](const auto& each) { return each.handle == handle; });
  return found == sockets_.rend() ? nullptr : &*found;
}

// The SYN by which the target opens: the next that it sends.
const SegmentSpec* ScriptReplay::next_syn() const {
  for (std::size_t i = at_; i < scenario_.steps.size(); ++i) {
    const auto* out = std::get_if<Expect>(&scenario_.steps[i].action);
    if (out != nullptr && out->segment.ctl.syn && !out->segment.ctl.ack) return &out->segment;
  }
  return nullptr;
}

void ScriptReplay::connect(const Call& call, RecordedSocket& at, UserCall& made) {
  if (made.error != UserError::kNone && made.error != UserError::kInProgress) return;
  const bool again = std::exchange(at.connection, true);
  // A target that chooses the port itself shows it in its SYN, which may name both. Otherwise the usual ones stand.
  if (!again) {
    const SegmentSpec* syn = next_syn();
    const auto shown = [&](auto port) { return syn != nullptr ? (syn->*port).value_or(0) : std::uint16_t{0}; };
    const auto first = [](std::uint16_t said, std::uint16_t seen, std::uint16_t usual) {
      return said != 0 ? said : seen != 0 ? seen : usual;
    };
    const std::uint16_t local = shown(&SegmentSpec::local_port);
    at.tuple = {.local = first(at.port, local, kPeerPort),
                .remote = first(call.port, shown(&SegmentSpec::remote_port), names_usual_port(call) ? kTargetPort : 0)};
    const auto used = [&](const Numbers& other) { return other.tuple == at.tuple && other.has_iss; };
    const bool chooses = at.port == 0 && local == 0 && !complete_;
    while (chooses && std::any_of(numbers_.begin(), numbers_.end(), used)) ++at.tuple.local;
  }
  made.port = at.tuple.remote;
  made.tuple = pair_ = at.tuple;
  if (is_over(at.tuple)) numbers(at.tuple).begins = true;
}

// The connection whose peer the call names, or the oldest one that waits to be accepted.
Tuple ScriptReplay::to_accept(const Call& call, const RecordedSocket* listener) {
  const Tuple named{.local = listener ? listener->port : pair_.local,
                    .remote = call.port != 0 ? call.port : pair_.remote};
  const auto waits = [&](const Numbers& each) {
    return each.tuple.local == named.local && each.has_iss && !each.accepted && !is_over(each.tuple);
  };
  const auto oldest = std::find_if(numbers_.begin(), numbers_.end(), waits);
  const Tuple taken = call.port == 0 && oldest != numbers_.end() ? oldest->tuple : named;
  numbers(taken).accepted = true;
  return taken;
}

// What was written, octet by octet.
void ScriptReplay::fill_text(const Call& call, UserCall& made, RecordedSocket* at, Bytes& text) {
  const auto taken = static_cast<std::uint32_t>(std::max<std::int64_t>(made.result, 0));
  if (call.kind == CallKind::kRead) {  // which octets they were, few scripts tell
    const std::uint32_t before = at ? std::exchange(at->read, at->read + taken) : 0;
    const auto told = complete_ ? told_octets(call) : std::nullopt;
    if (!told) return;
    const std::uint32_t first = numbers(at ? at->tuple : pair_).peer_first + before;
    text.resize(taken);
    for (std::uint32_t i = 0; i < taken; ++i) text[i] = i < told->size() ? (*told)[i] : peer_octet(first + i);
    return;
  }
  constexpr std::uint32_t kWriteMax = 1 << 24;
  text.resize(std::min(made.length, kWriteMax));
  for (std::uint32_t i = 0; i < text.size(); ++i) text[i] = target_octet((at ? at->written : 0) + i);
  if (at) at->written += taken;
}

// MSG_MORE holds text back, as TCP_CORK does, until the next write without it.
void ScriptReplay::cork(const Call& made, bool on, Time at, const Place& where) {
  const auto corked = std::find(corked_.begin(), corked_.end(), made.handle);
  if ((corked != corked_.end()) == on) return;
  on ? corked_.push_back(made.handle) : static_cast<void>(corked_.erase(corked));
  Call set{.kind = CallKind::kSetOption, .handle = made.handle, .option = SocketOption::kCork, .value = on};
  set.result = 0;
  call(set, at, at, where);
}

// BSD: sendto() with an address opens the connection first.
bool ScriptReplay::implies_open(const Call& made, const RecordedSocket* on) {
  constexpr std::size_t kAddress = 4;  // argument
  return made.name == "sendto" && made.kind == CallKind::kWrite && made.result.value_or(-1) >= 0 &&
         made.arguments.size() > kAddress && made.arguments[kAddress] != "NULL" && made.arguments[kAddress] != "0" &&
         on != nullptr && !on->connection && !on->listens;
}

void ScriptReplay::open_first(const Call& made, Time at, const Place& where) {
  const RecordedSocket* on = socket(made.handle);
  const bool opens = (made.kind == CallKind::kConnect || made.kind == CallKind::kSendTo) && on && !on->connection;
  if (opens && attempt_) limit_open(made.handle, *attempt_, at, where);
  if (!implies_open(made, on)) return;
  Call open{.kind = CallKind::kConnect, .handle = made.handle};
  open.result = -1;
  open.error = UserError::kInProgress;
  call(open, at, at, where);
}

// The error of a call that returned -1 or not, without the name of one. An active OPEN goes on when the target's next
// line is a SYN.
UserError ScriptReplay::unnamed_error(const Call& made) const {
  if (*made.result >= 0) return UserError::kNone;
  const Expect* line = next_observation(at_);
  const bool opens = made.kind == CallKind::kConnect && line && line->segment.ctl.syn && !line->segment.ctl.ack;
  return opens ? UserError::kInProgress : UserError::kOther;
}

// True for what TCP_FASTOPEN_CONNECT puts off, and for turning that on. TCP_FASTOPEN puts nothing off.
bool ScriptReplay::opens_later(const Call& made, RecordedSocket* on) {
  if (!on) return false;
  const bool set = made.kind == CallKind::kSetOption && made.option == SocketOption::kFastOpen && made.result == 0;
  if (set) on->fast_open = made.value != 0;
  const bool option = made.implementation_specific.ends_with("TCP_FASTOPEN_CONNECT");
  if (option && made.kind == CallKind::kSetOption && made.result == 0) on->opens_late = made.value != 0;
  if (option || made.kind != CallKind::kConnect || !on->opens_late || on->connection) return option;
  if (made.result != 0) return false;
  on->opening = made;
  return true;
}

// TCP_FASTOPEN_CONNECT without a cookie, and BSD's TCP_FASTOPEN: the SYN may ask for one, as with sendto() and
// MSG_FASTOPEN. So does the first write of a socket whose OPEN was put off.
std::optional<Call> ScriptReplay::asking_open(const Call& made, RecordedSocket* on) {
  if (on && on->opening && made.kind == CallKind::kWrite && made.result) return opening_write(made, *on);
  const bool wants = on && !on->connection && (on->opens_late || on->fast_open);
  const bool connects = made.kind == CallKind::kConnect && made.result == -1;
  if (!wants || (!connects && !(on->fast_open && implies_open(made, on)))) return std::nullopt;
  on->opens_late = on->fast_open = false;
  Call open = made;
  open.kind = CallKind::kSendTo;
  return open;
}

// The first write of a socket whose OPEN was put off.
Call ScriptReplay::opening_write(const Call& made, RecordedSocket& on) {
  Call both = made;
  both.kind = CallKind::kSendTo;
  both.port = std::exchange(on.opening, {})->port;
  return both;
}

// What waits to be accepted ends with its listener.
void ScriptReplay::closed(int handle) {
  if (const RecordedSocket* on = socket(handle); on && on->listens) {
    for (Numbers& each : numbers_) each.accepted = each.accepted || each.tuple.local == on->port;
  }
  std::erase_if(sockets_, [&](const RecordedSocket& each) { return each.handle == handle; });
}

// connect() to no address: ABORT, and the socket is as new.
void ScriptReplay::disconnect(const Call& made, Time from, Time until, const Place& where) {
  if (made.result != 0) return;
  Call step{.kind = CallKind::kSetOption, .handle = made.handle, .option = SocketOption::kLinger};
  step.result = 0;
  call(step, from, until, where);
  step = {.kind = CallKind::kClose, .handle = made.handle};
  step.result = 0;
  call(step, from, until, where);
  step = {.kind = CallKind::kSocket};
  step.result = made.handle;
  call(step, from, until, where);
}

// TCP_KEEPINIT, TCP_SYNCNT: a timeout of the user's, for as long as the attempt to open lasts.
void ScriptReplay::limit_open(const Unsupported& made, Time at, const Place& where) {
  constexpr std::string_view kKey = "TCP_MD5SIG", kDone = "= 0";
  keyed_ = keyed_ || (made.construct.find(kKey) != std::string::npos && made.text.ends_with(kDone));
  const auto [handle, limit] = open_limit(made.text);
  limit_open(handle, limit, at, where);
}

void ScriptReplay::limit_open(int handle, Time limit, Time at, const Place& where) {
  RecordedSocket* on = socket(handle);
  if (limit == Time{} || !on || on->listens) return;
  on->limited = true;
  Call set{.kind = CallKind::kSetOption, .handle = handle, .option = SocketOption::kUserTimeout};
  set.value = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
  set.result = 0;
  call(set, at, at, where);
}

// net.ipv4.tcp_syn_retries: how often the SYN leaves again, as TCP_SYNCNT for every socket.
void ScriptReplay::configured(const Shell& shell, const Place& where) {
  constexpr std::int64_t kCountMax = 16;
  for (const Setting& one : read_shell(shell.text, folder_of(where.file)).settings) {
    if (one.name != "syn-retries") continue;
    attempt_ = std::chrono::seconds(std::int64_t{1} << std::clamp<std::int64_t>(one.value, 0, kCountMax));
  }
}

void ScriptReplay::open_limit_ends(Tuple tuple, Time at, const Place& where) {
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    if (sockets_[i].tuple != tuple || !std::exchange(sockets_[i].limited, false)) continue;
    Call set{.kind = CallKind::kSetOption, .handle = sockets_[i].handle, .option = SocketOption::kUserTimeout};
    set.result = 0;
    call(set, at, at, where);
  }
}

void ScriptReplay::call(const Call& call, Time from, Time until, const Place& where) {
  RecordedSocket* at = socket(call.handle);
  if (call.address == kNoAddress) return disconnect(call, from, until, where);
  if (const auto asks = asking_open(call, at)) return this->call(*asks, from, until, where);
  if (opens_later(call, at) || !call.result || call.option == SocketOption::kOther)
    return;  // what it returned is not said, or the option is unknown
  if (call.implementation_specific == kSplice && (!at || *call.result <= 0))
    return;  // of a pipe, or nothing: urgent data may be next
  open_first(call, from, where);
  if (call.kind == CallKind::kWrite) cork(call, call.more, from, where);
  UserCall made{.kind = call.kind,
                .handle = call.kind == CallKind::kSocket ? -1 : call.handle,
                .port = call.port,
                .length = call.length,
                .how = call.how,
                .urgent = call.urgent,
                .host = host_of(call, identity_),
                .option = call.option,
                .value = call.value,
                .result = *call.result,
                .error = call.error.value_or(unnamed_error(call))};
  Event event{.from = from, .until = until, .tuple = at && at->connection ? at->tuple : Tuple{}};
  Bytes text;
  switch (call.kind) {
    case CallKind::kSocket:
      if (made.result >= 0) sockets_.push_back({.handle = static_cast<int>(made.result)});
      break;
    case CallKind::kListen:
      if (at) at->listens = made.result == 0;
      break;
    case CallKind::kBind:
      if (names_usual_port(call)) made.port = kTargetPort;
      if (at && made.result == 0) at->port = pair_.local = made.port;
      break;
    case CallKind::kSendTo:
      fill_text(call, made, at, text);
      [[fallthrough]];
    case CallKind::kConnect:
      if (names_usual_port(call)) made.port = kTargetPort;
      if (at) connect(call, *at, made);
      event.tuple = made.tuple;
      break;
    case CallKind::kAccept:
      if (made.result < 0) break;
      made.tuple = event.tuple = to_accept(call, at);
      made.port = 0;
      sockets_.push_back({.handle = static_cast<int>(made.result), .connection = true, .tuple = made.tuple});
      break;
    case CallKind::kWrite:
    case CallKind::kRead:
      fill_text(call, made, at, text);
      break;
    default:
      break;
  }
  made.text = text;
  event.what = made;
  show(event, where);
  if (call.kind == CallKind::kClose && made.result == 0) closed(call.handle);
}

// An active OPEN and a SEND take effect when they are called, whenever they return; the others when they return.
bool ScriptReplay::blocks(const ScriptStep& step, const Call& made, const Schedule::Slot& slot) {
  const bool sends = made.kind == CallKind::kWrite || made.kind == CallKind::kSendTo;
  if (!slot.returns || *slot.returns <= slot.from || sends) return false;
  blocked_.push_back({.step = &step, .called = slot.from, .returns = *slot.returns});
  if (made.kind != CallKind::kConnect) return true;
  Call begun = made;
  begun.result = -1;
  begun.error = UserError::kInProgress;
  call(begun, slot.from, slot.from, step.where);
  return true;
}

void ScriptReplay::return_until(Time until) {
  while (!blocked_.empty()) {
    const auto first = std::min_element(blocked_.begin(), blocked_.end(),
                                        [](const Blocked& a, const Blocked& b) { return a.returns < b.returns; });
    if (first->returns > until) return;
    const Blocked due = *first;
    blocked_.erase(first);
    Call returned = std::get<Call>(due.step->action);
    if (returned.kind == CallKind::kConnect) {  // the error of the socket shows how it ended
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

}  // namespace tcpassay
