// SPDX-License-Identifier: Apache-2.0
#include "harness/agent/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

#include "harness/base/file_descriptor.h"
#include "harness/target/target.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr int kBacklog = 64;

struct Name {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Name name_of(const Address& address, std::uint16_t port) {
  Name name;
  if (address.family == 6) {
    sockaddr_in6 one{};
    one.sin6_family = AF_INET6;
    one.sin6_port = htons(port);
    std::memcpy(&one.sin6_addr, address.octets.data(), sizeof one.sin6_addr);
    std::memcpy(&name.storage, &one, name.size = sizeof one);
    return name;
  }
  sockaddr_in one{};
  one.sin_family = AF_INET;
  one.sin_port = htons(port);
  std::memcpy(&one.sin_addr, address.octets.data(), sizeof one.sin_addr);
  std::memcpy(&name.storage, &one, name.size = sizeof one);
  return name;
}

Name name_at(const std::string& place) {
  Name name;
  if (place.starts_with(kUnix)) {
    sockaddr_un one{};
    one.sun_family = AF_UNIX;
    const std::string path = place.substr(kUnix.size());
    if (path.empty() || path.size() >= sizeof one.sun_path) throw TargetError(place + ": no such path");
    std::memcpy(one.sun_path, path.c_str(), path.size() + 1);
    unlink(path.c_str());
    std::memcpy(&name.storage, &one, name.size = sizeof one);
    return name;
  }
  const std::size_t colon = place.rfind(':');
  std::string host = place.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const auto address = Address::parse(host);
  std::uint16_t port = 0;
  const std::string digits = colon == std::string::npos ? "" : place.substr(colon + 1);
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool whole = read.ec == std::errc{} && read.ptr == digits.data() + digits.size();
  if (!address || !whole) throw TargetError("--listen " + place + ": expected ADDRESS:PORT or unix:PATH");
  return name_of(*address, port);
}

}  // namespace

FileDescriptor listen_at(const std::string& place) {
  const Name name = name_at(place);
  FileDescriptor fd(socket(name.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!fd || bind(fd.get(), name.get(), name.size) != 0 || listen(fd.get(), kBacklog) != 0) {
    throw TargetError("cannot listen at " + place + ": " + std::strerror(errno));
  }
  return fd;
}

void send_at_once(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool is_local(const Address& address) {
  const Name name = name_of(address, 0);
  const FileDescriptor fd(socket(name.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return fd && bind(fd.get(), name.get(), name.size) == 0;
}

}  // namespace tcpassay
