// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/kept_listener.h"

#include <sys/socket.h>

namespace tcpassay {

// shutdown() of a listener disconnects it: what waits to be accepted is reset, and the socket is as it was before
// listen().
bool KeptListener::keep(FileDescriptor& listener, std::uint16_t port) {
  if (!allowed_ || socket_ || shutdown(listener.get(), SHUT_RD) != 0) return false;
  socket_ = std::move(listener);
  port_ = port;
  return true;
}

void KeptListener::refuse() {
  take();
  allowed_ = false;
}

}  // namespace tcpassay
