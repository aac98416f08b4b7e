// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstring>
#include <random>

#include "fuzz/byte_tables.h"
#include "fuzz/scenario_bytes.h"

namespace tcpassay {

std::size_t mutate_records(std::uint8_t* input, std::size_t size, std::size_t size_max, std::uint32_t seed) {
  std::minstd_rand random(seed);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  if (size < kHeaderOctets) {
    if (size_max < kHeaderOctets) return size;
    std::fill(input + size, input + kHeaderOctets, std::uint8_t{0});
    size = kHeaderOctets;
  }
  size_max = std::min(size_max, kInputOctetsMax);
  std::size_t records = (size - kHeaderOctets) / kRecordOctets;
  const std::size_t room = size_max < kHeaderOctets ? 0 : (size_max - kHeaderOctets) / kRecordOctets;
  const auto at = [&](std::size_t i) { return input + kHeaderOctets + i * kRecordOctets; };
  const auto randomise = [&](std::uint8_t* record) {
    for (std::size_t i = 0; i < kRecordOctets; ++i) record[i] = static_cast<std::uint8_t>(random() >> 8);
    if (below(8)) record[kOpAt] = record[kOpAt] & 31;  // the second port is the exception,
    if (below(3)) record[kSeqAt] = 0;                  // and so is a segment that is out of place in every way
    if (below(2)) record[kSeqDistanceAt] = 0;
    if (below(3)) record[kAckAt] = 0;
    if (below(2)) record[kAckDistanceAt] = 0;
    if (below(4)) record[kExtraAt] = 0;
  };
  enum { kHeader, kInsert, kInsertAgain, kCopy, kErase, kSwap, kChange, kChangeAgain, kMutations };
  switch (below(kMutations)) {
    case kHeader:
      input[below(kHeaderOctets)] = static_cast<std::uint8_t>(random() >> 8);
      break;
    case kInsert:
    case kInsertAgain:
    case kCopy: {
      if (records >= room) break;
      const bool copy = records > 0 && below(3) == 0;
      std::array<std::uint8_t, kRecordOctets> fresh;
      if (copy)
        std::copy_n(at(below(records)), kRecordOctets, fresh.begin());
      else
        randomise(fresh.data());
      const std::size_t where = below(3) ? records : below(records + 1);  // mostly at the end
      std::memmove(at(where + 1), at(where), (records - where) * kRecordOctets);
      std::copy(fresh.begin(), fresh.end(), at(where));
      ++records;
      break;
    }
    case kErase: {
      if (records == 0) break;
      const std::size_t where = below(records--);
      std::memmove(at(where), at(where + 1), (records - where) * kRecordOctets);
      break;
    }
    case kSwap:
      if (records > 1) {
        const std::size_t first = below(records - 1);
        std::swap_ranges(at(first), at(first + 1), at(first + 1));
      }
      break;
    default:
      if (records == 0) break;
      if (std::uint8_t* record = at(below(records)); below(4) == 0)
        randomise(record);
      else
        record[below(kRecordOctets)] = static_cast<std::uint8_t>(random() >> 8);
  }
  return kHeaderOctets + records * kRecordOctets;
}

}  // namespace tcpassay
