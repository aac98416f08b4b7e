// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/now_playing.h"

#include <sys/mman.h>

#include <new>

namespace tcpassay {

NowPlaying::NowPlaying() {
  void* memory = mmap(nullptr, sizeof(InputName), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  name_ = new (memory) InputName;
}

NowPlaying::~NowPlaying() {
  munmap(name_, sizeof(InputName));
}

}  // namespace tcpassay
