// SPDX-License-Identifier: Apache-2.0
// What the kernel answers, in the terms of target.h: its error numbers, its names of the states, the results of calls.
#pragma once

#include <cstdint>
#include <optional>

#include "harness/target/target.h"

namespace tcpassay {

UserError user_error(int error);  // of an errno

// Of tcpi_state or idiag_state; empty for CLOSED and LISTEN, in which the kernel has no connection.
std::optional<State> state_of(int kernel_state);

void succeed(UserCall& call, std::int64_t result);
void fail(UserCall& call, int error);                // an errno
void conclude(UserCall& call, std::int64_t result);  // what a system call returned: below 0, it has set errno

int clamp_to_int(std::int64_t value);
int family_of(const Address& address);  // AF_INET or AF_INET6

}  // namespace tcpassay
