// SPDX-License-Identifier: Apache-2.0
#include "harness/check/citations.h"

#include <algorithm>

namespace tcpassay {
namespace {

constexpr Citation kCitations[] = {
#define CITATION(id, file, line, test) {id, file, line, test},
#include "citations.inc"
#undef CITATION
};

std::vector<Citation> citations(Rule rule, bool by_tests) {
  std::vector<Citation> found;
  std::copy_if(std::begin(kCitations), std::end(kCitations), std::back_inserter(found), [&](const Citation& citation) {
    return citation.id == info(rule).id && citation.test.empty() != by_tests;
  });
  return found;
}

}  // namespace

std::vector<Citation> code_sites(Rule rule) {
  return citations(rule, false);
}

std::vector<Citation> unit_tests(Rule rule) {
  std::vector<Citation> found = citations(rule, true);
  const auto same_test = [](const Citation& a, const Citation& b) { return a.file == b.file && a.test == b.test; };
  found.erase(std::unique(found.begin(), found.end(), same_test), found.end());
  return found;
}

}  // namespace tcpassay
