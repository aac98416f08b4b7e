// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/linux.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
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

constexpr unsigned kProbeSecondsMax = 10;

bool has_threads() {
  std::error_code ignored;
  const std::filesystem::directory_iterator tasks("/proc/self/task", ignored);
  return std::distance(begin(tasks), end(tasks)) > 1;
}

// Runs in a child process. Throws TargetError for what is missing.
void probe(bool tun, bool threads) {
  bool with_user_namespace = false;
  if (const int error = enter_new_network_namespace(with_user_namespace)) throw TargetError(why_no_namespace(error));
  if (with_user_namespace && threads) throw TargetError(why_no_namespace(EINVAL));
  const FileDescriptor setting(open(kProbedSetting, O_WRONLY | O_CLOEXEC));
  if (!setting) throw TargetError(why_no_settings(kProbedSetting, errno));
  if (tun) {
    const FileDescriptor device(open(kTunDevice, O_RDWR | O_CLOEXEC));
    if (!device) throw TargetError(why_no_tun(errno));
  } else {
    probe_raw_wire();
  }
  (tun ? make_linux : make_linux_raw)();  // what works in parts may not work as a whole
}

std::optional<std::string> missing(bool tun) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return std::string("no pipe: ") + std::strerror(errno);
  const FileDescriptor reader(ends[0]);
  FileDescriptor writer(ends[1]);
  const bool threads = has_threads();
  const pid_t child = fork();
  if (child < 0) return std::string("no child process: ") + std::strerror(errno);
  if (child == 0) {
    alarm(kProbeSecondsMax);
    try {
      probe(tun, threads);
    } catch (const TargetError& error) {
      const std::string line = error.what();
      if (write(writer.get(), line.data(), line.size()) < 0) _exit(1);
    }
    _exit(0);
  }
  writer.close();
  std::array<char, 1024> line;
  ssize_t size;
  while ((size = read(reader.get(), line.data(), line.size())) < 0 && errno == EINTR) {
  }
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (size <= 0) return std::nullopt;
  return std::string(line.data(), static_cast<std::size_t>(size));
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
