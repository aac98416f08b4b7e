// SPDX-License-Identifier: Apache-2.0
#include "harness/wire/packed_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#ifdef TCPASSAY_ZSTD
#include <zstd.h>
#endif
#ifdef TCPASSAY_LZMA
#include <lzma.h>
#include <sys/types.h>
#include <zconf.h>
#endif

#include "harness/wire/capture_file.h"
#include "harness/wire/capture_reader.h"

namespace tcpassay {
namespace {

struct Packing {
  std::uint8_t octets[6];
  std::size_t length;
  const char* name;
};
constexpr Packing kPackings[] = {
    {{0x1f, 0x8b}, 2, "gzip"},     {{0x28, 0xb5, 0x2f, 0xfd}, 4, "zstd"}, {{0xfd, '7', 'z', 'X', 'Z', 0}, 6, "xz"},
    {{'B', 'Z', 'h'}, 3, "bzip2"}, {{'P', 'K', 3, 4}, 4, "zip"},          {{0x04, 0x22, 0x4d, 0x18}, 4, "lz4"}};

[[noreturn]] void garbled(const char* name, const std::string& why) {
  throw std::runtime_error(fmt::format("truncated or garbled: {}: {}", name, why));
}

// The packed octets that are there, and the place for those that come out.
struct Piece {
  const std::uint8_t* in;
  std::size_t in_left;
  std::uint8_t* out;
  std::size_t out_left;
};

class Unpacking {
 public:
  virtual ~Unpacking() = default;
  // Moves octets from in to out until either has no more. `last`: nothing follows those that are in.
  virtual void step(Piece& piece, bool last) = 0;
  bool complete = false;  // what is packed may end here
};

class Gzip : public Unpacking {
 public:
  Gzip() {
    constexpr int kWindowOfHeader = 15, kGzip = 16;
    if (inflateInit2(&stream_, kWindowOfHeader + kGzip) != Z_OK) throw std::bad_alloc();
  }
  ~Gzip() override { inflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;
  void step(Piece& piece, bool) override {
    if (complete && (piece.in_left == 0 || piece.in[0] != kPackings[0].octets[0])) {
      piece.in_left = 0;  // what stands behind it, as tapes pad it, is nothing
      return;
    }
    if (complete) inflateReset(&stream_);            // several files may stand one behind the other
    stream_.next_in = const_cast<Bytef*>(piece.in);  // zlib only reads there
    stream_.avail_in = static_cast<uInt>(piece.in_left);
    stream_.next_out = piece.out;
    stream_.avail_out = static_cast<uInt>(piece.out_left);
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      garbled("gzip", stream_.msg != nullptr ? stream_.msg : "data error");
    }
    complete = result == Z_STREAM_END;
    piece = {stream_.next_in, stream_.avail_in, stream_.next_out, stream_.avail_out};
  }

 private:
  z_stream stream_{};
};

#ifdef TCPASSAY_ZSTD
class Zstd : public Unpacking {
 public:
  Zstd() : stream_(ZSTD_createDStream()) {
    if (stream_ == nullptr) throw std::bad_alloc();
    int log = 0;
    while ((std::size_t{1} << log) < PackedFile::kWindowMax) ++log;
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, log);
  }
  ~Zstd() override { ZSTD_freeDStream(stream_); }
  Zstd(const Zstd&) = delete;
  void step(Piece& piece, bool) override {
    if (complete && piece.in_left == 0) return;
    ZSTD_inBuffer in{piece.in, piece.in_left, 0};
    ZSTD_outBuffer out{piece.out, piece.out_left, 0};
    const std::size_t result = ZSTD_decompressStream(stream_, &out, &in);
    if (ZSTD_isError(result) != 0) garbled("zstd", ZSTD_getErrorName(result));
    complete = result == 0;
    piece = {piece.in + in.pos, piece.in_left - in.pos, piece.out + out.pos, piece.out_left - out.pos};
  }

 private:
  ZSTD_DStream* stream_;
};
#endif

#ifdef TCPASSAY_LZMA
class Xz : public Unpacking {
 public:
  Xz() {
    if (lzma_stream_decoder(&stream_, PackedFile::kWindowMax, LZMA_CONCATENATED) != LZMA_OK) throw std::bad_alloc();
  }
  ~Xz() override { lzma_end(&stream_); }
  Xz(const Xz&) = delete;
  // Only at the end of the file can be told that no further stream follows.
  void step(Piece& piece, bool last) override {
    stream_.next_in = piece.in;
    stream_.avail_in = piece.in_left;
    stream_.next_out = piece.out;
    stream_.avail_out = piece.out_left;
    const lzma_ret result = lzma_code(&stream_, last ? LZMA_FINISH : LZMA_RUN);
    if (result == LZMA_MEMLIMIT_ERROR) garbled("xz", "its window is too large");
    if (result != LZMA_OK && result != LZMA_STREAM_END && result != LZMA_BUF_ERROR) garbled("xz", "data error");
    complete = result == LZMA_STREAM_END;
    piece = {stream_.next_in, stream_.avail_in, stream_.next_out, stream_.avail_out};
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
};
#endif

std::unique_ptr<Unpacking> unpacking(const std::string& packing) {
  if (packing == "gzip") return std::make_unique<Gzip>();
#ifdef TCPASSAY_ZSTD
  if (packing == "zstd") return std::make_unique<Zstd>();
#endif
#ifdef TCPASSAY_LZMA
  if (packing == "xz") return std::make_unique<Xz>();
#endif
  return nullptr;
}

}  // namespace

struct PackedFile::Impl {
  int file = -1;
  std::string packing{};
  std::unique_ptr<Unpacking> with{};
  std::vector<std::uint8_t> buffer = std::vector<std::uint8_t>(1 << 16);
  std::size_t at = 0, end = 0;  // of the buffer: what is not yet taken
  std::uint64_t octets_in = 0, octets_out = 0;
  bool (*stop)() = nullptr;
  bool ended = false;
  bool pending = false;  // the unpacked octets did not all have room: no more are needed to go on

