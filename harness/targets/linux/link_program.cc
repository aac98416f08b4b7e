// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/link_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "harness/targets/linux/namespace.h"

namespace tcpassay {

const char* link_program(const std::string& name) {
  if (name == "ip") return access("/usr/sbin/ip", X_OK) == 0 ? "/usr/sbin/ip" : "/sbin/ip";
  if (name == "tc") return access("/usr/sbin/tc", X_OK) == 0 ? "/usr/sbin/tc" : "/sbin/tc";
  return nullptr;
}

namespace {

constexpr int kFailed = -1;

// Runs a program in the namespace. What it writes is dropped. Its exit status, or kFailed.
int run(const NetworkNamespace& where, const char* program, std::vector<std::string> words, char** environment) {
  words.insert(words.begin(), program);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_WRONLY, 0);
  }
  pid_t child = -1;
  int error = 0;
  {
    const NetworkNamespace::Visit visit(where);  // the child begins where the calling thread is
    error = posix_spawn(&child, program, &actions, nullptr, argv.data(), environment);
  }
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return kFailed;
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return kFailed;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : kFailed;
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::istringstream in(text);
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

int run_words(const NetworkNamespace& where, const char* program, const std::string& arguments) {
  char* environment[] = {nullptr};
  return run(where, program, words_of(arguments), environment);
}

// The word behind `before`; empty when there is none.
std::string word_behind(const std::vector<std::string>& words, std::string_view before) {
  const auto at = std::find(words.begin(), words.end(), before);
  return at == words.end() || at + 1 == words.end() ? std::string() : *(at + 1);
}

// The kind of queueing discipline that a command of `tc qdisc` asks for; empty when it asks for none.
std::string discipline(const std::vector<std::string>& words) {
  const bool asks = words.size() > 1 && words[0] == "qdisc" && words[1] != "del" && words[1] != "show";
  auto at = std::find(words.begin(), words.end(), "root");
  if (!asks || at == words.end()) return {};
  ++at;
  while (at != words.end() && (*at == "dev" || *at == "handle")) at += at + 1 == words.end() ? 1 : 2;
  return at == words.end() ? std::string() : *at;
}

}  // namespace

bool run_link_program(const NetworkNamespace& where, const char* program, const std::string& arguments) {
  return run_words(where, program, arguments) == 0;
}

bool knows_discipline(const NetworkNamespace& where, const std::string& arguments) {
  constexpr int kRefused = 2;  // by the kernel: of a kind that wants an option, tc itself says so
  const std::string kind = discipline(words_of(arguments));
  if (kind.empty()) return true;
  const char* tc = link_program("tc");
  const int status = run_words(where, tc, "qdisc add dev lo root " + kind);
  if (status == 0) run_words(where, tc, "qdisc del dev lo root");
  return status != kRefused;
}

std::string congestion_control(const std::string& arguments) {
  return word_behind(words_of(arguments), "congctl");
}

bool run_shell(const NetworkNamespace& where, const std::string& commands) {
  return run(where, "/bin/sh", {"-c", commands}, environ) == 0;
}

}  // namespace tcpassay
