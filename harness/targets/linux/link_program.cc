// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/link_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "harness/targets/linux/namespace.h"

namespace tcpassay {

const char* link_program(const std::string& name) {
  if (name == "ip") return access("/usr/sbin/ip", X_OK) == 0 ? "/usr/sbin/ip" : "/sbin/ip";
  if (name == "tc") return access("/usr/sbin/tc", X_OK) == 0 ? "/usr/sbin/tc" : "/sbin/tc";
  return nullptr;
}

namespace {

// Runs a program in the namespace. What it writes is dropped.
bool run(const NetworkNamespace& where, const char* program, std::vector<std::string> words, char** environment) {
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
  if (error != 0) return false;
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

bool run_link_program(const NetworkNamespace& where, const char* program, const std::string& arguments) {
  std::vector<std::string> words;
  std::istringstream in(arguments);
  for (std::string word; in >> word;) words.push_back(word);
  char* environment[] = {nullptr};
  return run(where, program, std::move(words), environment);
}

bool run_shell(const NetworkNamespace& where, const std::string& commands) {
  return run(where, "/bin/sh", {"-c", commands}, environ);
}

}  // namespace tcpassay
