// SPDX-License-Identifier: Apache-2.0
// Writes a result of `sweep`, or of another search that lists violations in the same form, as a folder of HTML pages.
#pragma once

#include <string>
#include <vector>

#include "harness/site/check_site.h"

namespace tcpassay {

// The JSON of each run has "violations", each with rule, level, state, allowed, seen, replay and the file of its
// script; recordings are those of the scripts, as check writes them. Throws what write_check_site() throws.
void write_findings_site(const std::string& folder, const std::vector<SiteRun>& runs,
                         const SiteProgress& progress = {});

}  // namespace tcpassay
