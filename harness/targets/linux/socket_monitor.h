// SPDX-License-Identifier: Apache-2.0
// The kernel's socket monitoring interface (NETLINK_SOCK_DIAG): finds, lists and destroys the connections of a
// namespace.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "harness/target/target.h"
#include "harness/targets/linux/namespace.h"
#include "harness/targets/linux/netlink.h"

namespace tcpassay {

// The addresses and ports that identify a connection.
struct Flow {
  Address target_address{}, peer_address{};
  Tuple tuple{};
  friend bool operator==(const Flow&, const Flow&) = default;
};

class SocketMonitor {
 public:
  static constexpr std::size_t kFlowsMax = 64;  // of one call of destroy()

  // Makes the kernel load its module. Throws TargetError when the kernel has no such interface, or when connections are
  // to be destroyed and it cannot do that. The namespace must outlive this object.
  explicit SocketMonitor(const NetworkNamespace& where, bool destroys = true);

  // The state of one connection; empty when the kernel has none.
  std::optional<State> state(const Flow& flow);

  // All that TCP still has in the namespace.
  std::vector<Flow> all();

  // Destroys these connections, at most kFlowsMax; false when the kernel could not destroy one of them.
  bool destroy(const std::vector<Flow>& flows);

  // Destroys everything. Throws TargetError when something is left in the end.
  void destroy_all();

 private:
  void dump(std::uint8_t version, std::vector<Flow>& flows);

  const NetworkNamespace& where_;
  NetlinkSocket socket_;
  std::array<std::uint8_t, 32768> answer_;
};

}  // namespace tcpassay
