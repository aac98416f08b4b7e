// SPDX-License-Identifier: Apache-2.0
// The targets that are the host kernel: `linux` over a TUN device, `linux-raw` over a veth pair by raw socket and pcap.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "harness/target/target.h"

namespace tcpassay {

// Both throw TargetError with one line when they cannot be made.
std::unique_ptr<Target> make_linux();
std::unique_ptr<Target> make_linux_raw();

// What is missing on this machine and how to get it, in one line; nothing when the target can be made. A child process
// tries it, which takes a few milliseconds and leaves nothing behind.
std::optional<std::string> linux_missing();
std::optional<std::string> linux_raw_missing();

}  // namespace tcpassay
