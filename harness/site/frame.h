// SPDX-License-Identifier: Apache-2.0
// What all pages of a report share: the frame with navigation and search, the index, standings and commands.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/site/html.h"
#include "harness/site/site_folder.h"

namespace tcpassay {

// One page, before it is framed.
struct Page {
  std::string path{};   // "rules/MUST_10.html"
  std::string title{};  // of the window
  Html main{};
};

// What search finds.
struct IndexEntry {
  std::string kind, name, about, url;
};

// A report that grows page by page.
class Site {
 public:
  // `about`: what the report is about, for titles: "own 0.1". `navigation`: names and paths.
  Site(std::string folder, std::string about, std::vector<std::pair<std::string, std::string>> navigation);

  void add(const Page& page);
  void index(IndexEntry entry) { entries_.push_back(std::move(entry)); }
  SiteFolder& folder() { return folder_; }
  void publish();  // writes the style, the script and the index, and puts the report in its place

 private:
  SiteFolder folder_;
  std::string about_;
  std::vector<std::pair<std::string, std::string>> navigation_;
  std::vector<IndexEntry> entries_;
};

// From a page back to the root of the report: "../" for each folder in its path.
std::string way_up(std::string_view path);

// A sign, a word and a colour: "✓ obeyed".
Html badge(const std::string& standing, const std::string& word = "");

// A command line, which a script gives a button that copies it.
Html command_line(const std::string& command);

Html crumbs(const std::vector<std::pair<std::string, std::string>>& ways);  // names and links

// A table that may be wider than the page. The heads of columns of numbers begin with '#'.
Html table(const std::vector<std::string>& heads, const Html& rows, const std::string& id, const std::string& caption);

}  // namespace tcpassay
