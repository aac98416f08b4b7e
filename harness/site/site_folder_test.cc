// SPDX-License-Identifier: Apache-2.0
#include "harness/site/site_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

class SiteFolderTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_); }
  void TearDown() override { fs::remove_all(root_); }

  fs::path root_ = fs::temp_directory_path() / ("tcpassay-site-" + std::to_string(::getpid()));
  std::string place_ = (root_ / "report").string();
};

TEST_F(SiteFolderTest, NothingHalfWrittenIsLeft) {
  {
    SiteFolder folder(place_);
    folder.write("rules/a.html", "a");
    EXPECT_FALSE(fs::exists(place_));
  }
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(SiteFolderTest, AnEarlierReportIsReplacedAsAWhole) {
  for (const char* name : {"old.html", "new.html"}) {
    SiteFolder folder(place_ + "/");
    folder.write(name, name);
    folder.publish();
  }
  EXPECT_TRUE(fs::exists(fs::path(place_) / "new.html"));
  EXPECT_FALSE(fs::exists(fs::path(place_) / "old.html"));
  EXPECT_EQ(std::distance(fs::directory_iterator(root_), {}), 1);
}

TEST_F(SiteFolderTest, AFolderOfSomebodyElseIsLeftAlone) {
  fs::create_directories(place_);
  EXPECT_NO_THROW(require_site_place(place_));  // it is empty
  std::ofstream(fs::path(place_) / "thesis.txt") << "three years of work";
  EXPECT_THROW(SiteFolder{place_}, std::runtime_error);
  EXPECT_TRUE(fs::exists(fs::path(place_) / "thesis.txt"));
  EXPECT_THROW(require_site_place((fs::path(place_) / "thesis.txt").string()), std::runtime_error);
  EXPECT_THROW(require_site_place(""), std::runtime_error);
}

}  // namespace
}  // namespace tcpassay
