// SPDX-License-Identifier: Apache-2.0
#include "models/blame.h"

#include <algorithm>
#include <iterator>

namespace tcpassay {
namespace {

// Rules that state a special case of what another rule says in general, the most special one last.
constexpr Rule kSpecial[] = {
    Rule::SA4_2_passive,         // a RST arrives at a passive SYN-RECEIVED
    Rule::SA4_2_active,          // ... at an active one
    Rule::MUST_66,               // ... while the window is zero
    Rule::SHLD_2,                // ... with text
    Rule::R5961_3_2_legit,       // ... after a challenge to a RST
    Rule::R5961_4_2_rst,         // ... after a challenge to a SYN
    Rule::R7323_5_2_rst_nopaws,  // ... with old timestamps
    Rule::SA4_4_challenge,       // a SYN arrives
    Rule::S3_6_half_close,       // text arrives at a connection that is half closed
    Rule::S3_1_data_offset,      // what arrives is damaged: its header
    Rule::MUST_3,                // ... anything of it
};

// Rules that say how a segment is read, whatever it asks for.
constexpr Rule kReading[] = {Rule::S3_4_modulo, Rule::MUST_64};

// 0 where the rule states no special case.
std::ptrdiff_t special_rank(Rule rule) {
  const auto* found = std::find(std::begin(kSpecial), std::end(kSpecial), rule);
  return found == std::end(kSpecial) ? 0 : found - std::begin(kSpecial) + 1;
}

}  // namespace

bool states_special_case(Rule rule) {
  return special_rank(rule) > 0;
}

bool says_how_to_read(Rule rule) {
  return std::find(std::begin(kReading), std::end(kReading), rule) != std::end(kReading);
}

bool tells_more(Rule a, Rule b) {
  const std::ptrdiff_t rank_a = special_rank(a), rank_b = special_rank(b);
  return rank_a != rank_b ? rank_a > rank_b : b < a;
}

}  // namespace tcpassay
