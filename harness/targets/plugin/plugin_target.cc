// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/plugin/plugin_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

namespace tcpassay {
namespace {

using std::chrono::milliseconds;

constexpr int kStallsMax = 1000;       // how often next_deadline() may name a time that has already come
constexpr std::size_t kLogMax = 1000;  // lines of an adapter that are kept
constexpr milliseconds kTick{1};       // of real time
constexpr std::size_t kPacketMax = 65535 + 40;

// TCP, directly or behind an extension header.
bool carries_tcp(ByteView packet) {
  if (packet.empty()) return true;  // nonsense: the judge says so
  const unsigned version = packet[0] >> 4u;
  if (version == 4 && packet.size() > 9) return packet[9] == 6;
  if (version == 6 && packet.size() > 6) {
    constexpr std::uint8_t kMayLeadToTcp[] = {0, 6, 43, 44, 60};
    return std::find(std::begin(kMayLeadToTcp), std::end(kMayLeadToTcp), packet[6]) != std::end(kMayLeadToTcp);
  }
  return true;
}

}  // namespace

template <typename Work>
auto PluginTarget::inside(Work work) {
  ++depth_;
  const auto result = work();
  --depth_;
  check_misdeeds();
  return result;
}

PluginTarget::PluginTarget(const std::string& place)
    : table_(&load_plugin(plugin_place(place).file)),
      extra_(plugin_place(place).extra),
      identity_(identity_of(*table_)),
      start_(std::chrono::steady_clock::now()),
      sockets_(*table_) {
  host_ = {.abi = TCPASSAY_ABI,
           .size = sizeof host_,
           .ctx = this,
           .emit = emit,
           .random = random,
           .log = log_line,
           .failed = failed};
  config_ = config_of(extra_);
  stack_ = inside([&] { return table_->create(&host_, &config_); });
  if (stack_ != nullptr) return;
  throw TargetError(fmt::format("{}: create() returns NULL{}{}", identity_.name, log_.empty() ? "" : ": ",
                                log_.empty() ? "" : log_.back()));
}

PluginTarget::~PluginTarget() {
  if (stack_ == nullptr) return;
  ++depth_;
  table_->destroy(stack_);
}

void PluginTarget::check_misdeeds() {
  const std::scoped_lock lock(mutex_);
  if (!misdeeds_.failed.empty()) throw TargetDied(fmt::format("{} failed: {}", identity_.name, misdeeds_.failed));
  if (misdeeds_.emits_outside)
    throw TargetError(
        fmt::format("{}: the adapter emits a packet while no call is in progress, although it says that it "
                    "is synchronous",
                    identity_.name));
}

// The first scenario gets the same reset as the others: so an adapter that does it by halves is seen.
void PluginTarget::reset(std::uint64_t seed) {
  {
    const std::scoped_lock lock(mutex_);
    sent_.clear();
  }
  random_ = seed;
  now_ns_ = 0;
  start_ = std::chrono::steady_clock::now();
  const int code = inside([&] { return table_->reset(stack_, ip_); });
  if (code < 0) throw TargetError(fmt::format("{}: reset() fails over IPv{}", identity_.name, ip_));
  {
    const std::scoped_lock lock(mutex_);
    sent_.clear();  // what old connections say on their way out
  }
  sockets_.reset(stack_, ip_ == 6 ? config_.peer_v6 : config_.peer);
}

bool PluginTarget::configure(std::string_view name, std::int64_t value) {
  if (!identity_.has_setting(name)) return false;
  const std::string text(name);
  return inside([&] { return table_->configure(stack_, text.c_str(), value); }) >= 0;
}

Time PluginTarget::now() {
  if (identity_.can(Ability::kVirtualTime)) return Time(now_ns_);
  return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now() - start_);
}

void PluginTarget::inject(ByteView packet) {
  const int code = inside([&] { return table_->input(stack_, packet.data(), packet.size()); });
  if (code < 0) throw TargetError(fmt::format("{}: the adapter's input() fails ({})", identity_.name, code));
}

bool PluginTarget::has_output() {
  const std::scoped_lock lock(mutex_);
  return !sent_.empty();
}

