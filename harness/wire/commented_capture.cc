// SPDX-License-Identifier: Apache-2.0
#include "harness/wire/commented_capture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "harness/wire/capture_file.h"

namespace tcpassay {
namespace {

// Of the pcapng format (draft-ietf-opsawg-pcapng).
constexpr std::uint32_t kSection = 0x0A0D0D0A, kInterface = 1, kEnhancedPacket = 6, kOctetOrder = 0x1A2B3C4D;
constexpr std::uint16_t kEnd = 0, kComment = 1, kApplication = 4, kResolution = 9, kLinkRaw = 101;
constexpr std::size_t kOptionMax = 65535;

// In the machine's own octet order, which the section says.
template <class Number>
void put(Bytes& out, Number value) {
  const auto* octets = reinterpret_cast<const std::uint8_t*>(&value);
  out.insert(out.end(), octets, octets + sizeof value);
}

void put_padded(Bytes& out, const void* data, std::size_t size) {
  const auto* octets = static_cast<const std::uint8_t*>(data);
  out.insert(out.end(), octets, octets + size);
  out.resize((out.size() + 3) / 4 * 4);
}

void put_option(Bytes& out, std::uint16_t code, std::string_view value) {
  value = value.substr(0, kOptionMax);
  put(out, code);
  put(out, static_cast<std::uint16_t>(value.size()));
  put_padded(out, value.data(), value.size());
}

void end_options(Bytes& out) {
  put(out, kEnd);
  put(out, kEnd);
}

}  // namespace

CommentedCapture::CommentedCapture(std::string path)
    : path_(std::move(path)), part_(path_ + ".part"), file_(std::fopen(part_.c_str(), "wbe")) {
  if (!file_) throw CaptureError(fmt::format("{}: cannot be written: {}", path_, std::strerror(errno)));
  Bytes section;
  put(section, kOctetOrder);
  put(section, std::uint16_t{1});  // version 1.0
  put(section, std::uint16_t{0});
  put(section, ~std::uint64_t{0});  // the length of the section is not said
  put_option(section, kApplication, "tcpassay");
  end_options(section);
  block(kSection, section);
  Bytes interface;
  put(interface, kLinkRaw);
  put(interface, std::uint16_t{0});
  put(interface, std::uint32_t{0});  // packets are whole
  put_option(interface, kResolution, "\x09");
  end_options(interface);
  block(kInterface, interface);
}

CommentedCapture::~CommentedCapture() {
  if (!file_) return;
  file_.reset();
  std::error_code ignored;
  std::filesystem::remove(part_, ignored);
}

void CommentedCapture::block(std::uint32_t type, const Bytes& body) {
  Bytes out;
  const auto octets = static_cast<std::uint32_t>(body.size() + 12);
  put(out, type);
  put(out, octets);
  out.insert(out.end(), body.begin(), body.end());
  put(out, octets);
  std::fwrite(out.data(), 1, out.size(), file_.get());
}

void CommentedCapture::write(Time when, ByteView packet, std::string_view comment) {
  const auto at = static_cast<std::uint64_t>(std::max<std::int64_t>(when.count(), 0));
  const auto octets = static_cast<std::uint32_t>(packet.size());
  Bytes body;
  put(body, std::uint32_t{0});  // the interface
  put(body, static_cast<std::uint32_t>(at >> 32));
  put(body, static_cast<std::uint32_t>(at));
  put(body, octets);
  put(body, octets);
  put_padded(body, packet.data(), packet.size());
  if (!comment.empty()) {
    put_option(body, kComment, comment);
    end_options(body);
  }
  block(kEnhancedPacket, body);
}

void CommentedCapture::close() {
  errno = 0;
  const bool flushed = std::fflush(file_.get()) == 0 && std::ferror(file_.get()) == 0;
  const int reason = errno != 0 ? errno : EIO;
  if (!flushed) throw CaptureError(fmt::format("{}: cannot be written: {}", path_, std::strerror(reason)));
  file_.reset();
  std::error_code error;
  std::filesystem::rename(part_, path_, error);
  if (!error) return;
  std::error_code ignored;
  std::filesystem::remove(part_, ignored);
  throw CaptureError(fmt::format("{}: cannot be written: {}", path_, error.message()));
}

}  // namespace tcpassay
