// SPDX-License-Identifier: Apache-2.0
// The TCP of the simulator ns-3 behind tcpassay's plugin interface: one node with one device, IPv4, virtual time. A
// reset destroys the simulation and begins another.
#include <ns3/core-module.h>
#include <ns3/internet-module.h>
#include <ns3/network-module.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "ns3_insides.h"
#include "tcpassay_plugin.h"

namespace {

using namespace ns3;
using namespace insides;

tcpassay_config the_config;

const char* const kMac = "00:00:00:00:00:01";
const char* const kPeerMac = "00:00:00:00:00:02";

struct Endpoint {
  Ptr<TcpSocketBase> socket;
  std::uint32_t phase = TCPASSAY_UNCONNECTED;
  std::int32_t error = 0;
  bool eof = false;
  std::int32_t listener = -1;  // of a connection that nobody has accepted
  std::uint32_t order = 0;
  std::uint16_t local_port = 0, remote_port = 0;
};

class Target {
 public:
  Target() { begin(); }
  ~Target() { Simulator::Destroy(); }

  void reset() {
    endpoints_.clear();
    Simulator::Destroy();
    begin();
  }
  void input(const std::uint8_t* octets, std::size_t length) {
    in_input_ = true;
    device_->Receive(Create<Packet>(octets, static_cast<std::uint32_t>(length)), kIpv4, Mac48Address(kMac),
                     Mac48Address(kPeerMac));
    settle();
    in_input_ = false;
  }
  void advance(std::uint64_t now_ns) {
    now_ns_ = now_ns;
    settle();
  }
  std::uint64_t next_deadline() const {
    if (Events::latest == nullptr || Events::latest->IsEmpty()) return UINT64_MAX;
    const std::uint64_t due = Events::latest->PeekNext().key.m_ts, ahead = simulated() - now_ns_;
    return due > ahead ? std::max(due - ahead, now_ns_) : now_ns_;
  }

