// SPDX-License-Identifier: Apache-2.0
// Socket options of target.h as setsockopt, getsockopt and ioctl of the kernel.
#pragma once

#include "harness/target/target.h"

namespace tcpassay {

void set_kernel_option(int fd, UserCall& call);
void get_kernel_option(int fd, UserCall& call);

}  // namespace tcpassay
