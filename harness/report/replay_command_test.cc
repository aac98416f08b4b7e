// SPDX-License-Identifier: Apache-2.0
#include "harness/report/replay_command.h"

#include <gtest/gtest.h>

namespace tcpassay {
namespace {

TEST(ReplayCommand, LeavesDefaultsOut) {
  EXPECT_EQ(replay_command("a.pkt", {}), "tcpassay run a.pkt --target own");
}

TEST(ReplayCommand, NamesEverythingThatWasChosen) {
  EXPECT_EQ(replay_command("a.pkt", {.target = "own",
                                     .defect = "rst_out_of_window",
                                     .legal_variants = {"rst_rfc793", "syn_rfc793"},
                                     .ipv6 = true,
                                     .edition = Edition::k793}),
            "tcpassay run a.pkt --target own --plant rst_out_of_window --temper rst_rfc793,syn_rfc793 --ip 6"
            " --ruleset 793");
}

}  // namespace
}  // namespace tcpassay
