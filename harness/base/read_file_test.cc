// SPDX-License-Identifier: Apache-2.0
#include "harness/base/read_file.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "harness/base/write_file.h"

namespace tcpassay {
namespace {

std::string complaint_about(const std::string& path) {
  try {
    read_whole_file(path);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(ReadFile, GivesEveryOctet) {
  const std::string path = testing::TempDir() + "read_file_test", content = std::string("a\0\xff\r\n", 5);
  write_file(path, content);
  EXPECT_EQ(read_whole_file(path), content);
  write_file(path, "");
  EXPECT_EQ(read_whole_file(path), "");
}

TEST(ReadFile, SaysWhyAFileCannotBeRead) {
  EXPECT_EQ(complaint_about("/no/such"), "/no/such: cannot be read: No such file or directory");
  EXPECT_EQ(complaint_about(testing::TempDir()), testing::TempDir() + ": cannot be read: Is a directory");
}

}  // namespace
}  // namespace tcpassay
