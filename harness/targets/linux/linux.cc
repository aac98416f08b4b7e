// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/linux.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>

#include "harness/targets/linux/linux_target.h"
#include "harness/targets/linux/namespace.h"
#include "harness/targets/linux/raw_wire.h"
#include "harness/targets/linux/tun_wire.h"

namespace tcpassay {
namespace {

// How far a child process came on the way to a target.
enum class Obstacle : std::uint8_t { kNone, kNamespace, kSettings, kTun };
struct Finding {
  Obstacle obstacle = Obstacle::kNone;
  int error = 0;
  bool with_user_namespace = false;
};

// Runs after fork(): system calls only.
Finding explore(bool tun) {
  Finding finding;
  const auto stopped_by = [&](Obstacle obstacle) {
    finding.obstacle = obstacle;
    finding.error = errno;
    return finding;
  };
  if (const int error = enter_new_network_namespace(finding.with_user_namespace)) {
    errno = error;
    return stopped_by(Obstacle::kNamespace);
  }
  if (open(kProbedSetting, O_WRONLY | O_CLOEXEC) < 0) return stopped_by(Obstacle::kSettings);
  if (tun && open(kTunDevice, O_RDWR | O_CLOEXEC) < 0) return stopped_by(Obstacle::kTun);
  return finding;
}

bool has_threads() {
  std::error_code ignored;
  const std::filesystem::directory_iterator tasks("/proc/self/task", ignored);
  return std::distance(begin(tasks), end(tasks)) > 1;
}

Finding explore_in_child(bool tun) {
  int ends[2];
  Finding finding;
  if (pipe2(ends, O_CLOEXEC) != 0) return finding;
  const FileDescriptor reader(ends[0]);
  FileDescriptor writer(ends[1]);
  const pid_t child = fork();
  if (child == 0) {
    const Finding found = explore(tun);
    _exit(write(writer.get(), &found, sizeof found) == sizeof found ? 0 : 1);
  }
  writer.close();
  if (child < 0) return finding;
  // What cannot be found out this way is left to the constructor.
  if (read(reader.get(), &finding, sizeof finding) != sizeof finding) finding = {};
  waitpid(child, nullptr, 0);
  if (finding.with_user_namespace && finding.obstacle == Obstacle::kNone && has_threads()) {
    finding = {.obstacle = Obstacle::kNamespace, .error = EINVAL};
  }
  return finding;
}

std::optional<std::string> missing(bool tun) {
  const Finding finding = explore_in_child(tun);
  switch (finding.obstacle) {
    case Obstacle::kNone:
      return std::nullopt;
    case Obstacle::kNamespace:
      return why_no_namespace(finding.error);
    case Obstacle::kSettings:
      return why_no_settings(kProbedSetting, finding.error);
    case Obstacle::kTun:
      return why_no_tun(finding.error);
  }
  return std::nullopt;
}

template <class Wire>
std::unique_ptr<Target> make(const char* name) {
  auto where = std::make_unique<NetworkNamespace>();
  auto wire = std::make_unique<Wire>(*where);
  return std::make_unique<LinuxTarget>(name, std::move(where), std::move(wire));
}

}  // namespace

std::unique_ptr<Target> make_linux() {
  return make<TunWire>("linux");
}
std::unique_ptr<Target> make_linux_raw() {
  return make<RawWire>("linux-raw");
}

std::optional<std::string> linux_missing() {
  return missing(/*tun=*/true);
}
std::optional<std::string> linux_raw_missing() {
  return missing(/*tun=*/false);
}

}  // namespace tcpassay
