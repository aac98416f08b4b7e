// SPDX-License-Identifier: Apache-2.0
// The user's side of the host kernel: socket calls, the state of a conversation, and the end of all that is left over.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "harness/target/target.h"
#include "harness/targets/linux/file_descriptor.h"
#include "harness/targets/linux/namespace.h"
#include "harness/targets/linux/socket_monitor.h"

namespace tcpassay {

class KernelSockets {
 public:
  // Sockets are made in the namespace, which must outlive this.
  explicit KernelSockets(const NetworkNamespace& where);

  // What the next sockets bind to and connect to, and so their family. There must be none.
  void use(const Address& target, const Address& peer);

  // As Target::call. Handles count from 3 after each clear(), as file descriptors do in a fresh process; none is used
  // twice, so that a call on a closed one always fails with EBADF.
  void call(UserCall& call);

  // As Target::peculiar.
  std::optional<std::int64_t> implementation_specific(int handle, std::string_view name,
                                                      std::optional<std::int64_t> value);

  // The kernel's state of a conversation: of a socket, a request in SYN-RECEIVED, an orphan or a TIME-WAIT remainder.
  std::optional<State> state(Tuple tuple);

  // Must see each packet before the kernel does: a SYN may begin a connection that clear() has to end.
  void note_arriving(ByteView packet);

  // Closes every socket and destroys what the kernel keeps of their connections. May send RST segments, all of them
  // before it returns.
  void clear();

  // Everything of TCP that the kernel still holds in the namespace.
  std::vector<Flow> remaining() { return monitor_.all(); }

 private:
  struct Socket {
    FileDescriptor fd;
    Tuple tuple{};
  };

  Socket* find(int handle);
  void make_socket(UserCall& call);
  void bind_socket(const Socket& socket, UserCall& call);
  void connect_socket(Socket& socket, UserCall& call);
  void accept_connection(const Socket& listener, UserCall& call);
  void read_text(const Socket& socket, UserCall& call);
  void poll_socket(const Socket& socket, UserCall& call);
  void add_socket(FileDescriptor fd, Tuple tuple, UserCall& call);
  void note_flow(const Flow& flow);

  const NetworkNamespace& where_;
  Address target_address_{}, peer_address_{};
  SocketMonitor monitor_;
  std::vector<Socket> sockets_;
  std::vector<Flow> flows_;        // that may have left something in the kernel
  bool flows_overflowed_ = false;  // there were more; clear() lists what the kernel has
  std::vector<std::uint8_t> text_;
};

}  // namespace tcpassay
