// SPDX-License-Identifier: Apache-2.0
// Values of a connection under the names of Linux's TCP_INFO fields and ioctls.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "harness/targets/own/connection.h"

namespace own {

std::optional<std::int64_t> implementation_specific(const Connection& c, std::string_view name);

// The known names by number, counted from 0; null after the last.
const char* implementation_specific_name(int number);

}  // namespace own
