// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/remote/station.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/target/inconclusive.h"
#include "harness/target/target.h"
#include "harness/targets/remote/link.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

using namespace std::chrono_literals;

constexpr int kTries = 3;             // questions for a link address, and first echo requests
constexpr Time kFirstAnswer = 500ms;  // how long each may take to be answered
constexpr int kMeasured = 20;         // round trips
constexpr Time kSlowest = 500ms;      // an answer that takes longer than this and ten round trips is too slow
constexpr Time kMarginMax = 5ms;      // for packets that overtake each other, after the answer to what follows
constexpr Time kLookInterval = 1ms;   // bounds the error of the time at which a packet left
constexpr Time kWithoutFence = 20ms;  // of silence, where the target answers nothing else

bool is_set(const Address& address) {
  return std::any_of(address.octets.begin(), address.octets.end(), [](std::uint8_t octet) { return octet != 0; });
}

// A locally administered address that differs for each spare address of ours.
LinkAddress link_address_for(const Address& address) {
  const std::size_t at = address.family == 6 ? 12 : 0;
  const auto& octets = address.octets;
  return {0x02, 0x7a, octets[at], octets[at + 1], octets[at + 2], octets[at + 3]};
}

}  // namespace

Station::Station(std::unique_ptr<Link> link, const StationAddresses& addresses, Time settle)
    : link_(std::move(link)),
      addresses_(addresses),
      own_link_(link_address_for(is_set(addresses.own) ? addresses.own : addresses.own6)),
      settle_(settle),
      echo_id_(static_cast<std::uint16_t>(getpid())) {
  started_ = steady_now();
  const bool ipv4 = is_set(addresses_.own), ipv6 = is_set(addresses_.own6);
  ip_ = ipv4 ? 4 : 6;
  if (link_->ethernet()) {
    const Address& hop = addresses_.gateway.value_or(addresses_.target);
    if (ipv4) find(hop, addresses_.own, target_link_);
    if (ipv6) find(addresses_.target6, addresses_.own6, target6_link_);
  }
  measure();
}

void Station::use_ip(std::uint8_t version) {
  ip_ = version;
}

void Station::find(const Address& wanted, const Address& own, LinkAddress& found) {
  wanted_ = wanted;
  found_.reset();
  for (int i = 0; i < kTries && !found_; ++i) {
    ask_neighbour(wanted, own);
    const Time deadline = steady_now() + kFirstAnswer;
    while (!found_ && steady_now() < deadline) look(deadline);
  }
  if (!found_) {
    throw TargetError(wanted.text() + " does not answer " + (wanted.family == 6 ? "neighbour discovery" : "ARP") +
                      ": is it on this link, and up?");
  }
  found = *found_;
}

void Station::measure() {
  if (measure_by(Fence::kEcho)) return;
  if (link_->ethernet() && !addresses_.gateway && measure_by(Fence::kNeighbour)) return;
  fence_ = Fence::kNone;
  settle_ = std::max(settle_, kWithoutFence);
}

// False when the target does not answer.
bool Station::measure_by(Fence fence) {
  fence_ = fence;
  bool any = false;
  for (int i = 0; i < kTries && !any; ++i) {
    ask();
    any = answered(steady_now() + kFirstAnswer);
  }
  std::vector<Time> took;
  for (int i = 0; any && i < kMeasured; ++i) {
    const Time before = steady_now();
    ask();
    if (answered(before + kFirstAnswer)) took.push_back(steady_now() - before);
  }
  if (took.empty()) return false;
  std::sort(took.begin(), took.end());
  measured_ = {.least = took.front(), .median = took[took.size() / 2], .most = took.back()};
  return true;
}

void Station::ask() {
  if (fence_ == Fence::kEcho) return ask_echo();
  wanted_ = ip_ == 6 ? addresses_.target6 : addresses_.target;
  found_.reset();
  ask_neighbour(wanted_, ip_ == 6 ? addresses_.own6 : addresses_.own);
}

bool Station::answered(Time deadline) {
  const auto done = [&] { return fence_ == Fence::kEcho ? echo_seen_ == echo_sent_ : found_.has_value(); };
  while (!done() && steady_now() < deadline) look(deadline);
  return done();
}

void Station::fence() {
  const Time begin = steady_now();
  if (fence_ != Fence::kNone) {
    const Time slowest = std::max(kSlowest, 10 * measured_.most);
    constexpr int kAgain = 4;  // an echo request or its reply may be lost
    bool done = false;
    Time asked = begin;
    for (int i = 0; i < kAgain && !done; ++i) {
      asked = steady_now();
      ask();
      done = answered(asked + slowest / kAgain);
    }
    if (!done) {
      throw Inconclusive("the target has not answered for " +
                         std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(slowest).count()) +
                         " ms: cannot tell silence from delay");
    }
    floor_ = std::max(floor_, begin - started_);
  }
  const Time margin = fence_ == Fence::kNone ? Time{} : std::min(measured_.spread(), kMarginMax);
  std::size_t count = arrived_.size();
  for (Time end = steady_now() + margin + settle_; steady_now() < end;) {
    look(end);
    if (std::exchange(count, arrived_.size()) != arrived_.size()) end = steady_now() + margin + settle_;
  }
}

std::optional<Collected> Station::receive(Time deadline) {
  const Time until = started_ + deadline;
  for (bool taken = true; arrived_.empty();) {
    if (!taken && steady_now() >= until) return std::nullopt;
    taken = look(std::min(until, steady_now() + kLookInterval));
  }
  Arrived oldest = std::move(arrived_.front());
  arrived_.pop_front();
  current_ = std::move(oldest.packet);
  return Collected{.from = oldest.from, .until = oldest.until, .packet = current_};
}

void Station::restart() {
  while (link_->receive(Time{})) {
  }
  arrived_.clear();
  pretended_.clear();
  started_ = steady_now();
  floor_ = Time{};
}

// Takes one frame; false when there is none.
bool Station::look(Time deadline) {
  const Time before = steady_now();
  if (const auto frame = link_->receive(deadline)) {
    take_frame(*frame);
    return true;
  }
  const Time empty = std::max(before, deadline) - started_;
  floor_ = std::max(floor_, empty - measured_.most);
  return false;
}

}  // namespace tcpassay
