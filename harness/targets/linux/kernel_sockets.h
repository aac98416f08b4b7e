// SPDX-License-Identifier: Apache-2.0
// Socket calls to the host kernel, the states of its connections, and the clean-up after a scenario.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "harness/base/file_descriptor.h"
#include "harness/target/target.h"
#include "harness/targets/linux/flow_log.h"
#include "harness/targets/linux/kept_listener.h"
#include "harness/targets/linux/namespace.h"
#include "harness/targets/linux/socket_monitor.h"

namespace tcpassay {

class KernelSockets {
 public:
  // Whether the namespace is ours alone. In a shared one clear() leaves alone what does not belong to our peer's
  // address, and destroys nothing where it lacks the right to (CAP_NET_ADMIN).
  enum class Sharing : std::uint8_t { kAlone, kShared };

  // Sockets are created in this namespace, which must outlive the object.
  explicit KernelSockets(const NetworkNamespace& where, Sharing sharing = Sharing::kAlone);

  // Sets the addresses that sockets bind and connect to, and so their family. No socket may be open.
  void use(const Address& target, const Address& peer);

  // As Target::call. Handles count from 3 after each clear(), as file descriptors do in a new process. No handle is
  // reused, so that a call on a closed one always fails with EBADF.
  void call(UserCall& call);

  // As Target::implementation_specific.
  std::optional<std::int64_t> implementation_specific(int handle, std::string_view name,
                                                      std::optional<std::int64_t> value);

  // The state of a connection, also when it has no socket: a request in SYN-RECEIVED, an orphan, TIME-WAIT.
  std::optional<State> state(Tuple tuple);

  // Must be called with each packet before the kernel gets it: a SYN may open a connection that clear() must destroy.
  void note_arriving(ByteView packet);
  // May be called with each packet of the kernel's: clear() destroys less at once where it knows what has ended.
  void note_leaving(ByteView packet) { flows_.note_leaving(packet); }

  // What a new socket inherits is not as usual: until the next clear() no socket outlives its scenario.
  void keep_none() {
    stop_listening();
    kept_.refuse();
  }

  // Closes every socket and destroys all connections. The kernel may send RST segments, all before this returns.
  void clear();

  // All connections and listeners that the kernel still has in the namespace.
  std::vector<Flow> remaining() {
    stop_listening();
    return monitor_.all();
  }

 private:
  struct Socket {
    FileDescriptor fd;
    Tuple tuple{};
    std::size_t piece = 0;  // octets of each element of the next write's vector
    bool splices = false;   // the next read goes into a pipe
    // Whether the scenario has done nothing to it that another one could find.
    bool plain = true, listens = false;
    std::uint16_t port = 0;       // that it is bound to, where that is known
    std::uint16_t kept_port = 0;  // as long as the scenario has not bound it: KeptListener
    std::optional<int> still{};   // the backlog with which it still listens, for an earlier scenario
    int backlog = 0;              // with which it listens
  };

  Socket* find(int handle);
  FileDescriptor open_socket() const;
  void renew(Socket& socket) const;
  void note_plainness(Socket& socket, const UserCall& call) const;
  bool keep(Socket& socket);
  void stop_listening();
  void listen_at(Socket& socket, UserCall& call);
  void make_socket(UserCall& call);
  void bind_socket(Socket& socket, UserCall& call);
  void connect_socket(Socket& socket, UserCall& call);
  void accept_connection(const Socket& listener, UserCall& call);
  void write_text(Socket& socket, UserCall& call);
  void read_text(const Socket& socket, UserCall& call);
  std::optional<std::int64_t> fast_open_cookie(bool with_key) const;
  std::optional<std::int64_t> epoll_watch(int fd, std::string_view how, std::int64_t events);
  std::optional<std::int64_t> epoll_told() const;
  void splice_text(const Socket& socket, UserCall& call);
  std::optional<std::int64_t> disconnect(Socket& socket);
  void poll_socket(const Socket& socket, UserCall& call);
  void add_socket(FileDescriptor fd, Tuple tuple, UserCall& call);
  void destroy_of_peer();

  const NetworkNamespace& where_;
  Sharing sharing_;
  Address target_address_{}, peer_address_{};
  SocketMonitor monitor_;
  std::vector<Socket> sockets_;
  KeptListener kept_;
  FlowLog flows_;
  std::vector<std::uint8_t> text_;
  FileDescriptor epoll_;       // the only instance of a scenario
  std::vector<Bytes> pinned_;  // what was written without copying
};

}  // namespace tcpassay
