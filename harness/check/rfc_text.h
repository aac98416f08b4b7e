// SPDX-License-Identifier: Apache-2.0
// The text of an RFC by section and paragraph, read where a copy of it is at hand: none of it stands in this project.
// Paragraph n of a section is the nth block of lines between blank lines below the section's heading. Headers and
// footers of pages do not count, and the two parts of a paragraph that a page break cuts are one. An item of a list, a
// figure and a table are paragraphs when blank lines set them apart.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/rule.h"

namespace tcpassay {

class RfcText {
 public:
  explicit RfcText(std::string_view text);  // rfcNNNN.txt, as rfc-editor.org has it

  // Paragraph `number`, from 1, of a section ("3.10.7.4", "A.2"): its lines without the indentation that all of them
  // share. Empty where there is none.
  std::string paragraph(std::string_view section, int number) const;

  // The same, and what it introduces: after a colon, a comma, the name of a state or before a segment to be sent, the
  // next paragraph belongs to it.
  std::string passage(std::string_view section, int number) const;

 private:
  using Lines = std::vector<std::string>;
  std::map<std::string, std::vector<Lines>, std::less<>> sections_{};
};

// The folder with the texts: $TCPASSAY_RFC_DIR. Empty where that is not set.
std::string rfc_folder();

// Empty when the folder has no rfcNNNN.txt.
std::optional<RfcText> read_rfc(const std::string& folder, int rfc);

// What the rule's locator names, with what it introduces; empty where no copy of the text is at hand.
std::string passage_of(const RuleInfo& rule);

}  // namespace tcpassay
