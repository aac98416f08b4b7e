// SPDX-License-Identifier: Apache-2.0
#include "harness/script/shell_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <string_view>

#include "harness/script/reader.h"

namespace tcpassay {
namespace {

// Linux's names below net.ipv4, and how many bits of the value are one of the setting's.
struct SysctlName {
  const char *sysctl, *setting;
  std::int64_t factor = 1;
};
constexpr SysctlName kSysctls[] = {
    {"tcp_ecn", "ecn"},
    {"tcp_fastopen", "fast-open", 3},
    {"tcp_timestamps", "timestamps"},
    {"tcp_window_scaling", "window-scaling"},
    {"tcp_sack", "sack"},
    {"tcp_dsack", "dsack"},
    {"tcp_rfc1337", "rfc1337"},
    {"tcp_keepalive_time", "keepalive-time"},
    {"tcp_keepalive_intvl", "keepalive-interval"},
    {"tcp_keepalive_probes", "keepalive-probes"},
    {"tcp_syn_retries", "syn-retries"},
    {"tcp_synack_retries", "synack-retries"},
    {"tcp_retries1", "retries1"},
    {"tcp_retries2", "retries2"},
    {"tcp_orphan_retries", "orphan-retries"},
    {"tcp_fin_timeout", "fin-timeout"},
    {"tcp_mtu_probing", "mtu-probing"},
    {"tcp_syncookies", "syncookies"},
    {"tcp_abort_on_overflow", "abort-on-overflow"},
    {"tcp_slow_start_after_idle", "slow-start-after-idle"},
};

// Commands that only look, wait, or say what to expect.
constexpr std::string_view kHarmless[] = {"true", "sleep", "nstat", "grep", "cat",   "echo", "test",   "[",
                                          ":",    "rm",    "dd",    "set",  "which", "exit", "ethtool"};

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

// Cut at line ends, semicolons, && and ||; a backslash before a line end joins.
std::vector<std::string> commands_of(const std::string& text) {
  std::vector<std::string> commands{""};
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = std::string_view(text).substr(i);
    if (rest.starts_with("\\\n")) {
      ++i;
    } else if (rest.starts_with("&&") || rest.starts_with("||")) {
      ++i;
      commands.emplace_back();
    } else if (text[i] == '\n' || text[i] == ';') {
      commands.emplace_back();
    } else {
      commands.back() += text[i];
    }
  }
  return commands;
}

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// "net.ipv4.tcp_ecn=1" or "/proc/sys/net/ipv4/tcp_ecn=1", one of either.
void assignment(const std::string& word, ShellMeaning& meaning) {
  const std::size_t equals = word.find('=');
  std::string name = word.substr(0, equals);
  constexpr std::string_view kRoot = "/proc/sys/";
  if (name.starts_with(kRoot)) name.erase(0, kRoot.size());
  std::replace(name.begin(), name.end(), '/', '.');
  constexpr std::string_view kBefore = "net.ipv4.";
  const auto* known = std::find_if(std::begin(kSysctls), std::end(kSysctls), [&](const SysctlName& each) {
    return name.starts_with(kBefore) && name.substr(kBefore.size()) == each.sysctl;
  });
  std::string value = word.substr(std::min(equals + 1, word.size()));
  std::erase(value, '"');
  const auto given = integer(value);
  if (known == std::end(kSysctls) || !given) return meaning.tuning.push_back(word);
  const SettingInfo* setting = setting_named(known->setting);
  const std::int64_t number = *given / known->factor;
  const bool fits = number >= setting->least && number <= setting->most && *given == number * known->factor;
  if (!fits) return meaning.tuning.push_back(word);
  std::erase_if(meaning.settings, [&](const Setting& other) { return other.name == known->setting; });
  meaning.settings.push_back({.name = known->setting, .value = number});
}

void command(const std::string& text, ShellMeaning& meaning) {
  std::vector<std::string> words = words_of(text);
  while (!words.empty() && (words[0] == "sudo" || words[0] == "!")) words.erase(words.begin());
  if (words.empty() || words[0].starts_with('#')) return;
  const std::string_view name = base_name(words[0]);
  const bool sets = name == "sysctl" || name == "set_sysctls.py";
  if (sets) {
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (words[i].starts_with('>')) break;
      if (words[i].find('=') != std::string::npos) assignment(words[i], meaning);
    }
    return;
  }
  const std::size_t into = text.find('>');
  const std::size_t file = text.find("/proc/sys/", std::min(into, text.size()));
  if (name == "echo" && into != std::string::npos && file != std::string::npos && words.size() > 1) {
    return assignment(fmt::format("{}={}", words_of(text.substr(file))[0], words[1]), meaning);
  }
  const bool harmless = std::find(std::begin(kHarmless), std::end(kHarmless), name) != std::end(kHarmless);
  if (harmless || name == "defaults.sh" || meaning.unsupported) return;
  meaning.unsupported = words[0] + (words.size() > 1 ? " " + words[1] : "");
}

}  // namespace

ShellMeaning read_shell(const std::string& text) {
  ShellMeaning meaning;
  for (const std::string& each : commands_of(text)) command(each, meaning);
  return meaning;
}

std::string sysctl_of(const Setting& setting) {
  const auto* known = std::find_if(std::begin(kSysctls), std::end(kSysctls),
                                   [&](const SysctlName& each) { return setting.name == each.setting; });
  if (known == std::end(kSysctls)) return "";
  return fmt::format("net.ipv4.{}={}", known->sysctl, setting.value * known->factor);
}

}  // namespace tcpassay
