// SPDX-License-Identifier: Apache-2.0
// Windows and options of a recorded script: what the script writes, or leaves out, to what the wire has.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "harness/offline/script_replay.h"
#include "harness/script/scenario.h"
#include "harness/script/tcp_options.h"
#include "harness/wire/packet.h"
#include "models/event.h"

namespace tcpassay {
namespace {

using Kind = OptionSpec::Kind;

constexpr std::size_t kStampsMax = 64;  // TSvals remembered

}  // namespace

// RFC 2385 section 2.0: with a key, a segment without a valid signature is dropped, and nothing is sent.
bool ScriptReplay::drops(const SegmentSpec& spec) const {
  return keyed_ ? !is_signed(spec) : drops_signed_ && is_signed(spec);
}

// The right edge that the next `>` line with a window tells: a receiver does not move it to the left. None when no line
// of this connection does.
std::optional<std::uint32_t> ScriptReplay::next_edge(const SegmentSpec& spec, std::uint32_t shift) {
  for (std::size_t i = at_ + 1; i < scenario_.steps.size(); ++i) {
    const auto* out = std::get_if<Expect>(&scenario_.steps[i].action);
    if (!out || pair(out->segment) != pair(spec) || out->segment.ctl.rst) continue;
    if (out->segment.ctl.syn && out->segment.seq != spec.seq) return std::nullopt;
    if (out->segment.wnd && out->segment.ack) return *out->segment.ack + (std::uint32_t{*out->segment.wnd} << shift);
  }
  return std::nullopt;
}

// Where the script does not give the window, its right edge stays where it was.
std::uint16_t ScriptReplay::window(const SegmentSpec& spec, bool arrives, Numbers& known) {
  constexpr std::uint32_t kWindowMax = 65535;
  if (arrives) return spec.wnd.value_or(kWindowMax);
  const std::uint32_t shift = known.scales && !spec.ctl.syn ? known.shift.value_or(0) : 0;
  const std::uint32_t ack = spec.ack.value_or(0);
  if (spec.wnd) {
    if (spec.ack && !spec.ctl.syn) known.edge = ack + (std::uint32_t{*spec.wnd} << shift);
    return *spec.wnd;
  }
  if (!known.edge) known.edge = next_edge(spec, shift);
  if (!known.edge) return kWindowMax;
  const std::uint32_t left = *known.edge - ack;
  return left > kWindowMax << shift ? std::uint16_t{0} : static_cast<std::uint16_t>(left >> shift);
}

// The options that <...> stands for. On a SYN the target is taken to offer what the peer offers. Timestamps cannot be
// invented, so where they may be among the options the outcome is vague.
std::vector<OptionSpec> ScriptReplay::untold(const SegmentSpec& spec, const Numbers& known) {
  const std::vector<OptionSpec>* offered = spec.ctl.ack ? &known.offered : nullptr;
  for (std::size_t i = at_; !offered && i < scenario_.steps.size(); ++i) {
    const auto* in = std::get_if<Inject>(&scenario_.steps[i].action);
    if (in && in->segment.ctl.syn) offered = &in->segment.options;
  }
  const auto stamps = [](const OptionSpec& option) { return option.kind == Kind::kTimestamp; };
  vague_ = vague_ || !known.stamps.empty() || (offered && std::any_of(offered->begin(), offered->end(), stamps));
  std::vector<OptionSpec> options;
  if (!spec.ctl.syn) return options;
  options.push_back({.kind = Kind::kMss, .values = {ip_ == 6 ? 1440u : 1460u}});
  for (const OptionSpec& option : offered ? *offered : std::vector<OptionSpec>{}) {
    if (option.kind == Kind::kSackPermitted || option.kind == Kind::kWindowScale) options.push_back(option);
  }
  return options;
}

// The options with the numbers of the wire. Without --tcp_ts_tick_usecs packetdrill ignores TSvals, so here they come
// from a made-up clock.
Bytes ScriptReplay::options(const SegmentSpec& spec, bool arrives, Numbers& known, Time at) {
  // Each connection has an offset of its own (RFC 7323 section 7): what the script writes stands for another number.
  const std::uint32_t first_tick = 1000 + (std::uint32_t{known.tuple.local} * 131 + known.tuple.remote) * 1'000'003;
  std::vector<OptionSpec> options = spec.any_options ? untold(spec, known) : spec.options;
  for (OptionSpec& option : options) {
    if (option.kind == Kind::kSack && arrives) {
      for (std::uint32_t& edge : option.values) edge += known.offset;
    }
    if (option.kind == Kind::kWindowScale && !arrives && !option.values.empty()) {
      known.shift = static_cast<std::uint8_t>(std::min(option.values[0], 14u));
    }
    const bool fast_open = option.kind == Kind::kFastOpen || option.kind == Kind::kFastOpenExp;
    if (fast_open && !option.name.empty()) {  // a name stands for the cookie
      const std::uint8_t last = option.name == kCookieChanged ? 9 : option.name == kCookieOfZeros ? 10 : 8;
      option.octets = {1, 2, 3, 4, 5, 6, 7, last};
      option.name.clear();
    }
    if (option.kind != Kind::kTimestamp || option.values.size() != 2 || ticks_) continue;
    if (!arrives) {
      const std::uint32_t script = option.values[0];
      option.values[0] = first_tick + static_cast<std::uint32_t>(at.count() / 1'000'000);
      if (!option.name.empty()) continue;
      known.stamps.insert(known.stamps.begin(), {script, option.values[0]});
      if (known.stamps.size() > kStampsMax) known.stamps.pop_back();
      continue;
    }
    const auto same = std::find_if(known.stamps.begin(), known.stamps.end(),
                                   [&](const auto& stamp) { return stamp.first == option.values[1]; });
    if (same != known.stamps.end()) {
      option.values[1] = same->second;
    } else if (!known.stamps.empty()) {  // keep the distance to the latest TSval that it has in the script
      option.values[1] = known.stamps[0].second + (option.values[1] - known.stamps[0].first);
    }
  }
  return option_octets(options);
}

}  // namespace tcpassay
