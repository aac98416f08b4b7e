// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/implementation_specific.h"

#include <algorithm>
#include <array>

namespace own {
namespace {

using Value = std::int64_t;

// Linux's numbers of the states, in the order of State.
constexpr std::array<Value, 11> kStates{7, 10, 2, 3, 1, 4, 5, 8, 11, 9, 6};

// Linux counts these in segments, the stack in octets.
Value segments(const Connection& c, std::uint32_t octets) {
  const std::uint32_t size = std::max<std::uint32_t>(c.eff_snd_mss, 1);
  return (octets + size - 1) / size;
}

Value options(const Connection& c) {
  constexpr Value kTimestamps = 1, kSack = 2, kWindowScale = 4, kEcn = 8, kSynData = 32;
  const bool syn_data = c.fast_open.opened || (c.fast_open.text > 0 && c.syn_acked);
  return (c.stamps.ok ? kTimestamps : 0) | (c.selective.permitted ? kSack : 0) | (c.scaling.ok ? kWindowScale : 0) |
         (c.ecn.agreed ? kEcn : 0) | (syn_data ? kSynData : 0);
}

Value threshold(const Connection& c) {
  constexpr Value kInfinite = 0x7fffffff;
  return c.cc.ssthresh == Congestion::kArbitrarilyHigh ? kInfinite : c.cc.ssthresh / std::max(c.cc.smss, 1u);
}

struct Row {
  const char* name;
  Value (*value)(const Connection& c);
};

constexpr std::array kRows{
    Row{"tcpi_state", [](const Connection& c) { return kStates[static_cast<std::size_t>(c.state)]; }},
    Row{"tcpi_options", options},
    Row{"tcpi_snd_wscale", [](const Connection& c) { return Value{c.scaling.snd}; }},
    Row{"tcpi_rcv_wscale", [](const Connection& c) { return Value{c.scaling.rcv}; }},
    Row{"tcpi_snd_mss", [](const Connection& c) { return Value{c.eff_snd_mss}; }},
    Row{"tcpi_advmss", [](const Connection& c) { return Value{c.rcv_mss}; }},
    Row{"tcpi_pmtu", [](const Connection& c) { return Value{c.path_mtu}; }},
    Row{"tcpi_snd_cwnd", [](const Connection& c) { return Value{c.cc.cwnd / std::max(c.cc.smss, 1u)}; }},
    Row{"tcpi_snd_ssthresh", threshold},
    Row{"tcpi_unacked", [](const Connection& c) { return segments(c, c.snd_nxt - c.snd_una); }},
    Row{"tcpi_notsent_bytes", [](const Connection& c) { return Value{c.text_queued()} - c.text_in_flight(); }},
    Row{"tcpi_rto", [](const Connection& c) { return c.rto.value() / 1000; }},
    Row{"tcpi_rtt", [](const Connection& c) { return c.rto.mean() / 1000; }},
    Row{"tcpi_snd_wnd", [](const Connection& c) { return Value{c.snd_wnd}; }},
    Row{"SIOCINQ", [](const Connection& c) { return Value{c.received.user()}; }},
    Row{"SIOCOUTQ", [](const Connection& c) { return Value{c.text_queued()}; }},
    Row{"SIOCOUTQNSD", [](const Connection& c) { return Value{c.text_queued()} - c.text_in_flight(); }},
};

}  // namespace

std::optional<std::int64_t> implementation_specific(const Connection& c, std::string_view name) {
  for (const Row& row : kRows) {
    if (name == row.name) return row.value(c);
  }
  return std::nullopt;
}

const char* implementation_specific_name(int number) {
  return number < static_cast<int>(kRows.size()) ? kRows[static_cast<std::size_t>(number)].name : nullptr;
}

}  // namespace own
