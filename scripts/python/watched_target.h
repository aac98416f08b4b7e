// SPDX-License-Identifier: Apache-2.0
// A target between Python and the real one: keeps every packet for a capture, and lets Ctrl-C end a wait at once.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/target/target.h"
#include "harness/wire/packet.h"

namespace tcpassay {

class WatchedTarget : public Target {
 public:
  struct Packet {
    Time at{};
    Bytes octets{};
  };

  explicit WatchedTarget(std::unique_ptr<Target> target);

  const std::vector<Packet>& packets() const { return packets_; }  // since the reset, in both directions

  const Identity& identity() const override { return target_->identity(); }
  void use_ip(std::uint8_t version) override { target_->use_ip(version); }
  void reset(std::uint64_t seed) override;
  bool configure(std::string_view name, std::int64_t value) override { return target_->configure(name, value); }
  bool has_tuning(const std::string& name) const override { return target_->has_tuning(name); }
  bool tune(const std::string& name, const std::string& value) override { return target_->tune(name, value); }
  Time now() override { return target_->now(); }
  void inject(ByteView packet) override;
  std::optional<Collected> collect() override;
  void advance(Time deadline) override;  // throws what a signal's handler in Python raises: KeyboardInterrupt
  void call(UserCall& call) override { target_->call(call); }
  std::optional<StateReport> state(Tuple tuple) override { return target_->state(tuple); }
  std::optional<std::int64_t> implementation_specific(int handle, std::string_view name,
                                                      std::optional<std::int64_t> value) override {
    return target_->implementation_specific(handle, name, value);
  }

 private:
  void keep(Time at, ByteView packet);

  std::unique_ptr<Target> target_;
  bool real_time_;
  std::vector<Packet> packets_;
};

}  // namespace tcpassay
