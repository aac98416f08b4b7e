// SPDX-License-Identifier: Apache-2.0
// TCP Fast Open (RFC 7413): cookies, text on a SYN, and what a client remembers of a server.
#pragma once

#include <array>
#include <cstdint>

#include "models/event.h"
#include "models/rule.h"
#include "models/segment.h"

namespace tcpassay {

struct Step;

// Of one connection.
struct FastOpen {
  // The target is the server.
  bool asked = false;         // the peer's SYN had the option, with a length that counts
  bool requests = false;      // ... and no cookie
  bool ill_formed = false;    // ... with another length
  bool experimental = false;  // ... with the experimental option number, of before the RFC
  bool granted = false;       // a SYN,ACK gave a cookie
  bool opened = false;        // FastOpened: the text of the SYN was taken at once
  bool no_text = false;       // ... which had none
  bool only_syn = false;      // only the SYN may be acknowledged ...
  Rule why{};                 // ... and the rule that says so
  // The target is the client.
  bool wanted = false;  // its user asked for it
  bool option_sent = false, text_sent = false;
  bool text_due = false;  // the SYN's text was not acknowledged

  friend bool operator==(const FastOpen&, const FastOpen&) = default;
};

namespace fast_open {

inline constexpr std::uint32_t kInitialSegments = 10;  // RFC 6928 section 2 has the greatest initial window

// What is known of cookies and of a port when a SYN arrives or departs.
struct Known {
  enum class Cookie : std::uint8_t { kNone, kIssued, kPerhaps, kOther };  // kPerhaps: issued, but some time ago

  std::uint32_t limit = 0;                      // the user's; 0: Fast Open is not turned on
  std::uint32_t pending = 0, pending_most = 0;  // connections that were opened so and are in SYN-RECEIVED
  Cookie cookie = Cookie::kNone;                // of the SYN that arrives
  bool unseen = false;                          // Terms::fast_open_unseen

  bool cached = false;      // a server gave the target a cookie
  bool negative = false;    // a server did not accept text on the SYN
  bool unanswered = false;  // a server answered a request without a cookie
  bool good = false;        // the SYN that departs has that cookie
  std::uint16_t mss = 0;    // of that server's SYN,ACK; 0: it had none
};

// The cookies of a whole trace. The oracle keeps one ledger for all connections.
class Ledger {
 public:
  void clear() { *this = Ledger{}; }

  void cookie_issued(const Options& opt, Time at);  // on a SYN,ACK of the target
  void syn_ack_arrives(const Arriving& syn_ack, const FastOpen& as, bool text_acknowledged);
  Known known_of(const Options& opt, Time at) const;  // of a SYN, either way

 private:
  struct Cookie {
    std::uint8_t octets = 0;
    std::array<std::uint8_t, 16> octet{};
    Time at{};
    bool is(const Options& opt) const;
  };
  static constexpr int kIssuedMax = 8;
  std::array<Cookie, kIssuedMax> issued_{};
  int count_ = 0;
  Cookie cached_{};
  std::uint16_t mss_ = 0;
  bool negative_ = false, unanswered_ = false;
};

void syn_arrives(Step& on, const Arriving& syn);  // in LISTEN
void syn_ack_departs(Step& on, const Departing& seg, bool again);
void syn_departs(Step& on, const Departing& syn, bool again);
void syn_ack_arrives(Step& on);                        // in SYN-SENT, when SND.UNA is known
void segment_departs(Step& on, const Departing& seg);  // of an open connection
bool may_send_early(Step& on, SndSeq end);             // text in SYN-RECEIVED, up to `end`

}  // namespace fast_open
}  // namespace tcpassay
