// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/kept_listener.h"

#include <sys/socket.h>

namespace tcpassay {

// shutdown() of a listener disconnects it: what waits to be accepted is reset, and the socket is as it was before
// listen().
bool KeptListener::keep(FileDescriptor& listener, std::uint16_t port, std::optional<int> backlog) {
  if (!allowed_ || kept_.socket || (!backlog && shutdown(listener.get(), SHUT_RD) != 0)) return false;
  kept_ = {.socket = std::move(listener), .port = port, .backlog = backlog};
  return true;
}

void KeptListener::end_listening() {
  if (shutdown(kept_.socket.get(), SHUT_RD) != 0) take();
  kept_.backlog.reset();
}

void KeptListener::refuse() {
  take();
  allowed_ = false;
}

}  // namespace tcpassay
