// SPDX-License-Identifier: Apache-2.0
#include "harness/base/processes.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "harness/target/target.h"

namespace tcpassay {
namespace {

constexpr int kLookMs = 100;    // how often the parent checks for an interrupt
constexpr char kFailure = '!';  // first character of the line with a worker's error message

volatile std::sig_atomic_t interrupts = 0;
void note_interrupt(int which) {
  interrupts = 1;
  signal(which, SIG_DFL);
}

bool write_line(int fd, std::string line) {
  line += '\n';
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t wrote = write(fd, line.data() + done, line.size() - done);
    if (wrote < 0 && errno != EINTR) return false;
    if (wrote > 0) done += static_cast<std::size_t>(wrote);
  }
  return true;
}

struct Worker {
  pid_t process = -1;
  int fd = -1;
  std::string buffer{};
};

// Its destructor ends every worker and waits for it.
struct Workers {
  std::vector<Worker> all{};

  // Waits for a worker that has closed its end. Empty if it has done its work.
  static std::string end_of(Worker& worker) {
    int status = 0;
    while (waitpid(worker.process, &status, 0) < 0 && errno == EINTR) {
    }
    worker.process = -1;
    if (WIFSIGNALED(status)) {
      return fmt::format("signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
    }
    return WEXITSTATUS(status) == 0 ? "" : fmt::format("exit status {}", WEXITSTATUS(status));
  }

  ~Workers() {
    for (const Worker& worker : all) {
      if (worker.fd >= 0) close(worker.fd);
      if (worker.process < 0) continue;
      kill(worker.process, SIGKILL);  // SIGTERM it may take for an interrupt
      while (waitpid(worker.process, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
  }
};

void do_work(int job, const std::function<void(int, const LineWriter&)>& work, int fd) {
  try {
    work(job, [fd](const std::string& line) { return write_line(fd, line); });
  } catch (const std::exception& error) {
    write_line(fd, kFailure + std::string(error.what()));
  }
}

void start_worker(Workers& workers, int job, const std::function<void(int, const LineWriter&)>& work) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error(fmt::format("no pipe: {}", std::strerror(errno)));
  const pid_t process = fork();
  if (process < 0) {
    close(ends[0]);
    close(ends[1]);
    throw std::runtime_error(fmt::format("no process: {}", std::strerror(errno)));
  }
  if (process == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(ends[0]);
    for (const Worker& other : workers.all) close(other.fd);
    do_work(job, work, ends[1]);
    _exit(0);
  }
  close(ends[1]);
  workers.all.push_back({.process = process, .fd = ends[0]});
}

// Reads what one worker has written so far; false when the worker has closed its end.
bool read_from(Worker& worker, const std::function<void(const std::string&)>& take) {
  char octets[65536];
  const ssize_t count = read(worker.fd, octets, sizeof octets);
  if (count < 0 && errno == EINTR) return true;
  if (count <= 0) {
    close(worker.fd);
    worker.fd = -1;
    return false;
  }
  worker.buffer.append(octets, static_cast<std::size_t>(count));
  std::size_t start = 0;
  for (std::size_t end; (end = worker.buffer.find('\n', start)) != std::string::npos; start = end + 1) {
    const std::string line = worker.buffer.substr(start, end - start);
    if (line.starts_with(kFailure)) throw TargetError(line.substr(1));
    take(line);
  }
  worker.buffer.erase(0, start);
  return true;
}

}  // namespace

std::vector<std::string> in_processes(int jobs, const std::function<void(int, const LineWriter&)>& work,
                                      const std::function<void(const std::string&)>& take) {
  Workers workers;
  for (int job = 0; job < jobs; ++job) start_worker(workers, job, work);
  std::vector<pollfd> waiting(workers.all.size());
  bool told = false;
  for (std::size_t open = waiting.size(); open > 0;) {
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      waiting[i] = {.fd = workers.all[i].fd, .events = POLLIN, .revents = 0};
    }
    if (poll(waiting.data(), waiting.size(), kLookMs) < 0 && errno != EINTR) {
      throw std::runtime_error(fmt::format("cannot wait: {}", std::strerror(errno)));
    }
    if (Interrupt::interrupted() && !told) {
      told = true;
      for (const Worker& worker : workers.all) kill(worker.process, SIGINT);
    }
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (workers.all[i].fd >= 0 && waiting[i].revents != 0 && !read_from(workers.all[i], take)) --open;
    }
  }
  std::vector<std::string> ends;
  for (Worker& worker : workers.all) ends.push_back(Workers::end_of(worker));
  return ends;
}

Interrupt::Interrupt() : before_int_(nullptr), before_term_(nullptr) {
  interrupts = 0;
  before_int_ = signal(SIGINT, note_interrupt);
  before_term_ = signal(SIGTERM, note_interrupt);
}

Interrupt::~Interrupt() {
  signal(SIGINT, before_int_);
  signal(SIGTERM, before_term_);
  interrupts = 0;
}

bool Interrupt::interrupted() {
  return interrupts != 0;
}

}  // namespace tcpassay
