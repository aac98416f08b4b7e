// SPDX-License-Identifier: Apache-2.0
// Names of errors, socket options and poll events in scripts, with Linux's numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "harness/script/scenario.h"

namespace tcpassay {

// In Call::implementation_specific: what stands before the octets of a key; a read by splice(); what stands before the
// number of octets that each element of a vector has. The latter two are told to the target before the call.
inline constexpr const char* kFastOpenKeyIs = "SOL_TCP.TCP_FASTOPEN_KEY=";
inline constexpr const char* kSplice = "splice";
inline constexpr const char* kElementOctets = "iovec";

// Written instead of the digits of an MD5 signature: the one that the key demands.
inline constexpr const char* kValidDigest = "valid";

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