std::optional<Collected> PluginTarget::collect() {
  check_misdeeds();
  const std::scoped_lock lock(mutex_);
  if (sent_.empty()) return std::nullopt;
  last_ = std::move(sent_.front());
  sent_.pop_front();
  return Collected{.from = last_.at, .until = last_.at, .packet = last_.packet};
}

void PluginTarget::advance(Time deadline) {
  identity_.can(Ability::kVirtualTime) ? advance_virtual(deadline) : advance_real(deadline);
}

// From one deadline of the stack to the next, so that a packet leaves at the time at which its timer ran out.
void PluginTarget::advance_virtual(Time deadline) {
  int stalls = 0;
  while (now_ns_ < deadline.count() && !has_output()) {
    const std::uint64_t due = inside([&] { return table_->next_deadline(stack_); });
    const auto next =
        static_cast<std::int64_t>(std::min<std::uint64_t>(due, static_cast<std::uint64_t>(deadline.count())));
    stalls = next <= now_ns_ ? stalls + 1 : 0;
    if (stalls > kStallsMax) {
      throw TargetError(fmt::format(
          "{}: next_deadline() stays at {} ns although advance() has been called with that time", identity_.name, due));
    }
    now_ns_ = std::max(now_ns_, next);
    inside([&] { return table_->advance(stack_, static_cast<std::uint64_t>(now_ns_)); });
  }
}

void PluginTarget::advance_real(Time deadline) {
  for (;;) {
    inside([&] { return table_->advance(stack_, static_cast<std::uint64_t>(now().count())); });
    const Time left = deadline - now();
    if (has_output() || left <= Time{}) return;
    std::this_thread::sleep_for(std::min<Time>(left, kTick));
  }
}

void PluginTarget::call(UserCall& call) {
  inside([&] {
    sockets_.call(call);
    return 0;
  });
}

std::optional<StateReport> PluginTarget::state(Tuple tuple) {
  if (table_->state == nullptr) return std::nullopt;
  tcpassay_state told{};
  const int code = inside([&] { return table_->state(stack_, tuple.local, tuple.remote, &told); });
  if (code <= 0) return std::nullopt;
  if (told.state > TCPASSAY_TIME_WAIT)
    throw TargetError(
        fmt::format("{}: the adapter's state() tells state {}, which does not exist", identity_.name, told.state));
  StateReport report{.state = static_cast<State>(told.state)};
  if ((told.known & TCPASSAY_KNOWS_SND_UNA) != 0) report.snd_una = told.snd_una;
  if ((told.known & TCPASSAY_KNOWS_SND_NXT) != 0) report.snd_nxt = told.snd_nxt;
  if ((told.known & TCPASSAY_KNOWS_RCV_NXT) != 0) report.rcv_nxt = told.rcv_nxt;
  return report;
}

// The host's functions: C calls them, so that nothing may be thrown here.

void PluginTarget::emit(void* ctx, const std::uint8_t* packet, std::size_t length) {
  auto& self = *static_cast<PluginTarget*>(ctx);
  const bool synchronous = self.identity_.can(Ability::kSynchronous);
  const Time at = self.now();
  const ByteView view(packet, std::min(length, kPacketMax));
  const std::scoped_lock lock(self.mutex_);
  if (synchronous && self.depth_ == 0) self.misdeeds_.emits_outside = true;
  if (carries_tcp(view)) self.sent_.push_back({.at = at, .packet = Bytes(view.begin(), view.end())});
}

// splitmix64
std::uint32_t PluginTarget::random(void* ctx) {
  auto& self = *static_cast<PluginTarget*>(ctx);
  std::uint64_t z = self.random_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30u)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27u)) * 0x94d049bb133111eb;
  return static_cast<std::uint32_t>(z >> 32u);
}

void PluginTarget::log_line(void* ctx, const char* line) {
  auto& self = *static_cast<PluginTarget*>(ctx);
  const std::scoped_lock lock(self.mutex_);
  if (self.log_.size() < kLogMax) self.log_.emplace_back(line);
}

void PluginTarget::failed(void* ctx, const char* why) {
  auto& self = *static_cast<PluginTarget*>(ctx);
  const std::scoped_lock lock(self.mutex_);
  if (self.misdeeds_.failed.empty()) self.misdeeds_.failed = why != nullptr && *why != 0 ? why : "no reason given";
}

}  // namespace tcpassay
