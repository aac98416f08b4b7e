// SPDX-License-Identifier: Apache-2.0
// The folder of a report while it is written: beside its place, so that nothing half-written is ever found there.
#pragma once

#include <string>

namespace tcpassay {

class SiteFolder {
 public:
  // Creates FOLDER.part. Throws std::runtime_error, in one line, when that cannot be done, or when FOLDER is there and
  // is neither empty nor an earlier report.
  explicit SiteFolder(std::string folder);
  ~SiteFolder();  // removes FOLDER.part, unless it was published
  SiteFolder(const SiteFolder&) = delete;
  SiteFolder& operator=(const SiteFolder&) = delete;

  // `name` is relative to the folder: "rules/MUST_10.html".
  void write(const std::string& name, const std::string& content);
  std::string path_of(const std::string& name);  // where a file of this name is to be written; its folder is there

  // FOLDER.part becomes FOLDER; an earlier report there is removed.
  void publish();

 private:
  std::string folder_, part_;
};

// Whether a report may be written there. Throws what the constructor of SiteFolder throws; creates nothing.
void require_site_place(const std::string& folder);

}  // namespace tcpassay
