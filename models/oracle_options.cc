// SPDX-License-Identifier: Apache-2.0
// The options of a socket that TCP answers for, and which of its listener's a connection begins with.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "models/ip_layer.h"
#include "models/keep_alive.h"
#include "models/oracle_impl.h"
#include "models/step.h"

namespace tcpassay {

void Oracle::Impl::set_option(Handle& h, const Event& event, const UserCall& call) {
  if (call.result != 0) return;
  if (call.option == SocketOption::kNoDelay) {
    h.no_delay_set(call.value != 0);
    if (h.kind == Handle::Kind::kConnection && current(h)) {
      process(conversation(h.tuple), event, [&](Step& on) { on.tcb.no_delay = call.value != 0; });
    }
  }
  if (call.option == SocketOption::kReuseAddress) h.reuse = call.value != 0;
  if (answers_for(call.option)) {
    h.chosen.push_back(call);  // for the connection that comes, or comes next
    h.chosen.back().text = {};
    if (h.kind == Handle::Kind::kConnection && current(h)) {
      process(conversation(h.tuple), event, [&](Step& on) { option_set(on, call); });
    }
  }
  if (call.option == SocketOption::kLinger) h.linger_set(call.value == 0);
  if (call.option == SocketOption::kFastOpen) {
    h.fast_open = static_cast<std::uint32_t>(std::max<std::int64_t>(call.value, 0));
    if (Port* p = h.kind == Handle::Kind::kListener ? port(h.port) : nullptr) p->fast_open = h.fast_open;
  }
  if (call.option == SocketOption::kUserTimeout) {
    h.user_timeout = std::chrono::milliseconds(call.value);
    if (h.kind == Handle::Kind::kConnection && current(h)) {
      process(conversation(h.tuple), event, [&](Step& on) {
        if (on.tcb.state <= State::kListen) return;  // not for the connection that may follow
        on.tcb.user_timeout = h.user_timeout;
        on.tcb.user_set_at = on.env.now;
      });
    }
  }
}

bool Oracle::Impl::answers_for(SocketOption option) {
  return is_of_keep_alive(option) || option == SocketOption::kOutOfBandInline ||
         option == SocketOption::kTypeOfService || option == SocketOption::kTimeToLive || option == SocketOption::kCork;
}

void Oracle::Impl::option_set(Step& on, const UserCall& call) {
  switch (call.option) {
    case SocketOption::kTypeOfService:
    case SocketOption::kTimeToLive:
      ip_set(on, call);
      break;
    case SocketOption::kCork:
      on.tcb.corked = call.value != 0;
      break;
    case SocketOption::kOutOfBandInline:
      on.tcb.up.in_line = call.value != 0;
      on.tcb.up.sure =
          on.tcb.up.sure && !on.tcb.up.arrived;  // an urgent octet that is here already may be in line or not
      break;
    default:
      keep_alive_set(on, call);
      break;
  }
}

// What the user has set on the passive OPEN of the port; zero: nothing.
void Oracle::Impl::listeners_timeout(std::uint16_t number, Environment& a) const {
  for (const Handle& h : handles) {
    if (h.kind != Handle::Kind::kListener || h.port != number) continue;
    a.user_timeout = h.user_timeout;
    a.listened_timeout = h.listened_timeout;
    return;
  }
}

// A connection has a copy of what was chosen on its listener, or of what was chosen before that began to listen, or
// none.
void Oracle::Impl::inherits(Step& on, const Handle& parent, bool keep_alive_alone) {
  std::size_t count = parent.chosen.size();
  if (count == 0 || on.may(Freedom::kListenersOptions)) return;
  const bool more = 0 < parent.listened_with && parent.listened_with < count;
  if (more && on.may(Freedom::kListenersOptions)) count = parent.listened_with;
  for (std::size_t i = 0; i < count; ++i) {
    const UserCall& option = parent.chosen[i];
    if (!keep_alive_alone || is_of_keep_alive(option.option)) option_set(on, option);
  }
}

void Oracle::Impl::keep_alive_of_listener(Conversation& c, const Event& event, const Departing& seg) {
  const auto asks = [](const UserCall& option) { return option.option == SocketOption::kKeepAlive; };
  const auto unasked = [&](const Candidate& p) { return is_keep_alive(p, seg) && p.passive && !p.keep.on; };
  if (c.taken || std::none_of(c.possible.begin(), c.possible.end(), unasked)) return;
  for (const Handle& h : handles) {
    if (h.kind != Handle::Kind::kListener || h.port != c.tuple.local) continue;
    if (std::none_of(h.chosen.begin(), h.chosen.end(), asks)) return;
    process(c, event, [&](Step& on) { inherits(on, h, true); });
    return;
  }
}

}  // namespace tcpassay
