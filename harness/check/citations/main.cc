// SPDX-License-Identifier: Apache-2.0
// list_citations SOURCES FILE: writes to FILE one line CITATION(rule, file, line, test) for each place in the sources
// that names a rule: `Rule::ID` in the model, `Rule::ID` or "ID" in a unit test. Run by the build.
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

bool is_of_word(char c) {
  return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
}

std::string_view word_at(std::string_view text) {
  return text.substr(0,
                     static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_of_word) - text.begin()));
}

// The ids of rules, and other words in quotation marks, that a line names.
std::set<std::string> ids_in(std::string_view line, bool quoted_too) {
  constexpr std::string_view kMember = "Rule::";
  std::set<std::string> ids;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line.substr(i).starts_with(kMember)) ids.emplace(word_at(line.substr(i + kMember.size())));
    if (!quoted_too || line[i] != '"') continue;
    const std::string_view word = word_at(line.substr(i + 1));
    const bool closed = i + 1 + word.size() < line.size() && line[i + 1 + word.size()] == '"';
    if (closed && word.find('_') != word.npos && std::isupper(static_cast<unsigned char>(word[0])) != 0)
      ids.emplace(word);
  }
  ids.erase("");
  return ids;
}

// "Oracle.ASynArrives" of "TEST(Oracle, ASynArrives) {"; empty when the line begins no test.
std::string test_of(std::string_view line) {
  if (!line.starts_with("TEST")) return "";
  const std::size_t open = line.find('('), comma = line.find(", ", open), close = line.find(')', open);
  if (comma == line.npos || close == line.npos || comma > close) return "";
  return std::string(line.substr(open + 1, comma - open - 1)) + "." +
         std::string(line.substr(comma + 2, close - comma - 2));
}

void list(const fs::path& root, const fs::path& file, std::ostream& out) {
  const bool is_test = file.filename().string().ends_with("_test.cc");
  const std::string name = file.lexically_relative(root).generic_string();
  std::ifstream in(file);
  std::string test = is_test ? "above the first test" : "";
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (const std::string begun = test_of(line); is_test && !begun.empty()) test = begun;
    for (const std::string& id : ids_in(line, is_test)) {
      out << "CITATION(\"" << id << "\", \"" << name << "\", " << number << ", \"" << test << "\")\n";
    }
  }
}

// The sources of models/ and the tests of harness/, sorted.
std::vector<fs::path> files_to_list(const fs::path& root) {
  std::vector<fs::path> files;
  for (const char* folder : {"models", "harness"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string name = entry.path().filename().string();
      if (name.ends_with("_test.cc") || (folder == std::string_view("models") && name.ends_with(".cc"))) {
        files.push_back(entry.path());
      }
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: list_citations SOURCES FILE\n";
    return EXIT_FAILURE;
  }
  std::ofstream out(argv[2]);
  out << "// Written by list_citations: CITATION(rule, file, line, unit test).\n";
  for (const fs::path& file : files_to_list(argv[1])) list(argv[1], file, out);
  out.flush();
  if (out) return EXIT_SUCCESS;
  std::cerr << argv[2] << ": cannot be written\n";
  return EXIT_FAILURE;
}
