// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/socket_monitor.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <string>

#include "harness/targets/linux/kernel_answers.h"

namespace tcpassay {
namespace {

constexpr int kClearRoundsMax = 8;  // attempts to destroy everything

// Every state of a connection or listener, and not that of a bound socket which is neither (TCP_BOUND_INACTIVE).
constexpr std::uint32_t kStatesAsked = (1u << 13) - 1;

// One request of the socket monitoring interface: about one flow, or a dump of all.
struct DiagRequest {
  nlmsghdr header;
  inet_diag_req_v2 body;
};
static_assert(sizeof(DiagRequest) % NLMSG_ALIGNTO == 0, "requests stand one behind another in a batch");

DiagRequest diag_request(std::uint16_t type, std::uint16_t flags, const Flow& flow = {}) {
  DiagRequest request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  request.body.sdiag_family = static_cast<std::uint8_t>(family_of(flow.target_address));
  request.body.sdiag_protocol = IPPROTO_TCP;
  request.body.idiag_states = kStatesAsked;
  request.body.id.idiag_sport = htons(flow.tuple.local);
  request.body.id.idiag_dport = htons(flow.tuple.remote);
  static_assert(sizeof request.body.id.idiag_src == sizeof flow.target_address.octets);
  std::memcpy(request.body.id.idiag_src, flow.target_address.octets.data(), sizeof request.body.id.idiag_src);
  std::memcpy(request.body.id.idiag_dst, flow.peer_address.octets.data(), sizeof request.body.id.idiag_dst);
  request.body.id.idiag_cookie[0] = request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return request;
}

Flow flow_of(const inet_diag_msg& message) {
  const auto version = static_cast<std::uint8_t>(message.idiag_family == AF_INET6 ? 6 : 4);
  Flow flow{.target_address = {.family = version}, .peer_address = {.family = version}};
  const std::size_t octets = version == 6 ? 16 : 4;
  std::memcpy(flow.target_address.octets.data(), message.id.idiag_src, octets);
  std::memcpy(flow.peer_address.octets.data(), message.id.idiag_dst, octets);
  flow.tuple = {.local = ntohs(message.id.idiag_sport), .remote = ntohs(message.id.idiag_dport)};
  return flow;
}

// Calls visit(header, payload) for each netlink message in a datagram; payload points to at least `minimum` octets.
template <class Visit>
void for_each_message(ByteView datagram, Visit visit) {
  nlmsghdr header;
  while (datagram.size() >= sizeof header) {
    std::memcpy(&header, datagram.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > datagram.size()) return;
    visit(header, datagram.subspan(sizeof header, header.nlmsg_len - sizeof header));
    datagram = datagram.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
  }
}

int error_in(ByteView payload) {
  int error = -EPROTO;
  if (payload.size() >= sizeof error) std::memcpy(&error, payload.data(), sizeof error);
  return -error;
}

[[noreturn]] void no_monitoring(int error) {
  throw TargetError(std::string("the kernel has no usable socket monitoring interface (") + std::strerror(error) +
                    "): modprobe tcp_diag, or a kernel with CONFIG_INET_DIAG and CONFIG_INET_DIAG_DESTROY");
}

NetlinkSocket open_monitor(const NetworkNamespace& where) {
  const NetworkNamespace::Visit visit(where);
  return NetlinkSocket(NETLINK_SOCK_DIAG);
}

}  // namespace

SocketMonitor::SocketMonitor(const NetworkNamespace& where, bool destroys)
    : where_(where), socket_(open_monitor(where)) {
  all();  // loads the kernel's module for it, or throws
  if (!destroys) return;
  // There is no socket to destroy. A kernel that can destroy sockets answers ENOENT, others another error.
  const DiagRequest request = diag_request(SOCK_DESTROY, NLM_F_ACK);
  if (send(socket_.get(), &request, sizeof request, 0) < 0) no_monitoring(errno);
  const ssize_t size = recv(socket_.get(), answer_.data(), answer_.size(), 0);
  if (size < 0) no_monitoring(errno);
  for_each_message(ByteView(answer_.data(), static_cast<std::size_t>(size)), [](const nlmsghdr&, ByteView payload) {
    if (error_in(payload) != ENOENT) no_monitoring(error_in(payload));
  });
}

std::optional<State> SocketMonitor::state(const Flow& flow) {
  const DiagRequest request = diag_request(SOCK_DIAG_BY_FAMILY, 0, flow);
  if (send(socket_.get(), &request, sizeof request, 0) < 0) no_monitoring(errno);
  const ssize_t size = recv(socket_.get(), answer_.data(), answer_.size(), 0);
  if (size < 0) no_monitoring(errno);
  std::optional<State> state;
  for_each_message(
      ByteView(answer_.data(), static_cast<std::size_t>(size)), [&](const nlmsghdr& header, ByteView payload) {
        inet_diag_msg message;
        if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY || payload.size() < sizeof message) return;
        std::memcpy(&message, payload.data(), sizeof message);
        if (flow_of(message) == flow)
          state = state_of(message.idiag_state);  // if there is no connection, the answer is about the listener
      });
  return state;
}

