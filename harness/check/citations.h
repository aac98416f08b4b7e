// SPDX-License-Identifier: Apache-2.0
// Where the project names a rule: the lines of the model that apply it, the unit tests, and the planted defects. The
// lines are listed when the program is built (harness/check/citations/main.cc), so that an installed program knows them
// too.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "models/rule.h"

namespace tcpassay {

struct Citation {
  std::string_view id;    // of the rule: "MUST_10"
  std::string_view file;  // "models/segment_arrives.cc"
  int line = 0;
  std::string_view test;  // "Oracle.ASynArrives": the unit test; empty for a line of the model
};

std::vector<Citation> code_sites(Rule rule);  // in models/
std::vector<Citation> unit_tests(
    Rule rule);  // in models/ and harness/, one for each test: the first line that names it

}  // namespace tcpassay
