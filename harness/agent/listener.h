// SPDX-License-Identifier: Apache-2.0
// The control connection of the agent: where it listens, and which addresses are this machine's own.
#pragma once

#include <string>

#include "harness/base/file_descriptor.h"
#include "harness/wire/packet.h"

namespace tcpassay {

FileDescriptor listen_at(const std::string& place);  // throws TargetError

void send_at_once(int fd);  // no waiting for more to send

bool is_local(const Address& address);

}  // namespace tcpassay
