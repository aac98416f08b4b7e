// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/testing/breakages.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <thread>

constexpr const char* kBreakages[] = {"",           "segfault",      "assertion",      "failed",         "loop",
                                      "exit",       "killed",        "leak",           "garbage",        "late",
                                      "loses-time", "late-deadline", "stuck-deadline", "keeps",          "differs",
                                      "state",      "no-create",     "fragile",        "half-close-late"};

std::optional<Breakage> breakage_named(const std::string& name) {
  const auto at = std::find(std::begin(kBreakages), std::end(kBreakages), name);
  if (at == std::end(kBreakages)) return std::nullopt;
  return static_cast<Breakage>(at - std::begin(kBreakages));
}

void break_down(Breakage breakage, const tcpassay_host& host) {
  switch (breakage) {
    case Breakage::kSegfault:
      std::signal(SIGSEGV, SIG_DFL);  // a sanitizer would end the process by itself
      std::raise(SIGSEGV);
      break;
    case Breakage::kAssertion:
      std::fputs("own_plugin: assertion failed: on purpose\n", stderr);
      std::abort();
    case Breakage::kFailed:
      host.failed(host.ctx, "panic: on purpose");
      break;
    case Breakage::kLoop:
      for (;;) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    case Breakage::kExit:
      std::_Exit(0);
    case Breakage::kKilled:
      std::raise(SIGKILL);
      break;
    case Breakage::kGarbage: {
      const std::uint8_t garbage[] = {0x45, 0, 0, 3, 0xde, 0xad, 0xbe, 0xef};
      host.emit(host.ctx, garbage, sizeof garbage);
      break;
    }
    default:
      break;
  }
}
