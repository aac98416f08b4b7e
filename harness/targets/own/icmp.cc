// SPDX-License-Identifier: Apache-2.0
// ICMP messages: RFC 9293 section 3.9.2.2, with the checks of RFC 5927 and path MTU discovery as in RFC 1191 and 8201.
#include <algorithm>

#include "harness/targets/own/stack.h"

namespace own {
namespace {

constexpr std::uint8_t kProtocolIcmp = 1, kProtocolTcp = 6, kProtocolIcmpv6 = 58;
constexpr std::size_t kIcmpHeader = 8;

enum class Kind : std::uint8_t { kOther, kSourceQuench, kSoft, kHard, kTooBig };

Kind kind_of(bool v6, std::uint8_t type, std::uint8_t code) {
  if (v6) {
    if (type == 2) return Kind::kTooBig;
    if (type == 3 || type == 4) return Kind::kSoft;  // time exceeded, parameter problem
    if (type != 1) return Kind::kOther;
    return code == 0 || code == 3 ? Kind::kSoft : code == 1 || code == 4 ? Kind::kHard : Kind::kOther;
  }
  if (type == 4) return Kind::kSourceQuench;
  if (type == 11 || type == 12) return Kind::kSoft;
  if (type != 3) return Kind::kOther;
  if (code == 4) return Kind::kTooBig;
  return code == 0 || code == 1 || code == 5 ? Kind::kSoft : code == 2 || code == 3 ? Kind::kHard : Kind::kOther;
}

Address address_at(bool v6, const std::uint8_t* p) {
  if (!v6) return ipv4(get32(p));
  const auto half = [](const std::uint8_t* at) { return std::uint64_t{get32(at)} << 32 | get32(at + 4); };
  return {.high = half(p), .low = half(p + 8)};
}

}  // namespace

bool is_icmp(ByteView packet) {
  if (packet.size() < kIpv4Header) return false;
  if (packet[0] >> 4 == 4) return packet[9] == kProtocolIcmp;
  return packet[0] >> 4 == 6 && packet.size() >= kIpv6Header && packet[6] == kProtocolIcmpv6;
}

void Stack::icmp_arrives(ByteView packet) {
  const bool v6 = packet[0] >> 4 == 6;
  const std::size_t least = v6 ? kIpv6Header : kIpv4Header;
  const auto header_of = [&](ByteView ip) { return v6 ? kIpv6Header : std::size_t{ip[0] & 0x0fu} * 4; };
  const std::size_t header = header_of(packet);
  if (header < least || packet.size() < header + kIcmpHeader + least + 8) return;
  const std::uint8_t* icmp = &packet[header];
  const ByteView quote = packet.subspan(header + kIcmpHeader);
  const std::size_t quoted = header_of(quote);
  if (quote[0] >> 4 != packet[0] >> 4 || quote[v6 ? 6 : 9] != kProtocolTcp || quoted < least) return;
  if (quote.size() < quoted + 8) return;
  const Address peer = address_at(v6, &quote[v6 ? 24 : 16]);
  if (address_at(v6, &quote[v6 ? 8 : 12]) != address_for(peer)) return;
  const std::uint8_t* tcp = &quote[quoted];
  Connection* c = find(get16(tcp), peer, get16(tcp + 2));
  if (c == nullptr && planted.has(Defect::icmp_by_local_port)) {
    for (Connection* each : existing_) {
      if (each->local_port == get16(tcp) && each->remote_address == peer) c = each;
    }
  }
  Connection* other = nullptr;
  if (c != nullptr && planted.has(Defect::icmp_to_another)) {
    for (Connection* each : existing_) {
      if (each != c) other = each;
    }
  }
  // MUST-54 with RFC 5927 section 4.1: the quoted segment is one that is in flight.
  const SeqNum seq = get32(tcp + 4);
  const bool in_flight = c != nullptr && le(c->snd_una, seq) && lt(seq, c->snd_nxt);
  if (other != nullptr) return delete_tcb(*other, Ended::kUnreachable);
  if (!in_flight) return;
  const Kind kind = kind_of(v6, icmp[0], icmp[1]);
  if (kind == Kind::kOther) return;
  if (kind == Kind::kSourceQuench) {  // MUST-55
    const bool refuses = c->state == State::kSynSent && planted.has(Defect::source_quench_refuses);
    if (refuses || planted.has(Defect::source_quench_ends)) delete_tcb(*c, Ended::kReset);
    return;
  }
  if (kind == Kind::kTooBig) return too_big(*c, v6 ? get32(icmp + 4) : get16(icmp + 6), get16(&quote[2]));
  const bool port_v6 = (v6 && icmp[0] == 1 && icmp[1] == 4 && planted.has(Defect::ipv6_port_error_ignored)) ||
                       (v6 && icmp[0] == 1 && icmp[1] == 1 && planted.has(Defect::ipv6_prohibited_ignored));
  // In the synchronized states a hard error is treated as a soft one (RFC 5927 section 5).
  const bool opening = c->state == State::kSynSent || (c->state == State::kSynReceived && !c->passive);
  const bool ends = kind == Kind::kHard && opening && !port_v6 && !planted.has(Defect::hard_error_ignored);
  const bool closing = c->fin_sent && planted.has(Defect::soft_error_ends_closing);
  const bool wrongly = c->synchronized() && (closing || planted.has(Defect::soft_error_ends));
  if (ends || wrongly) return delete_tcb(*c, Ended::kUnreachable);
  const bool spared = (c->state == State::kCloseWait && planted.has(Defect::soft_error_untold_in_close_wait)) ||
                      (c->state == State::kSynSent && planted.has(Defect::soft_error_untold_in_syn_sent));
  c->soft_error = !spared && !planted.has(Defect::soft_error_untold);
}

// RFC 1191 section 3 and RFC 8201 section 4: the estimate goes down to the announced MTU, never up, and never below the
// least that IP allows. `total`: the length of the packet that an old router, which names no MTU, has found too big;
// the estimate is the greatest plateau below it then, and 576 at most (sections 4, 5 and 7).
void Stack::too_big(Connection& c, std::uint32_t mtu, std::uint32_t total) {
  if (c.state != State::kEstablished && planted.has(Defect::too_big_in_established_only)) return;
  if (!c.synchronized() || planted.has(Defect::too_big_ignored)) return;
  if (c.fin_sent && planted.has(Defect::too_big_ignored_behind_fin)) return;
  if (c.cc.timed_out && planted.has(Defect::too_big_ignored_behind_timeout)) return;
  constexpr std::uint32_t kLeastIpv4 = 68, kLeastIpv6 = 1280, kOldStyle = 576;
  const bool v6 = !c.remote_address.is_ipv4();
  const std::uint32_t header = ip_header(c.remote_address);
  if (mtu == 0 && !v6) {
    if (planted.has(Defect::too_big_without_mtu_ignored)) return;
    if (planted.has(Defect::too_big_without_mtu_ends)) return delete_tcb(c, Ended::kReset);
    mtu = kOldStyle;
    for (const std::uint32_t plateau : {508u, 296u, 68u}) mtu = mtu < total ? mtu : plateau;
  }
  const bool no_floor = planted.has(Defect::path_mtu_no_floor);
  if (v6 && mtu < kLeastIpv6 && !no_floor) return;
  if (!no_floor) mtu = std::max(mtu, kLeastIpv4);
  mtu = std::clamp(mtu, header + kTcpHeader + 1, kMtu);
  if (c.path_mtu < kMtu && planted.has(Defect::path_mtu_lowered_once)) return;
  const bool lowers = mtu < c.path_mtu;
  if (!lowers && !planted.has(Defect::path_mtu_raised) && !planted.has(Defect::too_big_bursts)) return;
  if (lowers || planted.has(Defect::path_mtu_raised)) {
    c.path_mtu = static_cast<std::uint16_t>(mtu);
    const bool kept = c.path_mtu_at != 0 && planted.has(Defect::path_mtu_interval_of_first);
    if (!kept) c.path_mtu_at = now_;
    limit_to_path(c);
  }
  if (!lowers && planted.has(Defect::path_mtu_raised)) return;
  if (planted.has(Defect::too_big_not_reduced)) c.eff_snd_mss = c.mss_of_peer;
  if (c.text_in_flight() == 0) return;
  // The packets that were too big are lost, but this is not a sign of congestion (section 6.4).
  retransmit(c);
  if (lowers && !c.cc.recovering) send_queued(c);
}

// For defects: a larger packet is tried though it is too early.
bool Stack::tries_larger_path(const Connection& c) const {
  const Time since = now_ - c.path_mtu_at;
  if (c.path_mtu >= kMtu) return false;
  if (since >= 120 * kSecond && planted.has(Defect::path_mtu_tried_soon)) return true;
  return since >= 300 * kSecond && planted.has(Defect::path_mtu_interval_of_first);
}

// RFC 5681 section 3.1: cwnd is reduced by the ratio of the old segment size to the new one, and all in flight may go
// again within it.
void Stack::limit_to_path(Connection& c) {
  const std::uint32_t most = c.path_mtu - ip_header(c.remote_address) - kTcpHeader;
  const std::uint32_t before = c.eff_snd_mss;
  const std::uint32_t room = std::min<std::uint32_t>(c.mss_of_peer, most);
  const bool second = before + kTimestampsLength < c.mss_of_peer && planted.has(Defect::too_big_forgets_options_again);
  const bool forgets =
      second || planted.has(Defect::options_not_deducted) || planted.has(Defect::too_big_forgets_options);
  const std::uint32_t options = c.stamps.ok && !forgets ? kTimestampsLength : 0;  // 3.7.1, as for the peer's MSS
  c.eff_snd_mss = static_cast<std::uint16_t>(options < room ? room - options : 1u);
  if (c.eff_snd_mss >= before) return;
  const bool again = before + 2 * kTimestampsLength < c.mss_of_peer;
  if (!planted.has(Defect::too_big_keeps_window) && !(again && planted.has(Defect::too_big_keeps_window_again))) {
    c.cc.cwnd = std::max(c.cc.cwnd / before * c.eff_snd_mss, std::uint32_t{c.eff_snd_mss});
  }
  c.cc.smss = c.eff_snd_mss;
  // What duplicate ACKs have added to the window has left the network, and what was too big never entered it.
  if (c.cc.recovering) c.cc.cwnd = std::min(c.cc.cwnd, std::max(c.cc.ssthresh, c.cc.smss));
  c.cc.refused = c.cc.duplicates;
  c.cc.limit = 0;  // what limited transmit let go was too big as well
  if (c.text_in_flight() > 0) c.cc.resend = c.snd_una;
}

}  // namespace own
