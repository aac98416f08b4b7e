// SPDX-License-Identifier: Apache-2.0
// What the calls of the user share: which text there is to read, and which errors tell of the end of a connection.
#pragma once

#include "models/step.h"

namespace tcpassay {

// The error says that the connection has ended by no wish of the user's.
inline bool tells_of_reset(UserError error) {
  return error == UserError::kRefused || error == UserError::kReset || error == UserError::kAborted ||
         error == UserError::kTimedOut || error == UserError::kUnreachable;
}

// A passive OPEN on the same port may stand again where this connection has ended; to its user the connection is gone.
inline bool gone(const Tcb& tcb) {
  return tcb.state == State::kClosed || tcb.state == State::kListen;
}

// Behind the last octet that the user can read: at least, and at most.
inline RcvSeq text_end(const Tcb& tcb) {
  return tcb.rcv_fin ? tcb.fin_seq : tcb.rcv_nxt;
}
inline RcvSeq text_end_max(const Tcb& tcb) {
  return tcb.rcv_fin ? tcb.fin_seq : tcb.rcv_nxt_max;
}

// 3.8.3: an error tells of text that is not acknowledged: from R1 on the connection stays open, at R2 it ends. False
// when the error cannot tell of that.
bool trouble_told(Step& on, UserError error);

// A call has failed, of whatever kind: its error may tell of the end of the connection.
void end_may_be_told(Step& on, const UserCall& call);

}  // namespace tcpassay
