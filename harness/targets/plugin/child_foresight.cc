// SPDX-License-Identifier: Apache-2.0
// A child that answers questions before they are asked. When the next question is another one, the child begins again
// at the reset and makes the same requests: time is virtual, so that it comes to the same place. That is checked.
#include <algorithm>
#include <cstring>
#include <utility>
#include <variant>

#include "harness/targets/plugin/child_target.h"

namespace tcpassay {
namespace {

constexpr std::size_t kRequestsMax = kBatchMax / 4;    // octets of a scenario's requests that are kept
constexpr std::size_t kHandlePlace = sizeof(Request);  // where put_call() writes the handle

}  // namespace

bool ChildTarget::foresees() const {
  return repeats() && !is_ahead() && !step_by_step_ && process_ >= 0 && requests_.size() < kRequestsMax;
}

void ChildTarget::foresee(std::span<const Foreseen> next) {
  if (!foresees()) return;
  keep_packets();
  const std::size_t before = batch_ ? batch_->size() : 0;
  plans_.clear();
  ahead_.clear();
  next_ahead_ = 0;
  for (const Foreseen& each : next) {
    if (!plan(each)) break;
  }
  if (plans_.empty()) return;
  requests_.insert(requests_.end(), memory_->batch, memory_->batch + before);
  hangs_ = false;
  try {
    send(hang_after_);
  } catch (const TargetDied& died) {  // its turn to be told comes with the request of which it died
    lost_ = step_by_step_ = true;
    death_ahead_ = hangs_ ? "" : died.what();
    until_told_ = plans_.size();
    return;
  }
  read_ahead();
}

// Appends the request to the batch. False when there is no room for it.
bool ChildTarget::plan(const Foreseen& next) {
  Plan made;
  Bytes octets(1024);
  const auto* call = std::get_if<Foreseen::Made>(&next.what);
  if (const auto* packet = std::get_if<Bytes>(&next.what)) octets.resize(packet->size() + 64);
  if (call) octets.resize(call->text.size() + 256);
  OctetWriter out(octets.data(), octets.size());
  if (const auto* watch = std::get_if<Foreseen::Watch>(&next.what)) {
    const auto same = [&](const Watched& each) { return each.tuple == watch->tuple; };
    if (std::any_of(watched_.begin(), watched_.end(), same)) return true;
    if (watched_.size() >= kWatchedMax) return false;
    watched_.push_back({.tuple = watch->tuple});
    request(Request::kWatch).put(watch->tuple);
    return true;
  }
  if (const auto* packet = std::get_if<Bytes>(&next.what)) {
    out.put(Request::kInject);
    out.put_block(*packet);
  } else if (const auto* deadline = std::get_if<Time>(&next.what)) {
    out.put(Request::kAdvance);
    out.put(deadline->count());
  } else {
    UserCall with_text = call->call;
    with_text.text = call->text;
    out.put(Request::kCall);
    put_call(out, with_text);
    made.handle_of = call->handle_of;
  }
  if (batch_ && batch_->size() + out.size() > kBatchMax / 2) return false;
  OctetWriter& batch = request(Request::kForeseen);
  batch.put(made.handle_of < 0 ? kNoHandle : static_cast<std::uint32_t>(made.handle_of));
  batch.put(next.repeat);
  batch.put_octets(out.octets());
  made.request.assign(out.octets().begin(), out.octets().end());
  plans_.push_back(std::move(made));
  return true;
}

void ChildTarget::read_ahead() {
  answer_.assign(memory_->answer, memory_->answer + std::min<std::size_t>(memory_->answer_size, kAnswerMax));
  OctetReader in(answer_);
  while (!in.at_end()) {
    const auto number = in.get<std::uint32_t>();
    if (number >= plans_.size())
      throw TargetDied("its process has overwritten the memory that it shares with tcpassay");
    ahead_.push_back({.plan = number, .answer = in.get_block()});
  }
}

// Takes the answer if the batch is what was foreseen next.
bool ChildTarget::comes_true() {
  const Ahead next = ahead_[next_ahead_];
  Plan& plan = plans_[next.plan];
  if (plan.handle_of >= 0) {
    const auto handle = static_cast<int>(plans_[static_cast<std::size_t>(plan.handle_of)].result);
    std::memcpy(plan.request.data() + kHandlePlace, &handle, sizeof handle);
    plan.handle_of = -1;
  }
  const ByteView asked(memory_->batch, batch_ ? batch_->size() : 0);
  if (!std::equal(asked.begin(), asked.end(), plan.request.begin(), plan.request.end())) return false;
  ++next_ahead_;
  note_requests();
  batch_.reset();
  read_answer(next.answer);
  plan.result = result_.result;
  return true;
}

// Makes the requests since the reset again, and then those of the batch.
void ChildTarget::go_back(std::chrono::nanoseconds most) {
  const Bytes asked(memory_->batch, memory_->batch + (batch_ ? batch_->size() : 0));
  if (process_ < 0) start();
  lost_ = false;
  ahead_.clear();
  next_ahead_ = 0;
  OctetWriter& out = batch_.emplace(memory_->batch, kBatchMax);
  out.put_octets(requests_);
  out.put(Request::kForget);
  for (const Watched& each : watched_) {
    out.put(Request::kWatch);
    out.put(each.tuple);
  }
  out.put_octets(asked);
  if (out.full()) throw TargetError("the requests do not fit into the memory that a child shares");
  requests_.insert(requests_.end(), asked.begin(), asked.end());
  requests_.push_back(static_cast<std::uint8_t>(Request::kDiscard));
  const std::uint64_t answered = answered_;
  send(most);
  answer_.assign(memory_->answer, memory_->answer + std::min<std::size_t>(memory_->answer_size, kAnswerMax));
  read_answer(answer_);
  if (discarded_ == answered) return tell_death_ahead();
  throw TargetError(identity_.name + " does not repeat itself: the same requests have other answers the second time (" +
                    "tcpassay plugin-check tells more)");
}

void ChildTarget::note_requests() {
  if (!repeats() || (!is_ahead() && requests_.size() >= kRequestsMax)) return;  // nothing is foreseen any more
  requests_.insert(requests_.end(), memory_->batch, memory_->batch + (batch_ ? batch_->size() : 0));
  requests_.push_back(static_cast<std::uint8_t>(Request::kDiscard));
}

void ChildTarget::forget_foresight() {
  ahead_.clear();
  next_ahead_ = 0;
  requests_.clear();
  answered_ = 0;
  lost_ = step_by_step_ = false;
}

// A child that died ahead of its owner, and does not die when it is asked step by step, has died all the same.
void ChildTarget::tell_death_ahead() {
  if (death_ahead_.empty() || --until_told_ > 0) return;
  stop();
  throw TargetDied(std::exchange(death_ahead_, {}));
}

}  // namespace tcpassay