  std::int32_t open() {
    auto e = std::make_shared<Endpoint>();
    e->socket = DynamicCast<TcpSocketBase>(Socket::CreateSocket(node_, TcpSocketFactory::GetTypeId()));
    return keep(e);
  }
  int listen(std::int32_t number, std::uint16_t port) {
    const auto e = at(number);
    if (!e) return -TCPASSAY_BAD_HANDLE;
    if (e->socket->Bind(InetSocketAddress(Ipv4Address::GetAny(), port)) != 0) return -TCPASSAY_ADDRESS_IN_USE;
    if (e->socket->Listen() != 0) return -TCPASSAY_INVALID;
    e->phase = TCPASSAY_LISTENING;
    e->local_port = port;
    e->socket->SetAcceptCallback(MakeNullCallback<bool, Ptr<Socket>, const Address&>(),
                                 MakeBoundCallback(&Target::accepted, this, number));
    settle();
    return 0;
  }
  int connect(std::int32_t number, std::uint16_t local_port, const tcpassay_address& remote, std::uint16_t port) {
    const auto e = at(number);
    if (!e) return -TCPASSAY_BAD_HANDLE;
    const int bound =
        local_port == 0 ? e->socket->Bind() : e->socket->Bind(InetSocketAddress(Ipv4Address::GetAny(), local_port));
    if (bound != 0) return -TCPASSAY_ADDRESS_IN_USE;
    follow(*e);
    if (e->socket->Connect(InetSocketAddress(ipv4(remote), port)) != 0) return -TCPASSAY_UNREACHABLE;
    e->phase = TCPASSAY_OPENING;
    settle();
    learn(*e);
    return 0;
  }
  std::int32_t accept(std::int32_t listener) {
    const auto first = waiting_on(listener, nullptr);
    if (first < 0) return -TCPASSAY_WOULD_BLOCK;
    endpoints_[first]->listener = -1;
    return first;
  }
  std::int64_t send(std::int32_t number, const std::uint8_t* octets, std::size_t length) {
    const auto e = at(number);
    if (!e) return -TCPASSAY_BAD_HANDLE;
    const std::uint32_t room = e->socket->GetTxAvailable();
    if (room == 0) return -TCPASSAY_WOULD_BLOCK;
    const int taken =
        static_cast<Socket&>(*e->socket).Send(octets, std::min(static_cast<std::uint32_t>(length), room), 0);
    const bool closing = taken < 0 && e->socket->GetErrno() == Socket::ERROR_SHUTDOWN;
    settle();
    return taken >= 0 ? taken : closing ? -TCPASSAY_PIPE : -TCPASSAY_NOT_CONNECTED;
  }
  std::int64_t receive(std::int32_t number, std::uint8_t* octets, std::size_t room) {
    const auto e = at(number);
    if (!e) return -TCPASSAY_BAD_HANDLE;
    const Ptr<Packet> text =
        static_cast<Socket&>(*e->socket).Recv(static_cast<std::uint32_t>(std::min<std::size_t>(room, 1u << 20)), 0);
    const std::int64_t got = text ? text->CopyData(octets, static_cast<std::uint32_t>(room)) : 0;
    settle();
    return got > 0 || e->eof || e->phase == TCPASSAY_ENDED ? got : -TCPASSAY_WOULD_BLOCK;
  }
  int shutdown(std::int32_t number) {
    const auto e = at(number);
    if (!e) return -TCPASSAY_BAD_HANDLE;
    const int rc = e->socket->ShutdownSend();
    settle();
    return rc == 0 ? 0 : -TCPASSAY_NOT_CONNECTED;
  }
  int close(std::int32_t number) {
    const auto e = at(number);
    if (!e) return -TCPASSAY_BAD_HANDLE;
    for (std::int32_t waiting; (waiting = waiting_on(number, nullptr)) >= 0;) {
      endpoints_[waiting]->socket->Close();
      endpoints_[waiting].reset();
    }
    e->socket->Close();
    endpoints_[number].reset();
    settle();
    return 0;
  }
  int status(std::int32_t number, tcpassay_status& status) {
    const auto e = at(number);
    if (!e) return -TCPASSAY_BAD_HANDLE;
    learn(*e);
    status.phase = e->phase;
    status.error = e->error;
    status.eof = e->eof;
    status.local_port = e->local_port;
    status.remote_port = e->remote_port;
    waiting_on(number, &status.acceptable);
    if (e->phase < TCPASSAY_OPENING) return 0;
    status.readable = e->socket->GetRxAvailable();
    if (e->phase != TCPASSAY_ENDED) status.writable = e->socket->GetTxAvailable();
    return 0;
  }
  int set_option(std::int32_t number, int option, std::int64_t value) {
    const auto e = at(number);
    if (!e) return -TCPASSAY_BAD_HANDLE;
    const auto octets = static_cast<std::uint32_t>(value);
    switch (option) {
      case TCPASSAY_NO_DELAY:
        e->socket->SetAttribute("TcpNoDelay", BooleanValue(value != 0));
        break;
      case TCPASSAY_RECEIVE_BUFFER:
        e->socket->SetAttribute("RcvBufSize", UintegerValue(octets));
        break;
      case TCPASSAY_SEND_BUFFER:
        e->socket->SetAttribute("SndBufSize", UintegerValue(octets));
        break;
      case TCPASSAY_TYPE_OF_SERVICE:
        e->socket->SetIpTos(static_cast<std::uint8_t>(value));
        break;
      case TCPASSAY_TIME_TO_LIVE:
        e->socket->SetIpTtl(static_cast<std::uint8_t>(value));
        break;
      default:
        return -TCPASSAY_NO_PROTOCOL_OPTION;
    }
    return 0;
  }
  bool state(std::uint16_t local_port, std::uint16_t remote_port, tcpassay_state& state) const {
    ObjectVectorValue sockets;
    node_->GetObject<TcpL4Protocol>()->GetAttribute("SocketList", sockets);
    for (auto i = sockets.Begin(); i != sockets.End(); ++i) {
      const auto socket = DynamicCast<TcpSocketBase>(i->second);
      if (!socket || Peek::local_port(*socket) != local_port || Peek::peer_port(*socket) != remote_port) continue;
      state.state = kStates[Peek::state(*socket)];
      if (state.state == TCPASSAY_CLOSED || state.state == TCPASSAY_LISTEN) continue;
      state.known = TCPASSAY_KNOWS_SND_UNA | TCPASSAY_KNOWS_SND_NXT;
      state.snd_una = Peek::snd_una(*socket);
      const bool opening = state.state == TCPASSAY_SYN_SENT || state.state == TCPASSAY_SYN_RECEIVED;
      state.snd_nxt =
          opening ? state.snd_una + 1 : Peek::snd_nxt(*socket);  // ns-3 counts the SYN when it is acknowledged

      if (state.state == TCPASSAY_SYN_SENT) return true;
      state.known |= TCPASSAY_KNOWS_RCV_NXT;
      state.rcv_nxt = Peek::rcv_nxt(*socket);
      return true;
    }
    return false;
  }

 private:
  // In the order of TcpSocket::TcpStates_t.
  static constexpr std::uint32_t kStates[] = {TCPASSAY_CLOSED,       TCPASSAY_LISTEN,      TCPASSAY_SYN_SENT,
                                              TCPASSAY_SYN_RECEIVED, TCPASSAY_ESTABLISHED, TCPASSAY_CLOSE_WAIT,
                                              TCPASSAY_LAST_ACK,     TCPASSAY_FIN_WAIT_1,  TCPASSAY_FIN_WAIT_2,
                                              TCPASSAY_CLOSING,      TCPASSAY_TIME_WAIT};

