// SPDX-License-Identifier: Apache-2.0
// What reads octets from outside, each as one function of any octets. A mistake of ours ends the process; a complaint
// about the octets does not.
#pragma once

#include <string>

#include "harness/wire/packet.h"

namespace tcpassay {

void try_wire(ByteView input);     // one IP packet: decoded, and what can be written again is decoded the same
void try_script(ByteView input);   // the text of a script: read, printed, read again
void try_capture(ByteView input);  // a capture file of any format, frame by frame
void try_run_log(ByteView input);  // a log, an octet of zero, and the capture that belongs to it
void try_judge(ByteView input);    // a capture or a script, judged

// An input of try_run_log().
Bytes log_and_capture(const std::string& log, ByteView capture);

}  // namespace tcpassay
