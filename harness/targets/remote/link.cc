// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/remote/link.h"

#include <poll.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <string>

#include "harness/target/target.h"

namespace tcpassay {

Time steady_now() {
  return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now().time_since_epoch());
}

bool wait_readable(int fd, Time deadline) {
  for (;;) {
    const Time left = deadline - steady_now();
    if (left <= Time{}) return false;
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec limit{.tv_sec = whole.count(), .tv_nsec = (left - whole).count()};
    pollfd asked{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = ppoll(&asked, 1, &limit, nullptr);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) throw TargetError(std::string("cannot wait: ") + std::strerror(errno));
  }
}

}  // namespace tcpassay
