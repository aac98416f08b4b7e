// SPDX-License-Identifier: Apache-2.0
#include "models/congestion/profiles.h"

#include <algorithm>
#include <array>

#include "models/congestion/algorithms.h"
#include "models/congestion/steps.h"

namespace tcpassay {
namespace {

constexpr std::array<ProfileInfo, kProfiles> kInfos = {{
#define PROFILE(id, name, sentence) {name, sentence},
#include "models/congestion/profiles.def"
#undef PROFILE
}};

const Window& window_of(const Congestion& cc, Profile profile) {
  return profile == Profile::kCubic ? cc.cubic : cc.reno;
}

// In congestion avoidance the window grows by less than a segment for each ACK, and segments are sent whole: octets may
// have been counted before. The ACK that ends recovery makes the window ssthresh, and no more (RFC 5681 section 3.2,
// step 6); nor was anything counted before the first loss, when it is a timeout that slow start follows.
std::uint32_t rounding(const Congestion& cc, Profile profile) {
  if (window_of(cc, profile).slow_start()) return 0;
  if (cc.cap == Rule::R5681_3_1_ca_inc) return cc.smss;
  const bool after_timeout = cc.cap == Rule::R5681_3_1_rto_ssthresh || cc.cap == Rule::R5681_3_1_rto_cwnd;
  if (after_timeout && cc.counts_unknown) return cc.smss;
  const bool exact = after_timeout || cc.cap == Rule::R5681_3_2_6 || cc.cap == Rule::R6582_3_2_full;
  return exact || profile == Profile::kCubic ? 0 : cc.smss;
}

// The flight that the profile counts: who has SACK options counts what they report, NewReno counts duplicate ACKs, and
// CUBIC leaves recovery as it finds it (RFC 9438 section 4.2).
std::uint32_t flight_before(const Congestion& cc, Profile profile, const Leaving& seg) {
  if (cc.phase != Congestion::Phase::kRecovery || profile == Profile::kSack) return seg.before;
  return profile == Profile::kNewReno ? seg.inflated : std::min(seg.before, seg.inflated);
}

// RFC 6937 section 3: pipe is larger than ssthresh when the ACK arrives that lets the segment leave. A target that does
// not take holes for lost counts them.
bool reduces_in_proportion(const Tcb& tcb, Profile profile, const Leaving& seg, std::uint32_t ssthresh) {
  const Congestion& cc = tcb.congestion;
  if (cc.several || !selective(tcb) || profile == Profile::kNewReno) return true;
  const std::uint32_t below = later(cc.told, tcb.snd_una) - tcb.snd_una, holes = below - std::min(below, reported(tcb));
  return ssthresh + cc.burst < seg.before + holes;
}

bool has_room(const Tcb& tcb, Profile profile, const Leaving& seg, std::uint32_t beyond) {
  const Congestion& cc = tcb.congestion;
  const Window& window = window_of(cc, profile);
  if (flight_before(cc, profile, seg) + seg.more <= window.cwnd + beyond + rounding(cc, profile)) return true;
  if (cc.phase != Congestion::Phase::kRecovery) return false;
  if (seg.replaces && cc.resent == 0) return true;  // what begins recovery leaves, whatever the window (3.2, step 3)
  return reduces_in_proportion(tcb, profile, seg, window.ssthresh) && rfc6937::has_room(cc, window.ssthresh, seg.more);
}

}  // namespace

std::span<const ProfileInfo> profiles() {
  return kInfos;
}

ProfileSet profiles_with_room(const Tcb& tcb, const Leaving& seg) {
  const Congestion& cc = tcb.congestion;
  if (seg.before == 0) return cc.fits;  // even the smallest window has room for one segment
  const std::uint32_t beyond = rfc3042::beyond_window(tcb) + rfc8985::beyond_window(cc, seg.may_probe);
  ProfileSet fits = cc.fits;
  for (int i = 0; i < kProfiles; ++i) {
    const auto profile = static_cast<Profile>(i);
    if (fits.has(profile) && !has_room(tcb, profile, seg, beyond)) fits.remove(profile);
  }
  return fits;
}

}  // namespace tcpassay
