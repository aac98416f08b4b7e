// SPDX-License-Identifier: Apache-2.0
#include "harness/script/shell_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "harness/script/reader.h"
#include "harness/script/shell_words.h"

namespace tcpassay {
namespace {

bool shell_is_allowed = false;  // by the user, before anything is read

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
    for (Tuning& before : meaning_.tuning) before.decides = false;
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
    if (name == "ip" && link_mtu(words)) return;
    const bool links = (name == "ip" || (name == "tc" && words.back() != "pfifo")) && link_command(name, words);
    if (links) return;
    const bool metrics = name == "ip" && words.size() > 1 && words[1] == "tcp_metrics";  // forgotten after each run
    const bool plain = name == "tc" && words.size() > 1 && words[1] == "qdisc" && words.back() == "pfifo";  // as ours
    const bool harmless = std::find(std::begin(kHarmless), std::end(kHarmless), name) != std::end(kHarmless);
    if (harmless || metrics || plain || meaning_.unsupported) return;
    meaning_.unsupported = words[0] + (words.size() > 1 ? " " + words[1] : "");
  }

  // ip link set [dev] tun0 mtu N
  bool link_mtu(const ShellWords& words) {
    constexpr std::string_view kForm[] = {"ip", "link", "set", "tun0", "mtu"};
    ShellWords said = words;
    std::erase(said, "dev");
    said[0] = "ip";
    if (said.size() != std::size(kForm) + 1 || !std::equal(std::begin(kForm), std::end(kForm), said.begin()))
      return false;
    meaning_.tuning.push_back({.name = kInterfaceMtu, .value = said.back(), .optional = conditions_ > 0});
    return true;
  }

  // `tc qdisc` and `ip` for the interface, its addresses and routes: what these change is gone with the interface. Not
  // what reads a file, enters another namespace, or changes another interface.
  bool link_command(std::string_view name, const ShellWords& words) {
    constexpr std::string_view kObjects[] = {"qdisc", "link", "addr", "address", "route", "neigh", "neighbour", "rule"};
    std::string line;
    bool object = false;
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::string& word = words[i];
      if (word == ">" || word == "2>") break;
      if (word.find('>') != std::string::npos) continue;
      const bool family = word == "-4" || word == "-6" || word == "-q";
      if (!object && !family && std::find(std::begin(kObjects), std::end(kObjects), word) == std::end(kObjects))
        return false;
      object = object || !family;
      const bool other = i > 0 && words[i - 1] == "dev" && word != "tun0" && word != "lo";
      const auto plain = [](char c) { return is_word_character(c) || (c != 0 && std::strchr(".:/-", c) != nullptr); };
      if (other || word == "netns" || !std::all_of(word.begin(), word.end(), plain)) return false;
      line += (line.empty() ? "" : " ") + word;
    }
    if (!object || ((name == "tc") != (line.find("qdisc") == 0))) return false;
    meaning_.tuning.push_back({.name = std::string(name), .value = line, .optional = conditions_ > 0});
    return true;
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

void allow_shell(bool allowed) {
  shell_is_allowed = allowed;
}

ShellMeaning read_shell(const std::string& text, const std::string& folder) {
  ShellMeaning meaning;
  Commands(folder, meaning).read(text);
  if (meaning.unsupported && shell_is_allowed) {
    const std::string there = folder.empty() ? "" : "cd '" + folder + "' && ";
    return {.tuning = {{.name = kShellCommand, .value = there + text}}};
  }
  return meaning;
}

std::string print_tuning(const Tuning& tuning) {
  if (tuning.name == kShellCommand) return fmt::format("shell command `{}`", tuning.value);
  if (tuning.name == kInterfaceMtu) return "shell command `ip link`";
  if (tuning.name == "ip" || tuning.name == "tc")
    return fmt::format("shell command `{} {}`", tuning.name, tuning.value.substr(0, tuning.value.find(' ')));
  return fmt::format("sysctl {}={}", tuning.name, tuning.value);
}

std::optional<std::uint32_t> mtu_of(const Scenario& scenario) {
  constexpr std::string_view kOption = "--mtu=";
  constexpr std::int64_t kLeast = 576, kMost = 65535;
  std::optional<std::int64_t> mtu;
  for (const std::string& option : scenario.options) {
    if (option.starts_with(kOption)) mtu = integer(option.substr(kOption.size()));
  }
  for (const ScriptStep& step : scenario.steps) {
    const auto* shell = std::get_if<Shell>(&step.action);
    if (!shell) break;  // only what stands before the first socket
    for (const Tuning& one : read_shell(shell->text, folder_of(step.where.file)).tuning) {
      if (one.name == kInterfaceMtu) mtu = integer(one.value);
    }
  }
  if (!mtu || *mtu < kLeast || *mtu > kMost) return std::nullopt;
  return static_cast<std::uint32_t>(*mtu);
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
