// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/plugin/plugin_file.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

constexpr const char* kIpv4 = "10.77.0.1";
constexpr const char* kIpv6 = "2001:db8:77::1";
constexpr const char* kPeerIpv4 = "10.77.0.2";
constexpr const char* kPeerIpv6 = "2001:db8:77::2";
constexpr std::uint32_t kMtu = 1500;

tcpassay_address to_plugin(const char* text) {
  const Address address = *Address::parse(text);
  tcpassay_address result{.family = address.family};
  std::copy(address.octets.begin(), address.octets.end(), result.octets);
  return result;
}

struct AbilityRow {
  std::uint32_t bit;
  Ability ability;
};
constexpr AbilityRow kAbilityRows[] = {
    {TCPASSAY_VIRTUAL_TIME, Ability::kVirtualTime},
    {TCPASSAY_SYNCHRONOUS, Ability::kSynchronous},
    {TCPASSAY_STATE, Ability::kState},
    {TCPASSAY_PASSIVE_OPEN, Ability::kPassiveOpen},
    {TCPASSAY_ACTIVE_OPEN, Ability::kActiveOpen},
    {TCPASSAY_IPV6, Ability::kIpv6},
    {TCPASSAY_URGENT, Ability::kUrgentData},
    {TCPASSAY_HALF_CLOSE, Ability::kHalfClose},
    {TCPASSAY_ABORT, Ability::kAbort},
};

constexpr OptionRow kOptionRows[] = {
    {SocketOption::kNoDelay, TCPASSAY_NO_DELAY},
    {SocketOption::kMaxSegment, TCPASSAY_MAX_SEGMENT},
    {SocketOption::kReceiveBuffer, TCPASSAY_RECEIVE_BUFFER},
    {SocketOption::kSendBuffer, TCPASSAY_SEND_BUFFER},
    {SocketOption::kUserTimeout, TCPASSAY_USER_TIMEOUT},
    {SocketOption::kKeepAlive, TCPASSAY_KEEP_ALIVE},
    {SocketOption::kKeepIdle, TCPASSAY_KEEP_IDLE},
    {SocketOption::kKeepInterval, TCPASSAY_KEEP_INTERVAL},
    {SocketOption::kKeepCount, TCPASSAY_KEEP_COUNT},
    {SocketOption::kQuickAck, TCPASSAY_QUICK_ACK},
    {SocketOption::kCork, TCPASSAY_CORK},
    {SocketOption::kOutOfBandInline, TCPASSAY_OOB_INLINE},
    {SocketOption::kAtMark, TCPASSAY_AT_MARK},
    {SocketOption::kTypeOfService, TCPASSAY_TYPE_OF_SERVICE},
    {SocketOption::kTimeToLive, TCPASSAY_TIME_TO_LIVE},
    {SocketOption::kFastOpen, TCPASSAY_FAST_OPEN},
};

// Functions that every adapter has.
void check_functions(const PluginTable& table, std::vector<std::string>& faults) {
  const auto need = [&](bool there, const char* name) {
    if (!there) faults.push_back(fmt::format("{}() is missing (NULL in the table)", name));
  };
  need(table.create != nullptr, "create");
  need(table.destroy != nullptr, "destroy");
  need(table.reset != nullptr, "reset");
  need(table.input != nullptr, "input");
  need(table.advance != nullptr, "advance");
  need(table.next_deadline != nullptr, "next_deadline");
  need(table.open != nullptr, "open");
  need(table.send != nullptr, "send");
  need(table.receive != nullptr, "receive");
  need(table.close != nullptr, "close");
  need(table.status != nullptr, "status");
}

// An ability, an option or a setting is promised, and the function behind it is missing.
void check_promises(const PluginTable& table, std::vector<std::string>& faults) {
  const auto promised = [&](std::uint32_t bit, bool there, const char* ability, const char* name) {
    if ((table.abilities & bit) != 0 && !there)
      faults.push_back(fmt::format("{} is set, but {}() is missing", ability, name));
  };
  promised(TCPASSAY_PASSIVE_OPEN, table.listen != nullptr, "TCPASSAY_PASSIVE_OPEN", "listen");
  promised(TCPASSAY_PASSIVE_OPEN, table.accept != nullptr, "TCPASSAY_PASSIVE_OPEN", "accept");
  promised(TCPASSAY_ACTIVE_OPEN, table.connect != nullptr, "TCPASSAY_ACTIVE_OPEN", "connect");
  promised(TCPASSAY_HALF_CLOSE, table.shutdown != nullptr, "TCPASSAY_HALF_CLOSE", "shutdown");
  promised(TCPASSAY_ABORT, table.abort != nullptr, "TCPASSAY_ABORT", "abort");
  promised(TCPASSAY_STATE, table.state != nullptr, "TCPASSAY_STATE", "state");
  if (table.options != 0 && table.set_option == nullptr)
    faults.emplace_back("options are listed, but set_option() is missing");
  const bool fast_open = has_option(table, TCPASSAY_FAST_OPEN) && has_option(table, TCPASSAY_FAST_OPEN_CONNECT);
  for (const char* const* name = table.settings; name != nullptr && *name != nullptr; ++name) {
    if (std::strcmp(*name, "fast-open") == 0 && !fast_open)
      faults.emplace_back("the setting fast-open needs TCPASSAY_FAST_OPEN and TCPASSAY_FAST_OPEN_CONNECT");
  }
  if (table.settings != nullptr && table.configure == nullptr)
    faults.emplace_back("settings are listed, but configure() is missing");
  if ((table.abilities & (TCPASSAY_PASSIVE_OPEN | TCPASSAY_ACTIVE_OPEN)) == 0)
    faults.emplace_back("neither TCPASSAY_PASSIVE_OPEN nor TCPASSAY_ACTIVE_OPEN is set: nothing can be tested");
  if ((table.abilities & TCPASSAY_VIRTUAL_TIME) != 0 && (table.abilities & TCPASSAY_SYNCHRONOUS) == 0)
    faults.emplace_back("TCPASSAY_VIRTUAL_TIME needs TCPASSAY_SYNCHRONOUS: when a call returns, its packets are out");
}

}  // namespace

