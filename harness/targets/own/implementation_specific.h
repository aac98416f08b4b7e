// SPDX-License-Identifier: Apache-2.0
// What the stack tells of a connection in the terms of Linux's TCP_INFO and of its ioctls.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "harness/targets/own/connection.h"

namespace own {

std::optional<std::int64_t> implementation_specific(const Connection& c, std::string_view name);

// The names, one after the other; null behind the last.
const char* peculiar_name(int number);

}  // namespace own
