// SPDX-License-Identifier: Apache-2.0
// What ns-3 does not do or show by itself: a channel that hands its packets out, a list of events that can be asked for
// the next one, and the state of a socket.
#pragma once

#include <ns3/core-module.h>
#include <ns3/internet-module.h>
#include <ns3/network-module.h>

#include <cstdint>
#include <vector>

#include "tcpassay_plugin.h"

namespace insides {

using namespace ns3;

inline tcpassay_host the_host;
constexpr std::uint16_t kIpv4 = 0x0800;

// What the device sends goes to tcpassay.
class Wire : public SimpleChannel {
 public:
  static TypeId GetTypeId() {
    static TypeId id = TypeId("tcpassay::Wire").SetParent<SimpleChannel>().AddConstructor<Wire>();
    return id;
  }
  void Send(Ptr<Packet> packet, std::uint16_t protocol, Mac48Address, Mac48Address, Ptr<SimpleNetDevice>) override {
    if (protocol != kIpv4) return;
    std::vector<std::uint8_t> octets(packet->GetSize());
    packet->CopyData(octets.data(), static_cast<std::uint32_t>(octets.size()));
    the_host.emit(the_host.ctx, octets.data(), octets.size());
  }
};
NS_OBJECT_ENSURE_REGISTERED(Wire);

// A list of events that can be asked for the next one.
class Events : public MapScheduler {
 public:
  static TypeId GetTypeId() {
    static TypeId id = TypeId("tcpassay::Events").SetParent<MapScheduler>().AddConstructor<Events>();
    return id;
  }
  Events() { latest = this; }
  static inline Events* latest = nullptr;
};
NS_OBJECT_ENSURE_REGISTERED(Events);

// ns-3 shows neither the state nor the numbers of a socket.
class Peek : public TcpSocketBase {
 public:
  static TcpSocket::TcpStates_t state(const TcpSocketBase& socket) { return (socket.*&Peek::m_state).Get(); }
  static std::uint32_t snd_una(const TcpSocketBase& socket) {
    return (socket.*&Peek::m_txBuffer)->HeadSequence().GetValue();
  }
  static std::uint32_t snd_nxt(const TcpSocketBase& socket) {
    return (socket.*&Peek::m_tcb)->m_nextTxSequence.Get().GetValue();
  }
  static std::uint32_t rcv_nxt(const TcpSocketBase& socket) {
    return (socket.*&Peek::m_tcb)->m_rxBuffer->NextRxSequence().GetValue();
  }
  static std::uint16_t local_port(const TcpSocketBase& socket) {
    const Ipv4EndPoint* const end = socket.*&Peek::m_endPoint;
    return end == nullptr ? 0 : const_cast<Ipv4EndPoint*>(end)->GetLocalPort();
  }
  static std::uint16_t peer_port(const TcpSocketBase& socket) {
    const Ipv4EndPoint* const end = socket.*&Peek::m_endPoint;
    return end == nullptr ? 0 : const_cast<Ipv4EndPoint*>(end)->GetPeerPort();
  }
};

}  // namespace insides
