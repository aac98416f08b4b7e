// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstring>
#include <random>

#include "fuzz/byte_tables.h"
#include "fuzz/scenario_bytes.h"

namespace tcpassay {
namespace {

// The records of one input, and the changes that a mutation may make to them.
class Records {
 public:
  Records(std::uint8_t* input, std::size_t size, std::size_t size_max, std::uint32_t seed)
      : random_(seed),
        records_(input + kHeaderOctets),
        count_((size - kHeaderOctets) / kRecordOctets),
        room_(size_max < kHeaderOctets ? 0 : (size_max - kHeaderOctets) / kRecordOctets) {}

  std::size_t count() const { return count_; }
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }
  std::uint8_t octet() { return static_cast<std::uint8_t>(random_() >> 8); }

  void insert() {
    if (count_ >= room_) return;
    const bool copy = count_ > 0 && below(3) == 0;
    std::array<std::uint8_t, kRecordOctets> fresh;
    if (copy)
      std::copy_n(at(below(count_)), kRecordOctets, fresh.begin());
    else
      randomise(fresh.data());
    const std::size_t where = below(3) ? count_ : below(count_ + 1);  // mostly at the end
    std::memmove(at(where + 1), at(where), (count_ - where) * kRecordOctets);
    std::copy(fresh.begin(), fresh.end(), at(where));
    ++count_;
  }

  void erase() {
    if (count_ == 0) return;
    const std::size_t where = below(count_--);
    std::memmove(at(where), at(where + 1), (count_ - where) * kRecordOctets);
  }

  void swap() {
    if (count_ < 2) return;
    const std::size_t first = below(count_ - 1);
    std::swap_ranges(at(first), at(first + 1), at(first + 1));
  }

  void change() {
    if (count_ == 0) return;
    if (std::uint8_t* record = at(below(count_)); below(4) == 0)
      randomise(record);
    else
      record[below(kRecordOctets)] = octet();
  }

 private:
  std::uint8_t* at(std::size_t i) { return records_ + i * kRecordOctets; }

  void randomise(std::uint8_t* record) {
    for (std::size_t i = 0; i < kRecordOctets; ++i) record[i] = octet();
    if (below(8)) record[kOpAt] = record[kOpAt] & 31;  // mostly the first port
    if (below(3)) record[kSeqAt] = 0;                  // mostly numbers that are not wrong in every respect
    if (below(2)) record[kSeqDistanceAt] = 0;
    if (below(3)) record[kAckAt] = 0;
    if (below(2)) record[kAckDistanceAt] = 0;
    if (below(4)) record[kExtraAt] = 0;
  }

  std::minstd_rand random_;
  std::uint8_t* records_;
  std::size_t count_, room_;
};

}  // namespace

std::size_t mutate_records(std::uint8_t* input, std::size_t size, std::size_t size_max, std::uint32_t seed) {
  if (size < kHeaderOctets) {
    if (size_max < kHeaderOctets) return size;
    std::fill(input + size, input + kHeaderOctets, std::uint8_t{0});
    size = kHeaderOctets;
  }
  Records records(input, size, std::min(size_max, kInputOctetsMax), seed);
  enum { kHeader, kInsert, kInsertAgain, kCopy, kErase, kSwap, kChange, kChangeAgain, kMutations };
  switch (records.below(kMutations)) {
    case kHeader:
      input[records.below(kHeaderOctets)] = records.octet();
      break;
    case kInsert:
    case kInsertAgain:
    case kCopy:
      records.insert();
      break;
    case kErase:
      records.erase();
      break;
    case kSwap:
      records.swap();
      break;
    default:
      records.change();
  }
  return kHeaderOctets + records.count() * kRecordOctets;
}

}  // namespace tcpassay
