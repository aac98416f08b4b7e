// SPDX-License-Identifier: Apache-2.0
// The pages of a report of `check`, but for those of single scenarios.
#pragma once

#include <string>

#include "harness/site/check_report.h"
#include "harness/site/frame.h"

namespace tcpassay {

// The path of the page with one target's result: the first page where there is one target only.
std::string run_page(const CheckReport& report, const SiteRun& run);

Html overview_of_run(const CheckReport& report, const SiteRun& run, const std::string& up);
Html overview_of_several(const CheckReport& report);
Html rules_main(const CheckReport& report);
Html rule_main(const CheckReport& report, const std::string& id, const std::string& up);
Html matrix_main(const CheckReport& report);
Html scenarios_main(const CheckReport& report);
Html deviations_main(const CheckReport& report);

// A bar of the standings of rules, and what it says in words.
struct StandingSums {
  int obeyed = 0, violated = 0, departed = 0, option = 0, rest = 0;

  void add(const std::string& standing);
  int all() const { return obeyed + violated + departed + option + rest; }
};
Html standing_bar(const StandingSums& sums);

// The form that filters the rows of a table. `choices` are fields of rows: the name, what people read, the values.
struct FilterChoice {
  std::string name, label;
  std::vector<std::string> values;
};
Html filter_form(const std::string& table_id, const std::vector<FilterChoice>& choices, const Html& more = {});

}  // namespace tcpassay
