// SPDX-License-Identifier: Apache-2.0
#include "harness/base/write_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace tcpassay {
namespace {

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(WriteFile, TheNewFileReplacesTheOldOne) {
  const std::string path = testing::TempDir() + "/tcpassay_written";
  write_file(path, "old");
  write_file(path, "new");
  EXPECT_EQ(content_of(path), "new");
  EXPECT_FALSE(std::filesystem::exists(path + ".part"));
  std::filesystem::remove(path);
}

TEST(WriteFile, WhatCannotBeWrittenLeavesNothing) {
  const std::string folder = testing::TempDir() + "/tcpassay_no_such_folder";
  EXPECT_THROW(write_file(folder + "/file", "text"), std::runtime_error);
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST(WriteFile, AFullDeviceIsAnError) {
  EXPECT_THROW(write_file("/dev/full", std::string(100000, 'x')), std::runtime_error);
}

}  // namespace
}  // namespace tcpassay
