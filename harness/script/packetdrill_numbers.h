// SPDX-License-Identifier: Apache-2.0
// packetdrill counts sequence numbers and connections otherwise than scenarios do; scripts without any `//!` comment
// were written for packetdrill.
#pragma once

#include "harness/script/scenario.h"

namespace tcpassay {

// packetdrill counts from the SYN's number behind it, at both ends: `< S. 123:123(0) ack 1` goes on with
// `> . 1:1(0) ack 1`. A scenario goes on from the number of the SYN. And a SYN for a socket that was opened anew comes
// from another port of the peer.
void read_as_packetdrill_counts(Scenario& scenario);

// The inverse, for numbers. Where that makes a difference, the scenario says so (`//! numbers: from-syn`).
void write_as_packetdrill_counts(Scenario& scenario);

}  // namespace tcpassay
