// SPDX-License-Identifier: Apache-2.0
#include "harness/script/shell_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "harness/script/reader.h"
#include "harness/script/shell_words.h"

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

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// "net.ipv4.tcp_ecn=1" or "/proc/sys/net/ipv4/tcp_ecn=1", one of either.
// `optional`: it stands in a condition.
void assignment(const std::string& word, ShellMeaning& meaning, bool optional) {
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
  const auto tune = [&] { meaning.tuning.push_back({.name = name, .value = value, .optional = optional}); };
  if (known == std::end(kSysctls) || !given) return tune();
  const SettingInfo* setting = setting_named(known->setting);
  const std::int64_t number = *given / known->factor;
  const bool fits = number >= setting->least && number <= setting->most && *given == number * known->factor;
  if (!fits) return tune();
  std::erase_if(meaning.settings, [&](const Setting& other) { return other.name == known->setting; });
  meaning.settings.push_back({.name = known->setting, .value = number});
}

// Reads commands, and the files of commands that they name.
class Commands {
 public:
  Commands(const std::string& folder, ShellMeaning& meaning) : folder_(folder), meaning_(meaning) {}

  void read(const std::string& text) {
    for (const ShellWords& words : shell_words(text, variables_)) command(words);
  }

 private:
  static constexpr int kDepthMax = 4;                 // of files that name files
  static constexpr std::size_t kFileMax = 64 * 1024;  // octets

  // `if TEST`, `then`, `else` and `fi` only group: what stands between is done where the system has the setting.
  void command(ShellWords words) {
    constexpr std::string_view kGroups[] = {"then", "else", "do", "{", "}", "fi", "!", "sudo"};
    while (!words.empty() && std::find(std::begin(kGroups), std::end(kGroups), words[0]) != std::end(kGroups)) {
      if (words[0] == "fi") --conditions_;
      words.erase(words.begin());
    }
    if (words.empty()) return;
    if (words[0] == "if" || words[0] == "elif") {
      if (words[0] == "if") ++conditions_;
      return;
    }
    if (words[0] == "." || words[0] == "source") words.erase(words.begin());
    if (!words.empty()) simple(words);
  }

  void simple(const ShellWords& words) {
    const std::string_view name = base_name(words[0]);
    if (name == "sysctl" || name == "set_sysctls.py") {
      for (std::size_t i = 1; i < words.size() && !words[i].starts_with('>'); ++i) {
        if (words[i].find('=') != std::string::npos) assignment(words[i], meaning_, conditions_ > 0);
      }
      return;
    }
    const auto into = std::find_if(words.begin(), words.end(), [](const auto& word) { return word.starts_with('>'); });
    if (name == "echo" && into != words.end() && into - words.begin() >= 2) {
      const std::string file = into->size() > 1 ? into->substr(1) : into + 1 == words.end() ? "" : *(into + 1);
      std::string value = words[1];
      for (auto more = words.begin() + 2; more != into; ++more) value += ' ' + *more;
      if (file.starts_with("/proc/sys/")) return assignment(file + "=" + value, meaning_, conditions_ > 0);
    }
    if (name.ends_with(".sh")) return file(words[0]);
    const bool metrics = name == "ip" && words.size() > 1 && words[1] == "tcp_metrics";  // forgotten after each run
    const bool plain = name == "tc" && words.size() > 1 && words[1] == "qdisc" && words.back() == "pfifo";  // as ours
    const bool harmless = std::find(std::begin(kHarmless), std::end(kHarmless), name) != std::end(kHarmless);
    if (harmless || metrics || plain || meaning_.unsupported) return;
    meaning_.unsupported = words[0] + (words.size() > 1 ? " " + words[1] : "");
  }

  // A file that is not there says nothing; packetdrill's suites keep theirs beside the scripts.
  void file(const std::string& path) {
    if (depth_ == kDepthMax || folder_.empty()) return;
    std::ifstream in(std::filesystem::path(folder_) / path, std::ios::binary);
    std::string text(kFileMax, 0);
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(in.gcount() > 0 ? static_cast<std::size_t>(in.gcount()) : 0);
    ++depth_;
    read(text);
    --depth_;
  }

  std::string folder_;
  ShellMeaning& meaning_;
  ShellVariables variables_{};
  int depth_ = 0, conditions_ = 0;
};

}  // namespace

ShellMeaning read_shell(const std::string& text, const std::string& folder) {
  ShellMeaning meaning;
  Commands(folder, meaning).read(text);
  return meaning;
}

std::string folder_of(const std::string& file) {
  const auto parent = std::filesystem::path(file).parent_path();
  return file.empty() ? "" : parent.empty() ? "." : parent.string();
}

std::string sysctl_of(const Setting& setting) {
  const auto* known = std::find_if(std::begin(kSysctls), std::end(kSysctls),
                                   [&](const SysctlName& each) { return setting.name == each.setting; });
  if (known == std::end(kSysctls)) return "";
  return fmt::format("net.ipv4.{}={}", known->sysctl, setting.value * known->factor);
}

}  // namespace tcpassay
