// SPDX-License-Identifier: Apache-2.0
// The host kernel's TCP as a target: socket calls in a private network namespace, packets over a wire to it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "harness/target/target.h"
#include "harness/targets/linux/kernel_settings.h"
#include "harness/targets/linux/kernel_sockets.h"
#include "harness/targets/linux/kernel_wire.h"
#include "harness/targets/linux/namespace.h"

namespace tcpassay {

// Time is real, so the seed of reset() has no effect: ports and initial sequence numbers are the kernel's own choice.
class LinuxTarget : public Target {
 public:
  // The wire leads into the namespace. Both live as long as the target.
  LinuxTarget(std::string name, std::unique_ptr<NetworkNamespace> where, std::unique_ptr<KernelWire> wire);

  const Identity& identity() const override { return identity_; }
  void use_ip(std::uint8_t version) override { ip_ = version; }
  void reset(std::uint64_t seed) override;
  bool has_tuning(const std::string& asked) const override;  // a name, or a name, a space and a value
  bool tune(const std::string& name, const std::string& value) override;
  bool configure(std::string_view name, std::int64_t value) override;
  Time now() override;
  void inject(ByteView packet) override;
  std::optional<Collected> collect() override;
  void advance(Time deadline) override;
  void call(UserCall& call) override;
  std::optional<StateReport> state(Tuple tuple) override;
  std::optional<std::int64_t> implementation_specific(int handle, std::string_view name,
                                                      std::optional<std::int64_t> value) override {
    return sockets_.implementation_specific(handle, name, value);
  }

  // For tests: what the kernel still holds in the namespace.
  std::vector<Flow> remaining() { return sockets_.remaining(); }

 private:
  bool knows(const std::string& name, const std::string& value) const;
  std::optional<Collected> take();

  Identity identity_;
  std::unique_ptr<NetworkNamespace> where_;
  std::unique_ptr<KernelWire> wire_;
  KernelSockets sockets_;
  KernelSettings settings_;
  std::uint8_t ip_ = 4;
  bool link_changed_ = false;       // the interface is no longer as it was made
  bool icmp_seen_ = false;          // a path MTU may have been learnt
  Time started_{};                  // on the monotonic clock
  bool stimulated_ = false;         // there was a stimulus since the wire was last seen empty
  Time read_{};                     // the clock when it was last read
  bool unread_ = true;              // it was not read since the wire was last seen empty
  Time silent_at_{};                // when the wire was last seen empty: packets read after that were sent after that
  std::optional<Collected> ahead_;  // read by advance() for the next collect()
};

}  // namespace tcpassay
