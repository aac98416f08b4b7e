// SPDX-License-Identifier: Apache-2.0
// The Fast Open cookie that Linux gives: the SipHash of the two addresses with the server's key (RFC 7413 section 4.1.2
// leaves the function to the server). Scripts that present a cookie without having asked for one need it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "harness/wire/packet.h"

namespace tcpassay {

using FastOpenKey = std::array<std::uint8_t, 16>;  // as the socket option TCP_FASTOPEN_KEY has it

// The key of the calling thread's network namespace; empty when it cannot be read.
std::optional<FastOpenKey> fast_open_key();

// The eight octets as one number, the first octet highest.
std::uint64_t fast_open_cookie(const FastOpenKey& key, const Address& client, const Address& server);

}  // namespace tcpassay
