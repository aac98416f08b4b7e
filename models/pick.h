// SPDX-License-Identifier: Apache-2.0
// Where the RFC leaves a choice, model code asks Pick for an answer. The caller runs that code again and again until
// next() is false, so that every combination of answers is visited, as the digits of an odometer are.
#pragma once

#include <array>
#include <cstddef>

namespace tcpassay {

class Pick {
 public:
  static constexpr std::size_t kQuestionsMax = 12;

  // One free choice. Beyond the limit of questions the answer is no, and overflowed() is true.
  bool ask() {
    if (asked_ == kQuestionsMax) {
      overflowed_ = true;
      return false;
    }
    if (asked_ == size_) answers_[size_++] = false;
    return answers_[asked_++];
  }

  // Moves to the next combination, last answer first; false when all have been visited.
  bool next() {
    while (size_ > 0 && answers_[size_ - 1]) --size_;
    asked_ = 0;
    if (size_ == 0) return false;
    answers_[size_ - 1] = true;
    return true;
  }

  bool overflowed() const { return overflowed_; }

 private:
  std::array<bool, kQuestionsMax> answers_{};
  std::size_t size_ = 0, asked_ = 0;
  bool overflowed_ = false;
};

}  // namespace tcpassay
