// SPDX-License-Identifier: Apache-2.0
// Non-blocking sockets with POSIX's errors, on top of an adapter's endpoints.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "harness/target/target.h"
#include "harness/targets/plugin/plugin_file.h"

namespace tcpassay {

class PluginSockets {
 public:
  static constexpr int kFirstHandle = 3;

  explicit PluginSockets(const PluginTable& table) : table_(table) {}

  // Forgets every socket: `stack` is what create() returned, fresh from a reset. `peer` is who connect() speaks to.
  void reset(void* stack, const tcpassay_address& peer);

  void call(UserCall& call);  // as Target::call()

 private:
  struct Socket {
    bool used = false, read_end = false, write_end = false, told = false, reuse_address = false;
    UserError soft_error = UserError::kNone;  // waits for the user to ask
    std::int32_t endpoint = -1;
    std::uint16_t port = 0;  // local
    std::int64_t linger = -1;
    std::map<SocketOption, std::int64_t> options{};
  };

  Socket* at(int handle);
  tcpassay_status status_of(Socket& socket);
  UserError take_error(Socket& socket, const tcpassay_status& status);
  bool port_is_free(const Socket& socket, std::uint16_t port) const;
  std::uint16_t free_port() const;

  int add(std::int32_t endpoint);
  void socket(UserCall& call);
  void bind(UserCall& call, Socket& socket);
  void listen(UserCall& call, Socket& socket);
  void connect(UserCall& call, Socket& socket);
  void send_to(UserCall& call, Socket& socket);
  void accept(UserCall& call, Socket& socket);
  void write(UserCall& call, Socket& socket);
  void read(UserCall& call, Socket& socket);
  void shutdown(UserCall& call, Socket& socket);
  void close(UserCall& call, Socket& socket);
  void set_option(UserCall& call, Socket& socket);
  void get_option(UserCall& call, Socket& socket);
  void poll(UserCall& call, Socket& socket);

  const PluginTable& table_;
  void* stack_ = nullptr;
  tcpassay_address peer_{};
  std::vector<Socket> sockets_{};
  std::vector<std::uint8_t> text_{};  // of the last read
};

}  // namespace tcpassay
