// SPDX-License-Identifier: Apache-2.0
// The equations of the RFCs on congestion control, one namespace and one file rfcNNNN.cc for each. Each gives the most
// that its text allows a sender; the judge's own ignorance is taken in the target's favour, and said so. Windows and
// flights are in octets. README.md says which profile uses which.
#pragma once

#include <cstdint>

#include "models/congestion/congestion.h"
#include "models/event.h"

namespace tcpassay {

struct Tcb;

// Initial window: ten segments.
namespace rfc6928 {
std::uint32_t initial_window(std::uint32_t smss);
}

// Appropriate byte counting: what one ACK may add in slow start, and the window that grows by whole segments in
// congestion avoidance.
namespace rfc3465 {
std::uint32_t limit(std::uint32_t smss, bool after_timeout);
void counts(Window& window, std::uint32_t octets, std::uint32_t smss);
}  // namespace rfc3465

// Slow start, congestion avoidance, fast retransmit.
namespace rfc5681 {
// Equation (2): what an ACK of `octets` adds in slow start.
std::uint32_t slow_start_adds(std::uint32_t octets, std::uint32_t limit);
// Equation (3), counted in octets: what an ACK of `octets` adds in congestion avoidance.
std::uint32_t avoidance_adds(std::uint32_t cwnd, std::uint32_t octets, std::uint32_t smss);
// Equation (4): ssthresh after a loss.
std::uint32_t half(std::uint32_t flight, std::uint32_t smss);
// Does an ACK add a segment? `after_timeout`: a slow start has led to ssthresh.
bool slow_start(const Window& window, bool after_timeout);
// An ACK of `octets` of new text opens the window, outside recovery.
void opens(Window& window, std::uint32_t octets, std::uint32_t smss, bool after_timeout);
// Section 4.1: the restart window.
std::uint32_t restart_window(std::uint32_t initial, std::uint32_t cwnd);
}  // namespace rfc5681

// Limited transmit: how far beyond cwnd new text may go, of which `left` has one segment for each duplicate ACK.
namespace rfc3042 {
std::uint32_t beyond_window(const Tcb& tcb);
}

// NewReno: the window in fast recovery.
namespace rfc6582 {
// Step 3, a partial ACK of `octets`: by how much the window stays inflated.
std::uint32_t deflated(std::uint32_t inflation, std::uint32_t octets, std::uint32_t smss);
// Step 3, a full ACK, option (1): the smaller of the two windows that may follow. `flight` is what remains.
std::uint32_t conservative_exit(std::uint32_t flight, std::uint32_t smss);
}  // namespace rfc6582

// Proportional rate reduction: may `more` octets leave in recovery, towards `ssthresh`?
namespace rfc6937 {
bool has_room(const Congestion& cc, std::uint32_t ssthresh, std::uint32_t more);
}

// CUBIC.
namespace rfc9438 {
// Section 4.6: multiplicative decrease, and the epoch that begins.
void reduce(Congestion& cc, std::uint32_t flight, Time now);
// Sections 4.2 to 4.5 and 4.10: an ACK of `octets` opens the window.
void opens(const Tcb& tcb, Congestion& cc, std::uint32_t octets, Time now);
}  // namespace rfc9438

// RACK-TLP: a loss probe may exceed cwnd by one segment.
namespace rfc8985 {
std::uint32_t beyond_window(const Congestion& cc, bool may_probe);
}

// HyStart++: slow start may end before anything is lost.
namespace rfc9406 {
bool may_leave_slow_start(std::uint32_t flight, std::uint32_t smss);
}

// The Eifel response: what evidence that nothing was lost restores. RFC 5682 and RFC 3708 refer to it.
namespace rfc4015 {
// Step (0): pipe_prev, which is ssthresh after the response.
std::uint32_t pipe_prev(std::uint32_t flight, std::uint32_t ssthresh);
// Step (9): cwnd after it, at least.
std::uint32_t window(std::uint32_t flight, std::uint32_t acked, std::uint32_t initial);
}  // namespace rfc4015

}  // namespace tcpassay