  Impl() = default;
  Impl(const Impl&) = delete;
  ~Impl() {
    if (file >= 0) close(file);
  }
  // Into the buffer from `place` on; 0 at the end of the file. A pipe gives what there is, so that nothing that has
  // come waits.
  std::size_t take(std::size_t place) {
    constexpr int kLookEvery = 100;  // milliseconds
    pollfd waiting{.fd = file, .events = POLLIN, .revents = 0};
    while (stop != nullptr && !stop() && poll(&waiting, 1, kLookEvery) <= 0) {
    }
    if (stop != nullptr && stop()) return 0;
    ssize_t got = 0;
    do {
      got = ::read(file, &buffer[place], buffer.size() - place);
    } while (got < 0 && errno == EINTR);
    if (got < 0) throw std::runtime_error(fmt::format("cannot be read: {}", std::strerror(errno)));
    return static_cast<std::size_t>(got);
  }
  // False at the end of the file.
  bool fill() {
    if (at < end) return true;
    if (ended) return false;
    at = 0;
    end = take(0);
    octets_in += end;
    ended = end == 0;
    return !ended;
  }
  std::size_t copy(std::uint8_t* into, std::size_t count) {
    std::size_t done = 0;
    while (done < count && fill()) {
      const std::size_t some = std::min(count - done, end - at);
      std::memcpy(into + done, &buffer[at], some);
      at += some;
      done += some;
    }
    return done;
  }
  std::size_t unpack(std::uint8_t* into, std::size_t count) {
    Piece piece{nullptr, 0, into, count};
    while (piece.out_left > 0) {
      const bool more = pending || fill();
      const std::size_t before = piece.out_left;
      piece.in = &buffer[0] + at;
      piece.in_left = end - at;
      with->step(piece, !more);
      at = end - piece.in_left;
      pending = piece.out_left == 0;
      if (more || piece.out_left < before) continue;
      if (!with->complete) garbled(packing.c_str(), "the file ends within it");
      break;
    }
    octets_out += count - piece.out_left;
    if (octets_out > kGrowthFree && octets_out / kGrowthMax > octets_in) {
      garbled(packing.c_str(), fmt::format("{} octets became {}: this is no capture", octets_in, octets_out));
    }
    return count - piece.out_left;
  }
};

PackedFile::PackedFile(const std::string& path, bool (*stop)()) : impl_(std::make_unique<Impl>()) {
  impl_->stop = stop;
  errno = 0;
  impl_->file = path == kStandardInput ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (impl_->file < 0) throw CaptureError(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  constexpr std::size_t kFirst = 8;  // octets tell the packing
  try {
    while (impl_->end < kFirst) {  // a pipe may give fewer at a time
      const std::size_t got = impl_->take(impl_->end);
      if (got == 0) break;
      impl_->end += got;
    }
  } catch (const std::runtime_error& error) {
    throw CaptureError(fmt::format("{}: {}", path, error.what()));
  }
  impl_->octets_in = impl_->end;
  const char* packing = packing_of(impl_->buffer.data(), impl_->end);
  if (packing == nullptr) return;
  impl_->packing = packing;
  impl_->with = unpacking(packing);
  if (!impl_->with) throw CaptureError(fmt::format("{}: packed by {}: unpack it first", path, packing));
}
PackedFile::~PackedFile() = default;
PackedFile::PackedFile(PackedFile&&) noexcept = default;

std::size_t PackedFile::read(void* into, std::size_t count) {
  auto* octets = static_cast<std::uint8_t*>(into);
  return impl_->with ? impl_->unpack(octets, count) : impl_->copy(octets, count);
}

const char* packing_of(const std::uint8_t* octets, std::size_t count) {
  for (const Packing& packing : kPackings) {
    if (count >= packing.length && std::memcmp(octets, packing.octets, packing.length) == 0) return packing.name;
  }
  return nullptr;
}

bool unpacks(const std::string& packing) {
  return unpacking(packing) != nullptr;
}

}  // namespace tcpassay
