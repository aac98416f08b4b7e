// SPDX-License-Identifier: Apache-2.0
#include "harness/check/json_file.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "harness/base/write_file.h"

namespace tcpassay {
namespace {

// What is wrong with a file that has this text, behind the file's name.
std::string complaint_about(const std::string& text) {
  const std::string path = testing::TempDir() + "json_file_test.json";
  write_file(path, text);
  try {
    read_json(path);
  } catch (const std::runtime_error& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with(path));
    return std::string(error.what()).substr(path.size());
  }
  return "";
}

TEST(ReadJson, SaysWhereAFileIsNoJson) {
  EXPECT_EQ(complaint_about("{\"a\": [1]}"), "");
  EXPECT_EQ(complaint_about(""), ": nothing is in it");
  EXPECT_EQ(complaint_about("RULE  LEVEL\n"), ":1:1: no JSON from here on");
  EXPECT_EQ(complaint_about("{\n \"a\": x}"), ":2:7: no JSON from here on");
  EXPECT_EQ(complaint_about("{\n\"a\": [1,\n"), ":3:1: the JSON ends here, and it is not complete");
}

}  // namespace
}  // namespace tcpassay
