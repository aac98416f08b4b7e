// SPDX-License-Identifier: Apache-2.0
// The editions of TCP's specification: which one a target is judged by, and in which one a rule first appears.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "models/rule.h"

namespace tcpassay {

enum class Edition : std::uint8_t {
  k793,       // RFC 793 alone
  k1122,      // with the corrections and requirements of RFC 1122
  k9293,      // RFC 9293 and its companions but RFC 5961, which it makes optional
  kWith5961,  // with RFC 5961 too
};
inline constexpr Edition kNewest = Edition::kWith5961;

const char* to_string(Edition edition);                       // "9293+5961"
std::optional<Edition> edition_named(std::string_view word);  // the same words
Edition since(Rule rule);                                     // the first edition that has it
inline bool in_force(Rule rule, Edition edition) {
  return edition == kNewest || since(rule) <= edition;
}

}  // namespace tcpassay