  static Ipv4Address ipv4(const tcpassay_address& address) {
    const std::uint8_t* const o = address.octets;
    return Ipv4Address(static_cast<std::uint32_t>(o[0]) << 24 | o[1] << 16 | o[2] << 8 | o[3]);
  }

  void begin() {
    now_ns_ = 0;
    accepts_ = 0;
    ObjectFactory events;
    events.SetTypeId(Events::GetTypeId());
    Simulator::SetScheduler(events);
    GlobalValue::Bind("ChecksumEnabled", BooleanValue(true));
    RngSeedManager::SetSeed(the_host.random(the_host.ctx) | 1);
    node_ = CreateObject<Node>();
    device_ = CreateObject<SimpleNetDevice>();
    device_->SetAddress(Mac48Address(kMac));
    device_->SetChannel(CreateObject<Wire>());
    device_->SetMtu(static_cast<std::uint16_t>(the_config.mtu));
    node_->AddDevice(device_);
    InternetStackHelper internet;
    internet.SetIpv6StackInstall(false);
    internet.Install(node_);
    const auto ip = node_->GetObject<Ipv4>();
    const std::uint32_t interface = ip->AddInterface(device_);
    ip->AddAddress(interface, Ipv4InterfaceAddress(ipv4(the_config.local), "255.255.255.0"));
    ip->SetUp(interface);
    const auto cache = node_->GetObject<Ipv4L3Protocol>()->GetInterface(interface)->GetArpCache();
    ArpCache::Entry* const entry = cache->Add(ipv4(the_config.peer));
    entry->SetMacAddress(Mac48Address(kPeerMac));
    entry->MarkPermanent();
    settle();
  }

  static std::uint64_t simulated() { return static_cast<std::uint64_t>(Simulator::Now().GetNanoSeconds()); }

  // Everything that is due by now happens. The simulator stops a nanosecond later than the last of it, so that its
  // clock runs ahead of ours by as many nanoseconds as there were calls.
  void settle() {
    const std::uint64_t now = simulated(), wait = now_ns_ > now ? now_ns_ - now : 0;
    Simulator::Stop(NanoSeconds(wait + 20));
    Simulator::Run();
  }

  std::shared_ptr<Endpoint> at(std::int32_t number) {
    return number < 0 || static_cast<std::size_t>(number) >= endpoints_.size() ? nullptr : endpoints_[number];
  }
  std::int32_t keep(const std::shared_ptr<Endpoint>& e) {
    for (std::size_t i = 0; i < endpoints_.size(); ++i) {
      if (endpoints_[i]) continue;
      endpoints_[i] = e;
      return static_cast<std::int32_t>(i);
    }
    endpoints_.push_back(e);
    return static_cast<std::int32_t>(endpoints_.size() - 1);
  }
  std::int32_t waiting_on(std::int32_t listener, std::uint32_t* count) {
    std::int32_t first = -1;
    for (std::size_t i = 0; i < endpoints_.size(); ++i) {
      if (!endpoints_[i] || endpoints_[i]->listener != listener) continue;
      if (count != nullptr) ++*count;
      if (first < 0 || endpoints_[i]->order < endpoints_[first]->order) first = static_cast<std::int32_t>(i);
    }
    return first;
  }

  void learn(Endpoint& e) const {
    if (const std::uint16_t port = Peek::local_port(*e.socket)) e.local_port = port;
    if (const std::uint16_t port = Peek::peer_port(*e.socket)) e.remote_port = port;
    if (e.phase < TCPASSAY_OPENING) return;
    const auto state = Peek::state(*e.socket);
    if (state >= TcpSocket::ESTABLISHED && e.phase == TCPASSAY_OPENING) e.phase = TCPASSAY_CONNECTED;
    if (state == TcpSocket::CLOSED) e.phase = TCPASSAY_ENDED;
  }

  void follow(Endpoint& e) {
    e.socket->SetConnectCallback(MakeBoundCallback(&Target::connected, &e),
                                 MakeBoundCallback(&Target::failed, this, &e));
    e.socket->SetCloseCallbacks(MakeBoundCallback(&Target::peer_closed, &e),
                                MakeBoundCallback(&Target::broken, this, &e));
  }
  static void accepted(Target* self, std::int32_t listener, Ptr<Socket> socket, const Address&) {
    auto e = std::make_shared<Endpoint>();
    e->socket = DynamicCast<TcpSocketBase>(socket);
    e->phase = TCPASSAY_CONNECTED;
    e->listener = listener;
    e->order = ++self->accepts_;
    self->learn(*e);
    self->follow(*e);
    self->keep(e);
  }
  static void connected(Endpoint* e, Ptr<Socket>) { e->phase = TCPASSAY_CONNECTED; }
  static void failed(Target* self, Endpoint* e, Ptr<Socket>) {
    e->error = self->in_input_ ? TCPASSAY_REFUSED : TCPASSAY_TIMED_OUT;
    e->phase = TCPASSAY_ENDED;
  }
  static void peer_closed(Endpoint* e, Ptr<Socket>) { e->eof = true; }
  static void broken(Target* self, Endpoint* e, Ptr<Socket>) {
    e->error = self->in_input_ ? TCPASSAY_RESET : TCPASSAY_TIMED_OUT;
    e->phase = TCPASSAY_ENDED;
  }

