// SPDX-License-Identifier: Apache-2.0
#include "harness/check/rfc_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

using Lines = std::vector<std::string>;
using Sections = std::map<std::string, std::vector<Lines>, std::less<>>;

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

std::size_t indentation(std::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

// Without the number at its end, when there is one.
std::string_view without_number(std::string_view line) {
  while (!line.empty() && is_digit(line.back())) line.remove_suffix(1);
  return line;
}

// "Postel                    Standards Track                    [Page 4]"
bool is_footer(std::string_view line) {
  if (!line.ends_with(']')) return false;
  const std::string_view before = without_number(line.substr(0, line.size() - 1));
  return before.ends_with("[Page ") || before.ends_with("[page ");
}

// "RFC 793            Transmission Control Protocol          September 1981"
bool is_header(std::string_view line) {
  return line.size() > 4 && line.starts_with("RFC ") && is_digit(line[4]);
}

// "3.1.  Header Format ...... 9" in the table of contents.
bool is_in_contents(std::string_view line) {
  if (line.find("...") != line.npos || line.find(". . .") != line.npos) return true;
  return is_digit(line.back()) && without_number(line).ends_with("   ");
}

// "3.1" of "3.1.  Header Format", "A" of "Appendix A.  Notes"; empty when the line is no heading of a section.
std::string heading_of(std::string_view line) {
  constexpr std::string_view kAppendix = "Appendix ";
  if (line.starts_with(kAppendix)) line.remove_prefix(kAppendix.size());
  if (line.empty() || std::isalnum(static_cast<unsigned char>(line[0])) == 0) return "";
  const std::size_t end = std::min(line.find_first_not_of("0123456789.", 1), line.size());
  std::string_view label = line.substr(0, end);
  if (end == line.size() || line[end] != ' ' || is_in_contents(line)) return "";
  if (!is_digit(label[0]) && label.size() == 1) return "";  // "A sender ..."
  if (label.ends_with('.')) label.remove_suffix(1);
  return std::string(label);
}

class Reader {
 public:
  Sections read(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      take(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    close();
    return std::move(sections_);
  }

 private:
  void take(std::string_view line) {
    if (line.starts_with('\f')) {
      break_page();
      line.remove_prefix(1);
    }
    line = line.substr(0, line.find_last_not_of(" \t\r\f") + 1);
    if (line.empty()) return close();
    if (is_footer(line)) return break_page();
    if (std::exchange(header_next_, false) && is_header(line)) return;
    if (const std::string section = heading_of(line); !section.empty()) return begin(section);
    block_.emplace_back(line);
  }

  void break_page() {
    close();
    after_break_ = header_next_ = true;
  }

  void begin(const std::string& section) {
    close();
    paragraphs_ = &sections_[section];
    paragraphs_->clear();
    after_break_ = false;
  }

  void close() {
    if (block_.empty()) return;
    Lines block = std::exchange(block_, {});
    const bool after_break = std::exchange(after_break_, false);
    if (paragraphs_ == nullptr) return;
    if (after_break && !paragraphs_->empty() && is_cut(paragraphs_->back().back(), block.front())) {
      Lines& cut = paragraphs_->back();
      cut.insert(cut.end(), block.begin(), block.end());
    } else {
      paragraphs_->push_back(std::move(block));
    }
  }

  // Whether a paragraph goes on behind a page break.
  static bool is_cut(std::string_view before, std::string_view behind) {
    return std::string_view(".:;!?\")>|").find(before.back()) == std::string_view::npos &&
           indentation(before) == indentation(behind);
  }

  Sections sections_{};
  std::vector<Lines>* paragraphs_ = nullptr;  // of the section being read
  Lines block_{};
  bool after_break_ = false, header_next_ = false;
};

std::string joined(const Lines& lines) {
  std::size_t shared = std::string::npos;
  for (const std::string& line : lines) shared = std::min(shared, indentation(line));
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line.substr(shared);
  return text;
}

bool introduces(std::string_view paragraph, std::string_view next) {
  return paragraph.ends_with(':') || paragraph.ends_with(',') || paragraph.ends_with(" STATE") || next.starts_with('<');
}

}  // namespace

RfcText::RfcText(std::string_view text) : sections_(Reader().read(text)) {}

std::string RfcText::paragraph(std::string_view section, int number) const {
  const auto found = sections_.find(section);
  if (found == sections_.end() || number < 1 || static_cast<std::size_t>(number) > found->second.size()) return "";
  return joined(found->second[static_cast<std::size_t>(number - 1)]);
}

std::string RfcText::passage(std::string_view section, int number) const {
  constexpr int kIntroducedMax = 8;  // paragraphs: the eight names of states before a step are the longest such list
  std::string last = paragraph(section, number), text = last;
  for (int more = 1; more <= kIntroducedMax; ++more) {
    const std::string next = paragraph(section, number + more);
    if (next.empty() || !introduces(last, next)) break;
    text += "\n\n" + next;
    last = next;
  }
  return text;
}

std::string rfc_folder() {
  const char* named = std::getenv("TCPASSAY_RFC_DIR");
  return named != nullptr ? named : "";
}

std::optional<RfcText> read_rfc(const std::string& folder, int rfc) {
  std::ifstream in(fs::path(folder) / fmt::format("rfc{}.txt", rfc), std::ios::binary);
  if (!in) return {};
  std::stringstream text;
  text << in.rdbuf();
  return RfcText(text.str());
}

std::string passage_of(const RuleInfo& rule) {
  const std::string folder = rfc_folder();
  if (folder.empty()) return "";
  const auto text = read_rfc(folder, rule.rfc);
  return text ? text->passage(rule.section, rule.paragraph) : "";
}

}  // namespace tcpassay
