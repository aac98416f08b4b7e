// SPDX-License-Identifier: Apache-2.0
// Maps the socket calls of the user to the calls of RFC 9293 sections 3.10.1 to 3.10.6.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/candidate.h"
#include "models/describe.h"
#include "models/event.h"
#include "models/freedom.h"
#include "models/ip_layer.h"
#include "models/keep_alive.h"
#include "models/oracle.h"
#include "models/oracle_impl.h"
#include "models/rules.h"
#include "models/step.h"
#include "models/tcb.h"
#include "models/urgent.h"
#include "models/user_calls.h"
#include "models/user_calls_shared.h"

namespace tcpassay {
namespace {

// shutdown() of a listener's reading side ends its passive OPEN, as close() does.
bool ends_listening(const UserCall& call) {
  return call.kind == CallKind::kClose || (call.kind == CallKind::kShutdown && call.how != 1);
}

}  // namespace

Oracle::Impl::Handle* Oracle::Impl::handle(int id) {
  for (Handle& h : handles) {
    if (h.id == id && h.kind != Handle::Kind::kFree) return &h;
  }
  return nullptr;
}

Oracle::Impl::Handle& Oracle::Impl::new_handle(int id) {
  for (Handle& h : handles) {
    if (h.id == id) return h = Handle{.id = id, .kind = Handle::Kind::kNew};
  }
  return handles.emplace_back(Handle{.id = id, .kind = Handle::Kind::kNew});
}

void Oracle::Impl::user_call(const Event& event, const UserCall& call) {
  if (call.kind == CallKind::kAccept) return accept(event, call);
  if (call.kind == CallKind::kSocket) {
    if (call.result >= 0) new_handle(static_cast<int>(call.result));
    return;
  }
  Handle* h = handle(call.handle);
  if (h == nullptr) return;
  switch (call.kind) {
    case CallKind::kBind:
      bind(*h, event, call);
      return;
    case CallKind::kListen:
      listen(*h, event, call);
      return;
    case CallKind::kConnect:
    case CallKind::kSendTo:
      connect(*h, event, call);
      return;
    case CallKind::kSetOption:
      set_option(*h, event, call);
      return;
    default:
      break;
  }
  h->reads_shut |= call.kind == CallKind::kShutdown && call.how != 1;
  switch (h->kind) {
    case Handle::Kind::kConnection:
      on_connection(*h, event, call);
      break;
    case Handle::Kind::kListener:
      if (call.kind == CallKind::kWrite) loose.add({Rule::S3_10_2_listen, call.result > 0});
      if (call.kind == CallKind::kRead) on_unconnected(*h, event, call);
      if (ends_listening(call) && call.result == 0) close_listener(*h, event);
      break;
    case Handle::Kind::kNew:
      on_unconnected(*h, event, call);
      break;
    case Handle::Kind::kFree:
      break;
  }
  if (call.kind == CallKind::kClose && call.result == 0) h->kind = Handle::Kind::kFree;
}

void Oracle::Impl::bind(Handle& h, const Event& event, const UserCall& call) {
  if (call.result == 0) {
    if (call.port != 0) h.port = call.port;
    h.elsewhere = call.host == Host::kElsewhere;
    h.named = call.host == Host::kNamed;
    return;
  }
  const bool bound = h.kind != Handle::Kind::kNew || h.port != 0;  // already
  if (call.host == Host::kNamed && call.error != UserError::kAddressInUse && !bound) {
    add_verdict(Rule::MUST_43, Verdict::Kind::kViolated, nullptr, event, "the address is taken",
                describe(event, Candidate{}));
  }
  if (call.error == UserError::kAddressInUse && h.reuse && only_opening(call.port)) port_is_refused(event);
}

// 3.10.1. OPEN Call, passive
void Oracle::Impl::listen(Handle& h, const Event& event, const UserCall& call) {
  if (event.tuple.local != 0) h.port = event.tuple.local;
  for (std::size_t i = 0; i < used; ++i) {
    Conversation& c = conversations[i];
    if (c.tuple.local != h.port) continue;
    for (Candidate& possible : c.possible) {
      if (synchronized(possible.state)) possible.later.add({Rule::MUST_41, true});
    }
  }
  if (h.kind == Handle::Kind::kConnection && current(h)) {
    Conversation& c = conversation(h.tuple);
    process(c, event, [&](Step& on) { passive_open_call(on, call); });
    const auto over = [](const Candidate& p) { return p.state <= State::kListen || p.state == State::kTimeWait; };
    if (!std::any_of(c.possible.begin(), c.possible.end(), over)) return;
  }
  if (call.result != 0) {
    if (call.error == UserError::kAddressInUse && h.reuse && only_opening(h.port)) port_is_refused(event);
    return;
  }
  if (only_opening(h.port)) loose.add({Rule::MUST_42, true});
  if (h.kind != Handle::Kind::kListener) h.listened_timeout = h.user_timeout;  // a second call need not tell another
  h.kind = Handle::Kind::kListener;
  h.listened_with = h.chosen.size();
  h.backlog = std::max<std::uint32_t>(call.length, 1);
  Port* p = port(h.port);
  if (p == nullptr) p = &ports.emplace_back(Port{.number = h.port});
  *p = {.number = h.port, .backlog = h.backlog, .open = true, .elsewhere = h.elsewhere, .fast_open = h.fast_open};
  loose.add({Rule::S3_10_1_passive, true});
}

// The connection of the socket is no more, and the user opens another with it.
bool Oracle::Impl::opens_another(const Handle& h, const UserCall& call) {
  const bool refused = call.result < 0 && call.error != UserError::kInProgress;
  if (h.kind != Handle::Kind::kConnection || call.tuple.remote == 0 || refused) return false;
  const Conversation& c = conversation(h.tuple);
  const auto closed = [](const Candidate& p) { return p.state <= State::kListen; };
  const bool another_port = call.tuple.local != 0 && h.tuple.local != 0 && call.tuple.local != h.tuple.local;
  const bool past = !current(h), over = std::any_of(c.possible.begin(), c.possible.end(), closed);
  if (call.tuple == h.tuple) return past && over;  // others have used its pair of ports meanwhile
  return (call.tuple.remote != h.tuple.remote || another_port) && (past || over);
}

bool Oracle::Impl::is_open(const Handle& h) {
  const auto open = [](const Candidate& p) { return synchronized(p.state) && p.state != State::kTimeWait; };
  const auto& possible = conversation(h.tuple).possible;
  return current(h) && std::all_of(possible.begin(), possible.end(), open);
}

void Oracle::Impl::connect(Handle& h, const Event& event, const UserCall& call) {
  if (call.kind == CallKind::kSendTo && call.result > 0 && h.kind == Handle::Kind::kConnection && is_open(h)) {
    UserCall send = call;  // on a connection that is open sendto() is a SEND
    send.kind = CallKind::kWrite;
    return on_connection(h, event, send);
  }
  if (call.host == Host::kBroadcast || call.host == Host::kMulticast) {
    if (call.result >= 0 || call.error == UserError::kInProgress) {
      add_verdict(Rule::MUST_46, Verdict::Kind::kViolated, nullptr, event, "an error", describe(event, Candidate{}));
      opened_wrongly = true;
    } else {
      loose.add({Rule::MUST_46, true});
      if (h.kind == Handle::Kind::kConnection && current(h)) {
        process(conversation(h.tuple), event, [&](Step& on) { open_to_all_call(on, call); });
      }
    }
    return;
  }
  if (h.kind != Handle::Kind::kConnection) {
    if (call.tuple.remote == 0 && call.port == 0) {
      if (call.result == 0 || call.error == UserError::kInProgress) {
        add_verdict(Rule::S3_10_1_no_remote, Verdict::Kind::kViolated, nullptr, event, "an error",
                    describe(event, Candidate{}));
        opened_wrongly = true;
      } else {
        loose.add({Rule::S3_10_1_no_remote, true});
      }
    }
    if (h.kind == Handle::Kind::kListener) {
      loose.add({Rule::S3_10_1_listen, call.result == 0 || call.error == UserError::kInProgress});
    }
    if (call.tuple.remote == 0) return;  // refused before it named a conversation
  }
  const bool failed = call.result < 0 && call.error != UserError::kInProgress;
  if (h.kind == Handle::Kind::kConnection && failed && !current(h)) return;  // it tells of an earlier connection
  const bool stays = h.kind == Handle::Kind::kConnection && !opens_another(h, call);
  Conversation& c = stays ? conversation(h.tuple) : conversation(call.tuple);
  if (!stays) {
    h.kind = Handle::Kind::kConnection;
    h.tuple = c.tuple;
    h.incarnation = ++c.incarnation;
    c.taken = true;
    c.dead_before += c.dead;  // of a listener with the same pair of sockets
    c.dead = false;
  }
  process(c, event, [&](Step& on) {
    active_open_call(on, call);
    if (failed) return;  // it opens nothing, and what was chosen stands
    on.tcb.user_timeout = h.user_timeout;
    on.tcb.no_delay = h.no_delay;
    for (const UserCall& option : h.chosen) option_set(on, option);
  });
  c.named = h.named;
}

void Oracle::Impl::accept(const Event& event, const UserCall& call) {
  const Handle* listener = handle(call.handle);
  if (listener == nullptr || listener->kind != Handle::Kind::kListener) return;
  if (call.result >= 0) {
    Conversation& c = conversation(call.tuple);
    const Handle parent = *listener;  // what the user has set on it is inherited or not
    Handle& h = new_handle(static_cast<int>(call.result));
    h.kind = Handle::Kind::kConnection;
    h.tuple = c.tuple;
    h.port = c.tuple.local;
    h.listeners_linger = parent.had_zero_linger;
    if (c.dead_before > 0) {  // we cannot tell which of these connections it is
      h.incarnation = -1;
      --c.dead_before;
      c.handed_out = true;
      return;
    }
    c.dead = c.handed_out = false;
    h.incarnation = c.incarnation;
    c.taken = true;
    process(c, event, [&](Step& on) {
      accept_call(on, call);
      on.tcb.nagle_free = parent.had_no_delay;
      inherits(on, parent, false);
    });
    return;
  }
  if (call.error != UserError::kWouldBlock) return;
  for (std::size_t i = 0; i < used; ++i) {
    Conversation& c = conversations[i];
    if (c.taken || c.handed_out || c.tuple.local != listener->port) continue;
    const bool due = std::all_of(c.possible.begin(), c.possible.end(), [](const Candidate& p) {
      return p.passive && (p.state == State::kEstablished || p.state == State::kCloseWait);
    });
    if (due) {
      add_verdict(Rule::SA4_5_synrcvd_ok, Verdict::Kind::kViolated, &c, event,
                  "accept gives the connection that is established", "accept = -1 EAGAIN");
      c.tainted = true;
      return;
    }
  }
}

void Oracle::Impl::on_connection(Handle& h, const Event& event, const UserCall& call) {
  Conversation& c = conversation(h.tuple);
  if (!current(h)) {  // its connection is over; TIME-WAIT may be what is left of it
    if (call.kind == CallKind::kClose) process(c, event, [&](Step& on) { leave_time_wait(on); });
    return;
  }
  switch (call.kind) {
    case CallKind::kWrite:
      process(c, event, [&](Step& on) {
        if (h.reads_shut && call.result < 0) {  // such a socket may refuse to send: the error may tell of the end only
          end_may_be_told(on, call);
        } else {
          send_call(on, call);
        }
      });
      break;
    case CallKind::kRead:
      process(c, event, [&](Step& on) {
        const bool opened_again = !on.tcb.reads_shut && call.result > 0;
        if (!h.reads_shut || opened_again) return receive_call(on, call);
        if (call.result < 0) end_may_be_told(on, call);
        if (call.result > 0) text_taken_behind_shutdown(on, call);
      });
      break;
    case CallKind::kShutdown:
      if (call.how != 1) process(c, event, [](Step& on) { reading_ends(on); });
      if (call.how != 0) process(c, event, [&](Step& on) { close_call(on, call); });
      break;
    case CallKind::kClose:
      process(c, event, [&](Step& on) {
        const bool inherited = h.listeners_linger && !on.may(Freedom::kListenersOptions);
        h.zero_linger || inherited ? abort_call(on, call) : close_socket_call(on, call);
      });
      break;
    case CallKind::kGetOption:
      if (call.option == SocketOption::kError) process(c, event, [&](Step& on) { error_call(on, call); });
      if (call.option == SocketOption::kAtMark) process(c, event, [&](Step& on) { mark_asked(on, call); });
      break;
    case CallKind::kPoll:
      process(c, event, [&](Step& on) {
        input_polled(on, call);
        if (!on.refused()) priority_polled(on, call);
      });
      break;
    default:
      break;
  }
}

void Oracle::Impl::on_unconnected(const Handle& h, const Event& event, const UserCall& call) {
  const auto refuse_success = [&](Rule rule, bool success) {
    if (success) {
      add_verdict(rule, kind_of(rule), nullptr, event, "an error", describe(event, Candidate{}));
    } else {
      loose.add({rule, true});
    }
  };
  switch (call.kind) {
    case CallKind::kWrite:
      refuse_success(Rule::S3_10_2_closed, call.result > 0);
      break;
    case CallKind::kRead:
      refuse_success(h.kind == Handle::Kind::kListener ? Rule::S3_10_3_unsynchronized : Rule::S3_10_3_closed,
                     call.result > 0 || (call.result == 0 && call.length > 0 && !h.reads_shut));
      break;
    case CallKind::kShutdown:
      refuse_success(Rule::S3_10_4_closed, call.result >= 0);
      break;
    case CallKind::kClose:
      loose.add({h.zero_linger ? Rule::S3_10_5_closed : Rule::S3_10_4_closed, true});
      break;
    default:
      break;
  }
}

void Oracle::Impl::close_listener(const Handle& h, const Event& event) {
  if (Port* p = port(h.port)) {
    p->open = false;
    p->aborted = h.zero_linger;
  }
  for (std::size_t i = 0; i < used; ++i) {
    Conversation& c = conversations[i];
    if (c.tuple.local != h.port) continue;
    c.abandon();
    if (!c.taken) process(c, event, [](Step& on) { listener_gone(on); });
  }
}

}  // namespace tcpassay
