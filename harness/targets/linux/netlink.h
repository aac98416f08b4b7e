// SPDX-License-Identifier: Apache-2.0
// Requests to the kernel over netlink: interfaces, addresses, routes and neighbours, all without running a program.
#pragma once

#include <linux/netlink.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "harness/base/file_descriptor.h"
#include "harness/wire/packet.h"

namespace tcpassay {

// One request under construction: a header, a fixed body and attributes, each aligned to four octets.
class NetlinkMessage {
 public:
  NetlinkMessage(std::uint16_t type, std::uint16_t flags);

  template <class T>
  NetlinkMessage& body(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    append(&value, sizeof value);
    return *this;
  }
  template <class T>
  NetlinkMessage& attribute(std::uint16_t type, const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    return attribute(type, &value, sizeof value);
  }
  NetlinkMessage& attribute(std::uint16_t type, const std::string& value) {
    return attribute(type, value.c_str(), value.size() + 1);
  }

  // Attributes that contain attributes: what is added between the two calls is inside.
  std::size_t open(std::uint16_t type);
  void close(std::size_t opened);

  ByteView finish();

 private:
  NetlinkMessage& attribute(std::uint16_t type, const void* data, std::size_t size);
  void append(const void* data, std::size_t size);

  std::vector<std::uint8_t> bytes_;
};

class NetlinkSocket {
 public:
  // Belongs to the network namespace that the calling thread is in. `protocol` as NETLINK_ROUTE.
  explicit NetlinkSocket(int protocol);

  int get() const { return fd_.get(); }

  // Sends one request and waits for the kernel's acknowledgement; returns 0 or an errno.
  int request(NetlinkMessage& message);

 private:
  FileDescriptor fd_;
};

// Interfaces by rtnetlink. Each throws TargetError, saying what could not be done.
class Interfaces {
 public:
  Interfaces() : socket_(NETLINK_ROUTE) {}  // of the calling thread's network namespace

  // A pair of virtual Ethernet interfaces; the second end appears in the namespace given by its file descriptor.
  struct VethEnd {
    std::string name;
    std::array<std::uint8_t, 6> link_address;
  };
  void add_veth(const VethEnd& here, const VethEnd& there, int there_namespace, std::uint32_t mtu);

  void bring_up(const std::string& name);
  void set_mtu(const std::string& name, std::uint32_t octets);
  void set_queue_length(const std::string& name, std::uint32_t packets);
  void add_address(const std::string& name, const Address& address, std::uint8_t prefix_length);  // usable at once
  // Packets that take it are at most `mtu` octets long; without one, as long as the interface's.
  void add_route(const std::string& name, const Address& network, std::uint8_t prefix_length,
                 std::optional<std::uint32_t> mtu = {});
  void add_neighbour(const std::string& name, const Address& address, std::array<std::uint8_t, 6> link_address);
  // What ICMPv6 messages have said of the path there. Flushing the routes leaves it until it expires.
  void forget_path(const Address& to);

 private:
  void request(NetlinkMessage& message, const std::string& what);

  NetlinkSocket socket_;
};

}  // namespace tcpassay
