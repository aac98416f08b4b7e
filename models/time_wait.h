// SPDX-License-Identifier: Apache-2.0
// A SYN in TIME-WAIT: RFC 6191 section 2, and MAY-2 of RFC 9293 section 3.6.1.
#pragma once

#include "models/step.h"

namespace tcpassay {

enum class SynInTimeWait : std::uint8_t { kBegins, kDropped, kProceeds };
SynInTimeWait syn_in_time_wait(Step& on, const Arriving& syn);

}  // namespace tcpassay