bool SocketMonitor::destroy(const std::vector<Flow>& flows) {
  if (flows.empty()) return true;
  std::array<DiagRequest, kFlowsMax> batch;
  assert(flows.size() <= batch.size());
  std::transform(flows.begin(), flows.end(), batch.begin(),
                 [](const Flow& flow) { return diag_request(SOCK_DESTROY, NLM_F_ACK, flow); });
  if (send(socket_.get(), batch.data(), flows.size() * sizeof(DiagRequest), 0) < 0) return false;
  // The kernel has finished when send() returns, and has answered each request.
  std::size_t done = 0;
  for (std::size_t answers = 0; answers < flows.size();) {
    const ssize_t size = recv(socket_.get(), answer_.data(), answer_.size(), MSG_DONTWAIT);
    if (size < 0) return false;
    for_each_message(ByteView(answer_.data(), static_cast<std::size_t>(size)), [&](const nlmsghdr&, ByteView payload) {
      ++answers;
      const int error = error_in(payload);
      done += error == 0 || error == ENOENT;  // ENOENT: nothing was left
    });
  }
  return done == flows.size();
}

std::vector<Flow> SocketMonitor::all() {
  std::vector<Flow> flows;
  dump(4, flows);
  if (where_.has_ipv6()) dump(6, flows);
  return flows;
}

void SocketMonitor::dump(std::uint8_t version, std::vector<Flow>& flows) {
  const Flow any{.target_address = {.family = version}};
  const DiagRequest request = diag_request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, any);
  if (send(socket_.get(), &request, sizeof request, 0) < 0) no_monitoring(errno);
  for (bool done = false; !done;) {
    const ssize_t size = recv(socket_.get(), answer_.data(), answer_.size(), 0);
    if (size < 0) no_monitoring(errno);
    for_each_message(ByteView(answer_.data(), static_cast<std::size_t>(size)),
                     [&](const nlmsghdr& header, ByteView payload) {
                       if (header.nlmsg_type == NLMSG_DONE) done = true;
                       if (header.nlmsg_type == NLMSG_ERROR) no_monitoring(error_in(payload));
                       inet_diag_msg message;
                       if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY || payload.size() < sizeof message) return;
                       std::memcpy(&message, payload.data(), sizeof message);
                       flows.push_back(flow_of(message));
                     });
  }
}

void SocketMonitor::destroy_all() {
  for (int round = 0; round < kClearRoundsMax; ++round) {
    const std::vector<Flow> flows = all();
    if (flows.empty()) return;
    for (std::size_t at = 0; at < flows.size(); at += kFlowsMax) {
      const std::size_t end = std::min(flows.size(), at + kFlowsMax);
      destroy(std::vector<Flow>(flows.begin() + static_cast<std::ptrdiff_t>(at),
                                flows.begin() + static_cast<std::ptrdiff_t>(end)));
    }
  }
  throw TargetError("the kernel still has " + std::to_string(all().size()) +
                    " connections of an earlier scenario; make a new target");
}

}  // namespace tcpassay
