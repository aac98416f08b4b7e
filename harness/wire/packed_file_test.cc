// SPDX-License-Identifier: Apache-2.0
#include "harness/wire/packed_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace tcpassay {
namespace {

class Packed : public testing::TestWithParam<const char*> {
 protected:
  Packed() : path_(testing::TempDir() + "/tcpassay_packed_" + std::to_string(getpid())) {}
  ~Packed() override {
    for (const char* end : {"", ".gz", ".zst", ".xz"}) std::filesystem::remove(path_ + end);
  }
  std::string packed_path() const {
    const std::string tool = GetParam();
    return path_ + (tool == "gzip" ? ".gz" : tool == "zstd" ? ".zst" : ".xz");
  }
  // Packs with the program of that name. False when it is not here or when this build does not unpack it.
  bool pack(const std::string& content) {
    std::ofstream(path_, std::ios::binary) << content;
    const std::string tool = GetParam();
    const std::string command = tool + " -kf " + path_ + " > /dev/null 2>&1";
    return unpacks(tool) && std::system(command.c_str()) == 0;
  }
  static std::string read(const std::string& path, std::size_t at_a_time) {
    PackedFile file(path);
    std::string all, some(at_a_time, '\0');
    while (const std::size_t got = file.read(some.data(), some.size())) all.append(some, 0, got);
    return all;
  }
  static std::string octets_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string path_;
};

std::string some_content() {
  std::string content;
  for (int i = 0; i < 60'000; ++i) content += std::to_string(i * 7919 % 10'007) + ' ';
  return content;
}

TEST_P(Packed, IsReadAsItWas) {
  const std::string content = some_content();
  if (!pack(content)) GTEST_SKIP() << GetParam() << " is not here";
  for (const std::size_t at_a_time : {std::size_t{7}, std::size_t{1000}, content.size() * 2}) {
    EXPECT_EQ(read(packed_path(), at_a_time), content) << at_a_time;
  }
}

TEST_P(Packed, SeveralMayStandOneBehindTheOther) {
  if (!pack("first ")) GTEST_SKIP() << GetParam() << " is not here";
  const std::string first = octets_of(packed_path());
  pack("second");
  const std::string both = first + octets_of(packed_path());
  std::ofstream(packed_path(), std::ios::binary) << both;
  EXPECT_EQ(read(packed_path(), 100), "first second");
}

// A file that ends early is no complete one, wherever it ends.
TEST_P(Packed, AnEarlyEndIsAnError) {
  if (!pack(some_content())) GTEST_SKIP() << GetParam() << " is not here";
  const std::string whole = octets_of(packed_path());
  for (const std::size_t length : {std::size_t{12}, whole.size() / 2, whole.size() - 1}) {
    std::ofstream(packed_path(), std::ios::binary) << whole.substr(0, length);
    EXPECT_THROW(read(packed_path(), 1000), std::runtime_error) << length;
  }
}

TEST_P(Packed, GarbledOctetsNeverCrash) {
  if (!pack(some_content())) GTEST_SKIP() << GetParam() << " is not here";
  const std::string whole = octets_of(packed_path());
  for (std::size_t at = 8; at < whole.size(); at += whole.size() / 60) {
    std::string garbled = whole;
    garbled[at] = static_cast<char>(garbled[at] ^ 0x55);
    std::ofstream(packed_path(), std::ios::binary) << garbled;
    try {
      EXPECT_LE(read(packed_path(), 1000).size(), std::size_t{1} << 26);
    } catch (const std::runtime_error& error) {
      EXPECT_STRNE(error.what(), "");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tools, Packed, testing::Values("gzip", "zstd", "xz"));

// A file that would fill the disk is not read to its end: 400 MiB of zeros in some kilobytes.
TEST(PackedFile, GrowthHasABound) {
  if (!unpacks("zstd") || std::system("command -v zstd > /dev/null") != 0) GTEST_SKIP() << "zstd is not here";
  const std::string path = testing::TempDir() + "/tcpassay_bomb_" + std::to_string(getpid());
  const std::string command = "head -c 419430400 /dev/zero | zstd -q -f -o " + path;
  ASSERT_EQ(std::system(command.c_str()), 0);
  PackedFile file(path);
  std::vector<char> some(1 << 20);
  std::uint64_t count = 0;
  EXPECT_THROW(
      {
        while (const std::size_t got = file.read(some.data(), some.size())) count += got;
      },
      std::runtime_error);
  EXPECT_LE(count, PackedFile::kGrowthFree + (std::uint64_t{1} << 21));
  std::filesystem::remove(path);
}

TEST(PackedFile, WhatIsNotPackedIsReadAsItIs) {
  const std::string path = testing::TempDir() + "/tcpassay_plain_" + std::to_string(getpid());
  std::ofstream(path) << "text";
  char some[10];
  PackedFile file(path);
  EXPECT_EQ(std::string(some, file.read(some, sizeof some)), "text");
  EXPECT_EQ(file.read(some, sizeof some), 0u);
  std::filesystem::remove(path);
}

TEST(PackedFile, PackingsAreKnownByTheirFirstOctets) {
  const std::uint8_t bzip2[] = {'B', 'Z', 'h', '9'}, lz4[] = {0x04, 0x22, 0x4d, 0x18};
  EXPECT_STREQ(packing_of(bzip2, sizeof bzip2), "bzip2");
  EXPECT_STREQ(packing_of(lz4, sizeof lz4), "lz4");
  EXPECT_FALSE(unpacks("bzip2"));
  EXPECT_EQ(packing_of(bzip2, 2), nullptr);
}

}  // namespace
}  // namespace tcpassay