  Ptr<Node> node_;
  Ptr<SimpleNetDevice> device_;
  std::vector<std::shared_ptr<Endpoint>> endpoints_;
  std::uint64_t now_ns_ = 0;
  std::uint32_t accepts_ = 0;
  bool in_input_ = false;
};

Target& of(void* t) {
  return *static_cast<Target*>(t);
}

void* create(const tcpassay_host* host, const tcpassay_config* config) {
  the_host = *host;
  the_config = *config;
  return new Target;
}
void destroy(void* t) {
  delete &of(t);
}
int reset(void* t, int ip_version) {
  if (ip_version != 4) return -TCPASSAY_NOT_SUPPORTED;
  of(t).reset();
  return 0;
}
int configure(void*, const char* name, std::int64_t value) {
  const struct {
    const char *name, *attribute;
  } kNames[] = {{"timestamps", "ns3::TcpSocketBase::Timestamp"},
                {"window-scaling", "ns3::TcpSocketBase::WindowScaling"},
                {"sack", "ns3::TcpSocketBase::Sack"}};
  for (const auto& one : kNames) {
    if (std::strcmp(name, one.name) == 0) Config::SetDefault(one.attribute, BooleanValue(value != 0));
  }
  return 0;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const tcpassay_adapter* tcpassay_plugin(std::uint32_t) {
  static const tcpassay_adapter adapter = [] {
    tcpassay_adapter a{};
    a.abi = TCPASSAY_ABI;
    a.size = sizeof a;
    a.name = "ns3";
    a.version = NS3_PLUGIN_VERSION;
    a.abilities = TCPASSAY_VIRTUAL_TIME | TCPASSAY_SYNCHRONOUS | TCPASSAY_EXACT_RESET | TCPASSAY_STATE |
                  TCPASSAY_PASSIVE_OPEN | TCPASSAY_ACTIVE_OPEN | TCPASSAY_HALF_CLOSE;
    a.options = 1u << TCPASSAY_NO_DELAY | 1u << TCPASSAY_RECEIVE_BUFFER | 1u << TCPASSAY_SEND_BUFFER |
                1u << TCPASSAY_TYPE_OF_SERVICE | 1u << TCPASSAY_TIME_TO_LIVE;
    a.msl_ms = 120000;  // ns3::TcpSocketBase::MaxSegLifetime
    a.create = create;
    a.destroy = destroy;
    a.reset = reset;
    a.input = [](void* t, const std::uint8_t* packet, std::size_t length) { return of(t).input(packet, length), 0; };
    a.advance = [](void* t, std::uint64_t now_ns) { return of(t).advance(now_ns), 0; };
    a.next_deadline = [](void* t) { return of(t).next_deadline(); };
    a.open = [](void* t) { return of(t).open(); };
    a.listen = [](void* t, std::int32_t e, std::uint16_t port, std::uint32_t) { return of(t).listen(e, port); };
    a.connect = [](void* t, std::int32_t e, std::uint16_t local_port, const tcpassay_address* remote,
                   std::uint16_t port) { return of(t).connect(e, local_port, *remote, port); };
    a.accept = [](void* t, std::int32_t listener) { return of(t).accept(listener); };
    a.send = [](void* t, std::int32_t e, const std::uint8_t* octets, std::size_t length, std::uint32_t) {
      return of(t).send(e, octets, length);
    };
    a.receive = [](void* t, std::int32_t e, std::uint8_t* octets, std::size_t room) {
      return of(t).receive(e, octets, room);
    };
    a.shutdown = [](void* t, std::int32_t e) { return of(t).shutdown(e); };
    a.close = [](void* t, std::int32_t e) { return of(t).close(e); };
    a.status = [](void* t, std::int32_t e, tcpassay_status* status) { return of(t).status(e, *status); };
    a.set_option = [](void* t, std::int32_t e, int option, std::int64_t value) {
      return of(t).set_option(e, option, value);
    };
    a.configure = configure;
    a.state = [](void* t, std::uint16_t local_port, std::uint16_t remote_port, tcpassay_state* state) {
      return of(t).state(local_port, remote_port, *state) ? 1 : 0;
    };
    return a;
  }();
  return &adapter;
}
