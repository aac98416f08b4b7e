// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/linux_target.h"

#include <poll.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "harness/targets/linux/kernel_implementation_specific.h"
#include "harness/targets/linux/link_program.h"

namespace tcpassay {
namespace {

using namespace std::chrono_literals;

constexpr Time kMsl = 30s;  // the kernel's TIME-WAIT of 60 s is twice that

// How often advance() polls the wire. This bounds the error of the time at which a packet left.
constexpr Time kLookInterval = 1ms;

// Steady is CLOCK_MONOTONIC.
Time monotonic() {
  return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now().time_since_epoch());
}

std::string kernel_release() {
  utsname names{};
  return uname(&names) == 0 ? names.release : "unknown";
}

bool carries_tcp(ByteView packet) {
  constexpr std::size_t kProtocol = 9, kNextHeader = 6;
  if (packet.size() <= kProtocol) return false;
  switch (packet[0] >> 4) {
    case 4:
      return packet[kProtocol] == 6;
    case 6:
      return packet[kNextHeader] == 6;
    default:
      return false;
  }
}

// Waits until the descriptor is readable or the time, less than a second, is over.
void wait_readable(int fd, Time time) {
  const timespec limit{.tv_sec = 0, .tv_nsec = time.count()};
  pollfd asked{.fd = fd, .events = POLLIN, .revents = 0};
  if (ppoll(&asked, 1, &limit, nullptr) < 0 && errno != EINTR) {
    throw TargetError(std::string("cannot wait: ") + std::strerror(errno));
  }
}

}  // namespace

LinuxTarget::LinuxTarget(std::string name, std::unique_ptr<NetworkNamespace> where, std::unique_ptr<KernelWire> wire)
    : identity_{.name = std::move(name),
                .version = kernel_release(),
                .abilities = {Ability::kSynchronous, Ability::kState, Ability::kPassiveOpen, Ability::kActiveOpen,
                              Ability::kUrgentData, Ability::kHalfClose, Ability::kAbort, Ability::kSecondAddress},
                .msl = kMsl,
                .address = kTargetAddress,
                .peer_address = kPeerAddress,
                .ipv6_address = kTargetIpv6,
                .ipv6_peer_address = kPeerIpv6},
      where_(std::move(where)),
      wire_(std::move(wire)),
      sockets_(*where_),
      settings_(*where_) {
  identity_.settings = settings_.names();
  identity_.implementation_specific = kernel_peculiar_names();
  if (where_->has_ipv6()) identity_.abilities.push_back(Ability::kIpv6);
  reset(0);
}

void LinuxTarget::reset(std::uint64_t) {
  sockets_.clear();
  sockets_.use(ip_ == 6 ? kTargetIpv6 : kTargetAddress, ip_ == 6 ? kPeerIpv6 : kPeerAddress);
  wire_->use_ip(ip_);
  settings_.restore();
  if (std::exchange(link_changed_, false)) wire_->renew();
  if (std::exchange(icmp_seen_, false)) settings_.forget_paths();
  ahead_.reset();
  stimulated_ = false;
  wire_->empty();
  started_ = monotonic();
  silent_at_ = read_ = Time{};
  unread_ = true;
}

bool LinuxTarget::has_tuning(const std::string& asked) const {
  const std::size_t space = asked.find(' ');
  const std::string name = asked.substr(0, space);
  if (space != std::string::npos) return has_tuning(name) && knows(name, asked.substr(space + 1));
  if (name.starts_with("interface.") || name == "shell") return wire_->can_change();
  if (const char* program = link_program(name)) return wire_->can_change() && access(program, X_OK) == 0;
  return settings_.has_sysctl(name);
}

// Whether the kernel has what a value names: a queueing discipline, a congestion control.
bool LinuxTarget::knows(const std::string& name, const std::string& value) const {
  constexpr const char* kControl = "net.ipv4.tcp_congestion_control";
  if (name == "tc") return knows_discipline(*where_, value);
  const std::string control = name == "ip" ? congestion_control(value) : name == kControl ? value : std::string();
  return control.empty() || settings_.has_congestion_control(control);
}

bool LinuxTarget::tune(const std::string& name, const std::string& value) {
  if (!has_tuning(name)) return false;
  sockets_.keep_none();
  if (name == "shell") {
    link_changed_ = true;
    wire_->link_changes();
    const auto before = settings_.all();
    const bool done = run_shell(*where_, value);
    settings_.will_restore(before);
    return done;
  }
  const bool link = name.starts_with("interface.") || link_program(name) != nullptr;
  if (!link) return settings_.set_sysctl(name, value);
  link_changed_ = true;
  const unsigned long number = std::strtoul(value.c_str(), nullptr, 10);
  if (name == "interface.mtu") return number <= kPacketMax && wire_->set_mtu(static_cast<std::uint32_t>(number));
  if (name == "interface.segment") return number <= kPacketMax && wire_->coalesce(static_cast<std::uint16_t>(number));
  wire_->link_changes();
  return run_link_program(*where_, link_program(name), value);
}

bool LinuxTarget::configure(std::string_view name, std::int64_t value) {
  sockets_.keep_none();
  return settings_.set(name, value);
}

Time LinuxTarget::now() {
  unread_ = false;
  return read_ = monotonic() - started_;
}

void LinuxTarget::inject(ByteView packet) {
  sockets_.note_arriving(packet);
  icmp_seen_ = icmp_seen_ || !carries_tcp(packet);
  wire_->before_stimulus();
  wire_->put(packet);
  wire_->after_stimulus();
  stimulated_ = true;
}

std::optional<Collected> LinuxTarget::collect() {
  if (ahead_) return std::exchange(ahead_, std::nullopt);
  return take();
}

// A kernel timer may send a packet at any time. So a packet may have left at any moment since the wire was last seen
// empty, even when it is read after a later stimulus: its interval begins there.
std::optional<Collected> LinuxTarget::take() {
  for (;;) {
    const Time before = unread_ ? now() : read_;
    while (const auto packet = wire_->take()) {
      if (!carries_tcp(*packet)) continue;
      sockets_.note_leaving(*packet);
      return Collected{.from = silent_at_, .until = now(), .packet = *packet};
    }
    if (!std::exchange(stimulated_, false) || !wire_->fence()) {
      silent_at_ = before;
      unread_ = true;
      return std::nullopt;
    }
    unread_ = true;
  }
}

void LinuxTarget::advance(Time deadline) {
  while (!ahead_) {
    const Time left = deadline - now();
    ahead_ = take();
    if (ahead_ || left <= Time{}) return;
    if (wire_->watch(true)) wait_readable(wire_->pollable(), std::min(left, kLookInterval));
    wire_->watch(false);
  }
}

void LinuxTarget::call(UserCall& call) {
  wire_->before_stimulus();
  sockets_.call(call);
  wire_->after_stimulus();
  stimulated_ = true;
}

std::optional<StateReport> LinuxTarget::state(Tuple tuple) {
  const auto state = sockets_.state(tuple);
  if (!state) return std::nullopt;
  return StateReport{.state = *state};
}

}  // namespace tcpassay
