// SPDX-License-Identifier: Apache-2.0
#include "harness/target/target.h"

#include <algorithm>

namespace tcpassay {

const char* to_string(Ability ability) {
  switch (ability) {
    case Ability::kVirtualTime:
      return "virtual-time";
    case Ability::kSynchronous:
      return "synchronous";
    case Ability::kState:
      return "state";
    case Ability::kPassiveOpen:
      return "passive-open";
    case Ability::kActiveOpen:
      return "active-open";
    case Ability::kIpv6:
      return "ipv6";
    case Ability::kUrgentData:
      return "urgent-data";
    case Ability::kHalfClose:
      return "half-close";
    case Ability::kAbort:
      return "abort";
    case Ability::kSecondAddress:
      return "second-address";
  }
  return "?";
}

bool Identity::can(Ability ability) const {
  return std::find(abilities.begin(), abilities.end(), ability) != abilities.end();
}

bool Identity::has_option(SocketOption option) const {
  return std::find(missing_options.begin(), missing_options.end(), option) == missing_options.end();
}

bool Identity::has_setting(std::string_view wanted) const {
  return std::find(settings.begin(), settings.end(), wanted) != settings.end();
}

bool Identity::has_implementation_specific(std::string_view wanted) const {
  return std::find(implementation_specific.begin(), implementation_specific.end(), wanted) !=
         implementation_specific.end();
}

}  // namespace tcpassay
