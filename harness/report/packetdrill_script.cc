// SPDX-License-Identifier: Apache-2.0
#include "harness/report/packetdrill_script.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <optional>
#include <vector>

#include "harness/base/version.h"
#include "harness/script/print.h"
#include "harness/script/shell_commands.h"
#include "harness/script/tcp_options.h"
#include "harness/wire/icmp.h"

namespace tcpassay {
namespace {

using Kind = OptionSpec::Kind;

// Why packetdrill cannot express the segment; empty if it can.
std::string inexpressible(const SegmentSpec& segment) {
  if (segment.local_port || segment.remote_port) return "a second pair of ports: it tests one connection";
  if (segment.absolute) return "a number of no connection";
  const bool wraps = std::uint64_t{segment.seq} + segment.length > std::numeric_limits<std::uint32_t>::max();
  if (wraps) return "text that reaches sequence number 2^32";
  if (segment.traffic_class && segment.ttl) return "a TTL beside a traffic class";
  const int named = segment.ace ? 15 : 1;  // AE is among the flags
  if ((segment.ctl.reserved & ~named) != 0) return "reserved bits";
  const auto raw = [](const OptionSpec& option) { return option.kind == Kind::kRaw; };
  if (std::any_of(segment.options.begin(), segment.options.end(), raw)) return "options that have no name";
  const Damage& damage = segment.damage;
  if (damage.bad_checksum) return "a wrong checksum";
  if (damage.data_offset) return "a wrong data offset";
  if (damage.truncate) return "a packet that is cut short";
  if (damage.source || damage.destination) return "other addresses";
  if (damage.identification || !damage.ip_options.empty()) return "fields of the IPv4 header";
  return "";
}

// Why packetdrill cannot express the call; empty if it can. packetdrill has one address and one port for each end, and
// fills them in itself.
std::string inexpressible(const Call& call) {
  if (call.option == SocketOption::kAtMark) return "ioctl SIOCATMARK";
  if (!call.result) return "a result that is not told (export --target tells it)";
  const bool may = call.kind == CallKind::kBind || call.kind == CallKind::kConnect || call.kind == CallKind::kAccept ||
                   call.kind == CallKind::kSendTo;
  const bool no_port = call.arguments.size() > 1 && call.arguments[1].find("htons(0)") != std::string::npos;
  const bool names = call.port != 0 || !call.address.empty() || no_port;
  return may && names ? "an address or a port of its own in a call" : "";
}

// packetdrill wants options whose length is a multiple of four octets. The end-of-option-list octets added here are
// sent in any case, as padding of the header (RFC 9293 section 3.1).
void pad(std::vector<OptionSpec>& options) {
  while (option_octets(options).size() % 4 != 0) options.push_back({.kind = Kind::kEnd});
}

// The call would not have returned this result on a blocking socket.
bool needs_nonblocking(const Call& call) {
  const bool short_write = call.kind == CallKind::kWrite && call.result && *call.result < call.length;
  return short_write || call.error == UserError::kWouldBlock || call.error == UserError::kInProgress ||
         call.error == UserError::kAlready;
}

bool names_cookie(const ScriptStep& step) {
  const auto* in = std::get_if<Inject>(&step.action);
  return in && std::any_of(in->segment.options.begin(), in->segment.options.end(), [](const OptionSpec& option) {
           return option.kind == Kind::kFastOpen && !option.name.empty();
         });
}

// A segment of the connection that packetdrill follows. Once it misses one, the connection takes another course, and no
// later answer can be expected.
bool is_of_the_connection(const ScriptStep& step) {
  const auto* in = std::get_if<Inject>(&step.action);
  const auto* out = std::get_if<Expect>(&step.action);
  const SegmentSpec* segment = in ? &in->segment : out ? &out->segment : nullptr;
  return segment && !segment->local_port && !segment->remote_port;
}
bool is_absolute(const StepTime& time) {
  return time.form == StepTime::Form::kAbsolute || time.form == StepTime::Form::kAbsoluteRange;
}
bool makes_handle(const Call& call) {
  return (call.kind == CallKind::kSocket || call.kind == CallKind::kAccept) && call.result && *call.result >= 0;
}
std::optional<int> handle_of_fcntl(const Unsupported& unknown) {
  int handle = 0;
  if (std::sscanf(unknown.text.c_str(), "fcntl(%d, F_SETFL", &handle) != 1) return std::nullopt;
  return handle;
}

}  // namespace

PacketdrillScript::PacketdrillScript(const Scenario& from) {
  script_.name = from.name;
  script_.about = from.about;
  script_.options = from.options;
  ip_ = ip_version(from).value_or(4);
  std::string sysctls;
  for (const Setting& setting : from.about.settings) {
    const std::string sysctl = sysctl_of(setting);
    if (sysctl.empty()) lost_["the setting " + setting.name]++;
    if (!sysctl.empty()) sysctls += " " + sysctl;
  }
  if (!sysctls.empty()) script_.steps.push_back({.action = Shell{"sysctl -q" + sysctls}});
}

void PacketdrillScript::record_of(std::uint8_t ip) {
  ip_ = ip;
  record_ = true;
}

void PacketdrillScript::add(ScriptStep step) {
  if (names_cookie(step)) note_loss("the cookie that the target gives (run packetdrill with -D TFO_COOKIE=...)");
  complete(step);
  if (is_absolute(step.time)) last_ = step.time.at = std::max(step.time.at, last_);  // time never goes back
  const std::string why = step.hidden ? "" : inexpressible(step);
  const std::string because = why.empty() && cut_ && !step.hidden ? "what happened after that" : why;
  if (!because.empty()) {
    note_loss(because);
    hide(step);
  }
  cut_ = cut_ || (record_ && !why.empty() && is_of_the_connection(step));
  script_.steps.push_back(std::move(step));
}

std::string PacketdrillScript::text() {
  make_nonblocking();
  begin_at_zero();
  std::string text = fmt::format("// Written by tcpassay {} from {}\n", kVersion, script_.name);
  for (const auto& [what, times] : lost_) text += fmt::format("// packetdrill cannot say ({}): {}\n", times, what);
  return text + print_script(script_);
}

// Adds what our scripts may leave out, and names ICMP messages as the version of IP does: our names serve both
// versions.
void PacketdrillScript::complete(ScriptStep& step) const {
  if (auto* in = std::get_if<Inject>(&step.action)) {
    if (!in->segment.wnd) in->segment.wnd = kDefaultWindow;
    pad(in->segment.options);
  } else if (auto* out = std::get_if<Expect>(&step.action)) {
    pad(out->segment.options);
  } else if (auto* icmp = std::get_if<Icmp>(&step.action)) {
    const auto spec = read_icmp(icmp->text);
    const auto message = spec ? icmp_numbers(*spec, ip_) : std::nullopt;
    const std::size_t quote = icmp->text.find('[');
    if (!message || spec->local_port || spec->remote_port) return;
    icmp->text = "icmp " + icmp_words(*message) + (quote == std::string::npos ? "" : " " + icmp->text.substr(quote));
  }
}

// Why packetdrill cannot express the step; empty if it can.
std::string PacketdrillScript::inexpressible(const ScriptStep& step) {
  if (const auto* in = std::get_if<Inject>(&step.action)) return tcpassay::inexpressible(in->segment);
  if (const auto* out = std::get_if<Expect>(&step.action)) return tcpassay::inexpressible(out->segment);
  if (const auto* icmp = std::get_if<Icmp>(&step.action)) {
    const auto spec = read_icmp(icmp->text);
    return spec && (spec->local_port || spec->remote_port) ? "an ICMP message that quotes other ports" : "";
  }
  const auto* call = std::get_if<Call>(&step.action);
  if (!call) return "";
  std::string why =
      hidden_handles_.contains(call->handle) ? "calls on what such a call returned" : tcpassay::inexpressible(*call);
  if (makes_handle(*call)) {
    if (why.empty()) hidden_handles_.erase(static_cast<int>(*call->result));
    if (!why.empty()) hidden_handles_.insert(static_cast<int>(*call->result));
  }
  return why;
}

void PacketdrillScript::hide(ScriptStep& step) {
  step.hidden = true;
  const bool waits = step.time.form == StepTime::Form::kRelative && step.time.at > Time{};
  if (!waits) return;  // later steps count their time from this one
  script_.steps.push_back({.time = step.time, .action = Shell{"true"}});
  step.time = {};
}

// Our sockets never block. Where the result of a call shows that, packetdrill needs an fcntl that makes its socket
// nonblocking.
void PacketdrillScript::make_nonblocking() {
  std::map<int, std::size_t> made;  // handles whose socket blocks: the step that returned it
  std::set<std::size_t> wanted;
  for (std::size_t i = 0; i < script_.steps.size(); ++i) {
    const ScriptStep& step = script_.steps[i];
    if (step.hidden) continue;
    if (const auto* unknown = std::get_if<Unsupported>(&step.action)) {
      if (const auto handle = handle_of_fcntl(*unknown)) made.erase(*handle);
      continue;
    }
    const auto* call = std::get_if<Call>(&step.action);
    if (!call) continue;
    const auto from = made.find(call->handle);
    if (from != made.end() && !step.time.returns && needs_nonblocking(*call)) wanted.insert(from->second);
    if (!makes_handle(*call)) continue;
    made.erase(static_cast<int>(*call->result));
    const bool waits = call->arguments.size() < 2 || call->arguments[1].find("SOCK_NONBLOCK") == std::string::npos;
    if (waits) made[static_cast<int>(*call->result)] = i;
  }
  for (auto at = wanted.rbegin(); at != wanted.rend(); ++at) {
    const ScriptStep& after = script_.steps[*at];
    ScriptStep step{.time = after.time};
    if (step.time.form == StepTime::Form::kRelative) step.time = {};
    const auto handle = *std::get<Call>(after.action).result;
    step.action = Unsupported{.construct = "fcntl",
                              .text = fmt::format("fcntl({}, F_SETFL, O_RDWR|O_NONBLOCK) = 0", handle),
                              .harmless = true};
    script_.steps.insert(script_.steps.begin() + static_cast<std::ptrdiff_t>(*at) + 1, std::move(step));
  }
}

// packetdrill wants at least one event, and the first of them at time 0.
void PacketdrillScript::begin_at_zero() {
  const auto seen = [](const ScriptStep& step) { return !step.hidden; };
  const auto first = std::find_if(script_.steps.begin(), script_.steps.end(), seen);
  const bool any = first != script_.steps.end();
  if (any && first->time.at == Time{} && first->time.form != StepTime::Form::kAny) return;
  const auto start = any && is_absolute(first->time) ? StepTime::Form::kAbsolute : StepTime::Form::kRelative;
  script_.steps.insert(script_.steps.begin(), ScriptStep{.time = {.form = start}, .action = Shell{"true"}});
}

}  // namespace tcpassay
