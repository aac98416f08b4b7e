// SPDX-License-Identifier: Apache-2.0
#include "harness/check/plugin_conversation.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint16_t kPort = 8080, kOurPort = 54321;
constexpr std::uint32_t kOurIss = 1000;
constexpr int kPacketsMax = 1000;  // in answer to one stimulus
constexpr std::string_view kText = "hello";

constexpr Ctl kSyn{.syn = true}, kAck{.ack = true}, kSynAck{.syn = true, .ack = true}, kRst{.rst = true};
constexpr Ctl kPushAck{.psh = true, .ack = true}, kFinAck{.fin = true, .ack = true};

// One conversation: sends segments of the peer, makes calls, and writes down what happens.
class Player {
 public:
  Player(Target& target, std::uint64_t seed, Time step) : target_(target), step_(step) {
    target_.use_ip(4);
    target_.reset(seed);
  }

  Transcript take() { return std::move(seen_); }
  void complain(std::string what) { seen_.complaints.push_back(std::move(what)); }

  void segment(Ctl ctl, std::uint32_t seq, std::uint32_t ack, std::string_view text = {}) {
    Bytes packet;
    encode({.source = target_.identity().peer_address,
            .destination = target_.identity().address,
            .source_port = kOurPort,
            .destination_port = local_,
            .seq = seq,
            .ack = ack,
            .ctl = ctl,
            .wnd = 20000,
            .text = {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}},
           packet);
    octets(packet);
  }

  void octets(ByteView packet) {
    target_.inject(packet);
    collect();
  }

  UserCall call(UserCall call) {
    target_.call(call);
    seen_.lines.push_back(fmt::format("{} returns {} {}", to_string(call.kind), call.result, to_string(call.error)));
    if (call.kind == CallKind::kRead && call.result > 0) {
      seen_.lines.back() += " " + std::string(call.text.begin(), call.text.end());
    }
    collect();
    return call;
  }

  void wait(Time by) {
    const Time end = target_.now() + by;
    while (target_.now() < end) {
      const Time before = target_.now();
      target_.advance(step_ == Time{} ? end : std::min(end, before + step_));
      collect();
    }
  }

  // The state of the conversation, and whether it and its numbers can be.
  void expect_state(std::optional<State> expected, const char* when) {
    if (!target_.identity().can(Ability::kState)) return;
    const auto told = target_.state({.local = local_, .remote = kOurPort});
    seen_.lines.push_back(told ? fmt::format("state {}", to_string(told->state)) : "no state");
    const bool none = !told || told->state == State::kClosed || told->state == State::kListen;
    const std::string name = none ? "no connection" : to_string(told->state);
    if (!expected && !none) complain(fmt::format("state() tells {} {}", name, when));
    if (expected && (none || told->state != *expected)) {
      complain(fmt::format("state() tells {} {}, where only {} can be", name, when, to_string(*expected)));
    }
    if (none || !next_ || !told->snd_nxt || *told->snd_nxt == *next_) return;
    complain(fmt::format("state() tells SND.NXT {} {}, but the segments on the wire end at {}", *told->snd_nxt, when,
                         *next_));
  }

  void at_port(std::uint16_t port) { local_ = port; }
  std::optional<std::uint32_t> iss() const { return seen_.iss; }
  std::optional<std::uint32_t> next() const { return next_; }  // behind the last octet that it sent
  int count() const { return static_cast<int>(seen_.departures.size()); }
  bool received(std::string_view text) const {
    return std::any_of(seen_.lines.begin(), seen_.lines.end(),
                       [&](const std::string& line) { return line.ends_with(text); });
  }

 private:
  void collect() {
    for (int i = 0; i < kPacketsMax; ++i) {
      const auto sent = target_.collect();
      if (!sent) return;
      note(*sent);
    }
    complain(fmt::format("more than {} packets come in answer to one stimulus", kPacketsMax));
  }

