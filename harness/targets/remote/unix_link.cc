// SPDX-License-Identifier: Apache-2.0
// Frames over a UNIX socket, as QEMU and passt exchange them.
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "harness/base/file_descriptor.h"
#include "harness/target/target.h"
#include "harness/targets/remote/link.h"
#include "harness/wire/packet.h"

namespace tcpassay {
namespace {

constexpr std::size_t kLengthField = 4;

sockaddr_un name_of(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof name.sun_path) throw TargetError("unix:" + path + ": no such path");
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  return name;
}

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw TargetError("unix:" + path + ": " + why);
}

// Four octets with the length of the frame stand before each.
class StreamLink : public Link {
 public:
  StreamLink(std::string path, FileDescriptor socket) : path_(std::move(path)), socket_(std::move(socket)) {}

  void send(ByteView frame) override;
  std::optional<ByteView> receive(Time deadline) override;

 private:
  std::optional<ByteView> take();

  std::string path_;
  FileDescriptor socket_;
  Bytes sent_, received_;
  std::size_t taken_ = 0;  // octets of received_ that the caller has had
};

void StreamLink::send(ByteView frame) {
  sent_.clear();
  for (std::size_t i = kLengthField; i-- > 0;) sent_.push_back(static_cast<std::uint8_t>(frame.size() >> (8 * i)));
  sent_.insert(sent_.end(), frame.begin(), frame.end());
  for (ByteView left = sent_; !left.empty();) {
    const ssize_t size = ::send(socket_.get(), left.data(), left.size(), MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) refuse(path_, std::string("cannot send: ") + std::strerror(errno));
    left = left.subspan(static_cast<std::size_t>(size));
  }
}

// The next whole frame of what was received.
std::optional<ByteView> StreamLink::take() {
  const ByteView left = ByteView(received_).subspan(taken_);
  if (left.size() < kLengthField) return std::nullopt;
  std::size_t length = 0;
  for (const std::uint8_t octet : left.first(kLengthField)) length = length << 8 | octet;
  if (length > kFrameMax) refuse(path_, "this is not a stream of frames with their lengths");
  if (left.size() < kLengthField + length) return std::nullopt;
  taken_ += kLengthField + length;
  return left.subspan(kLengthField, length);
}

std::optional<ByteView> StreamLink::receive(Time deadline) {
  for (;;) {
    if (const auto frame = take()) return frame;
    received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
    const std::size_t had = received_.size();
    received_.resize(had + kFrameMax);
    const ssize_t size = recv(socket_.get(), received_.data() + had, kFrameMax, MSG_DONTWAIT);
    received_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    if (size > 0) continue;
    if (size == 0) refuse(path_, "the other end has gone");
    if (errno != EAGAIN && errno != EINTR) refuse(path_, std::strerror(errno));
    if (!wait_readable(socket_.get(), deadline)) return std::nullopt;
  }
}

// Each datagram is a frame. Our own path goes with us.
class DatagramLink : public Link {
 public:
  DatagramLink(std::string path, std::string own, FileDescriptor socket);
  ~DatagramLink() override { unlink(own_.c_str()); }

  void send(ByteView frame) override;
  std::optional<ByteView> receive(Time deadline) override;

 private:
  std::string path_, own_;
  FileDescriptor socket_;
  Bytes frame_ = Bytes(kFrameMax);
};

DatagramLink::DatagramLink(std::string path, std::string own, FileDescriptor socket)
    : path_(std::move(path)), own_(std::move(own)), socket_(std::move(socket)) {
  if (own_.empty()) refuse(path_, "datagrams need a path of ours, to which the other end sends: local=PATH");
  const sockaddr_un name = name_of(own_), other = name_of(path_);
  unlink(own_.c_str());
  if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
    refuse(own_, std::strerror(errno));
  if (connect(socket_.get(), reinterpret_cast<const sockaddr*>(&other), sizeof other) != 0) {
    refuse(path_, std::strerror(errno));
  }
}

void DatagramLink::send(ByteView frame) {
  if (::send(socket_.get(), frame.data(), frame.size(), MSG_NOSIGNAL) >= 0) return;
  refuse(path_, std::string("cannot send: ") + std::strerror(errno));
}

std::optional<ByteView> DatagramLink::receive(Time deadline) {
  for (;;) {
    const ssize_t size = recv(socket_.get(), frame_.data(), frame_.size(), MSG_DONTWAIT);
    if (size >= 0) return ByteView(frame_.data(), static_cast<std::size_t>(size));
    if (errno != EAGAIN && errno != EINTR) refuse(path_, std::strerror(errno));
    if (!wait_readable(socket_.get(), deadline)) return std::nullopt;
  }
}

}  // namespace

std::unique_ptr<Link> open_unix(const std::string& path, const std::string& own) {
  const sockaddr_un name = name_of(path);
  FileDescriptor stream(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!stream) refuse(path, std::strerror(errno));
  if (own.empty()) {
    if (connect(stream.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0)
      return std::make_unique<StreamLink>(path, std::move(stream));
    if (errno != EPROTOTYPE) refuse(path, std::strerror(errno));
  }
  return std::make_unique<DatagramLink>(path, own, FileDescriptor(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
}

}  // namespace tcpassay
