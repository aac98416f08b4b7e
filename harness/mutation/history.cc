// SPDX-License-Identifier: Apache-2.0
#include "harness/mutation/history.h"

#include <algorithm>
#include <chrono>
#include <variant>

namespace tcpassay {
namespace {

constexpr Time kLeastTimeout = std::chrono::milliseconds(900);  // RFC 6298 section 2.4, and a coarse clock

// Reads the events in their order.
class Reader {
 public:
  Known known() const {
    Known known = known_;
    known.sack = known.sack && peer_sack_;
    return known;
  }

  void read(const Event& event) {
    at_ = event.until;
    if (const auto* in = std::get_if<Arriving>(&event.what)) arrives(*in);
    if (const auto* out = std::get_if<Departing>(&event.what)) departs(*out);
    if (const auto* call = std::get_if<UserCall>(&event.what)) calls(*call);
  }

 private:
  void arrives(const Arriving& seg) {
    known_.timeouts = 0;
    arrived_at_ = at_;
    known_.reset = known_.reset || seg.ctl.rst;
    known_.urgent = known_.urgent || seg.ctl.urg;
    if (seg.ctl.rst) return;
    known_.peer_fin = known_.peer_fin || seg.ctl.fin;
    const RcvSeq end = seg.seq + seg.len();
    known_.arrived = known_.irs ? later(known_.arrived, end) : end;
    if (seg.ctl.syn && !known_.irs) {
      known_.irs = seg.seq;
      known_.mss = seg.opt.mss.value_or(0);
      peer_shift_ = seg.opt.window_scale;
      peer_sack_ = seg.opt.sack_permitted;
    }
    if (!seg.ctl.ack || !known_.iss || seg.ack <= *known_.iss || seg.ack > known_.sent) return;
    const bool first = known_.acked == *known_.iss;
    const bool scaled = shift_ && peer_shift_ && !seg.ctl.syn;
    known_.window = std::uint32_t{seg.wnd} << (scaled ? std::min<int>(*peer_shift_, 14) : 0);
    known_.acked = later(known_.acked, seg.ack);
    const SndSeq edge = seg.ack + known_.window;
    known_.edge = first ? edge : later(known_.edge, edge);
  }

  void departs(const Departing& seg) {
    known_.reset = known_.reset || seg.ctl.rst;
    if (seg.ctl.rst) return;
    if (seg.ctl.syn && !known_.iss) {
      known_.iss = known_.acked = known_.sent = seg.seq;
      shift_ = seg.opt.window_scale;
    }
    if (seg.ctl.syn) known_.sack = seg.opt.sack_permitted;
    const SndSeq end = seg.seq + seg.len();
    const bool again = seg.len() > 0 && end <= known_.sent;
    known_.resent = known_.resent || again;
    const bool by_timer = at_ - arrived_at_ >= kLeastTimeout;
    if (again && by_timer && seg.seq <= known_.acked && known_.timeouts < 100) ++known_.timeouts;
    known_.sent = later(known_.sent, end);
    if (seg.ctl.fin) known_.fin = end;
    if (seg.ctl.ack) known_.told = told_ ? later(known_.told, seg.ack) : seg.ack;
    told_ = told_ || seg.ctl.ack;
  }

  void calls(const UserCall& made) {
    const bool done = made.result >= 0;
    switch (made.kind) {
      case CallKind::kListen:
        known_.listening = known_.listening || done;
        break;
      case CallKind::kSendTo:
      case CallKind::kConnect:
        known_.opening = true;
        known_.handle = made.handle;
        if (done && made.kind == CallKind::kSendTo) known_.written += static_cast<std::uint32_t>(made.result);
        break;
      case CallKind::kAccept:
        if (done) known_.handle = static_cast<int>(made.result);
        break;
      case CallKind::kWrite:
        if (done) known_.written += static_cast<std::uint32_t>(made.result);
        break;
      case CallKind::kShutdown:
        known_.closed = known_.closed || (done && made.how > 0);
        if (done && made.how != 1) known_.handle = -1;
        break;
      case CallKind::kClose:
        known_.closed = true;
        known_.handle = -1;
        break;
      case CallKind::kSetOption:
        known_.user_timeout = known_.user_timeout || made.option == SocketOption::kUserTimeout;
        break;
      default:
        break;
    }
  }

  Known known_{};
  bool told_ = false;
  bool peer_sack_ = false;
  std::optional<std::uint8_t> shift_{}, peer_shift_{};
  Time at_{}, arrived_at_{};
};

// Whether the event fits into the run of one plain connection; `tuple` and `syn` are of the earlier ones.
bool is_plain(const Event& event, std::optional<Tuple>& tuple, std::optional<RcvSeq>& syn) {
  if (std::holds_alternative<IcmpArrives>(event.what)) return false;
  const auto* in = std::get_if<Arriving>(&event.what);
  const auto* out = std::get_if<Departing>(&event.what);
  if (in == nullptr && out == nullptr) return true;
  const Options& opt = in != nullptr ? in->opt : out->opt;
  if (opt.fast_open || opt.fast_open_experiment) return false;
  if (tuple.value_or(event.tuple) != event.tuple) return false;
  tuple = event.tuple;
  if (in == nullptr) return true;
  if (in->fault != Fault::kNone || in->ip.oddity != Carrier::Oddity::kNone || opt.signature) return false;
  if (in->ctl.syn && syn.value_or(in->seq) != in->seq) return false;
  if (in->ctl.syn) syn = in->seq;
  return true;
}

}  // namespace

History::History(const PassedRun& run) : run_(&run) {
  Reader reader;
  before_.reserve(size() + 1);
  for (const Event& event : run.trace.events) {
    before_.push_back(reader.known());
    reader.read(event);
  }
  before_.push_back(reader.known());
}

std::optional<History> History::of(const PassedRun& run) {
  std::optional<Tuple> tuple;
  std::optional<RcvSeq> syn;
  for (const Event& event : run.trace.events) {
    if (!is_plain(event, tuple, syn)) return std::nullopt;
  }
  History history(run);
  for (const std::size_t i : run.departing) {
    const Departing& seg = *history.out(i);
    if (seg.ctl.syn && history.before(i).iss.value_or(seg.seq) != seg.seq) return std::nullopt;
  }
  return history;
}

bool History::sends_new_text(std::size_t i) const {
  const Departing* seg = out(i);
  return seg != nullptr && !seg->text.empty() && !seg->ctl.syn && !seg->ctl.rst && before(i).iss &&
         seg->seq == before(i).sent;
}

std::size_t History::next(std::size_t i) const {
  for (++i; i < size() && std::holds_alternative<Quiet>(event(i).what);) ++i;
  return i;
}

std::size_t History::last_arrival(std::size_t i) const {
  while (i > 0) {
    if (in(--i) != nullptr) return i;
  }
  return size();
}

std::size_t History::last_departure(std::size_t i) const {
  while (i > 0) {
    const Departing* seg = out(--i);
    if (seg != nullptr && !seg->ctl.syn && !seg->ctl.rst) return i;
  }
  return size();
}

std::size_t History::last_text(std::size_t i) const {
  for (i = last_departure(i); i < size() && out(i)->text.empty();) i = last_departure(i);
  return i;
}

}  // namespace tcpassay
