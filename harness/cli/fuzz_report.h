// SPDX-License-Identifier: Apache-2.0
// The findings of a campaign as JSON, in the form of a result of `sweep`, and as a folder of HTML pages.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "harness/hunt/hunted.h"

namespace tcpassay {

// `campaign`: its folder. `listed`: rules that the target is known to break.
nlohmann::ordered_json fuzz_json(const std::filesystem::path& campaign, const std::vector<Hunted>& findings,
                                 const HuntTerms& terms, const ListedFaults& listed);

// `captures`: an empty folder, to which the captures of the findings are copied for the report.
void write_fuzz_site(const std::string& folder, const nlohmann::ordered_json& json, const std::vector<Hunted>& findings,
                     const std::string& captures);

}  // namespace tcpassay
