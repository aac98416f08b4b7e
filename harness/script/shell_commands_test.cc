// SPDX-License-Identifier: Apache-2.0
#include "harness/script/shell_commands.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "harness/script/parse.h"
#include "harness/target/settings.h"

namespace tcpassay {
namespace {

std::vector<std::string> tuning(const char* text) {
  std::vector<std::string> names;
  for (const Tuning& one : read_shell(text).tuning) names.push_back(one.name + "=" + one.value);
  return names;
}

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
  EXPECT_EQ(tuning("sysctl net.ipv4.tcp_min_tso_segs=4"), (std::vector<std::string>{"net.ipv4.tcp_min_tso_segs=4"}));
  EXPECT_EQ(tuning("sysctl net.ipv4.tcp_ecn=3"), (std::vector<std::string>{"net.ipv4.tcp_ecn=3"}));
  EXPECT_EQ(tuning("sysctl net.ipv4.tcp_fastopen=1"), (std::vector<std::string>{"net.ipv4.tcp_fastopen=1"}));
  EXPECT_EQ(tuning("echo 4096 $((2*(3+1))) 9 > /proc/sys/net/ipv4/tcp_rmem"),
            (std::vector<std::string>{"net.ipv4.tcp_rmem=4096 8 9"}));
  EXPECT_EQ(tuning("MAX=$((15*1024*1024))\nsysctl -q net.ipv4.tcp_rmem=\"4096 540000 ${MAX}\" > /dev/null 2>&1"),
            (std::vector<std::string>{"net.ipv4.tcp_rmem=4096 540000 15728640"}));
  EXPECT_EQ(tuning("sysctl net.ipv4.tcp_rmem=$((1/0))"), (std::vector<std::string>{"net.ipv4.tcp_rmem=$((1/0))"}));
  EXPECT_EQ(tuning("sysctl -w net.inet.tcp.rfc3465=0"), (std::vector<std::string>{"net.inet.tcp.rfc3465=0"}));
}

TEST(ScriptShell, NamesTheCommandThatMayChangeSomething) {
  EXPECT_EQ(read_shell("nstat -n && tc filter add dev tun0").unsupported, "tc filter");
  for (const char* line : {"ip netns add x", "ip -batch file", "ip link set dev eth0 down", "ip route add $X dev tun0",
                           "ip link set dev tun0 netns 1"}) {
    EXPECT_TRUE(read_shell(line).unsupported) << line;
    EXPECT_TRUE(read_shell(line).tuning.empty()) << line;
  }
  EXPECT_EQ(read_shell("# ip link\n true\n").unsupported, std::nullopt);
}

TEST(ScriptShell, CommandsForTheInterfaceAreUnderstood) {
  EXPECT_EQ(tuning("tc qdisc replace dev tun0 root fq 2>/dev/null"),
            (std::vector<std::string>{"tc=qdisc replace dev tun0 root fq"}));
  EXPECT_EQ(tuning("/sbin/ip -6 route add fd00::/64 dev tun0"),
            (std::vector<std::string>{"ip=-6 route add fd00::/64 dev tun0"}));
  EXPECT_EQ(tuning("ip link set dev tun0 mtu 9000"), (std::vector<std::string>{"interface.mtu=9000"}));
  EXPECT_TRUE(tuning("tc qdisc add dev tun0 root pfifo").empty());
  const auto mtu = [](const std::string& text) { return mtu_of(parse_script(text, "s.pkt")); };
  EXPECT_EQ(mtu("`ip link set tun0 mtu 9000`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"), 9000u);
  EXPECT_EQ(mtu("--mtu=1400\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"), 1400u);
  EXPECT_EQ(mtu("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 `ip link set tun0 mtu 9000`\n"), std::nullopt);
}

TEST(ScriptShell, OnlyTheLastCommandDecides) {
  const ShellMeaning meaning = read_shell("sysctl -q net.ipv4.tcp_a=1 net.ipv4.tcp_b=2\nsysctl net.ipv4.tcp_c=3");
  ASSERT_EQ(meaning.tuning.size(), 3u);
  EXPECT_FALSE(meaning.tuning[0].decides);
  EXPECT_FALSE(meaning.tuning[1].decides);
  EXPECT_TRUE(meaning.tuning[2].decides);
}

TEST(ScriptShell, WhatStandsInAConditionIsOptional) {
  const ShellMeaning meaning = read_shell(
      "if [ -f /proc/sys/net/ipv4/tcp_new ]; then\n  sysctl -q net.ipv4.tcp_new=1 # if there\nelse\n true\nfi\n"
      "sysctl -q net.ipv4.tcp_old='1 2'");
  EXPECT_EQ(meaning.tuning,
            (std::vector<Tuning>{{"net.ipv4.tcp_new", "1", true, false}, {"net.ipv4.tcp_old", "1 2", false}}));
  EXPECT_FALSE(meaning.unsupported);
}

TEST(ScriptShell, ReadsFilesOfCommands) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "tcpassay_shell";
  std::filesystem::create_directories(folder / "common");
  const auto write = [&](const char* name, const char* text) { std::ofstream(folder / "common" / name) << text; };
  write("defaults.sh", "#!/bin/bash\nip tcp_metrics flush all\nsysctl -q net.ipv4.tcp_ecn=0\n");
  write("again.sh", "../common/again.sh\nsysctl net.ipv4.tcp_sack=0\n");
  write("bad.sh", "reboot now\n");
  const auto read = [&](const char* text) { return read_shell(text, (folder / "scripts").string()); };
  std::filesystem::create_directories(folder / "scripts");
  EXPECT_EQ(read("../common/defaults.sh").settings, (std::vector<Setting>{{"ecn", 0}}));
  EXPECT_EQ(read(". ../common/again.sh").settings, (std::vector<Setting>{{"sack", 0}}));
  EXPECT_EQ(read("../common/bad.sh").unsupported, "reboot now");
  EXPECT_FALSE(read("../common/missing.sh").unsupported);
  std::filesystem::remove_all(folder);
}

