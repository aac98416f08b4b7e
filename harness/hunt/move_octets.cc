// SPDX-License-Identifier: Apache-2.0
#include "harness/hunt/move_octets.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <type_traits>

#include "harness/hunt/carriers.h"
#include "harness/script/tcp_options.h"

namespace tcpassay {
namespace {

constexpr std::size_t kSettingsMax = 8, kIpOptionsMax = 40;
constexpr const char* kCookies[] = {"", kCookieOfTarget, kCookieChanged, kCookieOfZeros};

// Puts values at the end of some octets. Out and In have the same functions, so that one description serves both.
class Out {
 public:
  static constexpr bool kReads = false;

  template <class Number>
  void number(const Number& value) {
    using Bits = std::make_unsigned_t<Number>;
    for (std::size_t i = 0; i < sizeof(Number); ++i)
      octets_.push_back(static_cast<std::uint8_t>(static_cast<Bits>(value) >> 8 * i));
  }
  void bytes(const Bytes& value, std::size_t most) {
    const std::size_t count = std::min(value.size(), most);
    octets_.push_back(static_cast<std::uint8_t>(count));
    octets_.insert(octets_.end(), value.begin(), value.begin() + static_cast<std::ptrdiff_t>(count));
  }
  std::size_t size() const { return octets_.size(); }
  void cut(std::size_t size) { octets_.resize(size); }
  Bytes take() { return std::move(octets_); }

 private:
  Bytes octets_;
};

// Takes values from the front; behind the end everything is zero.
class In {
 public:
  static constexpr bool kReads = true;
  explicit In(ByteView octets) : rest_(octets) {}

  template <class Number>
  void number(Number& value) {
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i) bits |= static_cast<std::uint64_t>(octet()) << 8 * i;
    value = static_cast<Number>(bits);
  }
  void bytes(Bytes& value, std::size_t most) {
    const std::size_t count = std::min({static_cast<std::size_t>(octet()), most, rest_.size()});
    value.assign(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(count));
    rest_ = rest_.subspan(count);
  }
  bool ended() const { return rest_.empty(); }

 private:
  std::uint8_t octet() {
    if (rest_.empty()) return 0;
    const std::uint8_t first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }

