// SPDX-License-Identifier: Apache-2.0
#include "harness/site/site_folder.h"

#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "harness/base/write_file.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMark = "assets/tcpassay-report.txt";  // only a report has this file

std::string without_slash(std::string folder) {
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  return folder;
}

void check(const std::error_code& error, const std::string& path) {
  if (error) throw std::runtime_error(path + ": cannot be written: " + error.message());
}

}  // namespace

void require_site_place(const std::string& folder) {
  std::error_code error;
  if (folder.empty()) throw std::runtime_error("a report needs a folder: -o DIR");
  if (!fs::exists(folder, error)) return;
  if (!fs::is_directory(folder, error)) throw std::runtime_error(folder + ": is there and is no folder");
  if (fs::exists(fs::path(folder) / kMark, error) || fs::is_empty(folder, error)) return;
  throw std::runtime_error(folder + ": is there and is no report of tcpassay; name another folder");
}

SiteFolder::SiteFolder(std::string folder) : folder_(without_slash(std::move(folder))), part_(folder_ + ".part") {
  require_site_place(folder_);
  std::error_code error;
  fs::remove_all(part_, error);
  fs::create_directories(part_, error);
  check(error, part_);
  write(kMark, "The HTML pages beside this file are a report of tcpassay.\n");
}

SiteFolder::~SiteFolder() {
  std::error_code ignored;
  fs::remove_all(part_, ignored);
}

std::string SiteFolder::path_of(const std::string& name) {
  const fs::path path = fs::path(part_) / name;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  check(error, path.parent_path().string());
  return path.string();
}

void SiteFolder::write(const std::string& name, const std::string& content) {
  write_file(path_of(name), content);
}

void SiteFolder::publish() {
  const std::string old = folder_ + ".old";
  std::error_code error;
  fs::remove_all(old, error);
  if (fs::exists(folder_)) {
    fs::rename(folder_, old, error);
    check(error, folder_);
  }
  fs::rename(part_, folder_, error);
  check(error, folder_);
  fs::remove_all(old, error);
}

}  // namespace tcpassay
