// SPDX-License-Identifier: Apache-2.0
#include "harness/script/print.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "harness/script/packet_damage.h"
#include "harness/script/system_call.h"
#include "harness/script/tcp_options.h"

namespace tcpassay {
namespace {

using Kind = OptionSpec::Kind;

// Seconds with no more decimals than are needed.
std::string seconds(Time time) {
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  const std::int64_t whole = time.count() / kNanosecondsPerSecond, rest = time.count() % kNanosecondsPerSecond;
  std::string text = fmt::format("{}.{:09}", whole, rest);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string time_text(const StepTime& time) {
  std::string text;
  switch (time.form) {
    case StepTime::Form::kAny:
      return "*";
    case StepTime::Form::kRelative:
      text = "+" + seconds(time.at);
      break;
    case StepTime::Form::kAbsolute:
      text = seconds(time.at);
      break;
    case StepTime::Form::kRelativeRange:
      return fmt::format("+{}~+{}", seconds(time.at), seconds(time.to));
    case StepTime::Form::kAbsoluteRange:
      return fmt::format("{}~{}", seconds(time.at), seconds(time.to));
  }
  if (time.returns) text += "..." + seconds(*time.returns);
  return text;
}

std::string hex(ByteView octets) {
  std::string text;
  for (const std::uint8_t octet : octets) text += fmt::format("{:02x}", octet);
  return text;
}

std::string option_text(const OptionSpec& option) {
  const auto value = [&](std::size_t i) { return i < option.values.size() ? option.values[i] : 0; };
  switch (option.kind) {
    case Kind::kEnd:
      return "eol";
    case Kind::kNop:
      return "nop";
    case Kind::kMss:
      return fmt::format("mss {}", value(0));
    case Kind::kWindowScale:
      return fmt::format("wscale {}", value(0));
    case Kind::kSackPermitted:
      return "sackOK";
    case Kind::kTimestamp:
      if (!option.name.empty()) return fmt::format("TS val {} ecr {}", option.name, value(1));
      return fmt::format("TS val {} ecr {}", value(0), value(1));
    case Kind::kMd5:
      return "md5 " + (option.name.empty() ? hex(option.octets) : option.name);
    case Kind::kFastOpen:
      if (!option.name.empty()) return "FO " + option.name;
      return option.octets.empty() ? "FO" : "FO " + hex(option.octets);
    case Kind::kFastOpenExp:
      if (!option.name.empty()) return "FOEXP " + option.name;
      return option.octets.empty() ? "FOEXP" : "FOEXP " + hex(option.octets);
    case Kind::kSack: {
      std::string text = "sack";
      for (std::size_t i = 0; i < option.values.size(); i += 2) text += fmt::format(" {}:{}", value(i), value(i + 1));
      return text;
    }
    case Kind::kAccEcn: {
      std::string text = "ECN";
      for (std::size_t i = 0; i < option.values.size(); ++i) {
        text += fmt::format(" {} {}", std::string_view(option.name).substr(i * 4, 3), value(i));
      }
      return text;
    }
    case Kind::kRaw:
      break;
  }
  return "";
}

// From the first kRaw on, options can only be said in octets.
std::vector<OptionSpec>::const_iterator first_raw(const std::vector<OptionSpec>& options) {
  auto at = options.begin();
  while (at != options.end() && at->kind != Kind::kRaw) ++at;
  return at;
}

std::string options_text(const SegmentSpec& segment) {
  if (segment.any_options) return " <...>";
  std::vector<std::string> words;
  for (auto at = segment.options.begin(); at != first_raw(segment.options); ++at) words.push_back(option_text(*at));
  return words.empty() ? "" : fmt::format(" <{}>", fmt::join(words, ","));
}

std::string damage_text(const SegmentSpec& segment) {
  std::string text;
  const Damage& damage = segment.damage;
  if (damage.bad_checksum) text += " checksum";
  if (damage.data_offset) text += fmt::format(" offset={}", *damage.data_offset);
  if (damage.source) text += " source=" + damage.source->text();
  if (damage.destination) text += " destination=" + damage.destination->text();
  if (damage.identification) text += fmt::format(" identification={}", *damage.identification);
  if (!damage.ip_options.empty()) text += " ip-options=" + hex(damage.ip_options);
  if (damage.truncate) text += fmt::format(" truncate={}", *damage.truncate);
  const int said = segment.ace ? *segment.ace >> 2 & 1 : 1;  // the lowest bit is among the flags
  if ((segment.ctl.reserved & ~said) != 0) text += fmt::format(" reserved={}", segment.ctl.reserved & ~said);
  const auto raw = first_raw(segment.options);
  const Bytes octets = option_octets({raw, segment.options.end()});
  if (!octets.empty()) text += " options=" + hex(octets);
  for (auto other = raw; other != segment.options.end(); ++other) {
    if (other->kind == Kind::kRaw && !other->name.empty()) text += " " + damage_word(*other);
  }
  return text.empty() ? text : " //! damage:" + text;
}

std::string ip_text(const SegmentSpec& segment) {
  constexpr const char* kCodepoints[] = {"noecn", "ect1", "ect0", "ce"};
  std::vector<std::string> words;
  if (segment.traffic_class) {
    words.push_back(*segment.traffic_class < 4 ? kCodepoints[*segment.traffic_class]
                                               : fmt::format("tos {:#x}", *segment.traffic_class));
  }
  if (segment.ttl) words.push_back(fmt::format("ttl {}", *segment.ttl));
  return words.empty() ? "" : fmt::format(" [{}]", fmt::join(words, ","));
}

std::string flags_text(const SegmentSpec& segment) {
  const Ctl& ctl = segment.ctl;
  std::string text;
  if (ctl.fin) text += 'F';
  if (ctl.syn) text += 'S';
  if (ctl.rst) text += 'R';
  if (!segment.ace && ctl.ece) text += 'E';
  if (!segment.ace && ctl.cwr) text += 'W';
  if (!segment.ace && (ctl.reserved & 1) != 0) text += 'A';
  if (ctl.psh) text += 'P';
  if (ctl.urg) text += 'U';
  if (ctl.ack) text += '.';
  if (segment.ace) text += static_cast<char>('0' + *segment.ace);
  return text.empty() ? "-" : text;
}

std::string segment_text(const SegmentSpec& segment, bool inbound) {
  std::string text = (inbound ? "<" : ">") + ip_text(segment);
  if (segment.local_port || segment.remote_port) {
    const int local = segment.local_port.value_or(0), remote = segment.remote_port.value_or(0);
    text += fmt::format(" {} > {}", inbound ? remote : local, inbound ? local : remote);
  }
  text += fmt::format(" {} {}:{}({})", flags_text(segment), segment.seq, segment.seq + segment.length, segment.length);
  if (segment.absolute) text += '!';
  if (segment.ack) text += fmt::format(" ack {}", *segment.ack);
  if (segment.wnd) text += fmt::format(" win {}", *segment.wnd);
  if (segment.up) text += fmt::format(" urg {}", *segment.up);
  if (!segment.encapsulation.empty()) return text + options_text(segment) + ' ' + segment.encapsulation;
  return text + options_text(segment) + damage_text(segment);
}

struct ActionText {
  std::string operator()(const Inject& inject) const { return segment_text(inject.segment, true); }
  std::string operator()(const Expect& expect) const { return segment_text(expect.segment, false); }
  std::string operator()(const Call& call) const { return print_call(call); }
  std::string operator()(const Icmp& icmp) const { return fmt::format("{} {}", icmp.inbound ? "<" : ">", icmp.text); }
  std::string operator()(const Shell& shell) const { return fmt::format("`{}`", shell.text); }
  std::string operator()(const Code& code) const { return fmt::format("%{{{}}}%", code.text); }
  std::string operator()(const Unsupported& unsupported) const { return unsupported.text; }
};

std::string step_text(const ScriptStep& step) {
  return fmt::format("{}{} {}", step.hidden ? "//! step: " : "", time_text(step.time),
                     std::visit(ActionText{}, step.action));
}

// Numbers go on from those of the SYNs, which are not zero: packetdrill would count otherwise.
bool numbers_run_on(const Scenario& scenario) {
  const auto counts = [](const ScriptStep& step) {
    const auto* in = std::get_if<Inject>(&step.action);
    const auto* out = std::get_if<Expect>(&step.action);
    const SegmentSpec* spec = in ? &in->segment : out ? &out->segment : nullptr;
    return spec && spec->ctl.syn && spec->seq != 0;
  };
  return std::any_of(scenario.steps.begin(), scenario.steps.end(), counts);
}

std::string print_about(const Scenario& scenario) {
  std::string text;
  const About& about = scenario.about;
  if (!about.title.empty()) text += fmt::format("//! title: {}\n", about.title);
  if (!about.suite.empty()) text += fmt::format("//! suite: {}\n", about.suite);
  if (!about.covers.empty()) text += fmt::format("//! covers: {}\n", fmt::join(about.covers, " "));
  std::vector<std::string> needs;
  for (const Ability ability : about.needs) needs.emplace_back(to_string(ability));
  if (!needs.empty()) text += fmt::format("//! needs: {}\n", fmt::join(needs, " "));
  std::string settings;
  for (const Setting& setting : about.settings) settings += fmt::format(" {}={}", setting.name, setting.value);
  if (!settings.empty()) text += fmt::format("//! settings:{}\n", settings);
  if (about.peers != 1) text += fmt::format("//! peers: {}\n", about.peers);
  if (about.rounds != 1) text += fmt::format("//! rounds: {}\n", about.rounds);
  if (about.complete_record) {
    text += fmt::format("//! record: complete{}\n", about.msl_s > 0 ? fmt::format(" msl={}", about.msl_s) : "");
  }
  if (about.expect) {
    const char* space = about.expect->rule.empty() ? "" : " ";
    text += fmt::format("//! expect: {}{}{}\n", about.expect->outcome, space, about.expect->rule);
  }
  return text;
}

}  // namespace

std::string print_script(const Scenario& scenario) {
  std::string text = print_about(scenario);
  const bool from_syn = scenario.about.numbers == About::Numbers::kFromSyn;
  if (from_syn) text += "//! numbers: from-syn\n";
  if (text.empty() && numbers_run_on(scenario)) text += "//! numbers: running\n";
  for (const std::string& option : scenario.options) text += option + '\n';
  if (!text.empty()) text += '\n';
  for (const ScriptStep& step : scenario.steps) text += step_text(step) + '\n';
  return text;
}

std::string to_text(const ScriptStep& step) {
  std::string text = step_text(step);
  const std::size_t start = text.find_first_not_of("\r\n\t ", text.find_first_of("`{") + 1);
  const bool lines = std::holds_alternative<Shell>(step.action) || std::holds_alternative<Code>(step.action);
  if (!lines || text.find('\n') == std::string::npos) return text;
  const bool code = std::holds_alternative<Code>(step.action);
  const std::size_t end = std::min(text.find('\n', start), text.size());
  return fmt::format("{} {}{} ...{}", time_text(step.time), code ? "%{ " : "`", text.substr(start, end - start),
                     code ? " }%" : "`");
}

}  // namespace tcpassay