  ByteView rest_;
};

// An enumerator below `count`.
template <class Io, class Enum>
void choice(Io& io, Enum& value, int count) {
  auto number = static_cast<std::uint8_t>(value);
  io.number(number);
  if constexpr (Io::kReads) value = static_cast<Enum>(number % count);
}

template <class Io, std::size_t n>
void bits(Io& io, bool* const (&flags)[n]) {
  std::uint16_t word = 0;
  for (std::size_t i = 0; i < n; ++i) word = static_cast<std::uint16_t>(word | (*flags[i] ? 1u << i : 0u));
  io.number(word);
  if constexpr (Io::kReads) {
    for (std::size_t i = 0; i < n; ++i) *flags[i] = (word >> i & 1u) != 0;
  }
}

template <class Io, class Number>
void maybe(Io& io, bool has, std::optional<Number>& value) {
  if constexpr (Io::kReads) value = has ? std::optional<Number>(0) : std::nullopt;
  if (has) io.number(*value);
}

template <class Io>
void options(Io& io, std::vector<OptionSpec>& list) {
  Bytes octets;
  std::uint8_t cookie = 0;
  if constexpr (!Io::kReads) {
    for (const OptionSpec& option : list) {
      if (option.kind == OptionSpec::Kind::kRaw && !option.name.empty()) continue;
      const auto* known = std::find(std::begin(kCookies), std::end(kCookies), option.name);
      if (known != std::end(kCookies) && known != kCookies) cookie = static_cast<std::uint8_t>(known - kCookies);
    }
    try {
      octets = option_octets(list);
    } catch (const std::runtime_error&) {
      octets.clear();  // they are too long
    }
  }
  io.bytes(octets, kOptionOctetsMax);
  io.number(cookie);
  if constexpr (Io::kReads) {
    list = parse_options(octets);
    // A script writes raw octets behind the options that it has words for.
    std::stable_partition(list.begin(), list.end(),
                          [](const OptionSpec& option) { return option.kind != OptionSpec::Kind::kRaw; });
    for (OptionSpec& option : list) {
      const bool fast_open =
          option.kind == OptionSpec::Kind::kFastOpen || option.kind == OptionSpec::Kind::kFastOpenExp;
      if (fast_open) option.name = kCookies[cookie % std::size(kCookies)];
    }
  }
}

// The options, and what a target has to refuse the packet for.
template <class Io>
void carrier(Io& io, SegmentSpec& spec) {
  ChecksumField checksum = checksum_of(spec);
  std::uint8_t source = number_of(spec.damage.source), destination = number_of(spec.damage.destination);
  options(io, spec.options);
  choice(io, checksum, kChecksumFields);
  io.number(source);
  io.number(destination);
  if constexpr (!Io::kReads) return;
  set_checksum(spec, checksum);
  spec.damage.source = odd_address(source % (kOddAddresses + 1));
  spec.damage.destination = odd_address(destination % (kOddAddresses + 1));
}

template <class Io>
void segment(Io& io, SegmentMove& move) {
  SegmentSpec& spec = move.spec;
  Ctl& ctl = spec.ctl;
  bool ack = spec.ack.has_value(), wnd = spec.wnd.has_value(), up = spec.up.has_value();
  bool local = spec.local_port.has_value(), remote = spec.remote_port.has_value();
  bool offset = spec.damage.data_offset.has_value(), truncated = spec.damage.truncate.has_value();
  bool traffic_class = spec.traffic_class.has_value();
  bits(io, {&ctl.fin, &ctl.syn, &ctl.rst, &ctl.psh, &ctl.ack, &ctl.urg, &ctl.ece, &ctl.cwr, &ack, &wnd, &up, &local,
            &remote, &offset, &truncated, &traffic_class});
  choice(io, move.seq, kSeqAnchors);
  io.number(move.seq_distance);
  choice(io, move.ack, kAckAnchors);
  io.number(move.ack_distance);
  auto length = static_cast<std::uint16_t>(std::min(spec.length, 65535u));
  io.number(length);
  spec.length = length;
  spec.ack = ack ? std::optional<std::uint32_t>(0) : std::nullopt;  // it is computed when the segment is sent
  maybe(io, wnd, spec.wnd);
  maybe(io, up, spec.up);
  maybe(io, local, spec.local_port);
  maybe(io, remote, spec.remote_port);
  maybe(io, offset, spec.damage.data_offset);
  if (spec.damage.data_offset) *spec.damage.data_offset &= 15u;
  maybe(io, truncated, spec.damage.truncate);
  maybe(io, traffic_class, spec.traffic_class);
  bool identified = spec.damage.identification.has_value(), carries_options = !spec.damage.ip_options.empty();
  bits(io, {&spec.damage.bad_checksum, &identified, &carries_options});
  maybe(io, identified, spec.damage.identification);
  if (carries_options) io.bytes(spec.damage.ip_options, kIpOptionsMax);
  spec.damage.ip_options.resize(spec.damage.ip_options.size() / 4 * 4);
  io.number(ctl.reserved);
  ctl.reserved &= 15u;
  carrier(io, spec);
}

template <class Io>
void call(Io& io, Call& made) {
  choice(io, made.kind, static_cast<int>(CallKind::kPoll) + 1);
  auto handle = static_cast<std::int8_t>(std::clamp(made.handle, -1, 127));
  io.number(handle);
  made.handle = std::max(static_cast<int>(handle), -1);
  auto how = static_cast<std::uint8_t>(made.how);
  io.number(how);
  made.how = how % 3;
  io.number(made.port);
  io.number(made.length);
  choice(io, made.option, static_cast<int>(SocketOption::kOther));
  io.number(made.value);
  bits(io, {&made.urgent, &made.more, &made.record_end});
  if (made.kind != CallKind::kSocket && made.kind != CallKind::kAccept) return;
  auto named = static_cast<std::int8_t>(std::clamp<std::int64_t>(made.result.value_or(0), 0, 127));
  io.number(named);
  made.result = std::max<std::int8_t>(named, 0);
}

template <class Io>
void icmp(Io& io, IcmpMove& move) {
  choice(io, move.message, kIcmpMessages);
  io.number(move.mtu);
  choice(io, move.seq, kAckAnchors);
  io.number(move.distance);
}

template <class Io>
void setting(Io& io, Setting& each) {
  const auto table = setting_table();
  const auto known = std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.name == each.name; });
  auto row = static_cast<std::uint8_t>(known == table.end() ? 0 : known - table.begin());
  auto value = static_cast<std::uint32_t>(each.value - table[row].least);
  io.number(row);
  io.number(value);
  if constexpr (!Io::kReads) return;
  const SettingInfo& info = table[row % table.size()];
  each = {.name = std::string(info.name), .value = info.least + value % (info.most - info.least + 1)};
}

template <class Io>
void one(Io& io, Move& move) {
  auto kind = static_cast<std::uint8_t>(move.what.index());
  io.number(kind);
  auto wait = move.wait.count();
  io.number(wait);
  if constexpr (Io::kReads) {
    move.wait = Time(wait < 0 ? 0 : wait);
    if (kind % 4 == 0) move.what = WaitMove{};
    if (kind % 4 == 1) move.what = SegmentMove{};
    if (kind % 4 == 2) move.what = Call{};
    if (kind % 4 == 3) move.what = IcmpMove{};
  }
  if (auto* seg = std::get_if<SegmentMove>(&move.what)) segment(io, *seg);
  if (auto* made = std::get_if<Call>(&move.what)) call(io, *made);
  if (auto* message = std::get_if<IcmpMove>(&move.what)) icmp(io, *message);
}

bool has_octets(const Move& move) {
  const auto* made = std::get_if<Call>(&move.what);
  return made == nullptr || made->option != SocketOption::kOther;
}

}  // namespace

Bytes octets_of(const Moves& moves) {
  Out out;
  Moves copy = moves;
  if (copy.settings.size() > kSettingsMax) copy.settings.resize(kSettingsMax);
  out.number(copy.ip);
  out.number(static_cast<std::uint8_t>(copy.settings.size()));
  for (Setting& each : copy.settings) setting(out, each);
  for (Move& move : copy.moves) {
    const std::size_t before = out.size();
    if (has_octets(move)) one(out, move);
    if (out.size() <= kMoveOctetsMax) continue;
    out.cut(before);
    break;
  }
  return out.take();
}

Moves moves_of(ByteView octets) {
  In in(octets.first(std::min(octets.size(), kMoveOctetsMax)));
  Moves made;
  in.number(made.ip);
  made.ip = made.ip == 6 ? 6 : 4;
  std::uint8_t settings = 0;
  in.number(settings);
  made.settings.resize(settings % (kSettingsMax + 1));
  for (Setting& each : made.settings) setting(in, each);
  while (!in.ended() && made.moves.size() < kMovesMax) one(in, made.moves.emplace_back());
  return made;
}

}  // namespace tcpassay
