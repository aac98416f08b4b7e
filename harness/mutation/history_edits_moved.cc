// SPDX-License-Identifier: Apache-2.0
// Edits of histories: a segment leaves too soon or too late, or a call returns something else.
#include <algorithm>
#include <optional>

#include "harness/mutation/history_edits.h"

namespace tcpassay::history_edits {
namespace {

// The segments with new text up to `i` leave just before `moment`. They tell nothing of what has not arrived by then.
Retelling leave_before(const History& h, std::size_t moment, std::size_t i) {
  Retelling told(h, moment);
  const Departing* last = nullptr;
  for (std::size_t k = 0; k < moment; ++k) {
    const Departing* seg = h.out(k);
    if (seg != nullptr && !seg->ctl.rst) last = seg;
  }
  for (std::size_t k = moment; k <= i; ++k) {
    if (k != i && !h.sends_new_text(k)) continue;
    Departing& seg = told.leaves(k, h.at(moment));
    if (last != nullptr && last->ctl.ack) seg.ack = h.before(moment).told;
    if (last != nullptr && seg.opt.timestamps) seg.opt.timestamps = last->opt.timestamps;
  }
  told.silent_until(h.at(moment));
  return told;
}

// RFC 9293 section 3.7.1: what the peer takes, at most.
std::uint32_t most_in_a_segment(const History& h, const Known& known) {
  const std::uint32_t otherwise = h.run().ip == 6 ? 1220 : 536;
  return known.mss != 0 ? known.mss : otherwise;
}

bool is_error(UserError error) {
  return error == UserError::kReset || error == UserError::kTimedOut || error == UserError::kRefused;
}

// Urgent octets may be read apart from the others, and a connection that is gone has nothing more to be read.
bool reads_text(const History& h, std::size_t i) {
  const UserCall* made = h.call(i);
  const Known& known = h.before(i);
  const bool reads = made != nullptr && made->kind == CallKind::kRead && made->handle == known.handle;
  return reads && made->result > 0 && !known.urgent && !known.reset && !known.over();
}

// A connection that was not given up would have sent again before `i`: the timeout doubles at most (RFC 6298
// section 5.5), and more than twice the last interval has passed. What a user timeout that was set adds to it, no text
// says.
bool given_up_for_sure(const History& h, std::size_t i) {
  if (h.before(i).user_timeout) return false;
  std::optional<Time> last, before;
  for (std::size_t k = 0; k < i; ++k) {
    if (h.out(k) == nullptr) continue;
    before = last;
    last = h.at(k);
  }
  return before && h.at(i) - *last > 2 * (*last - *before);
}

// Whether a later call tells of a reset.
bool told_of_reset(const History& h, std::size_t i) {
  for (; i < h.size(); ++i) {
    const UserCall* made = h.call(i);
    if (made != nullptr && made->error == UserError::kReset) return true;
  }
  return false;
}

}  // namespace

MaybeRetelling before_its_syn(const History& h, std::size_t i) {
  const Departing* syn = h.out(i);
  if (syn == nullptr || !syn->ctl.syn || syn->ctl.rst || h.before(i).iss) return {};
  for (std::size_t k = i + 1; k < h.size(); ++k) {
    const Departing* seg = h.out(k);
    if (seg == nullptr || seg->ctl.syn || seg->ctl.rst) continue;
    Retelling told(h, i);
    told.leaves(k, h.at(i));
    told.silent_until(h.at(i));
    return told;
  }
  return {};
}

MaybeRetelling text_before_handshake(const History& h, std::size_t i) {
  if (!h.sends_new_text(i) || !h.before(i).established()) return {};
  std::size_t moment = i;
  while (moment > 0 && h.before(moment).established()) --moment;
  if (h.in(moment) == nullptr || !h.before(moment).iss) return {};
  return leave_before(h, moment, i);
}

MaybeRetelling text_before_write(const History& h, std::size_t i) {
  if (!h.sends_new_text(i) || !h.before(i).established()) return {};
  const std::uint32_t offset = h.out(i)->seq - *h.before(i).iss - 1;
  std::size_t moment = i;
  while (moment > 0 && h.before(moment).written > offset) --moment;
  const UserCall* made = h.call(moment);
  const bool writes = made != nullptr && made->kind == CallKind::kWrite && h.after(moment).written > offset;
  if (!writes || !h.before(moment).established()) return {};
  return leave_before(h, moment, i);
}

MaybeRetelling text_before_window(const History& h, std::size_t i) {
  if (!h.sends_new_text(i) || h.out(i)->text.size() < 2) return {};
  const std::size_t moment = h.last_arrival(i);
  if (moment == h.size()) return {};
  const Known& known = h.before(moment);
  if (!known.established() || known.window == 0 || h.out(i)->seq < known.edge) return {};
  return leave_before(h, moment, i);
}

MaybeRetelling text_before_cwnd(const History& h, std::size_t i) {
  if (!h.sends_new_text(i) || !h.before(i).established() || h.before(i).resent) return {};
  const SndSeq end = h.out(i)->seq + h.out(i)->len();
  for (std::size_t moment = h.last_arrival(i); moment < h.size(); moment = h.last_arrival(moment)) {
    const Known& known = h.before(moment);
    if (!known.established() || end > known.edge) return {};
    const std::uint32_t mss = most_in_a_segment(h, known), acked = known.acked - *known.iss - 1;
    const std::uint32_t first = std::min(10 * mss, std::max(2 * mss, 14600u));  // RFC 6928
    constexpr std::uint32_t kForEachOctet = 2;                                  // RFC 3465
    const std::uint32_t limited = 2 * mss;                                      // RFC 3042
    if (end - known.acked <= first + kForEachOctet * acked + limited) continue;
    return leave_before(h, moment, i);
  }
  return {};
}

MaybeRetelling text_after_timeout(const History& h, std::size_t i) {
  if (!h.sends_new_text(i)) return {};
  const std::size_t moment = h.last_arrival(i);
  if (moment == h.size()) return {};
  const Known& known = h.before(moment);
  const SndSeq end = h.out(i)->seq + h.out(i)->len();
  const int timeouts = known.sack ? 2 : 1;  // the first one may be a loss probe, which needs SACK (RFC 8985)
  if (!known.established() || known.timeouts < timeouts || known.window == 0 || end > known.edge) return {};
  if (end - known.acked <= most_in_a_segment(h, known)) return {};
  return leave_before(h, moment, i);
}

MaybeRetelling ack_before_text(const History& h, std::size_t i) {
  if (!ack_left_out(h, i) || h.out(h.next(i))->len() > 0) return {};
  Retelling told(h, i);
  told.leaves(h.next(i), h.at(i));
  told.silent_until(h.at(i));
  return told;
}

MaybeRetelling text_swapped(const History& h, std::size_t i) {
  const std::size_t other = i + 1;
  if (!h.sends_new_text(i) || other >= h.size() || !h.sends_new_text(other)) return {};
  Retelling told(h, i);
  told.leaves(other, h.at(i));
  told.leaves(i, h.at(i));
  told.silent_until(h.at(i));
  return told;
}

MaybeRetelling fin_before_close(const History& h, std::size_t i) {
  const Departing* seg = h.out(i);
  if (seg == nullptr || !seg->ctl.fin || seg->ctl.syn || h.before(i).fin) return {};
  std::size_t moment = i;
  while (moment > 0 && h.before(moment).closed) --moment;
  if (h.call(moment) == nullptr) return {};
  return leave_before(h, moment, i);
}

MaybeRetelling text_after_fin(const History& h, std::size_t i) {
  const Departing* seg = h.out(i);
  const std::size_t text = h.last_text(i);
  if (seg == nullptr || !seg->ctl.fin || seg->ctl.syn || h.before(i).fin || text == h.size()) return {};
  Retelling told(h, i + 1);
  Departing& more = told.leaves(text, h.at(i));
  more.seq = *h.after(i).fin;
  more.ack = seg->ack;
  told.silent_until(h.at(i));
  return told;
}

MaybeRetelling fin_moves(const History& h, std::size_t i) {
  const Departing* seg = h.out(i);
  if (seg == nullptr || !seg->ctl.fin || seg->ctl.syn || !seg->text.empty() || h.before(i).fin) return {};
  Retelling told(h, i + 1);
  told.leaves(i, h.at(i)).seq = *h.after(i).fin;
  told.silent_until(h.at(i));
  return told;
}

MaybeRetelling sends_after_reset(const History& h, std::size_t i) {
  const Arriving* in = h.in(i);
  const Departing* out = h.out(i);
  const UserCall* before = i > 0 ? h.call(i - 1) : nullptr;
  const bool is_reset = in != nullptr && in->ctl.rst && in->seq == h.before(i).told && told_of_reset(h, i);
  const bool is_abort = out != nullptr && out->ctl.rst && before != nullptr && before->kind == CallKind::kClose;
  const std::size_t again = h.last_departure(i);
  if ((!is_reset && !is_abort) || !h.before(i).established() || h.before(i).reset || again == h.size()) return {};
  Retelling told(h, i + 1);
  told.silent_until(h.at(i));
  told.leaves(again, h.at(i));
  told.silent_until(h.at(i));
  return told;
}

MaybeRetelling error_untold(const History& h, std::size_t i) {
  const UserCall* made = h.call(i);
  if (made == nullptr) return {};
  const bool asks = made->kind == CallKind::kGetOption && made->option == SocketOption::kError && made->value != 0;
  const bool fails = (made->kind == CallKind::kRead || made->kind == CallKind::kWrite) && is_error(made->error);
  if ((!asks && !fails) || (asks && !is_error(static_cast<UserError>(made->value)))) return {};
  // A socket whose reading side is shut down need not say more by read(), nor any by a write() of nothing.
  if (made->kind == CallKind::kWrite && made->length == 0) return {};
  if (made->kind == CallKind::kRead && made->handle != h.before(i).handle) return {};
  const UserError error = asks ? static_cast<UserError>(made->value) : made->error;
  if (error == UserError::kTimedOut && !given_up_for_sure(h, i)) return {};
  Retelling told(h, i);
  UserCall& call = told.returns(i, h.at(i));
  if (asks) call.value = 0;
  if (fails) call.error = UserError::kWouldBlock;
  told.silent_until(h.at(i));
  return told;
}

MaybeRetelling end_untold(const History& h, std::size_t i) {
  const UserCall* made = h.call(i);
  const bool ends = made != nullptr && made->kind == CallKind::kRead && made->result == 0 && made->length > 0;
  if (!ends || h.before(i).handle != made->handle || h.before(i).reset || !h.before(i).peer_fin) return {};
  Retelling told(h, i);
  UserCall& read = told.returns(i, h.at(i));
  read.result = -1;
  read.error = UserError::kWouldBlock;
  told.silent_until(h.at(i));
  return told;
}

MaybeRetelling end_too_soon(const History& h, std::size_t i) {
  if (!reads_text(h, i)) return {};
  Retelling told(h, i);
  UserCall& read = told.returns(i, h.at(i));
  read.result = 0;
  read.text = {};
  told.silent_until(h.at(i));
  return told;
}

MaybeRetelling octet_lost(const History& h, std::size_t i) {
  if (!reads_text(h, i) || h.call(i)->result < 2) return {};
  Retelling told(h, i);
  UserCall& read = told.returns(i, h.at(i));
  --read.result;
  read.text = read.text.subspan(1);
  told.silent_until(h.at(i));
  return told;
}

MaybeRetelling text_twice(const History& h, std::size_t i) {
  if (!reads_text(h, i)) return {};
  Retelling told(h, i + 1);
  told.returns(i, h.at(i));
  told.silent_until(h.at(i));
  return told;
}

}  // namespace tcpassay::history_edits
