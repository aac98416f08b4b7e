// SPDX-License-Identifier: Apache-2.0
// The files of assets/, which the build puts into the program.
#pragma once

#include <string_view>

namespace tcpassay {

std::string_view style_css();
std::string_view site_js();

}  // namespace tcpassay
