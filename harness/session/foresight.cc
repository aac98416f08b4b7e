// SPDX-License-Identifier: Apache-2.0
// Tells a target in another process what the session is going to ask, so that it answers many questions at one wake-up.
// Nothing depends on it: what comes otherwise is asked again.
#include <algorithm>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "harness/session/session_impl.h"

namespace tcpassay {
namespace {

constexpr std::size_t kForeseenMax = 64;  // that are foreseen at once
constexpr int kUnknownHandle = -1000;     // a handle that request number kUnknownHandle - handle will return

using Requests = std::vector<Foreseen>;

// A call that acts on the target as its kind says, and on nothing else.
bool acts_plainly(const Call& call) {
  const bool plain =
      call.option != SocketOption::kOther && call.implementation_specific.empty() && call.address.empty();
  return plain && call.kind != CallKind::kConnect && call.kind != CallKind::kSendTo;
}

Foreseen request_of(UserCall call, Foreseen::Repeat repeat) {
  Foreseen::Made next{.call = call, .text = Bytes(call.text.begin(), call.text.end())};
  if (call.handle <= kUnknownHandle) next.handle_of = kUnknownHandle - call.handle;
  next.call.text = {};
  return {.what = std::move(next), .repeat = repeat};
}

bool answers_what_was_seen(const SegmentSpec& spec) {
  const auto names = [](const OptionSpec& option) {
    return option.kind == OptionSpec::Kind::kSack || option.kind == OptionSpec::Kind::kTimestamp ||
           option.kind == OptionSpec::Kind::kFastOpen || option.kind == OptionSpec::Kind::kFastOpenExp;
  };
  return spec.ack.has_value() || std::any_of(spec.options.begin(), spec.options.end(), names);
}

}  // namespace

// One walk over the steps, as if each call succeeded; what it changes of the session is put back at its end.
class Session::Impl::Foresight {
 public:
  explicit Foresight(Impl& session)
      : session_(session), sockets_(session.sockets), pair_(session.pair_now), named_(session.named) {}
  ~Foresight() {
    session_.sockets = std::move(sockets_);
    session_.pair_now = pair_;
    session_.named = named_;
  }
  Foresight(const Foresight&) = delete;
  Foresight& operator=(const Foresight&) = delete;

  void wait_until(Time at) {
    if (now_ >= at) return;
    now_ = at;
    add({.what = at, .repeat = Foreseen::Repeat::kUntilTime});
  }

  // False when what comes then depends on what the target does.
  bool add(const SegmentSpec& spec) {
    const Tuple tuple = session_.pair(spec.local_port, spec.remote_port);
    const Conversation* with = nullptr;
    for (const Conversation& each : session_.conversations) {
      if (each.peer.tuple == tuple) with = &each;
    }
    const bool opened = std::find(opened_.begin(), opened_.end(), tuple) != opened_.end();
    if (opened && answers_what_was_seen(spec)) return false;  // the ISS of the target is not known
    if (!with && session_.conversations.size() + opened_.size() >= kConversationsMax) return false;
    if (session_.white_box && tuple.local != 0) list_.push_back({.what = Foreseen::Watch{tuple}});
    static const Conversation kFresh;
    session_.encode_segment(spec, with ? *with : kFresh);
    add({.what = session_.packet});
    if (spec.ctl.syn || !with) opened_.push_back(tuple);
    return true;
  }

  bool add(const Call& call) {
    const Socket* socket = call.kind == CallKind::kSocket ? nullptr : session_.by_script(call.handle);
    if (!acts_plainly(call) || (call.kind != CallKind::kSocket && !socket)) return false;
    if (socket && (socket->opens_late || socket->opening)) return false;
    UserCall asked = session_.wire_call(call, socket);
    const int number = count_;
    add(request_of(asked, Foreseen::Repeat::kOnce));
    asked.result = asked.length;
    if (call.kind == CallKind::kSocket || call.kind == CallKind::kAccept) asked.result = kUnknownHandle - number;
    learn(call, asked);
    return true;
  }

  // What finish() asks at last.
  void end() {
    for (const Socket& socket : session_.sockets) {
      if (socket.role == Role::kListener) add(request_of(last_accept(socket.handle), Foreseen::Repeat::kUnlessGiven));
      if (socket.role == Role::kConnection) add(request_of(last_read(socket.handle), Foreseen::Repeat::kWhileGiven));
    }
  }

  Time now() const { return now_; }
  const Requests& list() const { return list_; }
  bool full() const { return list_.size() >= kForeseenMax; }

 private:
  static constexpr std::size_t kConversationsMax = 8;

  void add(Foreseen next) {
    list_.push_back(std::move(next));
    if (!std::holds_alternative<Foreseen::Watch>(list_.back().what)) ++count_;
  }

  // As Session::Impl::learn(), of what has no result yet.
  void learn(const Call& call, const UserCall& asked) {
    if (call.kind == CallKind::kSocket || call.kind == CallKind::kAccept) {
      const bool names = call.result && *call.result >= 0;
      Socket fresh{.handle = static_cast<int>(asked.result)};
      fresh.script = names ? static_cast<int>(*call.result) : fresh.handle;
      fresh.role = call.kind == CallKind::kAccept ? Role::kConnection : Role::kIdle;
      session_.named = session_.named || names;
      session_.sockets.push_back(fresh);
      return;
    }
    Socket* socket = session_.by_script(call.handle);
    if (!socket) return;
    if (call.kind == CallKind::kBind) session_.pair_now.local = asked.port;
    if (call.kind == CallKind::kListen) socket->role = Role::kListener;
    if (call.kind == CallKind::kWrite) socket->written += asked.length;
    if (call.kind == CallKind::kClose)
      session_.sockets.erase(session_.sockets.begin() + (socket - session_.sockets.data()));
  }

  Impl& session_;
  std::vector<Socket> sockets_;
  Tuple pair_;
  bool named_;
  Time now_ = session_.target.now();
  Requests list_{};
  int count_ = 0;  // of requests that have answers
  std::vector<Tuple> opened_{};
};

void Session::Impl::foresee(std::span<const ScriptStep> next, const Schedule& schedule, bool finishes) {
  const bool waits = options.round_trip > Time{} || !pending.empty();
  if (!foresighted || !foresighted->foresees() || waits) return;
  Foresight ahead(*this);
  Schedule times = schedule;
  bool whole = true;
  for (const ScriptStep& step : next) {
    const Schedule::Slot slot = times.next(step.time);
    const auto* in = std::get_if<Inject>(&step.action);
    const auto* call = std::get_if<Call>(&step.action);
    whole = !ahead.full() && !slot.any && !slot.returns && (in || call);
    if (!whole) break;
    ahead.wait_until(slot.from);
    whole = in ? ahead.add(in->segment) : ahead.add(*call);
    if (!whole) break;
  }
  if (whole && finishes) {
    if (options.final_wait > Time{}) ahead.wait_until(ahead.now() + options.final_wait);
    ahead.end();
  }
  foresighted->foresee(ahead.list());
}

void Session::Impl::foresee_end() {
  if (!foresighted || !foresighted->foresees()) return;
  Foresight ahead(*this);
  ahead.end();
  foresighted->foresee(ahead.list());
}

}  // namespace tcpassay
