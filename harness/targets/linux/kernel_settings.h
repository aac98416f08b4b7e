// SPDX-License-Identifier: Apache-2.0
// The settings of a scenario as sysctls of the private network namespace, put back at the next reset.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/targets/linux/namespace.h"
#include "harness/wire/packet.h"

namespace tcpassay {

class KernelSettings {
 public:
  explicit KernelSettings(const NetworkNamespace& where) : where_(where) {}

  std::vector<std::string> names() const;  // the settings that this kernel supports

  // False when the kernel has no such setting or refuses the value. Throws TargetError when it cannot be written.
  bool set(std::string_view name, std::int64_t value);

  // Any sysctl of the namespace: "net.ipv4.tcp_rmem". False when there is none, or the value is refused.
  bool has_sysctl(const std::string& name) const;
  bool has_congestion_control(const std::string& name) const;  // which the kernel has, or can load
  bool set_sysctl(const std::string& name, const std::string& value);

  struct Changed {
    std::string path, before;
  };
  // All sysctls of the namespace, so that what a program then changes is restored with the rest.
  std::vector<Changed> all() const;
  void will_restore(const std::vector<Changed>& before);

  // Restores the values from before the first set().
  void restore();

  // Makes the kernel forget its metrics and Fast Open cookie of this peer.
  static void forget_server(const Address& peer);

  // Makes the kernel forget the path MTU to the peer.
  void forget_paths();

 private:
  const NetworkNamespace& where_;
  std::vector<Changed> changed_;
};

}  // namespace tcpassay
