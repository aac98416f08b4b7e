// SPDX-License-Identifier: Apache-2.0
// A socket that listened in an earlier scenario, for the next one that asks for the same. Making, binding and closing a
// socket takes the kernel as long as three segments do.
#pragma once

#include <cstdint>
#include <utility>

#include "harness/base/file_descriptor.h"

namespace tcpassay {

// Between two scenarios the socket is in CLOSED, bound to its port: the kernel resets what comes for that port, as it
// does without any socket, and another socket with SO_REUSEADDR can be bound to the port. Nothing that the user can set
// may have been set on it.
class KeptListener {
 public:
  // Ends listening, as close() does, and keeps the socket if there is room: else leaves it with the caller.
  bool keep(FileDescriptor& listener, std::uint16_t port);

  // The socket, and the port that it is bound to. No socket when none is kept.
  std::pair<FileDescriptor, std::uint16_t> take() { return {std::move(socket_), std::exchange(port_, 0)}; }

  // What a new socket would inherit has changed: closes the one that is kept, and keeps none until allow().
  void refuse();
  void allow() { allowed_ = true; }

 private:
  FileDescriptor socket_;
  std::uint16_t port_ = 0;
  bool allowed_ = true;
};

}  // namespace tcpassay
