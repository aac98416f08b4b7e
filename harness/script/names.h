// SPDX-License-Identifier: Apache-2.0
// Names of errors, socket options and poll events in scripts, with Linux's numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "harness/script/scenario.h"

namespace tcpassay {

struct ErrorName {
  UserError error;
  int number;  // scripts may give it instead of the name
  const char *name, *note;
};
const ErrorName* error_named(const std::string& name_or_number);  // null when there is none
const ErrorName* name_of(UserError error);                        // the first of several names; null for kNone

// A socket option. Options that no rule mentions have SocketOption::kOther and go to Target::implementation_specific().
struct OptionName {
  SocketOption option;
  const char *level, *name;
  int level_number, number;
  bool seen;  // setting it may change what the peer sees; for a kOther option the rules do not allow for that
};
const OptionName* option_named(const std::string& level, const std::string& name);  // or numbers
const OptionName* name_of(SocketOption option);                                     // null for kOther

struct PollName {
  int bit;
  const char* name;
};
int poll_bit(std::string_view name);        // 0 when there is none
std::string poll_names(std::int64_t bits);  // "POLLIN|POLLOUT", "0"

}  // namespace tcpassay
