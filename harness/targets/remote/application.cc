// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/remote/application.h"

#include <cstddef>
#include <cstdint>

#include "harness/target/inconclusive.h"
#include "harness/targets/remote/tcp_checksum.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

constexpr std::size_t kControlBits = 13;  // their offset in a TCP header
constexpr std::uint8_t kSyn = 0x02, kRst = 0x04, kAck = 0x10;

[[noreturn]] void nobody() {
  throw Inconclusive("nobody makes the scenario's calls there: it needs tcpassay-agent (agent=HOST:PORT)");
}

std::uint8_t control_bits(ByteView packet) {
  const auto tcp = tcp_header_in(packet);
  return tcp && *tcp + kControlBits < packet.size() ? packet[*tcp + kControlBits] : std::uint8_t{0};
}

void succeed(UserCall& call, std::int64_t result) {
  call.result = result;
  call.error = UserError::kNone;
}

}  // namespace

void NoApplication::call(UserCall&) {
  nobody();
}

void Service::describe(Identity& identity) const {
  identity.abilities.push_back(Ability::kPassiveOpen);
  for (auto option = SocketOption::kLinger; option != SocketOption::kOther;
       option = static_cast<SocketOption>(static_cast<int>(option) + 1)) {
    if (option != SocketOption::kError) identity.missing_options.push_back(option);
  }
}

void Service::reset(std::uint8_t, bool) {
  sockets_ = 0;
  answered_ = opened_ = false;
}

void Service::sent(ByteView packet) {
  const std::uint8_t bits = control_bits(packet);
  opened_ = opened_ || (answered_ && bits & kAck && !(bits & kRst));
}

void Service::received(ByteView packet) {
  answered_ = answered_ || control_bits(packet) & kSyn;
}

void Service::call(UserCall& call) {
  constexpr int kFirstHandle = 3;
  switch (call.kind) {
    case CallKind::kSocket:
      return succeed(call, kFirstHandle + sockets_++);
    case CallKind::kBind:
      if (call.port != port_) throw Inconclusive("the scenario listens on a port of its own; the service has one only");
      return succeed(call, 0);
    case CallKind::kListen:
      return succeed(call, 0);
    case CallKind::kSetOption:
      if (call.option != SocketOption::kReuseAddress) nobody();
      return succeed(call, 0);
    case CallKind::kAccept:
      if (opened_) nobody();
      call.result = -1;
      call.error = UserError::kWouldBlock;
      return;
    default:
      nobody();
  }
}

}  // namespace tcpassay
