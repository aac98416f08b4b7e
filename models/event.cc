// SPDX-License-Identifier: Apache-2.0
#include "models/event.h"

namespace tcpassay {

std::string to_string(const Ctl& ctl) {
  std::string text;
  if (ctl.fin) text += 'F';
  if (ctl.syn) text += 'S';
  if (ctl.rst) text += 'R';
  if (ctl.psh) text += 'P';
  if (ctl.ack) text += '.';
  if (ctl.urg) text += 'U';
  if ((ctl.reserved & 1) != 0) text += 'A';  // AE
  if (ctl.ece) text += 'E';
  if (ctl.cwr) text += 'W';
  return text.empty() ? "-" : text;
}

const char* to_string(Fault fault) {
  switch (fault) {
    case Fault::kNone:
      return "none";
    case Fault::kChecksum:
      return "bad checksum";
    case Fault::kDataOffset:
      return "bad data offset";
    case Fault::kOptionLength:
      return "bad option length";
    case Fault::kTruncated:
      return "truncated header";
  }
  return "?";
}

const char* to_string(State state) {
  switch (state) {
    case State::kClosed:
      return "CLOSED";
    case State::kListen:
      return "LISTEN";
    case State::kSynSent:
      return "SYN-SENT";
    case State::kSynReceived:
      return "SYN-RECEIVED";
    case State::kEstablished:
      return "ESTABLISHED";
    case State::kFinWait1:
      return "FIN-WAIT-1";
    case State::kFinWait2:
      return "FIN-WAIT-2";
    case State::kCloseWait:
      return "CLOSE-WAIT";
    case State::kClosing:
      return "CLOSING";
    case State::kLastAck:
      return "LAST-ACK";
    case State::kTimeWait:
      return "TIME-WAIT";
  }
  return "?";
}

const char* to_string(CallKind kind) {
  switch (kind) {
    case CallKind::kSocket:
      return "socket";
    case CallKind::kBind:
      return "bind";
    case CallKind::kListen:
      return "listen";
    case CallKind::kConnect:
      return "connect";
    case CallKind::kAccept:
      return "accept";
    case CallKind::kWrite:
      return "write";
    case CallKind::kSendTo:
      return "sendto";
    case CallKind::kRead:
      return "read";
    case CallKind::kShutdown:
      return "shutdown";
    case CallKind::kClose:
      return "close";
    case CallKind::kSetOption:
      return "setsockopt";
    case CallKind::kGetOption:
      return "getsockopt";
    case CallKind::kPoll:
      return "poll";
  }
  return "?";
}

const char* to_string(UserError error) {
  switch (error) {
    case UserError::kNone:
      return "0";
    case UserError::kWouldBlock:
      return "EAGAIN";
    case UserError::kInProgress:
      return "EINPROGRESS";
    case UserError::kAlready:
      return "EALREADY";
    case UserError::kIsConnected:
      return "EISCONN";
    case UserError::kNotConnected:
      return "ENOTCONN";
    case UserError::kRefused:
      return "ECONNREFUSED";
    case UserError::kReset:
      return "ECONNRESET";
    case UserError::kAborted:
      return "ECONNABORTED";
    case UserError::kTimedOut:
      return "ETIMEDOUT";
    case UserError::kPipe:
      return "EPIPE";
    case UserError::kAddressInUse:
      return "EADDRINUSE";
    case UserError::kInvalid:
      return "EINVAL";
    case UserError::kBadHandle:
      return "EBADF";
    case UserError::kUnreachable:
      return "EHOSTUNREACH";
    case UserError::kNoBuffers:
      return "ENOBUFS";
    case UserError::kNotSupported:
      return "EOPNOTSUPP";
    case UserError::kNoProtocolOption:
      return "ENOPROTOOPT";
    case UserError::kOther:
      return "EOTHER";
  }
  return "?";
}

}  // namespace tcpassay
