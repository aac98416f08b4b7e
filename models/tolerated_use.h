// SPDX-License-Identifier: Apache-2.0
// What a report says of the freedoms that no text grants and that a target took.
#pragma once

#include <string>
#include <vector>

#include "models/edition.h"
#include "models/event.h"
#include "models/oracle.h"

namespace tcpassay {

// A verdict for each tolerated freedom of `needed` whose rule the edition has; the same under strict terms.
std::vector<Verdict> tolerated_uses(const FreedomSet& needed, const Event& event, std::size_t number,
                                    const std::string& states, Edition edition);

}  // namespace tcpassay
