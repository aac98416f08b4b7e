// SPDX-License-Identifier: Apache-2.0
// One thing that a target did wrong, as a card: the rule, what was allowed and what was seen, and how to play it again.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "harness/site/html.h"
#include "models/oracle.h"

namespace tcpassay {

struct Finding {
  std::string kind{};  // "violated", "departed", "inconclusive"
  std::string rule{}, level{}, rfc{}, section{}, sentence{};
  std::string state{}, allowed{}, seen{}, replay{};
  std::string before{};             // what was odd in the peer's last packet
  std::string at{};                 // "1.500000 s"
  std::string anchor{};             // of the card, where something leads to it
  std::string link{}, link_text{};  // to more about it
  bool consequence = false;
  bool own_page = false;  // the card stands on the page of its rule, which says the rest
};

Finding finding_of(const Verdict& verdict);
// `evidence`: an entry of a rule's list in the JSON of check, or a violation in that of sweep. What `rule` says of the
// rule counts where it says anything.
Finding finding_of(const nlohmann::ordered_json& evidence, const nlohmann::ordered_json& rule);

// `up`: from the page to the root of the report, where the pages of rules are; without them the id is no link.
Html finding_card(const Finding& finding, const std::string& up, bool rule_pages);

}  // namespace tcpassay
