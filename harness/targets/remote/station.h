// SPDX-License-Identifier: Apache-2.0
// Our side of the wire as a station of its own: it has spare addresses, finds the target's link address, answers those
// who ask for ours (ARP, neighbour discovery), and asks for an echo to learn when the target has handled what was sent.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "harness/targets/remote/link.h"

namespace tcpassay {

using LinkAddress = std::array<std::uint8_t, 6>;

struct StationAddresses {
  Address target{}, own{};           // IPv4; own.octets all zero: none
  Address target6{}, own6{};         // IPv6, the same
  std::optional<Address> gateway{};  // the next hop to the target, where it is not on the link
};

// What follows a stimulus on the wire, so that its answer shows that the stimulus has been handled.
enum class Fence : std::uint8_t {
  kEcho,       // an echo request (ICMP)
  kNeighbour,  // a question for the target's link address (ARP, neighbour solicitation), where it answers no echo
  kNone,       // the target answers neither: only waiting tells silence
};

// How long the target takes to answer what follows a stimulus, measured at the start.
struct RoundTrips {
  Time least{}, median{}, most{};
  Time spread() const { return most - least; }
};

class Station {
 public:
  // Finds the target and measures the round trip. Throws TargetError when the target does not answer.
  Station(std::unique_ptr<Link> link, const StationAddresses& addresses, Time settle);

  void use_ip(std::uint8_t version);  // of the echo requests that follow: 4 or 6
  const RoundTrips& round_trips() const { return measured_; }
  Fence kind_of_fence() const { return fence_; }

  void send(ByteView packet);

  // After this, every packet that the target sent in answer to what it got so far has been received. Throws
  // Inconclusive when the target does not answer in time.
  void fence();

  // The oldest packet for our addresses that carries TCP and nobody has taken. Waits for one until the deadline.
  std::optional<Collected> receive(Time deadline);

  // Drops what was received, and counts time from now on.
  void restart();
  Time now() const { return steady_now() - started_; }

 private:
  struct Arrived {
    Time from{}, until{};
    Bytes packet{};
  };

  void find(const Address& wanted, const Address& own, LinkAddress& found);
  void measure();
  bool measure_by(Fence fence);
  void ask();
  void ask_neighbour(const Address& wanted, const Address& own);
  void ask_echo();
  bool answered(Time deadline);
  bool look(Time deadline);
  void take_frame(ByteView frame);
  void take_arp(ByteView packet);
  void take_neighbour(const Address& address, const LinkAddress& link);
  void take_packet(ByteView packet, const LinkAddress& from);
  void take_icmp(ByteView message);
  void take_icmp6(ByteView packet, const LinkAddress& from);
  void send_frame(const LinkAddress& to, std::uint16_t type, ByteView payload);

  std::unique_ptr<Link> link_;
  StationAddresses addresses_;
  LinkAddress own_link_{}, target_link_{}, target6_link_{};
  Address wanted_{};                    // what find() or a question for a link address waits for
  std::optional<LinkAddress> found_{};  // and its link address
  std::vector<Address> pretended_{};    // sources of ours that are not our own address
  Time settle_;                         // that must pass without a packet after each fence
  RoundTrips measured_{};
  Fence fence_ = Fence::kNone;
  std::uint8_t ip_ = 4;
  std::uint16_t echo_id_ = 0, echo_sent_ = 0, echo_seen_ = 0;
  Time started_{};
  Time floor_{};  // what is received from now on left the target after this
  std::deque<Arrived> arrived_;
  Bytes current_, frame_;
};

}  // namespace tcpassay
