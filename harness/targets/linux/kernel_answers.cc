// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/linux/kernel_answers.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace tcpassay {

UserError user_error(int error) {
  switch (error) {
    case 0:
      return UserError::kNone;
    case EAGAIN:
      return UserError::kWouldBlock;
    case EINPROGRESS:
      return UserError::kInProgress;
    case EALREADY:
      return UserError::kAlready;
    case EISCONN:
      return UserError::kIsConnected;
    case ENOTCONN:
      return UserError::kNotConnected;
    case ECONNREFUSED:
      return UserError::kRefused;
    case ECONNRESET:
      return UserError::kReset;
    case ECONNABORTED:
      return UserError::kAborted;
    case ETIMEDOUT:
      return UserError::kTimedOut;
    case EPIPE:
      return UserError::kPipe;
    case EADDRINUSE:
      return UserError::kAddressInUse;
    case EINVAL:
      return UserError::kInvalid;
    case EBADF:
      return UserError::kBadHandle;
    case EHOSTUNREACH:
    case ENETUNREACH:
      return UserError::kUnreachable;
    case ENOBUFS:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return UserError::kNoBuffers;
    case EOPNOTSUPP:
      return UserError::kNotSupported;
    case ENOPROTOOPT:
      return UserError::kNoProtocolOption;
    default:
      return UserError::kOther;
  }
}

std::optional<State> state_of(int kernel_state) {
  switch (kernel_state) {
    case TCP_ESTABLISHED:
      return State::kEstablished;
    case TCP_SYN_SENT:
      return State::kSynSent;
    case TCP_SYN_RECV:
      return State::kSynReceived;
    case TCP_FIN_WAIT1:
      return State::kFinWait1;
    case TCP_FIN_WAIT2:
      return State::kFinWait2;
    case TCP_TIME_WAIT:
      return State::kTimeWait;
    case TCP_CLOSE_WAIT:
      return State::kCloseWait;
    case TCP_LAST_ACK:
      return State::kLastAck;
    case TCP_CLOSING:
      return State::kClosing;
    case 12:
      return State::kSynReceived;  // TCP_NEW_SYN_RECV: a request, not yet a socket
    default:
      return std::nullopt;
  }
}

void succeed(UserCall& call, std::int64_t result) {
  call.result = result;
  call.error = UserError::kNone;
}

void fail(UserCall& call, int error) {
  call.result = -1;
  call.error = user_error(error);
}

void conclude(UserCall& call, std::int64_t result) {
  if (result >= 0) {
    succeed(call, result);
  } else {
    fail(call, errno);
  }
}

int clamp_to_int(std::int64_t value) {
  return static_cast<int>(std::clamp<std::int64_t>(value, INT_MIN, INT_MAX));
}

int family_of(const Address& address) {
  return address.family == 6 ? AF_INET6 : AF_INET;
}

}  // namespace tcpassay