  void note(const Collected& sent) {
    const auto packet = decode(sent.packet);
    std::string octets;
    for (const std::uint8_t octet : sent.packet) octets += fmt::format("{:02x}", octet);
    seen_.lines.push_back(fmt::format("at {} ns: {}", sent.from.count(), octets));
    seen_.departures.push_back(sent.from);
    if (!packet || packet->fault != Fault::kNone) {
      return complain(
          fmt::format("emit() was given {} octets that are no sound TCP packet over IP (header, length or "
                      "checksum): {}",
                      sent.packet.size(), octets.substr(0, 80)));
    }
    const Identity& identity = target_.identity();
    if (packet->source != identity.address || packet->destination != identity.peer_address) {
      complain(fmt::format("a packet goes from {} to {}, but the configuration says {} and {}", packet->source.text(),
                           packet->destination.text(), identity.address.text(), identity.peer_address.text()));
    }
    if (packet->ctl.syn && !seen_.iss) seen_.iss = packet->seq;
    if (packet->ctl.rst) return;
    const auto length = static_cast<std::uint32_t>(packet->text.size()) + packet->ctl.syn + packet->ctl.fin;
    const std::uint32_t end = packet->seq + length;
    if (!next_ || static_cast<std::int32_t>(end - *next_) > 0) next_ = end;
  }

  Target& target_;
  Time step_;
  Transcript seen_{};
  std::uint16_t local_ = kPort;
  std::optional<std::uint32_t> next_{};
};

int listener(Player& play) {
  const int handle = static_cast<int>(play.call({.kind = CallKind::kSocket}).result);
  play.call({.kind = CallKind::kBind, .handle = handle, .port = kPort});
  const UserCall listen = play.call({.kind = CallKind::kListen, .handle = handle, .length = 5});
  if (listen.result < 0) play.complain(fmt::format("listen() fails with {}", to_string(listen.error)));
  return handle;
}

// The peer opens, sends text, and closes; the user answers and closes, too.
Transcript answered(Target& target, std::uint64_t seed, Time step) {
  Player play(target, seed, step);
  const int handle = listener(play);
  play.expect_state(std::nullopt, "before any segment has arrived");
  play.segment(kSyn, kOurIss, 0);
  if (!play.iss()) {
    play.complain(
        "a SYN for a port that is listened on is not answered: does input() reach the stack, does the stack's "
        "output reach emit()?");
    return play.take();
  }
  play.expect_state(State::kSynReceived, "when the SYN has been answered");
  play.segment(kAck, kOurIss + 1, *play.iss() + 1);
  play.expect_state(State::kEstablished, "after the handshake");
  play.segment(kPushAck, kOurIss + 1, *play.iss() + 1, kText);
  const UserCall accept = play.call({.kind = CallKind::kAccept, .handle = handle});
  if (accept.result < 0) {
    play.complain(fmt::format("after the handshake accept() gives {}", to_string(accept.error)));
    return play.take();
  }
  if (!(accept.tuple == Tuple{.local = kPort, .remote = kOurPort}))
    play.complain(fmt::format("status() of an accepted connection tells ports {} and {}, not {} and {}",
                              accept.tuple.local, accept.tuple.remote, kPort, kOurPort));
  const int connection = static_cast<int>(accept.result);
  play.call({.kind = CallKind::kPoll, .handle = connection});
  play.call({.kind = CallKind::kRead, .handle = connection, .length = 100});
  if (!play.received(kText)) play.complain("receive() does not give the text that has arrived in order");
  play.call({.kind = CallKind::kWrite,
             .handle = connection,
             .text = {reinterpret_cast<const std::uint8_t*>(kText.data()), kText.size()}});
  play.wait(seconds(1));
  play.segment(kAck, kOurIss + 6, play.next().value_or(0));
  play.segment(kFinAck, kOurIss + 6, play.next().value_or(0));
  play.expect_state(State::kCloseWait, "after the peer's FIN");
  const UserCall end = play.call({.kind = CallKind::kRead, .handle = connection, .length = 100});
  if (end.result != 0)
    play.complain(fmt::format("after the peer's FIN receive() gives {} {}, not 0", end.result, to_string(end.error)));
  play.call({.kind = CallKind::kClose, .handle = connection});
  play.segment(kAck, kOurIss + 7, play.next().value_or(0));
  play.expect_state(std::nullopt, "when both sides have closed and acknowledged");
  play.wait(seconds(2));
  return play.take();
}

