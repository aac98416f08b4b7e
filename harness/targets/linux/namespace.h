// SPDX-License-Identifier: Apache-2.0
// A network namespace of our own, in which the host kernel's TCP is alone with the peer and set for a repeatable run.
#pragma once

#include <string>
#include <string_view>

#include "harness/base/file_descriptor.h"

namespace tcpassay {

// With the right to do so (root), the namespace is entered by the calling thread only while something is created there:
// sockets, interfaces, netlink. Everything else works from outside through the file descriptors, so that neither the
// caller's own namespace nor other threads are disturbed. A visit costs about 4 us.
//
// Without that right the namespace is made together with a user namespace, which cannot be left again: the process then
// stays inside for good, cut off from its network. It works only while the process has a single thread.
class NetworkNamespace {
 public:
  NetworkNamespace();  // throws TargetError

  // The namespace that the calling thread is in, as it is.
  static NetworkNamespace current();

  int fd() const { return own_.get(); }
  bool has_ipv6() const { return has_ipv6_; }

  // The calling thread is inside the namespace for as long as the visit lives, and returns to where the
  // constructor was called.
  class Visit {
   public:
    explicit Visit(const NetworkNamespace& visited);
    ~Visit();
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    int home_;
  };

 private:
  struct AsItIs {};
  explicit NetworkNamespace(AsItIs);

  FileDescriptor home_;  // empty when the process stays inside
  FileDescriptor own_;
  bool has_ipv6_ = false;
};

// Moves the calling thread into a new network namespace, by way of a user namespace where it must. Returns 0 or an
// errno. Calls nothing that is unsafe after fork().
int enter_new_network_namespace(bool& with_user_namespace);

// Sets the namespace of the calling thread for repeatable runs. Throws TargetError.
void write_run_settings();

// Writes one file below /proc/sys as the calling thread sees it. Returns 0 or an errno.
int write_sysctl(const char* path, std::string_view text);

// The line that says why there is no namespace.
std::string why_no_namespace(int error);

// A setting that every run needs, and the line that says why it cannot be written.
inline constexpr char kProbedSetting[] = "/proc/sys/net/ipv4/tcp_syncookies";
std::string why_no_settings(const std::string& path, int error);

}  // namespace tcpassay
