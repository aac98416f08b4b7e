// SPDX-License-Identifier: Apache-2.0
// Non-blocking sockets of the own stack, with POSIX's errors, on top of the user calls of section 3.10.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "harness/targets/own/stack.h"

namespace own {

enum class Error : std::uint8_t {
  kNone,
  kWouldBlock,
  kInProgress,
  kAlready,
  kIsConnected,
  kNotConnected,
  kRefused,
  kReset,
  kTimedOut,
  kPipe,
  kAddressInUse,
  kInvalid,
  kBadHandle,
  kNoBuffers,
  kNotSupported,
  kNoProtocolOption,
  kUnreachable,
};

enum class Option : std::uint8_t {
  kReuseAddress,   // 0 or 1
  kLinger,         // seconds; -1 is off; 0 makes close() an ABORT
  kNoDelay,        // 0 or 1
  kMaxSegment,     // octets, 1 to 1460; asked for, it is Eff.snd.MSS
  kReceiveBuffer,  // octets, exact, 1 to 65535 (more is taken for 65535); before listen or connect
  kSendBuffer,     // octets, exact
  kUserTimeout,    // milliseconds; 0 is the default R2
  kKeepAlive,      // 0 or 1
  kKeepIdle,       // seconds
  kKeepInterval,   // seconds
  kKeepCount,
  kOutOfBandInline,  // 1: urgent octets are always in line
  kAtMark,           // asked only
  kTypeOfService,    // 0 to 255
  kTimeToLive,       // 1 to 255
  kFastOpen,         // of a listener: how many Fast Open requests may be pending; 0 is off
};

struct Result {
  std::int64_t value = 0;  // -1 when error says why
  Error error = Error::kNone;
};

class Sockets {
 public:
  static constexpr int kFirstHandle = 3;
  static constexpr std::size_t kSocketsMax = 4096;

  explicit Sockets(Stack& stack) : stack_(stack) {}
  void reset() { sockets_.clear(); }

  Result socket();
  Result bind(int handle, std::uint16_t port, bool elsewhere = false);
  Result listen(int handle, std::uint32_t backlog);
  Result connect(int handle, const Address& address, std::uint16_t port);
  // connect() with the first text (RFC 7413); what is not taken has to be written later.
  Result send_to(int handle, const Address& address, std::uint16_t port, ByteView text);
  Result accept(int handle);
  Result write(int handle, ByteView text, bool urgent = false);
  // Up to `length` octets, left in `out`.
  Result read(int handle, std::uint32_t length, std::vector<std::uint8_t>& out);
  Result shutdown(int handle, int how);
  Result close(int handle);
  Result set(int handle, Option option, std::int64_t value);
  Result get(int handle, Option option);
  Result pending_error(int handle);  // value is an Error; asking clears it
  Result poll(int handle);           // a bit set: 1 in, 2 urgent, 4 out, 8 error, 16 hang-up

  // The connection of a handle, or null.
  const Connection* connection(int handle);

 private:
  struct Socket {
    bool used = false, reuse_address = false;
    std::uint16_t port = 0;  // local
    std::int64_t linger = -1;
    Choices choices{};
    Listener* listener = nullptr;
    Connection* connection = nullptr;
  };

  Socket* at(int handle);
  Result open(int handle, const Address& address, std::uint16_t port, const ByteView* text);
  Result set_keep_alive(Socket& s, Option option, std::int64_t value);
  Result set_ip_field(Socket& s, Option option, std::int64_t value);
  Error take_error(Connection& c);
  bool port_is_free(std::uint16_t port, bool reuse_address) const;

  bool plants(Defect defect) const { return stack_.planted.has(defect); }

  Stack& stack_;
  std::vector<Socket> sockets_;
};

}  // namespace own