// A SYN that is never acknowledged, and a RST for the second one.
Transcript half_open(Target& target, std::uint64_t seed, Time step) {
  Player play(target, seed, step);
  listener(play);
  play.segment(kSyn, kOurIss, 0);
  play.wait(seconds(4));
  play.segment(kRst, kOurIss + 1, 0);
  play.wait(seconds(4));
  return play.take();
}

// The user opens, and nobody answers.
Transcript unanswered(Target& target, std::uint64_t seed, Time step) {
  Player play(target, seed, step);
  const int handle = static_cast<int>(play.call({.kind = CallKind::kSocket}).result);
  const UserCall connect = play.call({.kind = CallKind::kConnect, .handle = handle, .port = kOurPort});
  play.at_port(connect.tuple.local);
  if (connect.error != UserError::kInProgress)
    play.complain(fmt::format("connect() fails with {}", to_string(connect.error)));
  if (!play.iss()) {
    play.complain("connect() sends no SYN");
    return play.take();
  }
  if (connect.tuple.local == 0) play.complain("after connect() status() does not tell the local port");
  play.expect_state(State::kSynSent, "after connect()");
  play.wait(seconds(20));
  if (play.count() < 2) play.complain("an unanswered SYN is not sent again within 20 s: does time reach the stack?");
  return play.take();
}

// The user opens, writes, and ends the connection.
Transcript opened(Target& target, std::uint64_t seed, Time step) {
  Player play(target, seed, step);
  const int handle = static_cast<int>(play.call({.kind = CallKind::kSocket}).result);
  const UserCall connect = play.call({.kind = CallKind::kConnect, .handle = handle, .port = kOurPort});
  play.at_port(connect.tuple.local);
  if (!play.iss()) return play.take();
  play.segment(kSynAck, kOurIss, *play.iss() + 1);
  play.expect_state(State::kEstablished, "after the SYN,ACK");
  const UserCall write = play.call({.kind = CallKind::kWrite,
                                    .handle = handle,
                                    .text = {reinterpret_cast<const std::uint8_t*>(kText.data()), kText.size()}});
  if (write.result != static_cast<std::int64_t>(kText.size()))
    play.complain(fmt::format("send() on an open connection gives {} {}", write.result, to_string(write.error)));
  play.wait(seconds(3));
  play.segment(kRst, kOurIss + 1, 0);
  play.expect_state(std::nullopt, "after a RST at RCV.NXT");
  const UserCall read = play.call({.kind = CallKind::kRead, .handle = handle, .length = 10});
  if (read.error != UserError::kReset)
    play.complain(fmt::format("after a RST the user reads {} {}, not ECONNRESET: does status() tell the error?",
                              read.result, to_string(read.error)));
  return play.take();
}

// Nonsense, and segments for ports at which nobody is.
Transcript nonsense(Target& target, std::uint64_t seed, Time step) {
  Player play(target, seed, step);
  const Bytes packets[] = {{0x45}, Bytes(20, 0xff), Bytes(1500, 0), {0x45, 0, 0, 200, 0, 0, 0, 0, 64, 6}};
  for (const Bytes& packet : packets) play.octets(packet);
  play.segment(kSyn, kOurIss, 0);
  play.segment(kAck, kOurIss, 77);
  play.expect_state(std::nullopt, "although there never was a connection");
  play.wait(seconds(1));
  return play.take();
}

constexpr PluginConversation kConversations[] = {
    {"a connection that the peer opens", Ability::kPassiveOpen, answered},
    {"a handshake that stays half open", Ability::kPassiveOpen, half_open},
    {"an active OPEN that nobody answers", Ability::kActiveOpen, unanswered},
    {"a connection that the user opens", Ability::kActiveOpen, opened},
    {"nonsense, and segments for closed ports", Ability::kVirtualTime, nonsense},
};

}  // namespace

std::vector<PluginConversation> plugin_conversations(const Identity& identity) {
  std::vector<PluginConversation> all;
  for (const PluginConversation& each : kConversations) {
    if (identity.can(each.needs)) all.push_back(each);
  }
  return all;
}

}  // namespace tcpassay
