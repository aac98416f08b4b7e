// SPDX-License-Identifier: Apache-2.0
// TCP Fast Open: RFC 7413 section 4.
#include <algorithm>

#include "harness/targets/own/stack.h"

namespace own {
namespace {

constexpr std::size_t kCookieOctets = 8;
constexpr std::uint16_t kSynOptionsMax = 40;
constexpr std::size_t kCookieRoom = 12;  // beside the other options of a SYN

bool well_formed(std::size_t octets) {
  return octets == 0 || (octets >= 4 && octets <= 16 && octets % 2 == 0);
}

}  // namespace

// 4.1.2: a MAC over the client's address. The key lives as long as the stack, so cookies do not expire.
Cookie Stack::cookie_for(const Address& address) const {
  Cookie cookie{.octets = kCookieOctets};
  const std::uint64_t mac = prf(secret_, {.remote_address = address, .local_port = 34});
  for (std::size_t i = 0; i < kCookieOctets; ++i) cookie.octet[i] = static_cast<std::uint8_t>(mac >> (8 * i));
  if (planted.has(Defect::fast_open_odd_cookie)) cookie.octets = 5;
  return cookie;
}

// 4.2: PendingFastOpenRequests
std::uint32_t Stack::pending_fast_opens(const Listener& listener) const {
  return static_cast<std::uint32_t>(std::count_if(existing_.begin(), existing_.end(), [&](const Connection* c) {
    if (c->syn_retransmitted && planted.has(Defect::fast_open_limit_of_first_syn_acks)) return false;
    if (c->has_read && planted.has(Defect::fast_open_limit_of_unread)) return false;
    return c->fast_open.opened && c->state == State::kSynReceived && c->local_port == listener.port;
  }));
}

// 4.2.2, steps 1 to 4: decides whether the text of the SYN is accepted at once.
void Stack::fast_open_syn_arrives(Listener& listener, Connection& c, const Segment& syn) {
  FastOpen& state = c.fast_open;
  const std::uint32_t limit = settings.fast_open ? listener.choices.fast_open : 0;
  state.enabled = limit > 0;
  state.asked = syn.fast_open && well_formed(syn.cookie.octets);
  if (planted.has(Defect::fast_open_length_ignored)) state.asked = syn.fast_open;
  if (state.enabled && state.asked) state.grant = !(syn.cookie == cookie_for(syn.source));
  if (planted.has(Defect::fast_open_by_default) && state.asked) state.grant = true;
  const bool on = state.enabled || planted.has(Defect::fast_open_when_off);
  if (!on || !state.asked || syn.text.empty() || syn.cookie.octets == 0) return;
  const std::uint32_t more = limit > 1 && planted.has(Defect::fast_open_limit_one_more);
  if (pending_fast_opens(listener) > std::max(limit, 1u) + more && !planted.has(Defect::fast_open_no_limit)) return;
  if (!(syn.cookie == cookie_for(syn.source)) && !planted.has(Defect::fast_open_any_cookie) &&
      !planted.has(Defect::fast_open_length_ignored)) {
    return;
  }
  if (planted.has(Defect::fast_open_never) || variants.has(LegalVariant::syn_text_dropped)) return;
  state.opened = true;
  c.rcv_wnd -= std::min(c.rcv_wnd, c.received.deliver(c.rcv_nxt));
  c.rcv_nxt += c.received.user();
  c.held = c.was_established = true;
  --listener.embryonic;
  listener.accept_queue.push_back(&c);
  start_congestion_control(c);
  if (planted.has(Defect::fast_open_no_window)) c.cc.cwnd = Congestion::kArbitrarilyHigh;
}

// Step 5; a retransmission goes without the option.
void Stack::fast_open_syn_ack(Connection& c, Segment& syn_ack) {
  const bool opened = c.fast_open.opened && c.syn_retransmitted;
  const bool again = c.syn_retransmitted && !planted.has(Defect::fast_open_option_again);
  const bool wrongly = opened && planted.has(Defect::fast_open_cookie_to_opened);
  if (!wrongly && (!c.fast_open.grant || again)) return;
  syn_ack.fast_open = true;
  syn_ack.cookie = cookie_for(c.remote_address);
}

// 4.1.3: the cache of servers.
FastOpenServer& Stack::server_at(const Address& address) {
  for (FastOpenServer& known : servers_) {
    if (known.address == address) return known;
  }
  return servers_.emplace_back(FastOpenServer{.address = address});
}

// 4.2.1 and 4.2.2, Client: prepares the SYN. Returns how many octets of text it carries.
std::uint32_t Stack::fast_open_text(Connection& c, ByteView text) {
  if (!settings.fast_open) return 0;
  FastOpen& state = c.fast_open;
  FastOpenServer& server = server_at(c.remote_address);
  const bool disabled = server.negative_port == c.remote_port && !planted.has(Defect::fast_open_tries_again);
  if (disabled || server.cookie.octets > kCookieRoom) return 0;
  state.wanted = true;
  const bool cookie = server.cookie.octets != 0 && !planted.has(Defect::fast_open_forgets);
  if (!cookie && !planted.has(Defect::fast_open_text_at_once) && !planted.has(Defect::fast_open_invents)) return 0;
  if (cookie || planted.has(Defect::fast_open_invents)) {
    state.cookie = server.cookie;
    if (!cookie) state.cookie = cookie_for(c.remote_address);
  }
  std::uint32_t most = std::min(server.mss, interface_mss(c.remote_address));
  if (planted.has(Defect::fast_open_too_long)) most = interface_mss(c.remote_address);
  most -= std::min<std::uint32_t>(most, kSynOptionsMax);
  state.text = std::min(most, static_cast<std::uint32_t>(text.size()));
  c.send_queue.append(text.first(state.text));
  c.snd_nxt += state.text;
  return state.text;
}

// After a timeout the SYN is sent without text and without the option.
std::uint32_t Stack::fast_open_syn(Connection& c, Segment& syn) {
  const bool again = c.syn_retransmitted && !planted.has(Defect::fast_open_syn_again);
  if (!c.fast_open.wanted || again) return 0;
  if (planted.has(Defect::fast_open_experimental)) {
    syn.fast_open_experiment = true;
  } else {
    syn.fast_open = true;
  }
  syn.cookie = c.fast_open.cookie;
  return c.fast_open.text;
}

// Client: receiving SYN-ACK. Updates the cache; 4.1.3.1: text that was not acknowledged counts as a negative response.
void Stack::fast_open_syn_ack_arrives(Connection& c, const Segment& seg) {
  const FastOpen& state = c.fast_open;
  if (!state.wanted) return;
  FastOpenServer& server = server_at(c.remote_address);
  const bool passed = (seg.cookie.octets < 8 && planted.has(Defect::fast_open_short_cookie_lost)) ||
                      (seg.cookie.octets % 4 != 0 && planted.has(Defect::fast_open_uneven_cookie_lost));
  const bool given = seg.fast_open && seg.cookie.octets != 0 && well_formed(seg.cookie.octets) && !passed;
  if (given) {
    const bool kept = server.cookie.octets != 0 && planted.has(Defect::fast_open_first_cookie_kept);
    if (!kept) server.cookie = seg.cookie;
    server.mss = seg.mss.value_or(default_send_mss(c.remote_address));
  }
  if (state.text > 0 && seg.ack == c.iss + 1 && !given) server.negative_port = c.remote_port;
}

// Text that the SYN-ACK did not acknowledge is sent again with the first ACK.
void Stack::fast_open_resend(Connection& c) {
  if (c.fast_open.text == 0 || !c.in_flight() || planted.has(Defect::fast_open_text_late)) return;
  const std::uint32_t length = std::min({c.text_in_flight(), std::uint32_t{c.eff_snd_mss}, c.snd_wnd});
  if (length > 0) transmit(c, c.snd_una, length, false);
}

}  // namespace own