bool has_option(const PluginTable& table, tcpassay_option option) {
  return (table.options & (1u << option)) != 0;
}

std::span<const OptionRow> plugin_options() {
  return kOptionRows;
}

PluginPlace plugin_place(const std::string& text) {
  const std::size_t mark = text.find('?');
  if (mark == std::string::npos) return {.file = text, .extra = ""};
  return {.file = text.substr(0, mark), .extra = text.substr(mark + 1)};
}

std::vector<std::string> faults_of(const PluginTable& table) {
  if (table.abi != TCPASSAY_ABI) {
    return {
        fmt::format("the adapter speaks version {} of the interface, this tcpassay version {}: build it with this "
                    "installation's tcpassay_plugin.h",
                    table.abi, TCPASSAY_ABI)};
  }
  if (table.size != sizeof(PluginTable)) {
    return {
        fmt::format("the adapter's table has {} octets, not {}: it was built with another tcpassay_plugin.h, or "
                    "does not set `size`",
                    table.size, sizeof(PluginTable))};
  }
  std::vector<std::string> faults;
  if (table.name == nullptr || *table.name == 0) faults.emplace_back("the adapter has no name");
  if (table.version == nullptr || *table.version == 0)
    faults.emplace_back("the adapter does not say the stack's version");
  check_functions(table, faults);
  check_promises(table, faults);
  return faults;
}

const PluginTable& load_plugin(const std::string& file) {
  std::error_code none;
  if (file.empty()) throw TargetError("plugin: names no adapter; write plugin:FILE.so");
  if (!fs::exists(file, none)) throw TargetError(fmt::format("{}: no such file", file));
  const std::string path = fs::absolute(file, none).string();  // without a slash dlopen() would search elsewhere
  dlerror();
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw TargetError(fmt::format("{}: cannot be loaded: {}", file, dlerror()));
  void* symbol = dlsym(library, "tcpassay_plugin");
  if (symbol == nullptr) throw TargetError(fmt::format("{}: exports no tcpassay_plugin(): not an adapter", file));
  const PluginTable* (*entry)(std::uint32_t) = nullptr;
  std::memcpy(static_cast<void*>(&entry), static_cast<const void*>(&symbol), sizeof entry);
  const PluginTable* table = entry(TCPASSAY_ABI);
  if (table == nullptr) throw TargetError(fmt::format("{}: tcpassay_plugin() returns NULL", file));
  const std::vector<std::string> faults = faults_of(*table);
  if (!faults.empty()) throw TargetError(fmt::format("{}: {}", file, fmt::join(faults, "; ")));
  return *table;
}

Identity identity_of(const PluginTable& table) {
  Identity identity{.name = table.name,
                    .version = table.version,
                    .address = *Address::parse(kIpv4),
                    .peer_address = *Address::parse(kPeerIpv4),
                    .ipv6_address = *Address::parse(kIpv6),
                    .ipv6_peer_address = *Address::parse(kPeerIpv6)};
  for (const AbilityRow& row : kAbilityRows) {
    if ((table.abilities & row.bit) != 0) identity.abilities.push_back(row.ability);
  }
  if (has_option(table, TCPASSAY_BOUND_ELSEWHERE)) identity.abilities.push_back(Ability::kSecondAddress);
  if (table.msl_ms != 0) identity.msl = std::chrono::milliseconds(table.msl_ms);
  for (const char* const* name = table.settings; name != nullptr && *name != nullptr; ++name) {
    identity.settings.emplace_back(*name);
  }
  for (const OptionRow& row : plugin_options()) {
    if ((table.options & (1u << row.plugin)) == 0) identity.missing_options.push_back(row.option);
  }
  return identity;
}

tcpassay_config config_of(const std::string& extra) {
  return {.size = sizeof(tcpassay_config),
          .mtu = kMtu,
          .local = to_plugin(kIpv4),
          .peer = to_plugin(kPeerIpv4),
          .local_v6 = to_plugin(kIpv6),
          .peer_v6 = to_plugin(kPeerIpv6),
          .extra = extra.c_str()};
}

}  // namespace tcpassay
