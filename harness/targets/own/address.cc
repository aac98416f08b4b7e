// SPDX-License-Identifier: Apache-2.0
// Segments that TCP drops because of the IP header: addresses that cannot be an end of a connection (RFC 9293 section
// 3.9.2.3), and, with a defect planted, other fields.
#include "harness/targets/own/stack.h"

namespace own {

bool Stack::may_be_a_host(const Address& address) const {
  const bool group = !address.is_ipv4() && address.high >> 56 == 0xff;
  return is_unicast(address) || (group && planted.has(Defect::ipv6_groups_are_hosts));
}

// MUST-57, MUST-63: such a segment is dropped silently.
bool Stack::stray(const Segment& seg) const {
  const bool syn = seg.ctl.syn;
  const bool group = !is_unicast(seg.destination);
  const bool taken = syn ? planted.has(Defect::broadcast_syn_accepted) : planted.has(Defect::broadcast_answered);
  const Address& ours = address_for(seg.source);
  if (seg.destination != ours && !(group && taken)) return true;
  if (seg.source == ours) return true;
  const bool unseen = planted.has(Defect::nobodys_syn_accepted) || (!syn && planted.has(Defect::sources_of_syns_only));
  return !may_be_a_host(seg.source) && !unseen;
}

bool Stack::ip_options_drop(const Segment& seg) const {
  if (seg.ctl.syn && planted.has(Defect::ip_options_on_syn_drop)) return true;
  if (seg.ctl.rst && planted.has(Defect::ip_options_on_reset_drop)) return true;
  if (seg.ctl.fin && planted.has(Defect::ip_options_on_fin_drop)) return true;
  if (seg.ip_options > 12 && planted.has(Defect::ip_options_longer_drop)) return true;
  return planted.has(Defect::ip_options_drop);
}

// For identification_of_held_text.
bool Stack::is_held_by_identification(Connection& c, const Segment& seg) const {
  if (seg.text.empty() || seg.identification == 0) return false;
  const bool same = c.received.has_gap() && seg.identification == c.held_id;
  if (gt(seg.seq, c.rcv_nxt)) c.held_id = seg.identification;
  return same && planted.has(Defect::identification_of_held_text);
}

bool Stack::ip_drops(const Segment& seg) {
  if (seg.authentication_option && planted.has(Defect::authentication_option_drops)) return true;
  if (seg.ip_options > 0 && ip_options_drop(seg)) return true;
  Connection* c = find(seg.destination_port, seg.source, seg.source_port);
  if (c == nullptr) return false;
  if (is_held_by_identification(*c, seg)) return true;
  if (seg.user_timeout_option && planted.has(Defect::user_timeout_option_resets)) {
    send_reset(*c);
    delete_tcb(*c, Ended::kReset);
    return true;
  }
  const bool same_id = seg.identification != 0 && seg.identification == c->last_id;
  const bool other_class = (seg.traffic_class ^ c->last_class) > 3;
  const bool falls = seg.identification != 0 && seg.identification < c->last_id && !seg.text.empty();
  if (falls && planted.has(Defect::identification_falls)) return true;
  c->last_id = seg.identification;
  if (same_id && planted.has(Defect::identification_tells_duplicates)) return true;
  if (same_id && seg.ctl.rst && planted.has(Defect::identification_of_a_reset)) return true;
  if (other_class && seg.ctl.fin && planted.has(Defect::dscp_of_fin_drops)) return true;
  return other_class && planted.has(Defect::dscp_change_drops);
}

}  // namespace own
