// SPDX-License-Identifier: Apache-2.0
#include "harness/base/processes.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <set>
#include <stdexcept>

#include "harness/target/target.h"

namespace tcpassay {
namespace {

TEST(Workers, EachSaysItsLines) {
  std::multiset<std::string> lines;
  in_processes(
      3,
      [](int job, const LineWriter& write) {
        for (int i = 0; i < 2; ++i) write(std::to_string(job));
      },
      [&](const std::string& line) { lines.insert(line); });
  EXPECT_EQ(lines, (std::multiset<std::string>{"0", "0", "1", "1", "2", "2"}));
}

TEST(Workers, WhatFailsThereFailsHere) {
  const auto fail = [](int job, const LineWriter& write) {
    write("begun");
    if (job == 1) throw std::runtime_error("no wire");
  };
  try {
    in_processes(2, fail, [](const std::string&) {});
    FAIL() << "nothing was thrown";
  } catch (const TargetError& error) {
    EXPECT_STREQ(error.what(), "no wire");
  }
}

// Ctrl-C reaches the workers, which finish in their own way; their last lines are still read.
TEST(Workers, AnInterruptIsPassedOn) {
  const Interrupt interrupt;
  EXPECT_FALSE(Interrupt::interrupted());
  std::multiset<std::string> lines;
  in_processes(
      2,
      [](int, const LineWriter& write) {
        write("working");
        while (!Interrupt::interrupted()) usleep(1000);
        write("settled");
      },
      [&](const std::string& line) {
        lines.insert(line);
        if (lines.size() == 2) raise(SIGINT);
      });
  EXPECT_EQ(lines.count("settled"), 2u);
  EXPECT_TRUE(Interrupt::interrupted());
}

TEST(Workers, OneThatDiesIsNamed) {
  std::multiset<std::string> lines;
  const auto ends = in_processes(
      3,
      [](int job, const LineWriter& write) {
        write("begun");
        if (job == 1) raise(SIGKILL);
        if (job == 2) _exit(3);
      },
      [&](const std::string& line) { lines.insert(line); });
  EXPECT_EQ(lines.size(), 3u);
  EXPECT_EQ(ends, (std::vector<std::string>{"", "signal 9 (Killed)", "exit status 3"}));
}

TEST(Workers, ATerminationInterruptsToo) {
  const Interrupt interrupt;
  raise(SIGTERM);
  EXPECT_TRUE(Interrupt::interrupted());
}

}  // namespace
}  // namespace tcpassay
