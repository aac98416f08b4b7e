// SPDX-License-Identifier: Apache-2.0
// The other end of each link is a plain socket, as QEMU's is.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>

#include "harness/base/file_descriptor.h"
#include "harness/target/target.h"
#include "harness/targets/remote/link.h"

namespace tcpassay {
namespace {

std::string path_for(const char* what) {
  return "/tmp/tcpassay-link-test-" + std::to_string(getpid()) + what;
}

FileDescriptor bound(const std::string& path, int type) {
  unlink(path.c_str());
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  FileDescriptor fd(socket(AF_UNIX, type, 0));
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  if (type == SOCK_STREAM) listen(fd.get(), 1);
  return fd;
}

TEST(UnixLink, AStreamCarriesLengths) {
  const std::string path = path_for("stream");
  const FileDescriptor listener = bound(path, SOCK_STREAM);
  const auto link = open_unix(path, "");
  const FileDescriptor other(accept(listener.get(), nullptr, nullptr));
  link->send(Bytes{7, 8, 9});
  std::uint8_t got[16];
  ASSERT_EQ(recv(other.get(), got, sizeof got, 0), 7);
  EXPECT_EQ(Bytes(got, got + 7), (Bytes{0, 0, 0, 3, 7, 8, 9}));

  const Bytes two{0, 0, 0, 2, 1, 2, 0, 0, 0, 1, 3, 0};  // two frames and the beginning of a third
  ASSERT_EQ(send(other.get(), two.data(), two.size(), 0), static_cast<ssize_t>(two.size()));
  const Time soon = steady_now() + std::chrono::seconds(1);
  const auto first = link->receive(soon);
  ASSERT_TRUE(first);
  EXPECT_EQ(Bytes(first->begin(), first->end()), (Bytes{1, 2}));
  const auto second = link->receive(soon);
  ASSERT_TRUE(second);
  EXPECT_EQ(Bytes(second->begin(), second->end()), Bytes{3});
  EXPECT_FALSE(link->receive(Time{}));
  unlink(path.c_str());
}

TEST(UnixLink, AnEndThatGoesIsAnError) {
  const std::string path = path_for("gone");
  const FileDescriptor listener = bound(path, SOCK_STREAM);
  const auto link = open_unix(path, "");
  FileDescriptor(accept(listener.get(), nullptr, nullptr)).close();
  EXPECT_THROW(link->receive(steady_now() + std::chrono::seconds(1)), TargetError);
  const FileDescriptor garbled = bound(path, SOCK_STREAM);
  const auto second = open_unix(path, "");
  const FileDescriptor other(accept(garbled.get(), nullptr, nullptr));
  const Bytes nonsense{0xff, 0xff, 0xff, 0xff};
  send(other.get(), nonsense.data(), nonsense.size(), 0);
  EXPECT_THROW(second->receive(steady_now() + std::chrono::seconds(1)), TargetError);
  unlink(path.c_str());
}

TEST(UnixLink, ADatagramIsAFrame) {
  const std::string path = path_for("dgram"), ours = path_for("ours");
  const FileDescriptor other = bound(path, SOCK_DGRAM);
  const auto link = open_unix(path, ours);
  link->send(Bytes{7, 8, 9});
  std::uint8_t got[16];
  sockaddr_un from{};
  socklen_t size = sizeof from;
  ASSERT_EQ(recvfrom(other.get(), got, sizeof got, 0, reinterpret_cast<sockaddr*>(&from), &size), 3);
  EXPECT_EQ(from.sun_path, ours);
  sendto(other.get(), got, 2, 0, reinterpret_cast<const sockaddr*>(&from), size);
  const auto frame = link->receive(steady_now() + std::chrono::seconds(1));
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->size(), 2u);
  unlink(path.c_str());
}

TEST(UnixLink, SaysWhatIsMissing) {
  EXPECT_THROW(open_unix("/nowhere/wire", ""), TargetError);
  const std::string path = path_for("needs");
  const FileDescriptor other = bound(path, SOCK_DGRAM);
  try {
    open_unix(path, "");
    FAIL() << "datagrams need a path of ours";
  } catch (const TargetError& error) {
    EXPECT_NE(std::string(error.what()).find("local=PATH"), std::string::npos);
  }
  unlink(path.c_str());
}

}  // namespace
}  // namespace tcpassay
