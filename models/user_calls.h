// SPDX-License-Identifier: Apache-2.0
// RFC 9293 sections 3.10.1 to 3.10.6: the calls of the user, made on sockets, and their results.
#pragma once

#include "models/step.h"

namespace tcpassay {

// Each function gets the call with its result, and refuses a result that the RFC does not allow at this TCB.
void active_open_call(Step& on, const UserCall& call);   // connect
void passive_open_call(Step& on, const UserCall& call);  // listen, on the socket of a connection
void open_to_all_call(Step& on, const UserCall& call);   // connect to an address that is no host's, refused
void send_call(Step& on, const UserCall& call);          // write
void receive_call(Step& on, const UserCall& call);       // read
void close_call(Step& on, const UserCall& call);         // shutdown(write): the RFC's CLOSE
void close_socket_call(Step& on, const UserCall& call);  // close: the user neither sends nor receives any more
void reading_ends(Step& on);                             // shutdown(read), which no call of the RFC is
void abort_call(Step& on, const UserCall& call);         // close with zero linger
void leave_time_wait(Step& on);                          // close by the user of an earlier connection
void accept_call(Step& on, const UserCall& call);        // accept
void listener_gone(Step& on);                            // what closing a listener does to connections not yet taken
void input_polled(Step& on, const UserCall& call);       // poll: is there something to read?
void error_call(Step& on, const UserCall& call);         // getsockopt(SO_ERROR)

// The user has shut down reading, and is given text all the same: there is room for as much.
void text_taken_behind_shutdown(Step& on, const UserCall& call);

}  // namespace tcpassay
