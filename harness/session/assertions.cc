// SPDX-License-Identifier: Apache-2.0
// Compares what the script says the target does (`>` lines, results of calls, code) with what it did.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "harness/base/processes.h"
#include "harness/script/addresses.h"
#include "harness/script/error.h"
#include "harness/script/packet_damage.h"
#include "harness/script/print.h"
#include "harness/script/python_code.h"
#include "harness/script/scenario.h"
#include "harness/script/tcp_options.h"
#include "harness/session/session.h"
#include "harness/session/session_impl.h"
#include "harness/target/target.h"
#include "harness/wire/packet.h"
#include "models/event.h"
#include "models/segment.h"

namespace tcpassay {
namespace {

// Options prepared for comparison: without padding at the end, and with the TSval that the target's clock has.
std::vector<OptionSpec> comparable(std::vector<OptionSpec> options) {
  std::erase_if(options, [](const OptionSpec& option) {
    return option.kind == OptionSpec::Kind::kRaw && !option.name.empty();  // packet_damage.h
  });
  while (!options.empty() && options.back().kind == OptionSpec::Kind::kEnd) options.pop_back();
  for (auto& option : options) {
    if (option.kind != OptionSpec::Kind::kTimestamp || option.values.empty()) continue;
    option.values[0] = 0;
    option.name.clear();
  }
  return options;
}

std::optional<std::uint32_t> timestamp_value(const std::vector<OptionSpec>& options) {
  for (const auto& option : options) {
    const bool told = option.kind == OptionSpec::Kind::kTimestamp && !option.values.empty() && option.name.empty();
    if (told) return option.values[0];
  }
  return std::nullopt;
}

std::string text_of(const SegmentSpec& spec) {
  ScriptStep step;
  step.action = Expect{spec};
  return to_text(step);
}

std::string text_of(Time at) {
  return fmt::format("{:.6f} s", std::chrono::duration<double>(at).count());
}

}  // namespace

void Session::Impl::mismatch(const Place& where, std::string expected, std::string seen) {
  if (!options.assertions || Interrupt::interrupted()) return;  // an interrupted wait shows nothing
  mismatches.push_back({.where = where, .expected = std::move(expected), .seen = std::move(seen)});
}

static std::string result_text(std::int64_t result, UserError error) {
  return error == UserError::kNone ? fmt::format("{}", result) : fmt::format("{} {}", result, to_string(error));
}

void Session::Impl::compare(const Call& call, const UserCall& made, const Place& where) {
  if (!options.assertions || !call.result) return;
  const bool handle = made.kind == CallKind::kSocket || made.kind == CallKind::kAccept;
  constexpr std::int64_t kAlwaysTold = 8 | 16;  // error and hang-up
  const bool polls = made.kind == CallKind::kPoll && made.result > 0 && call.value != 0;
  const std::int64_t told = polls ? made.result & (call.value | kAlwaysTold) : made.result;
  const bool result = handle ? (*call.result >= 0) == (made.result >= 0) : *call.result == told;
  const bool error = !call.error || *call.error == made.error;
  const std::string name = call.name.empty() ? to_string(call.kind) : call.name;
  if (result && error) {
    if (call.kind != CallKind::kGetOption || made.result != 0 || call.value == made.value) return;
    const auto value_text = [&](std::int64_t value) {
      const bool names_error = call.option == SocketOption::kError && value != 0;
      return names_error ? std::string(to_string(static_cast<UserError>(value))) : fmt::format("{}", value);
    };
    mismatch(where, fmt::format("{} tells {}", name, value_text(call.value)),
             fmt::format("{} tells {}", name, value_text(made.value)));
    return;
  }
  mismatch(where, fmt::format("{} = {}", name, result_text(*call.result, call.error.value_or(UserError::kNone))),
           fmt::format("{} = {}", name, result_text(made.result, made.error)));
}

// As in packetdrill, code sees the TCP_INFO of the latest connection.
void Session::Impl::run_code(const std::string& code, const Place& where) {
  if (!options.assertions) return;
  const auto latest_in = [&](Role role) {
    return std::find_if(sockets.rbegin(), sockets.rend(), [&](const Socket& each) { return each.role == role; });
  };
  auto socket = latest_in(Role::kConnection);
  if (socket == sockets.rend()) socket = latest_in(Role::kIdle);  // one that is no connection any more
  const CodeFields field = [&](const std::string& name) -> std::optional<std::int64_t> {
    if (socket == sockets.rend()) return std::nullopt;
    const auto told = target.implementation_specific(socket->handle, name);
    if (told || name != "tcpi_state" || !target.identity().can(Ability::kState)) return told;
    const auto state = target.state(socket->tuple);
    return number_of_state(state ? state->state : State::kClosed);
  };
  const CodeReport report = tcpassay::run_code(code, code_names, field);
  if (!report.unsupported.empty()) mismatch(where, "code that can be run", report.unsupported + " is not known");
  for (const auto& failure : report.failed) mismatch(where, failure.asserted, failure.seen);
}

// The oldest packet that no `>` line has matched yet, only of the conversation that the line names if it names one. As
// in packetdrill, a pure ACK before expected text is skipped, unless --strict_segments was given.
Sent* Session::Impl::next_unmatched(const SegmentSpec& spec) {
  if (sent_end > options.packets_kept) sent_cursor = std::max(sent_cursor, sent_end - options.packets_kept);
  for (; sent_cursor < sent_end && sent[sent_cursor % options.packets_kept].matched; ++sent_cursor) {
  }
  for (std::size_t i = sent_cursor; i < sent_end; ++i) {
    Sent& candidate = sent[i % options.packets_kept];
    if (candidate.matched) continue;
    const auto decoded = decode(candidate.packet);
    if (!decoded) return &candidate;
    if (spec.local_port && *spec.local_port != decoded->source_port) continue;
    if (spec.remote_port && *spec.remote_port != decoded->destination_port) continue;
    const bool pure_ack = decoded->text.empty() && decoded->ctl == Ctl{.ack = true};
    if (!strict && pure_ack && spec.length > 0) {
      candidate.matched = true;
      continue;
    }
    return &candidate;
  }
  return nullptr;
}

// A packet of the target in the script's terms.
static SegmentSpec script_terms(const Decoded& packet, const Conversation& with) {
  SegmentSpec spec;
  spec.ctl = packet.ctl;
  spec.seq = packet.seq - (with.peer.irs ? *with.peer.irs - with.script_iss : 0);
  spec.length = static_cast<std::uint32_t>(packet.text.size());
  if (packet.ctl.ack) spec.ack = packet.ack;
  spec.wnd = packet.wnd;
  if (packet.ctl.urg) spec.up = packet.up;
  spec.options = parse_options(packet.options);
  return spec;
}

bool Session::Impl::agrees(const SegmentSpec& spec, const Sent& out, const Place& where) {
  const auto decoded = decode(out.packet);
  if (!decoded || decoded->fault == Fault::kTruncated || decoded->fault == Fault::kDataOffset) {
    mismatch(where, text_of(spec), "a packet that cannot be read as TCP");
    return false;
  }
  Conversation& with = conversation({.local = decoded->source_port, .remote = decoded->destination_port});
  if (spec.ctl.syn && decoded->ctl.syn) with.script_iss = spec.seq;
  const SegmentSpec seen = script_terms(*decoded, with);
  const std::uint32_t seq = spec.absolute ? decoded->seq : seen.seq;
  bool same = control_of(spec) == seen.ctl && spec.seq == seq && spec.length == seen.length;
  if (spec.ack || seen.ack) same = same && spec.ack == seen.ack;
  if (spec.wnd) same = same && *spec.wnd == decoded->wnd;
  if (spec.up) same = same && *spec.up == decoded->up;
  same = same && has_what_is_said(spec, out.packet);
  if (spec.traffic_class) same = same && *spec.traffic_class == decoded->traffic_class;
  if (!spec.any_options) {
    std::vector<OptionSpec> expected = spec.options;
    for (OptionSpec& option : expected) {
      using Kind = OptionSpec::Kind;
      const bool fast_open = option.kind == Kind::kFastOpen || option.kind == Kind::kFastOpenExp;
      if (!option.name.empty() && fast_open) name_cookie(option);
    }
    same = same && comparable(expected) == comparable(seen.options);
    const auto script = timestamp_value(spec.options), wire = timestamp_value(seen.options);
    if (script && wire) timestamps.insert(timestamps.begin(), {*script, *wire});
  }
  if (!same) mismatch(where, text_of(spec), text_of(seen));
  return same;
}

// The interface on which packetdrill listens segments what it is given (TSO), ours does not: a `>` line stands for
// several segments that follow each other, unless --strict_segments was given. `first` begins it.
bool Session::Impl::expect_pieces(const SegmentSpec& spec, Sent* first, Time deadline, const Place& where) {
  std::uint32_t done = 0;
  for (Sent* piece = first; piece != nullptr; piece = next_unmatched(spec)) {
    piece->matched = true;
    const auto decoded = decode(piece->packet);
    const auto octets = decoded ? static_cast<std::uint32_t>(decoded->text.size()) : 0;
    SegmentSpec part = spec;
    part.seq += done;
    part.length = std::min(octets, spec.length - done);
    if (done + part.length < spec.length) part.ctl.fin = false;
    if (decoded && done + part.length < spec.length) part.ctl.psh = decoded->ctl.psh;  // each of TSO's frames has one
    if (done > 0) part.ctl.cwr = false;
    if (octets == 0 || !agrees(part, *piece, where)) return false;
    done += octets;
    if (done == spec.length) return true;
    while (next_unmatched(spec) == nullptr && target.now() < deadline && !Interrupt::interrupted()) {
      wait_for_departure(deadline);
    }
  }
  mismatch(where, text_of(spec), fmt::format("{} octets of it", done));
  return false;
}

// Whether the segment is the beginning of what the line says.
static bool begins(const SegmentSpec& spec, const Sent& sent) {
  const auto decoded = decode(sent.packet);
  return decoded && !decoded->ctl.syn && !spec.ctl.syn && !decoded->text.empty() && decoded->text.size() < spec.length;
}

bool Session::Impl::expect(const SegmentSpec& spec, std::optional<Time> earliest, Time deadline, const Place& where) {
  while (true) {
    if (Sent* out = next_unmatched(spec)) {
      out->matched = true;
      const Time until = out->until;
      const bool several = !strict && begins(spec, *out);
      const bool same = several ? expect_pieces(spec, out, deadline, where) : agrees(spec, *out, where);
      if (same && earliest && until < *earliest) {
        mismatch(where, text_of(spec) + " at " + text_of(*earliest) + " or later", "it at " + text_of(until));
        return false;
      }
      return same;
    }
    if (target.now() >= deadline || Interrupt::interrupted()) break;
    wait_for_departure(deadline);
  }
  mismatch(where, text_of(spec), "nothing");
  return false;
}

bool Session::expect(const SegmentSpec& segment, Time within, const Place& where) {
  return impl_->expect(segment, std::nullopt, impl_->target.now() + within, where);
}

}  // namespace tcpassay
