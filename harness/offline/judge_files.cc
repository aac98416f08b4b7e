// SPDX-License-Identifier: Apache-2.0
#include "harness/offline/judge_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <filesystem>
#include <mutex>
#include <thread>

#include "harness/base/processes.h"
#include "harness/wire/capture_file.h"
#include "harness/wire/capture_reader.h"

namespace tcpassay {
namespace {

namespace fs = std::filesystem;

// Scripts by their names; captures also by what is in them.
bool is_record(const fs::path& path) {
  const std::string extension = path.extension().string();
  const bool named = extension == ".pkt" || extension == ".pcap" || extension == ".pcapng" || extension == ".cap";
  return named || is_capture(path.string());
}

FileResult judge_one(const std::string& path, const CaptureOptions& options) {
  try {
    return judge_file(path, options);
  } catch (const std::exception& error) {
    return {.file = path, .outcome = Outcome::kUnsupported, .why = error.what(), .unreadable = true};
  }
}

}  // namespace

std::vector<std::string> recorded_files(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (path == kStandardInput) {
      files.push_back(path);
      continue;
    }
    if (!fs::exists(path)) throw CaptureError(path + ": there is no such file or folder");
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      if (entry.is_regular_file() && is_record(entry.path())) found.push_back(entry.path().string());
    }
    if (found.empty()) throw CaptureError(path + ": no script (.pkt) and no capture is in this folder");
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

std::vector<FileResult> judge_all(const std::vector<std::string>& paths, const JudgeAllOptions& options) {
  const std::vector<std::string> files = recorded_files(paths);
  std::vector<FileResult> results(files.size());
  std::atomic<std::size_t> next = 0, done = 0;
  std::mutex telling;
  const auto tell = [&](const std::string& what) {
    if (!options.progress) return;
    const std::lock_guard lock(telling);
    options.progress(done, files.size(), what);
  };
  const auto work = [&] {
    for (std::size_t i = next++; i < files.size(); i = next++) {
      if (Interrupt::interrupted()) {
        results[i] = {.file = files[i], .outcome = Outcome::kInconclusive, .why = "interrupted", .unreadable = true};
        continue;
      }
      CaptureOptions one = options.capture;
      one.progress = [&](std::uint64_t packets) { tell(fmt::format("{}: {} packets", files[i], packets)); };
      results[i] = judge_one(files[i], one);
      ++done;
      if (options.judged) {
        const std::lock_guard lock(telling);
        options.judged(results[i]);
      }
      tell(files[i]);
    }
  };
  const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
  const std::size_t jobs = std::min(options.jobs > 0 ? static_cast<std::size_t>(options.jobs) : cores, files.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < jobs; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  return results;
}

int exit_status_of(const std::vector<FileResult>& results) {
  const auto any = [&](auto&& is) { return std::any_of(results.begin(), results.end(), is); };
  // A file that says what is to be found fails when something else is.
  const auto fails = [](const FileResult& result) {
    return result.expected ? !as_expected(result) : result.outcome == Outcome::kFail;
  };
  if (any(fails)) return 1;
  if (any([](const FileResult& result) { return result.unreadable; })) return 2;
  return any([](const FileResult& result) { return result.outcome != Outcome::kUnsupported; }) ? 0 : 2;
}

}  // namespace tcpassay
