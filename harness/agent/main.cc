// SPDX-License-Identifier: Apache-2.0
// The program tcpassay-agent.
#include <signal.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include "harness/agent/agent.h"
#include "harness/base/version.h"
#include "harness/target/target.h"

namespace {

constexpr char kHelp[] =
    "tcpassay-agent: makes socket calls on the machine under test, as tcpassay asks for them\n"
    "\n"
    "  tcpassay-agent --listen 192.168.7.2:7777 --address 10.9.0.1\n"
    "\n"
    "  --listen PLACE     the control connection: ADDRESS:PORT or unix:PATH, off the wire under test\n"
    "  --address ADDRESS  an address under test; may stand several times; if it does not, any of this machine\n"
    "  --dedicated        this machine or namespace is for tests alone: set its kernel for repeatable runs, and let\n"
    "                     scenarios change its net.* settings and end the connections of tcpassay's addresses\n"
    "  --help, --version\n"
    "\n"
    "Whoever reaches PLACE can make TCP connections between ADDRESS and any other: use an address that only the\n"
    "tester reaches. See docs/remote.md.\n";

int fail(const std::string& why) {
  std::fprintf(stderr, "tcpassay-agent: %s\n", why.c_str());
  return 2;
}

}  // namespace

int main(int count, char** words) {
  tcpassay::AgentOptions options;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const bool value = i + 1 < count;
    if (word == "--help") return std::fputs(kHelp, stdout) < 0 ? 2 : 0;
    if (word == "--version") return std::printf("tcpassay-agent %s\n", tcpassay::kVersion) < 0 ? 2 : 0;
    if (word == "--dedicated") {
      options.dedicated = true;
    } else if (word == "--listen" && value) {
      options.listen = words[++i];
    } else if (word == "--address" && value) {
      options.addresses.emplace_back(words[++i]);
    } else {
      return fail(word + ": not understood; see --help");
    }
  }
  if (options.listen.empty()) return fail("--listen PLACE is needed; see --help");
  std::signal(SIGPIPE, SIG_IGN);
  try {
    tcpassay::Agent agent(options);
    std::fprintf(stderr, "tcpassay-agent: listening at %s\n", options.listen.c_str());
    for (;;) agent.serve(-1);
  } catch (const tcpassay::TargetError& error) {
    return fail(error.what());
  }
}
