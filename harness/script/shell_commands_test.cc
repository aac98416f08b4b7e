// SPDX-License-Identifier: Apache-2.0
#include "harness/script/shell_commands.h"

#include <gtest/gtest.h>

namespace tcpassay {
namespace {

TEST(ScriptShell, ReadsSysctlsAsSettings) {
  const ShellMeaning meaning = read_shell("../common/defaults.sh\nsysctl -q net.ipv4.tcp_ecn=2 net.ipv4.tcp_sack=0");
  EXPECT_EQ(meaning.settings, (std::vector<Setting>{{"ecn", 2}, {"sack", 0}}));
  EXPECT_TRUE(meaning.tuning.empty());
  EXPECT_FALSE(meaning.unsupported);
}

TEST(ScriptShell, ReadsFilesBelowProc) {
  EXPECT_EQ(read_shell("/c/set_sysctls.py /proc/sys/net/ipv4/tcp_timestamps=0").settings,
            (std::vector<Setting>{{"timestamps", 0}}));
  EXPECT_EQ(read_shell("echo 1 > /proc/sys/net/ipv4/tcp_rfc1337").settings, (std::vector<Setting>{{"rfc1337", 1}}));
}

TEST(ScriptShell, TheLastValueCounts) {
  EXPECT_EQ(read_shell("sysctl net.ipv4.tcp_ecn=1; sysctl -w net.ipv4.tcp_ecn=\"0\" > /dev/null").settings,
            (std::vector<Setting>{{"ecn", 0}}));
}

TEST(ScriptShell, NamesWhatHasNoSetting) {
  const auto tuning = [](const char* text) { return read_shell(text).tuning; };
  EXPECT_EQ(tuning("sysctl net.ipv4.tcp_min_tso_segs=4"), (std::vector<std::string>{"net.ipv4.tcp_min_tso_segs=4"}));
  EXPECT_EQ(tuning("sysctl net.ipv4.tcp_ecn=3"), (std::vector<std::string>{"net.ipv4.tcp_ecn=3"}));
  EXPECT_EQ(tuning("sysctl net.ipv4.tcp_fastopen=1"), (std::vector<std::string>{"net.ipv4.tcp_fastopen=1"}));
  EXPECT_EQ(tuning("sysctl -w net.inet.tcp.rfc3465=0"), (std::vector<std::string>{"net.inet.tcp.rfc3465=0"}));
}

TEST(ScriptShell, NamesTheCommandThatMayChangeSomething) {
  EXPECT_EQ(read_shell("nstat -n && tc qdisc add dev tun0 root pfifo").unsupported, "tc qdisc");
  EXPECT_EQ(read_shell("# ip link\n true\n").unsupported, std::nullopt);
  EXPECT_EQ(read_shell("../defaults.sh; ip route flush cache").unsupported, "ip route");
}

TEST(ScriptShell, WritesSettingsAsSysctls) {
  EXPECT_EQ(sysctl_of({"ecn", 1}), "net.ipv4.tcp_ecn=1");
  EXPECT_EQ(sysctl_of({"fast-open", 1}), "net.ipv4.tcp_fastopen=3");
  for (const SettingInfo& setting : setting_table()) {
    const Setting least{std::string(setting.name), setting.least};
    EXPECT_EQ(read_shell("sysctl " + sysctl_of(least)).settings, (std::vector<Setting>{least})) << setting.name;
  }
}

}  // namespace
}  // namespace tcpassay
