// SPDX-License-Identifier: Apache-2.0
// An address and a port as a sockaddr.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "harness/wire/packet.h"

namespace tcpassay {

class SocketName {
 public:
  SocketName() = default;
  SocketName(const Address& address, std::uint16_t port) {
    if (address.family == 6) {
      sockaddr_in6 name{};
      name.sin6_family = AF_INET6;
      name.sin6_port = htons(port);
      std::memcpy(&name.sin6_addr, address.octets.data(), sizeof name.sin6_addr);
      std::memcpy(&storage_, &name, size_ = sizeof name);
      return;
    }
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    std::memcpy(&name.sin_addr, address.octets.data(), sizeof name.sin_addr);
    std::memcpy(&storage_, &name, size_ = sizeof name);
  }

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  socklen_t* room() { return &size_; }

  std::uint16_t port() const {  // stands at the same place in both families
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    sockaddr_in name;
    std::memcpy(&name, &storage_, sizeof name);
    return ntohs(name.sin_port);
  }

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = sizeof storage_;
};

}  // namespace tcpassay
