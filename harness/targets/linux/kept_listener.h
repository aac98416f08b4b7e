// SPDX-License-Identifier: Apache-2.0
// A socket that listened in an earlier scenario, for the next one that asks for the same. Making, binding and closing a
// socket takes the kernel as long as three segments do.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "harness/base/file_descriptor.h"

namespace tcpassay {

// Between two scenarios the socket is in CLOSED, bound to its port: the kernel resets what comes for that port, as it
// does without any socket, and another socket with SO_REUSEADDR can be bound to the port. Nothing that the user can set
// may have been set on it. Where nothing waits at it, it goes on listening until somebody could see that: stop() must
// be called before anything else than bind() and listen() as they were is done to the kernel.
class KeptListener {
 public:
  struct Kept {
    FileDescriptor socket{};       // none when none is kept
    std::uint16_t port = 0;        // that it is bound to
    std::optional<int> backlog{};  // if it still listens
  };

  // Ends listening, as close() does, or, with a backlog, leaves that to stop(). Keeps the socket if there is room: else
  // leaves it with the caller.
  bool keep(FileDescriptor& listener, std::uint16_t port, std::optional<int> backlog);

  Kept take() { return std::exchange(kept_, Kept{}); }
  void stop() {
    if (kept_.backlog) end_listening();
  }

  // What a new socket would inherit has changed: closes the one that is kept, and keeps none until allow().
  void refuse();
  void allow() { allowed_ = true; }

 private:
  void end_listening();

  Kept kept_{};
  bool allowed_ = true;
};

}  // namespace tcpassay
