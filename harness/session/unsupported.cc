// SPDX-License-Identifier: Apache-2.0
// Why a scenario cannot be played on a target.
#include <fmt/format.h>

#include <algorithm>

#include "harness/script/names.h"
#include "harness/script/packet_damage.h"
#include "harness/script/python_code.h"
#include "harness/script/schedule.h"
#include "harness/script/shell_commands.h"
#include "harness/session/session_impl.h"  // IWYU pragma: keep

namespace tcpassay {
namespace {

using std::chrono::seconds;
using Why = std::optional<std::string>;

constexpr const char* kSignatures = "TCP MD5 signatures (RFC 2385)";

// What the check of each step needs.
struct Asked {
  const Target& system;
  const Identity& target;
  std::uint8_t ip;
  bool assertions;
  CodeNames names{};  // variables that the code has assigned so far
};

// A queueing discipline or a congestion control is not asked for by the name of the setting alone.
Why unknown_value(const Tuning& one, const Asked& asked) {
  const bool names = one.name == "tc" || one.name == "ip" || one.name.ends_with("tcp_congestion_control");
  if (!names || one.optional || asked.system.has_tuning(one.name + ' ' + one.value)) return std::nullopt;
  return fmt::format("the system has not what `{} {}` asks for", one.name, one.value);
}

// Commands are never run. A command that configures something must correspond to a setting of the target.
Why unsupported_shell(const Shell& shell, const Asked& asked, const std::string& file) {
  const ShellMeaning meaning = read_shell(shell.text, folder_of(file));
  if (meaning.unsupported) return fmt::format("shell command `{}`", *meaning.unsupported);
  if (!asked.assertions) return std::nullopt;
  for (const Tuning& one : meaning.tuning) {
    if (!one.optional && !asked.system.has_tuning(one.name)) return print_tuning(one);
    if (const Why why = unknown_value(one, asked)) return why;
  }
  for (const Setting& setting : meaning.settings) {
    if (!asked.target.has_setting(setting.name)) return fmt::format("the target has no setting {}", setting.name);
  }
  return std::nullopt;
}

Why unsupported_code(const Code& code, Asked& asked) {
  if (!asked.assertions) return std::nullopt;
  const CodeReport needs = dry_run_code(code.text, asked.names);
  if (!needs.unsupported.empty()) return fmt::format("code `{}`", needs.unsupported);
  for (const std::string& field : needs.fields) {
    const bool state = field == "tcpi_state" && asked.target.can(Ability::kState);
    if (!state && !asked.target.has_implementation_specific(field))
      return fmt::format("the target does not tell {}", field);
  }
  return std::nullopt;
}

// What the user of some targets cannot do at all.
Why unable(const Call& call, const Identity& target) {
  const auto needs = [&](Ability ability) {
    return target.can(ability) ? std::nullopt : Why(fmt::format("needs {}", to_string(ability)));
  };
  if (call.urgent && call.kind == CallKind::kWrite) return needs(Ability::kUrgentData);
  if (call.kind == CallKind::kShutdown && call.how == 1) return needs(Ability::kHalfClose);
  if (call.kind == CallKind::kBind && host_of(call, target) == Host::kElsewhere) return needs(Ability::kSecondAddress);
  if (call.kind == CallKind::kSendTo && !target.has_setting("fast-open")) return "needs the setting fast-open";
  if (call.kind == CallKind::kSetOption && call.option == SocketOption::kLinger && call.value == 0)
    return needs(Ability::kAbort);
  const bool option = call.kind == CallKind::kSetOption || call.kind == CallKind::kGetOption;
  if (option && !target.has_option(call.option)) {
    constexpr std::size_t kName = 2;  // behind the socket and the level
    return fmt::format("needs the option {}", call.arguments.size() > kName ? call.arguments[kName] : call.name);
  }
  return std::nullopt;
}

Why unsupported_call(const Call& call, const Asked& asked) {
  if (call.address == kNoAddress && !asked.target.has_implementation_specific(kNoAddress)) return "connect AF_UNSPEC";
  if (call.implementation_specific == kSplice && !asked.target.has_implementation_specific(kSplice)) return "splice";
  const bool v6 = call.address.find(':') != std::string::npos;
  if (asked.ip == 6 && !v6 && !call.address.empty() && call.address != "0.0.0.0") return "an address of IPv4";
  if (asked.ip == 4 && v6) return "an address of IPv6";
  if (call.kind == CallKind::kListen && !asked.target.can(Ability::kPassiveOpen)) return "needs passive-open";
  if (call.kind == CallKind::kConnect && !asked.target.can(Ability::kActiveOpen)) return "needs active-open";
  if (const Why why = unable(call, asked.target)) return why;
  const bool late_open = call.implementation_specific.ends_with("TCP_FASTOPEN_CONNECT");  // also without assertions
  if (late_open && call.kind == CallKind::kSetOption &&
      !asked.target.has_implementation_specific(call.implementation_specific))
    return "setsockopt TCP_FASTOPEN_CONNECT";
  if (call.more && !asked.target.has_implementation_specific("MSG_MORE")) return call.name + " MSG_MORE";
  const std::string name = call.implementation_specific.substr(0, call.implementation_specific.find('='));
  if (name.empty() || name == kElementOctets || !asked.assertions || asked.target.has_implementation_specific(name))
    return std::nullopt;
  return fmt::format("{} {}", call.name, name.substr(name.find('.') + 1));
}

Why unsupported_icmp(const Icmp& icmp, std::uint8_t ip) {
  if (!icmp.inbound) return "an ICMP message of the target";
  const auto spec = read_icmp(icmp.text);
  if (spec && icmp_numbers(*spec, ip)) return std::nullopt;
  return icmp.text;
}

bool is_of_ipv4(const Damage& damage) {
  return (damage.source && damage.source->family == 4) || (damage.destination && damage.destination->family == 4) ||
         damage.identification || !damage.ip_options.empty();
}

bool is_of_ipv6(const Damage& damage) {
  return (damage.source && damage.source->family == 6) || (damage.destination && damage.destination->family == 6);
}

Why unsupported_step(const ScriptStep& step, Asked& asked) {
  if (const auto* icmp = std::get_if<Icmp>(&step.action)) return unsupported_icmp(*icmp, asked.ip);
  const auto encapsulated = [](const SegmentSpec& spec) { return !spec.encapsulation.empty(); };
  const auto signed_with = [](const OptionSpec& option) { return option.kind == OptionSpec::Kind::kMd5; };
  if (const auto* out = std::get_if<Expect>(&step.action)) {
    const auto& options = out->segment.options;
    if (encapsulated(out->segment)) return "TCP in UDP";
    if (peer_of(out->segment)) return "several peers";
    return std::any_of(options.begin(), options.end(), signed_with) ? Why(kSignatures) : std::nullopt;
  }
  if (const auto* in = std::get_if<Inject>(&step.action)) {
    const auto& options = in->segment.options;
    if (encapsulated(in->segment)) return "TCP in UDP";
    if (peer_of(in->segment)) return "several peers";
    if (std::any_of(options.begin(), options.end(), signed_with)) return kSignatures;
    if (asked.ip == 6 && is_of_ipv4(in->segment.damage)) return "a header of IPv4";
    return asked.ip == 4 && is_of_ipv6(in->segment.damage) ? Why("a header of IPv6") : std::nullopt;
  }
  if (const auto* unknown = std::get_if<Unsupported>(&step.action)) {
    const bool may_go = unknown->harmless && (!unknown->watches || !asked.assertions);
    return may_go ? std::nullopt : Why(unknown->construct);
  }
  if (const auto* shell = std::get_if<Shell>(&step.action)) return unsupported_shell(*shell, asked, step.where.file);
  if (const auto* code = std::get_if<Code>(&step.action)) return unsupported_code(*code, asked);
  if (const auto* call = std::get_if<Call>(&step.action)) return unsupported_call(*call, asked);
  return std::nullopt;
}

}  // namespace

Why Session::unsupported(const Scenario& scenario, const Target& target, std::uint8_t ip, bool assertions,
                         Time round_trip) {
  const Identity& identity = target.identity();
  if (scenario.steps.empty()) return "nothing is in it";
  const bool only_prepares = std::all_of(scenario.steps.begin(), scenario.steps.end(), [](const ScriptStep& step) {
    return std::holds_alternative<Shell>(step.action) || std::holds_alternative<Code>(step.action);
  });
  if (only_prepares) return "no segment and no call is in it";
  for (const Ability ability : scenario.about.needs) {
    if (!identity.can(ability)) return fmt::format("needs {}", to_string(ability));
  }
  for (const Setting& setting : scenario.about.settings) {
    if (!identity.has_setting(setting.name)) return fmt::format("the target has no setting {}", setting.name);
  }
  for (const auto& option : scenario.options) {
    if (option == "--ip_version=ipv4-mapped-ipv6") return "sockets of IPv6 over IPv4";
  }
  const std::uint8_t version = ip_version(scenario).value_or(ip);
  if (version == 6 && !identity.can(Ability::kIpv6)) return "needs ipv6";
  Asked asked{.system = target, .target = identity, .ip = version, .assertions = assertions};
  for (const auto& step : scenario.steps) {
    const bool cleanup = &step == &scenario.steps.back() && std::holds_alternative<Shell>(step.action);
    Why why = cleanup ? std::nullopt : unsupported_step(step, asked);
    const bool general = why && why->starts_with("needs ");
    if (why && (general || step.where.line == 0)) return why;
    if (why) return fmt::format("{} ({}:{}:{})", *why, step.where.file, step.where.line, step.where.column);
  }
  const Time end = length_of(scenario, round_trip);
  if (end > kRealWaitMax && !identity.can(Ability::kVirtualTime)) {
    return fmt::format("waits {} s; needs {}", std::chrono::duration_cast<seconds>(end).count(),
                       to_string(Ability::kVirtualTime));
  }
  return std::nullopt;
}

}  // namespace tcpassay
