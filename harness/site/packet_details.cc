// SPDX-License-Identifier: Apache-2.0
#include "harness/site/packet_details.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "harness/report/ladder_rows.h"
#include "harness/report/run_report.h"
#include "harness/session/trace.h"
#include "harness/site/html.h"
#include "harness/site/ladder_svg.h"
#include "harness/wire/packet.h"
#include "models/event.h"
#include "models/segment.h"

namespace tcpassay {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string flags_text(const Ctl& ctl) {
  std::string text;
  const auto add = [&](bool set, const char* name) {
    if (set) text += (text.empty() ? "" : " ") + std::string(name);
  };
  add(ctl.cwr, "CWR");
  add(ctl.ece, "ECE");
  add(ctl.urg, "URG");
  add(ctl.ack, "ACK");
  add(ctl.psh, "PSH");
  add(ctl.rst, "RST");
  add(ctl.syn, "SYN");
  add(ctl.fin, "FIN");
  if (ctl.reserved != 0) text += fmt::format(" reserved {:#x}", ctl.reserved);
  return text.empty() ? "none" : text;
}

void add_options(Fields& fields, const Options& options) {
  const auto add = [&](const std::string& name, const std::string& value) { fields.emplace_back(name, value); };
  if (options.mss) add("Maximum segment size", std::to_string(*options.mss));
  if (options.window_scale) add("Window scale", fmt::format("shift {}", *options.window_scale));
  if (options.sack_permitted) add("SACK", "permitted");
  for (std::size_t i = 0; i < options.blocks; ++i)
    add(fmt::format("SACK block {}", i + 1), fmt::format("{} to {}", options.block[i].left, options.block[i].right));
  if (options.timestamps)
    add("Timestamps", fmt::format("TSval {}, TSecr {}", options.timestamps->value, options.timestamps->echo));
  if (options.user_timeout) add("User timeout", fmt::format("{:#06x}", *options.user_timeout));
  if (options.fast_open || options.fast_open_experiment)
    add("Fast Open",
        options.cookie_octets == 0 ? "asks for a cookie" : fmt::format("cookie of {} octets", options.cookie_octets));
  if (options.signature) add("Signature", options.authentication ? "TCP-AO" : "MD5");
  if (options.unknown) add("Others", "an option of an unknown kind or length");
  if (options.repeated) add("Others", "an option stands there twice");
  if (options.octets > 0) add("Option area", fmt::format("{} octets", options.octets));
}

template <class SegmentT>
Fields fields_of(const SegmentT& segment, std::uint16_t from, std::uint16_t to) {
  Fields fields{{"Ports", fmt::format("{} to {}", from, to)},
                {"Control bits", flags_text(segment.ctl)},
                {"Sequence number", std::to_string(segment.seq.value)},
                {"Acknowledgment number", segment.ctl.ack ? std::to_string(segment.ack.value) : "no ACK"},
                {"Window", std::to_string(segment.wnd)}};
  if (segment.ctl.urg || segment.up != 0) fields.emplace_back("Urgent pointer", std::to_string(segment.up));
  fields.emplace_back("Text", fmt::format("{} octets", segment.text.size()));
  if (segment.fault != Fault::kNone) fields.emplace_back("Fault", to_string(segment.fault));
  add_options(fields, segment.opt);
  fields.emplace_back("TTL or hop limit", std::to_string(segment.ip.ttl));
  fields.emplace_back("DSCP, ECN", fmt::format("{}, {}", segment.ip.traffic_class >> 2, segment.ip.ecn()));
  return fields;
}

Fields fields_of(const Event& event) {
  if (const auto* in = std::get_if<Arriving>(&event.what)) return fields_of(*in, event.tuple.remote, event.tuple.local);
  if (const auto* out = std::get_if<Departing>(&event.what))
    return fields_of(*out, event.tuple.local, event.tuple.remote);
  const auto& icmp = std::get<IcmpArrives>(event.what);
  Fields fields{{"ICMP", fmt::format("over IPv{}", icmp.version)},
                {"Type, code", fmt::format("{}, {}", icmp.type, icmp.code)},
                {"Quotes SEG.SEQ", std::to_string(icmp.seq.value)}};
  if (icmp.mtu != 0) fields.emplace_back("MTU of the next hop", std::to_string(icmp.mtu));
  return fields;
}

bool is_packet(const Event& event) {
  return std::holds_alternative<Arriving>(event.what) || std::holds_alternative<Departing>(event.what) ||
         std::holds_alternative<IcmpArrives>(event.what);
}

Html entry(const Event& event, std::size_t number, const LadderRow& row, const Bytes& octets) {
  const bool arrives = row.kind == LadderRow::Kind::kArrives;
  const Html heading = element("span", {{"class", "when"}}, fmt::format("{:.6f}", seconds_of(event.until))) +
                       element("span", {{"class", "from"}}, arrives ? "peer \u2192 target" : "peer \u2190 target") +
                       tag("code", row.label);
  Html list;
  for (const auto& [name, value] : fields_of(event)) list += tag("div", tag("dt", name) + tag("dd", value));
  Html body = element("dl", {{"class", "fields"}}, list);
  if (!octets.empty()) body += element("pre", {{"class", "octets"}, {"tabindex", "0"}}, hex_dump(octets));
  return element("details", {{"class", "packet"}, {"id", fmt::format("e{}", number)}}, tag("summary", heading) + body);
}

}  // namespace

Html packet_details(const Trace& trace, ShownEvents shown, const std::vector<Bytes>& packets) {
  const std::vector<LadderRow> rows = ladder_rows(trace);
  Html all;
  for (std::size_t i = shown.first; i < shown.end; ++i) {
    if (!is_packet(trace.events[i])) continue;
    all += entry(trace.events[i], i, rows[i], i < packets.size() ? packets[i] : Bytes{});
  }
  return all;
}

std::string hex_dump(ByteView octets) {
  constexpr std::size_t kColumns = 16;
  std::string text;
  const std::size_t end = std::min(octets.size(), kOctetsShown);
  for (std::size_t at = 0; at < end; at += kColumns) {
    std::string hex, letters;
    for (std::size_t i = at; i < std::min(at + kColumns, end); ++i) {
      hex += fmt::format("{:02x} ", octets[i]);
      letters += octets[i] >= 0x20 && octets[i] < 0x7F ? static_cast<char>(octets[i]) : '.';
    }
    text += fmt::format("{:04x}  {:<{}} {}\n", at, hex, 3 * kColumns, letters);
  }
  if (end < octets.size())
    text += fmt::format("... and {} octets more, which are in the capture\n", octets.size() - end);
  return text;
}

}  // namespace tcpassay