TEST(ScriptShell, WritesSettingsAsSysctls) {
  EXPECT_EQ(sysctl_of({"ecn", 1}), "net.ipv4.tcp_ecn=1");
  EXPECT_EQ(sysctl_of({"fast-open", 1}), "net.ipv4.tcp_fastopen=3");
  for (const SettingInfo& setting : setting_table()) {
    const Setting least{std::string(setting.name), setting.least};
    if (sysctl_of(least).empty()) continue;  // the ISS, which no system lets one set
    EXPECT_EQ(read_shell("sysctl " + sysctl_of(least)).settings, (std::vector<Setting>{least})) << setting.name;
  }
}

// Only for a user who trusts the script, and only where something is not understood.
TEST(ShellCommands, AShellRunsWhatIsNotUnderstoodIfItMay) {
  const std::string odd = "modprobe tcp_bbr", plain = "sysctl -q net.ipv4.tcp_sack=0";
  EXPECT_EQ(read_shell(odd).unsupported, "modprobe tcp_bbr");
  allow_shell(true);
  const ShellMeaning allowed = read_shell(odd), understood = read_shell(plain);
  allow_shell(false);
  EXPECT_FALSE(allowed.unsupported);
  ASSERT_EQ(allowed.tuning.size(), 1u);
  EXPECT_EQ(allowed.tuning[0].name, kShellCommand);
  EXPECT_EQ(allowed.tuning[0].value, odd);
  EXPECT_EQ(print_tuning(allowed.tuning[0]), "shell command `modprobe tcp_bbr`");
  EXPECT_TRUE(understood.tuning.empty());
  ASSERT_EQ(understood.settings.size(), 1u);
}

}  // namespace
}  // namespace tcpassay
