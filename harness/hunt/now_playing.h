// SPDX-License-Identifier: Apache-2.0
// The input that a process plays, in memory that outlives it: when the process dies, another one can make the input
// again.
#pragma once

#include <cstdint>

namespace tcpassay {

struct InputName {
  enum class Kind : std::uint8_t { kNone, kMutated, kKept, kSeed };
  Kind kind = Kind::kNone;
  std::uint64_t parent = 0, other = 0;  // ids of the corpus
  std::uint64_t seed = 0;               // of the mutation; of kSeed: which script
  std::uint64_t count = 0;              // inputs before it
};

// Shared with processes that are started afterwards.
class NowPlaying {
 public:
  NowPlaying();
  ~NowPlaying();
  NowPlaying(const NowPlaying&) = delete;
  NowPlaying& operator=(const NowPlaying&) = delete;

  InputName& name() { return *name_; }

 private:
  InputName* name_;
};

}  // namespace tcpassay
