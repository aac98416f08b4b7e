// SPDX-License-Identifier: Apache-2.0
// RFC 9438, section 4: CUBIC for Fast and Long-Distance Networks. Equations in segments and seconds, as the RFC has
// them. When the target's clock began, how large its window was and whether it lets the window converge the judge does
// not know: each is taken in the target's favour.
#include <algorithm>
#include <cmath>

#include "models/congestion/algorithms.h"
#include "models/tcb.h"

namespace tcpassay::rfc9438 {
namespace {

constexpr double kC = 0.4;                 // section 5: C
constexpr double kFastConvergence = 0.85;  // section 4.7: (1 + beta_cubic) / 2
constexpr double kClock = 0.1;             // seconds: the target's clock may be that much ahead

// (1) and (2): W_cubic(t) = C*(t-K)^3 + W_max, K = cubic root of (W_max - cwnd_epoch) / C. Where cwnd_epoch is larger
// than W_max, K is 0 (section 4.2 as of 4.8).
double w_cubic(double t, double w_max, double cwnd_epoch) {
  const double k = std::cbrt(std::max(w_max - cwnd_epoch, 0.0) / kC);
  const double past = t - k;
  return kC * past * past * past + std::max(w_max, cwnd_epoch);
}

// Section 4.2: the target at the next round trip. W_max is cwnd before the loss, or the flight then, or either of them
// after fast convergence. After a timeout K is 0 (section 4.8).
double target(const Tcb& tcb, const Congestion& cc, Time now) {
  const double smss = cc.smss;
  const double t = std::chrono::duration<double>(now - cc.epoch.began + tcb.rtt_max).count() + kClock;
  const double cwnd_epoch = cc.cubic.ssthresh / smss;
  const double w_max = cc.epoch.w_max / smss, flight = 2 * (cc.reno.ssthresh / smss);
  const double most = std::max({w_cubic(t, w_max, cwnd_epoch), w_cubic(t, kFastConvergence * w_max, cwnd_epoch),
                                w_cubic(t, flight, cwnd_epoch), w_cubic(t, kFastConvergence * flight, cwnd_epoch)});
  return cc.after_timeout ? std::max(most, w_cubic(t, 0, cwnd_epoch)) : most;
}

}  // namespace

// ssthresh = flight_size * beta_cubic, or cwnd * beta_cubic; at least two segments; cwnd = ssthresh. Section 4.6: a
// cwnd that is used here must not have grown while less was in flight, so that it is twice the largest flight at most,
// and no larger than the target has shown it to be.
void reduce(Congestion& cc, std::uint32_t flight, Time now) {
  const std::uint32_t used = 2 * std::max(flight, cc.cwnd_at_least);
  const std::uint32_t reduced = std::max(flight, std::min({cc.cubic.cwnd, used, cc.cwnd_at_most}));
  cc.cubic.ssthresh = std::max(reduced / 10 * 7, 2 * cc.smss);  // (5), beta_cubic = 0.7
  if (cc.phase != Congestion::Phase::kRecovery) cc.epoch.w_max = cc.cubic.cwnd;
  cc.epoch.w_est = cc.cubic.ssthresh;
  cc.epoch.began = now;
}

void opens(const Tcb& tcb, Congestion& cc, std::uint32_t octets, Time now) {
  Window& window = cc.cubic;
  if (rfc5681::slow_start(window, cc.after_timeout)) {  // section 4.10: that of RFC 5681, or HyStart++
    rfc5681::opens(window, octets, cc.smss, cc.after_timeout);
    cc.epoch.w_est = window.cwnd;
    return;
  }
  // (4), section 4.3: W_est grows like Reno's window, at alpha_cubic = 1 at most.
  cc.epoch.w_est += rfc5681::avoidance_adds(cc.epoch.w_est, octets, cc.smss);
  std::uint32_t most = Window::kArbitrarilyHigh;
  if (cc.epoch.began != Epoch::kNever) {
    most = static_cast<std::uint32_t>(std::min<double>((target(tcb, cc, now) + 1) * cc.smss, most));
  }
  // Sections 4.4 and 4.5: an ACK of a segment adds (target - cwnd) / cwnd, with a target of 1.5 * cwnd at most (4.2).
  const std::uint32_t step = std::max({octets / 2, cc.smss * cc.smss / std::max(window.cwnd, 1u), 1u});
  const std::uint32_t grown = std::min(window.cwnd + step, std::max(most, cc.epoch.w_est));
  window.cwnd = std::min(std::max(window.cwnd, grown), Window::kArbitrarilyHigh);
  rfc3465::counts(window, octets, cc.smss);
}

}  // namespace tcpassay::rfc9438
