// SPDX-License-Identifier: Apache-2.0
// What only Linux has at a socket and no rule speaks of: TCP_INFO, some options, the lengths of queues.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tcpassay {

std::vector<std::string> kernel_peculiar_names();

// As Target::implementation_specific, for the socket with this descriptor.
std::optional<std::int64_t> kernel_implementation_specific(int fd, std::string_view name,
                                                           std::optional<std::int64_t> value);

}  // namespace tcpassay
