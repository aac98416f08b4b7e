// SPDX-License-Identifier: Apache-2.0
#include "harness/script/python_code.h"

#include <gtest/gtest.h>

namespace tcpassay {
namespace {

CodeReport run(const std::string& text) {
  CodeNames names;
  return run_code(text, names, [](const std::string& name) -> std::optional<std::int64_t> {
    if (name == "tcpi_snd_cwnd") return 10;
    if (name == "tcpi_state") return 1;
    if (name == "tcpi_options") return 7;
    return std::nullopt;
  });
}

bool holds(const std::string& expression) {
  const CodeReport report = run("assert " + expression);
  EXPECT_EQ(report.unsupported, "") << expression;
  return report.failed.empty();
}

TEST(ScriptCode, Compares) {
  EXPECT_TRUE(holds("tcpi_snd_cwnd == 10"));
  EXPECT_TRUE(holds("tcpi_snd_cwnd == 10, tcpi_snd_cwnd; \\\n   assert tcpi_state == 1;\\\n"));
  EXPECT_FALSE(holds("tcpi_snd_cwnd == 10, tcpi_snd_cwnd; \\\n   assert tcpi_state == 2;\\\n"));
  EXPECT_FALSE(holds("tcpi_snd_cwnd == 11"));
  EXPECT_TRUE(holds("9 < tcpi_snd_cwnd <= 10"));
  EXPECT_FALSE(holds("9 < tcpi_snd_cwnd < 10"));
  EXPECT_TRUE(holds("tcpi_snd_cwnd != 4 and tcpi_snd_cwnd >= 4"));
  EXPECT_TRUE(holds("tcpi_snd_cwnd == 4 or not tcpi_snd_cwnd == 5"));
  EXPECT_TRUE(holds("tcpi_state == TCP_ESTABLISHED == TCPI_ESTABLISHED"));
  EXPECT_TRUE(holds("'a' != \"b\""));
}

TEST(ScriptCode, Reckons) {
  EXPECT_TRUE(holds("2 + 3 * 4 == 14"));
  EXPECT_TRUE(holds("(2 + 3) * 4 == 20"));
  EXPECT_TRUE(holds("7 // 2 == 3 and 7 / 2 == 3.5 and 7 % 4 == 3"));
  EXPECT_TRUE(holds("-7 // 2 == -4 and -1 % 4 == 3"));
  EXPECT_TRUE(holds("1 << 4 == 16 and 0x30 >> 4 == 3"));
  EXPECT_TRUE(holds("(tcpi_options & TCPI_OPT_SACK) != 0 and tcpi_options | 8 == 15 and ~0 == -1"));
  EXPECT_TRUE(holds("abs(-3) == 3 and min(4, 2) == 2 and max(4, 2) == 4 and int(2.5) == 2"));
  EXPECT_TRUE(holds("(1 if tcpi_snd_cwnd > 5 else 2) == 1"));
}

TEST(ScriptCode, SaysWhatFailedAndWhatItSaw) {
  const CodeReport report =
      run(" # a comment\nassert tcpi_state == 1\nassert tcpi_snd_cwnd == 4, 'too large'; assert 0");
  ASSERT_EQ(report.failed.size(), 1u);  // what stands behind a failure is not run
  EXPECT_EQ(report.failed[0].asserted, "assert tcpi_snd_cwnd == 4, 'too large'");
  EXPECT_EQ(report.failed[0].seen, "tcpi_snd_cwnd = 10: too large");
}

TEST(ScriptCode, JoinsLinesWithinBrackets) {
  EXPECT_TRUE(run("assert (tcpi_state == 1 and\n   tcpi_snd_cwnd == 10)\nassert 1").failed.empty());
}

TEST(ScriptCode, PrintsAndRemembers) {
  CodeNames names;
  const CodeFields none = [](const std::string&) { return std::optional<std::int64_t>(); };
  EXPECT_EQ(run_code("a = 3 + 4\nprint('a is', a)", names, none).printed, (std::vector<std::string>{"a is"}));
  EXPECT_TRUE(run_code("assert a == 7", names, none).failed.empty());
}

TEST(ScriptCode, NamesWhatItNeedsAndWhatItDoesNotKnow) {
  CodeNames names;
  const CodeReport needs = dry_run_code("assert tcpi_lost == 0 or tcpi_sacked == 1\nassert tcpi_lost < 3", names);
  EXPECT_EQ(needs.fields, (std::vector<std::string>{"tcpi_lost", "tcpi_sacked"}));
  EXPECT_EQ(needs.unsupported, "");
  EXPECT_EQ(dry_run_code("for i in range(3): pass", names).unsupported, "for");
  EXPECT_EQ(dry_run_code("import os", names).unsupported, "import");
  EXPECT_EQ(dry_run_code("assert open('/x')", names).unsupported, "open()");
  EXPECT_EQ(dry_run_code("assert SK_MEMINFO_RMEM > 0", names).unsupported, "SK_MEMINFO_RMEM");
  EXPECT_EQ(dry_run_code("assert (1", names).unsupported, "brackets without an end");
  EXPECT_EQ(dry_run_code("assert " + std::string(10000, '('), names).unsupported, "an expression nested so deep");
  EXPECT_EQ(run("assert 1 / 0").unsupported, "a division by zero");
}

TEST(ScriptCode, FindsTheStateThatIsAsserted) {
  EXPECT_EQ(state_in_code("assert tcpi_state == TCP_CLOSE_WAIT, tcpi_state"), State::kCloseWait);
  EXPECT_EQ(state_in_code("assert TCPI_FIN_WAIT_2 == tcpi_state"), State::kFinWait2);
  EXPECT_EQ(state_in_code("assert tcpi_state == TCP_ESTABLISHED or tcpi_state == TCP_CLOSE"), std::nullopt);
  EXPECT_EQ(state_in_code("assert tcpi_state == TCP_ESTABLISHED and tcpi_lost == 0"), std::nullopt);
  EXPECT_EQ(state_in_code("assert tcpi_unacked == 0\nassert tcpi_state == TCP_CLOSING"), State::kClosing);
  for (int i = 0; i < kStates; ++i) {
    const auto state = static_cast<State>(i);
    EXPECT_EQ(state_in_code(assertion_of_state(state)), state) << to_string(state);
  }
}

}  // namespace
}  // namespace tcpassay
