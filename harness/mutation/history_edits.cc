// SPDX-License-Identifier: Apache-2.0
// Edits of histories: the target is silent, or a segment is late or leaves twice.
#include "harness/mutation/history_edits.h"

#include <chrono>

namespace tcpassay {

using std::chrono::milliseconds;
using std::chrono::seconds;

Departing& Retelling::leaves(std::size_t i, Time at) {
  Moment& moment = added_.emplace_back(Moment{.event = history_->event(i), .of = i});
  moment.event.from = moment.event.until = at;
  return std::get<Departing>(moment.event.what);
}

UserCall& Retelling::returns(std::size_t i, Time at) {
  Moment& moment = added_.emplace_back(Moment{.event = history_->event(i), .of = i});
  moment.event.from = moment.event.until = at;
  return std::get<UserCall>(moment.event.what);
}

void Retelling::silent_until(Time at) {
  added_.push_back({.event = {.from = at, .until = at, .tuple = {}, .what = Quiet{}}});
}

std::vector<Event> Retelling::events() const {
  const auto& all = history_->run().trace.events;
  std::vector<Event> events(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept_));
  for (const Moment& moment : added_) events.push_back(moment.event);
  return events;
}

namespace history_edits {
namespace {

constexpr Time kLate = milliseconds(600);  // later than any delayed ACK
constexpr Time kLongWait = seconds(1000);  // longer than R2 of text must be, and than any backed off timeout
constexpr Time kSynWait = seconds(400);    // than R2 of a SYN
constexpr Time kHeldWait = seconds(70);    // than a sender may wait for anything but the peer

// What has happened at `i` was the last thing for so long.
Retelling silent_after(const History& h, std::size_t i, Time wait) {
  Retelling told(h, i + 1);
  told.silent_until(h.at(i));
  told.silent_until(h.at(i) + wait);
  return told;
}

// The same of a connection that the user has not told to give up earlier.
MaybeRetelling silent_for_long(const History& h, std::size_t i, Time wait) {
  if (h.before(i).user_timeout) return {};
  return silent_after(h, i, wait);
}

Retelling leaves_twice(const History& h, std::size_t i) {
  Retelling told(h, i + 1);
  told.leaves(i, h.at(i));
  told.silent_until(h.at(i));
  return told;
}

const Departing* answer_to(const History& h, std::size_t i) {
  const std::size_t next = h.next(i);
  return next < h.size() ? h.out(next) : nullptr;
}

bool is_plain_ack(const Departing& seg) {
  return seg.ctl.ack && seg.len() == 0 && !seg.ctl.rst;
}

}  // namespace

// Of text or a FIN that is next in sequence the answer of the target tells.
MaybeRetelling ack_left_out(const History& h, std::size_t i) {
  const Arriving* seg = h.in(i);
  if (seg == nullptr || seg->len() == 0 || seg->ctl.syn || seg->ctl.rst || !h.after(i).established()) return {};
  const RcvSeq end = seg->seq + seg->len();
  const Departing* answer = answer_to(h, i);
  const bool taken = answer != nullptr && answer->ctl.ack && !answer->ctl.rst && answer->ack >= end;
  if (!taken || seg->seq != h.before(i).arrived) return {};
  return silent_after(h, i, kLate);
}

MaybeRetelling answer_left_out(const History& h, std::size_t i) {
  const Arriving* seg = h.in(i);
  const Known& known = h.before(i);
  if (seg == nullptr || seg->ctl.syn || seg->ctl.rst || !seg->ctl.ack || !known.established()) return {};
  if (seg->seq >= known.told || seg->seq + seg->len() > known.told) return {};
  const Departing* answer = answer_to(h, i);
  if (answer == nullptr || !is_plain_ack(*answer)) return {};
  return silent_after(h, i, kLate);
}

MaybeRetelling gap_not_told(const History& h, std::size_t i) {
  const Arriving* seg = h.in(i);
  const Known& known = h.before(i);
  if (seg == nullptr || seg->text.empty() || seg->ctl.syn || seg->ctl.rst || !known.established()) return {};
  const Departing* answer = answer_to(h, i);
  if (answer == nullptr || !is_plain_ack(*answer) || answer->ack != known.told || seg->seq <= known.told) return {};
  return silent_after(h, i, kLate);
}

MaybeRetelling syn_ack_left_out(const History& h, std::size_t i) {
  const Arriving* seg = h.in(i);
  const Known& known = h.before(i);
  if (seg == nullptr || seg->ctl != Ctl{.syn = true} || !seg->text.empty()) return {};
  const Departing* answer = answer_to(h, i);
  if (!known.listening || known.irs || answer == nullptr || !answer->ctl.syn || !answer->ctl.ack) return {};
  return silent_after(h, i, seconds(1));
}

MaybeRetelling reset_left_out(const History& h, std::size_t i) {
  const Arriving* seg = h.in(i);
  const Known& known = h.before(i);
  if (seg == nullptr || seg->ctl.rst || known.established()) return {};
  const bool closed = !known.listening && !known.opening;
  const bool bad_ack = seg->ctl.ack && (!known.iss || seg->ack <= *known.iss || seg->ack > known.sent);
  const Departing* answer = answer_to(h, i);
  if ((!closed && !bad_ack) || answer == nullptr || !answer->ctl.rst) return {};
  return silent_after(h, i, seconds(1));
}

MaybeRetelling syn_never_again(const History& h, std::size_t i) {
  const Departing* seg = h.out(i);
  if (seg == nullptr || !seg->ctl.syn || seg->ctl.ack || h.before(i).iss) return {};
  return silent_for_long(h, i, kSynWait);
}

MaybeRetelling syn_ack_never_again(const History& h, std::size_t i) {
  const Departing* seg = h.out(i);
  if (seg == nullptr || !seg->ctl.syn || !seg->ctl.ack || h.before(i).iss) return {};
  return silent_for_long(h, i, kSynWait);
}

MaybeRetelling text_never_again(const History& h, std::size_t i) {
  const Known& known = h.after(i);
  if (!h.sends_new_text(i) || !known.established() || known.reset || known.edge < known.sent) return {};
  return silent_for_long(h, i, kLongWait);
}

MaybeRetelling fin_never_again(const History& h, std::size_t i) {
  const Departing* seg = h.out(i);
  if (seg == nullptr || !seg->ctl.fin || seg->ctl.syn || h.before(i).fin || h.before(i).reset) return {};
  return silent_for_long(h, i, kLongWait);
}

MaybeRetelling given_up_untold(const History& h, std::size_t i) {
  const Departing* seg = h.out(i);
  const Known& known = h.after(i);
  if (seg == nullptr || seg->text.empty() || known.timeouts == 0 || known.handle < 0) return {};
  if (!known.established() || known.closed || known.reset || known.user_timeout) return {};
  for (std::size_t call = h.next(i); call < h.size(); call = h.next(call)) {
    const UserCall* made = h.call(call);
    if (made == nullptr || made->kind != CallKind::kRead || made->handle != known.handle) continue;
    Retelling told = silent_after(h, i, kLongWait);
    UserCall& read = told.returns(call, h.at(i) + kLongWait);
    read.result = -1;
    read.error = UserError::kWouldBlock;
    read.text = {};
    told.silent_until(h.at(i) + kLongWait);
    return told;
  }
  return {};
}

MaybeRetelling probe_never_sent(const History& h, std::size_t i) {
  const Known& known = h.after(i);
  const UserCall* made = h.call(i);
  const bool writes = made != nullptr && made->kind == CallKind::kWrite && made->result > 0;
  if (h.in(i) == nullptr && !writes) return {};
  if (!known.established() || known.window > 0 || known.reset) return {};
  const std::size_t probe = h.next(i);
  if (probe == h.size() || !h.sends_new_text(probe) || h.out(probe)->seq < known.edge) return {};
  if (known.written <= known.sent - *known.iss - 1) return {};
  return silent_for_long(h, i, kLongWait);
}

MaybeRetelling text_never_sent(const History& h, std::size_t i) {
  const UserCall* made = h.call(i);
  const bool writes = made != nullptr && made->kind == CallKind::kWrite && made->result > 0;
  const std::size_t next = h.next(i);
  if (!writes || next == h.size() || !h.sends_new_text(next)) return {};
  if (!h.before(i).established() || h.before(i).window == 0) return {};
  return silent_for_long(h, i, kHeldWait);
}

MaybeRetelling fin_never_sent(const History& h, std::size_t i) {
  const UserCall* made = h.call(i);
  const bool closes = made != nullptr && !h.before(i).closed && h.after(i).closed;
  const Departing* next = answer_to(h, i);
  if (!closes || next == nullptr || !next->ctl.fin || next->ctl.rst) return {};
  return silent_for_long(h, i, kHeldWait);
}

MaybeRetelling ack_late(const History& h, std::size_t i) {
  if (!ack_left_out(h, i) || !is_plain_ack(*answer_to(h, i))) return {};
  Retelling told(h, i + 1);
  told.silent_until(h.at(i));
  told.leaves(h.next(i), h.at(i) + kLate);
  told.silent_until(h.at(i) + kLate);
  return told;
}

MaybeRetelling syn_repeated(const History& h, std::size_t i) {
  const Departing* seg = h.out(i);
  if (seg == nullptr || !seg->ctl.syn || seg->ctl.rst) return {};
  return leaves_twice(h, i);
}

MaybeRetelling text_repeated(const History& h, std::size_t i) {
  if (!h.sends_new_text(i)) return {};
  return leaves_twice(h, i);
}

MaybeRetelling fin_repeated(const History& h, std::size_t i) {
  const Departing* seg = h.out(i);
  if (seg == nullptr || !seg->ctl.fin || seg->ctl.syn || seg->ctl.rst || h.before(i).fin) return {};
  return leaves_twice(h, i);
}

MaybeRetelling reset_repeated(const History& h, std::size_t i) {
  const Departing* seg = h.out(i);
  if (seg == nullptr || !seg->ctl.rst) return {};
  return leaves_twice(h, i);
}

}  // namespace history_edits
}  // namespace tcpassay
