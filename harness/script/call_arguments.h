// SPDX-License-Identifier: Apache-2.0
// The arguments of a script's socket calls: one function for each form of arguments fills the fields of a Call.
//
// system_call.cc has the table that says which call has which form; it has checked the number of arguments. Each of the
// functions throws WrongArgument for what the call cannot have, and NotSupported for what tcpassay does not play.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/script/scenario.h"
#include "harness/script/system_call.h"

namespace tcpassay {

inline constexpr const char* kShutdowns[] = {"SHUT_RD", "SHUT_WR", "SHUT_RDWR"};  // by the value of shutdown()'s `how`

// Thrown for a call whose meaning Call has no fields for.
struct NotSupported {
  std::string construct;
  bool harmless = false, watches = false, recorded = false;
};

// A text without its spaces, and its words between separators.
std::string without_space(std::string_view text);
std::vector<std::string> words_of(std::string_view text, char separator);

// IP_PMTUDISC_DONT, SOF_TIMESTAMPING_TX_ACK|SOF_TIMESTAMPING_OPT_ID: Linux's numbers.
std::optional<std::int64_t> named_bits(const std::string& text);

// recvmsg(..., MSG_ERRQUEUE): false when the script writes the answer in a way that is not understood.
bool read_error_queue(const WrittenCall& written, Call& call);

// The first argument of most calls: the socket, in the script's numbers.
int handle_argument(const WrittenCall& written);

// An error by its name or number; 0 is no error.
UserError error_of(const std::string& text);

void read_socket(const WrittenCall& written, Call& call);
void read_address(const WrittenCall& written, Call& call);
void read_nothing(const WrittenCall& written, Call& call);
void read_peer(const WrittenCall& written, Call& call);
void read_backlog(const WrittenCall& written, Call& call);
void read_length(const WrittenCall& written, Call& call);
void read_receive(const WrittenCall& written, Call& call);
void read_send(const WrittenCall& written, Call& call);
void read_vector(const WrittenCall& written, Call& call);
void read_send_message(const WrittenCall& written, Call& call);
void read_receive_message(const WrittenCall& written, Call& call);
void read_send_file(const WrittenCall& written, Call& call);
void read_shutdown(const WrittenCall& written, Call& call);
void read_option(const WrittenCall& written, Call& call);
void read_poll(const WrittenCall& written, Call& call);
void read_ioctl(const WrittenCall& written, Call& call);
void read_fcntl(const WrittenCall& written, Call& call);
void read_epoll_control(const WrittenCall& written, Call& call);
void read_epoll_wait(const WrittenCall& written, Call& call);
void read_splice(const WrittenCall& written, Call& call);
void read_beside(const WrittenCall& written, Call& call);

}  // namespace tcpassay
