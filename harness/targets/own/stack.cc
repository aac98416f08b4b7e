// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/own/stack.h"

#include <algorithm>
#include <cassert>

namespace own {

Stack::Stack(const Address& ipv4, const Address& ipv6) : ipv4_(ipv4), ipv6_(ipv6) {
  reset(0);
}

void Stack::reset(std::uint64_t seed) {
  settings = {};
  servers_.clear();
  keys_.clear();
  existing_.clear();
  free_.clear();
  for (auto c = pool_.rbegin(); c != pool_.rend(); ++c) free_.push_back(c->get());
  for (const auto& listener : listeners_) {
    listener->open = false;
    listener->accept_queue.clear();
  }
  wire_.clear();
  departed_.clear();
  collected_ = 0;
  now_ = 0;
  last_reserved_ = 0;
  isn_ahead_ = last_iss_ = 0;
  isn_shift_.reset();
  secret_ = Secret::from_seed(seed);
  const auto span = static_cast<std::uint64_t>(0x10000 - kFirstEphemeral);
  next_ephemeral_ = static_cast<std::uint16_t>(kFirstEphemeral + prf(secret_, FourTuple{}) % span);
}

Time Stack::next_due() const {
  Time at = kNever;
  for (const Connection* c : existing_) at = std::min(at, c->timers.next());
  return at;
}

void Stack::advance(Time deadline) {
  while (true) {
    Connection* first = nullptr;
    Time at = kNever;
    for (Connection* c : existing_) {
      const Time next = c->timers.next();
      if (next < at) at = next, first = c;
    }
    if (first == nullptr || at > deadline) break;
    now_ = std::max(now_, at);
    if (run_timer(*first)) return;
  }
  now_ = std::max(now_, deadline);
}

void Stack::inject(ByteView packet) {
  if (is_icmp(packet)) return icmp_arrives(packet);
  std::optional<Segment> seg = parse(packet);
  const std::size_t ports = !packet.empty() && packet[0] >> 4 == 6 ? 40 : 20;  // behind an IP header
  if (!seg && planted.has(Defect::bad_offset_resets) && packet.size() >= ports + 4) {
    const auto port = [&](std::size_t at) { return static_cast<std::uint16_t>(packet[at] << 8 | packet[at + 1]); };
    for (Connection* c : existing_) {
      if (c->local_port == port(ports + 2) && c->remote_port == port(ports)) return delete_tcb(*c, Ended::kReset);
    }
  }
  if (!seg || stray(*seg)) return;
  seg->destination = address_for(seg->source);
  // MUST-3: a segment whose checksum is wrong has no effect.
  if (!seg->checksum_ok && !planted.has(Defect::bad_checksum_accepted)) {
    const bool zero = seg->checksum == 0 && planted.has(Defect::checksum_zero_accepted);
    const bool refuses = seg->ctl.rst && seg->ctl.ack && planted.has(Defect::bad_checksum_refuses);
    if (!zero && !refuses && (seg->checksum != 0xffff || !planted.has(Defect::checksum_ones_accepted))) return;
  }
  if (!seg->ctl.syn && seg->stamps_elsewhere && planted.has(Defect::stamps_behind_nops_only)) seg->timestamps.reset();
  // MUST-7: nor has one whose options cannot be read.
  if (!seg->options_ok) {
    if (!planted.has(Defect::option_length_zero)) return;
    Connection* c = find(seg->destination_port, seg->source, seg->source_port);
    Listener* listener = find_listener(seg->destination_port);
    if (c != nullptr) delete_tcb(*c, Ended::kReset);
    if (c == nullptr && listener != nullptr) listener->embryonic = listener->backlog;  // it takes all places
    return;
  }
  if (seg->corrupt_blocks && planted.has(Defect::sack_corrupt_length)) {
    Connection* c = find(seg->destination_port, seg->source, seg->source_port);
    if (c != nullptr) delete_tcb(*c, Ended::kReset);
    return;
  }
  if (seg->mss_behind_nop && planted.has(Defect::option_parsing_stops_at_nop)) seg->mss.reset();
  if (seg->mss_unaligned && planted.has(Defect::options_at_words_only)) seg->mss.reset();
  if (seg->ctl.rst && seg->unknown_options && planted.has(Defect::unknown_option_on_rst_drops)) return;
  const bool permits = !seg->ctl.syn && seg->sack_permitted && !seg->text.empty();
  if (permits && planted.has(Defect::sack_permitted_on_text_drops)) return;
  if (ip_drops(*seg)) return;
  if (seg->unknown_options && planted.has(Defect::unknown_option_drops)) return;
  if (seg->unknown_at_end && planted.has(Defect::unknown_option_at_end_drops)) return;
  if (seg->reserved != 0 && planted.has(Defect::reserved_bits_drop)) return;
  if (seg->reserved != 0 && seg->ctl.syn && seg->ctl.ack && planted.has(Defect::reserved_bits_on_syn_ack_drop)) return;
  const bool options = seg->unknown_options || seg->mss;
  if (options && !seg->ctl.syn && planted.has(Defect::options_only_on_syn)) seg->text = {};
  last_reserved_ = seg->reserved;
  last_source_ = seg->source;
  last_source_port_ = seg->source_port;
  if (seg->wnd >= 0x8000 && planted.has(Defect::window_signed)) seg->wnd = 0;
  if (seg->timestamps) provoking_stamp_ = seg->timestamps->value;
  segment_arrives(*seg);
  provoking_stamp_.reset();
}

std::optional<Stack::Sent> Stack::collect() {
  if (collected_ == departed_.size()) {
    departed_.clear();
    wire_.clear();
    collected_ = 0;
    return std::nullopt;
  }
  const Departed& d = departed_[collected_++];
  return Sent{.at = d.at, .packet = ByteView(wire_).subspan(d.start, d.length)};
}

Listener* Stack::find_listener(std::uint16_t port) {
  for (const auto& listener : listeners_) {
    if (listener->open && listener->port == port) return listener.get();
  }
  return nullptr;
}

Connection* Stack::find(std::uint16_t local_port, const Address& remote_address, std::uint16_t remote_port) {
  const auto at = std::find(keys_.begin(), keys_.end(), Key{remote_address, remote_port, local_port});
  return at == keys_.end() ? nullptr : existing_[static_cast<std::size_t>(at - keys_.begin())];
}

// With `only_beyond_opening` connections in SYN-SENT and SYN-RECEIVED do not count (MUST-42).
bool Stack::port_in_use(std::uint16_t port, bool only_beyond_opening) const {
  return std::any_of(existing_.begin(), existing_.end(), [&](const Connection* c) {
    return c->local_port == port && !(only_beyond_opening && !c->synchronized());
  });
}

// Zero when every ephemeral port is taken for this peer.
std::uint16_t Stack::ephemeral_port(const Address& remote_address, std::uint16_t remote_port) {
  for (int tries = 0x10000 - kFirstEphemeral; tries > 0; --tries) {
    const std::uint16_t port = next_ephemeral_;
    next_ephemeral_ = port == 0xffff ? kFirstEphemeral : static_cast<std::uint16_t>(port + 1);
    if (find_listener(port) == nullptr && find(port, remote_address, remote_port) == nullptr) return port;
  }
  return 0;
}

Connection* Stack::create(std::uint16_t local_port, const Address& remote_address, std::uint16_t remote_port,
                          const Choices& choices) {
  if (free_.empty()) {
    if (pool_.size() >= kConnectionsMax) return nullptr;
    pool_.push_back(std::make_unique<Connection>());
    free_.push_back(pool_.back().get());
  }
  Connection& c = *free_.back();
  free_.pop_back();
  static_cast<Tcb&>(c) = Tcb{};  // the buffers are kept, with their memory
  c.send_queue.clear();
  const std::optional<SeqNum> last_fin = c.received.fin;
  c.received.clear();
  if (planted.has(Defect::fin_of_last_connection)) c.received.fin = last_fin;
  c.send_queue.misplaces = planted.has(Defect::buffer_grows_misplaced);
  c.received.misplace(c.send_queue.misplaces);
  c.received.plain_order = planted.has(Defect::held_in_plain_order);
  c.received.joins_two = planted.has(Defect::joins_two_stretches);
  c.local_port = local_port;
  c.remote_address = remote_address;
  c.remote_port = remote_port;
  c.choices = choices;
  if (planted.has(Defect::no_delay_before_open_lost)) c.choices.no_delay = false;
  if (!planted.has(Defect::ipv6_mss_of_ipv4)) c.choices.mss = std::min(choices.mss, interface_mss(remote_address));
  adapt(c);
  c.rcv_wnd = c.choices.receive_buffer;
  c.eff_snd_mss = std::min(default_send_mss(remote_address), c.choices.mss);
  keys_.push_back({remote_address, remote_port, local_port});
  existing_.push_back(&c);
  return &c;
}

// Applies the legal variants to a new connection.
void Stack::adapt(Connection& c) const {
  const std::uint32_t most = interface_mss(c.remote_address);
  std::uint32_t& buffer = c.choices.receive_buffer;
  if (variants.has(LegalVariant::window_2_segments)) buffer = std::min(buffer, 2u * most);
  if (variants.has(LegalVariant::window_1000)) buffer = std::min(buffer, 1000u);
  if (variants.has(LegalVariant::window_1)) buffer = 1;
  c.buffer_limit = buffer;
  if (variants.has(LegalVariant::window_grows)) buffer = std::min(buffer, 4u * most);
  c.rcv_mss = c.choices.mss;
  if (variants.has(LegalVariant::mss_536)) c.rcv_mss = std::min<std::uint16_t>(c.rcv_mss, 536);
  if (variants.has(LegalVariant::mss_not_offered)) c.rcv_mss = default_send_mss(c.remote_address);
  if (variants.has(LegalVariant::rto_initial_3s)) c.rto.start_from(3 * kSecond);
}

// The connection enters CLOSED. After a normal end the user can still read unread text; otherwise it is discarded.
void Stack::delete_tcb(Connection& c, Ended why) {
  assert(c.state != State::kClosed);
  const auto at = std::find(existing_.begin(), existing_.end(), &c) - existing_.begin();
  existing_[static_cast<std::size_t>(at)] = existing_.back();
  keys_[static_cast<std::size_t>(at)] = keys_.back();
  existing_.pop_back();
  keys_.pop_back();
  if (c.parent != nullptr && c.state == State::kSynReceived && !c.fast_open.opened) --c.parent->embryonic;

  c.state = State::kClosed;
  c.timers = Timers{};
  c.ack_now = false;
  c.ended = why;
  c.send_queue.clear();
  if (why != Ended::kNormally) c.received.clear();
  if (!c.held) free_.push_back(&c);
}

}  // namespace own
