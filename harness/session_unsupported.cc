// SPDX-License-Identifier: Apache-2.0
// Why a scenario cannot be played on a target.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "harness/session_impl.h"

namespace tcpassay {
namespace {

using std::chrono::seconds;

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// Shell commands that change nothing a verdict depends on.
bool is_harmless(const Shell& shell) {
  for (const char* harmless : {"defaults.sh", "nstat", "sleep ", "true", "echo "}) {
    if (contains(shell.text, harmless)) return true;
  }
  return shell.text.find_first_not_of(" \t\n") == std::string::npos;
}

std::string first_line(const std::string& text) {
  const auto start = text.find_first_not_of(" \t\n");
  if (start == std::string::npos) return "";
  return text.substr(start, text.find('\n', start) - start);
}

// Why one step cannot be played, or nothing. Code runs after a script is over and only looks, so leaving it out is
// harmless.
std::optional<std::string> unsupported_step(const Step& step, const Identity& target, std::uint8_t ip) {
  const auto line = [&] { return step.where.line ? fmt::format(" (line {})", step.where.line) : std::string(); };
  if (const auto* icmp = std::get_if<Icmp>(&step.action)) {
    const auto spec = icmp->inbound ? read_icmp(icmp->text) : std::nullopt;
    if (!spec || !icmp_numbers(*spec, ip)) return "ICMP" + line();
  }
  if (const auto* in = std::get_if<Inject>(&step.action); in && ip == 6) {
    const Damage& damage = in->segment.damage;
    const bool ipv4 = (damage.source && damage.source->family == 4) ||
                      (damage.destination && damage.destination->family == 4) || damage.identification ||
                      !damage.ip_options.empty();
    if (ipv4) return "a header of IPv4" + line();
  }
  const auto* unknown = std::get_if<Unsupported>(&step.action);
  if (unknown && !unknown->harmless) return unknown->construct + line();
  if (const auto* shell = std::get_if<Shell>(&step.action); shell && !is_harmless(*shell)) {
    return fmt::format("shell command `{}`{}", first_line(shell->text), line());
  }
  const auto* call = std::get_if<Call>(&step.action);
  if (!call) return std::nullopt;
  if (ip == 6 && !call->address.empty() && call->address != "0.0.0.0") return "an address of IPv4" + line();
  if (call->kind == CallKind::kListen && !target.can(Ability::kPassiveOpen)) return "needs passive-open";
  if (call->kind == CallKind::kConnect && !target.can(Ability::kActiveOpen)) return "needs active-open";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> Session::unsupported(const Scenario& scenario, const Target& target,
                                                std::uint8_t ip) {
  const Identity& identity = target.identity();
  for (const Ability ability : scenario.about.needs) {
    if (!identity.can(ability)) return fmt::format("needs {}", to_string(ability));
  }
  for (const Setting& setting : scenario.about.settings) {
    if (!identity.has_setting(setting.name)) return fmt::format("the target has no setting {}", setting.name);
  }
  for (const auto& option : scenario.options) {
    if (option == "--ip_version=ipv4-mapped-ipv6") return "sockets of IPv6 over IPv4";
  }
  if (ip_version(scenario).value_or(ip) == 6 && !identity.can(Ability::kIpv6)) return "needs ipv6";
  Schedule schedule(scenario.options);
  Time end{};
  for (const auto& step : scenario.steps) {
    if (const auto why = unsupported_step(step, identity, ip_version(scenario).value_or(ip))) return why;
    const Schedule::Slot slot = schedule.next(step.time);
    end = std::max({end, slot.from, slot.returns.value_or(Time{})});
  }
  end *= scenario.about.peers * scenario.about.rounds;
  if (end > kRealWaitMax && !identity.can(Ability::kVirtualTime)) {
    return fmt::format("waits {} s; needs {}", std::chrono::duration_cast<seconds>(end).count(),
                       to_string(Ability::kVirtualTime));
  }
  return std::nullopt;
}

}  // namespace tcpassay
