// SPDX-License-Identifier: Apache-2.0
// Judges altered captures and scripts in one process, as many as asked for: nothing that a file contains may crash the
// judge or keep it busy.
//   record_fuzzer --state FILE [--count N] [--only I] [--slow MS] SEED...
// Input I is a function of I and the seed files. FILE holds the number of the input that is being judged: after a crash
// `--only I` judges it again, and without --only the program goes on behind it. Exit status: 0 nothing found, 1 an
// input that took longer than MS, 2 wrong use.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "fuzz/parsers.h"

namespace tcpassay {
namespace {

struct Seed {
  std::string name, octets;
};

struct Asked {
  std::string state{};
  std::uint64_t count = 1'000'000;
  std::int64_t only = -1;
  long slow_ms = 2000;
  std::vector<Seed> seeds{};
};

// Flips bits, writes numbers that are often wrong, cuts, repeats, removes, and mixes two seeds.
class Mutation {
 public:
  explicit Mutation(std::uint64_t number) : random_(number * 0x9E3779B97F4A7C15ull + 1) {}

  std::string of(const std::vector<Seed>& seeds) {
    std::string text = seeds[below(seeds.size())].octets;
    const std::size_t changes = 1 + below(8);
    for (std::size_t i = 0; i < changes; ++i) change(text, seeds[below(seeds.size())].octets);
    return text;
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : static_cast<std::size_t>(random_() % limit); }

  void change(std::string& text, const std::string& other) {
    if (text.empty()) return;
    const std::size_t at = below(text.size()), most = std::min<std::size_t>(text.size() - at, 1 + below(200));
    static constexpr std::uint32_t kNumbers[] = {0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff};
    switch (below(7)) {
      case 0:
      case 1:
        text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
        break;
      case 2: {
        const std::uint32_t number = kNumbers[below(std::size(kNumbers))];
        std::memcpy(&text[at], &number, std::min<std::size_t>(most, 1u << below(3)));
        break;
      }
      case 3:
        text.erase(at, most);
        break;
      case 4:
        text.insert(below(text.size()), text.substr(at, most));
        break;
      case 5:
        text.resize(at);
        break;
      default:
        text.replace(at, most, other.substr(below(other.size()), most));
    }
  }

  std::mt19937_64 random_;
};

std::uint64_t number_in(const std::string& path) {
  std::uint64_t number = 0;
  std::ifstream(path) >> number;
  return number;
}

bool read_arguments(int argc, char** argv, Asked& asked) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool named = word.starts_with("--") && i + 1 < argc;
    if (word == "--state" && named) {
      asked.state = argv[++i];
    } else if (word == "--count" && named) {
      asked.count = std::strtoull(argv[++i], nullptr, 10);
    } else if (word == "--only" && named) {
      asked.only = std::strtoll(argv[++i], nullptr, 10);
    } else if (word == "--slow" && named) {
      asked.slow_ms = std::strtol(argv[++i], nullptr, 10);
    } else {
      std::ifstream in(word, std::ios::binary);
      asked.seeds.push_back({.name = word, .octets = {std::istreambuf_iterator<char>(in), {}}});
    }
  }
  std::erase_if(asked.seeds, [](const Seed& seed) { return seed.octets.empty(); });
  return !asked.seeds.empty() && (!asked.state.empty() || asked.only >= 0);
}

int run(const Asked& asked) {
  const bool one = asked.only >= 0;
  const std::uint64_t begin = one ? static_cast<std::uint64_t>(asked.only) : number_in(asked.state);
  const std::uint64_t end = one ? begin + 1 : asked.count;
  const int state = one ? -1 : open(asked.state.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  std::uint64_t slow = 0;
  for (std::uint64_t i = begin; i < end; ++i) {
    const std::string number = std::to_string(i + 1) + "\n";  // the next one, if this one ends the program
    if (state >= 0 && pwrite(state, number.data(), number.size(), 0) < 0) std::perror("record_fuzzer");
    const std::string octets = Mutation(i).of(asked.seeds);
    const auto began = std::chrono::steady_clock::now();
    try_judge({reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size()});
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    if (took.count() > asked.slow_ms) std::printf("input %llu took %lld ms\n", i + 0ull, took.count() + 0ll);
    slow += took.count() > asked.slow_ms;
    if ((i + 1) % 10000 == 0) std::fprintf(stderr, "%llu inputs\n", i + 1ull);
  }
  std::printf("%llu inputs, %llu slow\n", end - std::min(begin, end) + 0ull, slow + 0ull);
  return slow > 0 ? 1 : 0;
}

}  // namespace
}  // namespace tcpassay

int main(int argc, char** argv) {
  tcpassay::Asked asked;
  if (!tcpassay::read_arguments(argc, argv, asked)) {
    std::fprintf(stderr, "record_fuzzer --state FILE [--count N] [--only I] [--slow MS] SEED...\n");
    return 2;
  }
  return tcpassay::run(asked);
}
