// SPDX-License-Identifier: Apache-2.0
// Runs `ip` or `tc` in the target's namespace, without a shell: the set-up commands of scripts for the interface.
#pragma once

#include <string>

#include "harness/targets/linux/namespace.h"

namespace tcpassay {

// Where the program is; null for any other name.
const char* link_program(const std::string& name);

// The arguments are separated by spaces. What the program writes is dropped. False when it fails.
bool run_link_program(const NetworkNamespace& where, const char* program, const std::string& arguments);

// Whether the kernel has the queueing discipline that these arguments of `tc` ask for; it is tried on the loopback.
bool knows_discipline(const NetworkNamespace& where, const std::string& arguments);

// The congestion control that these arguments of `ip route` ask for; empty when they ask for none.
std::string congestion_control(const std::string& arguments);

// Any commands, with the user's environment, for people who trust the script. False when the last one fails.
bool run_shell(const NetworkNamespace& where, const std::string& commands);

}  // namespace tcpassay
