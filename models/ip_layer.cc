// SPDX-License-Identifier: Apache-2.0
#include "models/ip_layer.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>

#include "models/candidate.h"
#include "models/congestion/congestion.h"
#include "models/event.h"
#include "models/freedom.h"
#include "models/rules.h"
#include "models/segment.h"
#include "models/step.h"
#include "models/tcb.h"

namespace tcpassay {
namespace {

constexpr int kOtherTarget = 6;  // farther than any fault: the segment shows that the target does otherwise
constexpr Time kNoIncrease = std::chrono::minutes(5);     // RFC 1191 section 3: after a message
constexpr Time kAtOnce = std::chrono::milliseconds(150);  // no retransmission timer expires sooner
constexpr std::uint32_t kIpv6Floor = 1280;
constexpr std::uint32_t kTcpHeader = 20;
constexpr int kDuplicates = 3;           // RFC 5681 section 3.2: so many duplicate ACKs make text leave again at once
constexpr std::uint32_t kLeastText = 8;  // fragments carry multiples of so many octets

constexpr std::uint8_t kDscp = 0xfc;  // of the traffic class; the other two bits are ECN's

enum class Kind { kNoError, kOther, kSourceQuench, kSoft, kHard, kTooBig };

// RFC 792: echo, timestamp, information, their replies and address masks (RFC 950); RFC 4443 section 2.1. A redirect
// concerns IP only (RFC 1122 section 3.2.2.2).
bool is_no_error(const IcmpArrives& message) {
  constexpr std::uint8_t kInformationOfIpv6 = 128;
  constexpr std::uint8_t kNoErrors[] = {0, 5, 8, 9, 10, 13, 14, 15, 16, 17, 18};
  if (message.version == 6) return message.type >= kInformationOfIpv6;
  return std::find(std::begin(kNoErrors), std::end(kNoErrors), message.type) != std::end(kNoErrors);
}

// 3.9.2.2
Kind kind_of(const IcmpArrives& message) {
  if (is_no_error(message)) return Kind::kNoError;
  if (message.version == 6) {
    switch (message.type) {
      case 1:  // destination unreachable
        if (message.code == 0 || message.code == 3) return Kind::kSoft;
        return message.code == 1 || message.code == 4 ? Kind::kHard : Kind::kOther;
      case 2:
        return Kind::kTooBig;
      case 3:
        return Kind::kSoft;  // time exceeded
      case 4:
        return Kind::kSoft;  // parameter problem
      default:
        return Kind::kOther;
    }
  }
  switch (message.type) {
    case 3:  // destination unreachable
      if (message.code == 0 || message.code == 1 || message.code == 5) return Kind::kSoft;
      if (message.code == 4) return Kind::kTooBig;
      return message.code == 2 || message.code == 3 ? Kind::kHard : Kind::kOther;
    case 4:
      return Kind::kSourceQuench;
    case 11:
      return Kind::kSoft;  // time exceeded
    case 12:
      return Kind::kSoft;  // parameter problem
    default:
      return Kind::kOther;
  }
}

void too_big(Step& on, const IcmpArrives& message) {
  Candidate& tcb = on.tcb;
  IpLayer& ip = tcb.ip;
  ip.too_big_seen = true;
  ip.announced = static_cast<std::uint16_t>(std::min<std::uint32_t>(message.mtu, 0xffff));
  const std::uint32_t header = message.version == 6 ? 40u : 20u;
  const std::uint32_t floor = message.version == 6 ? kIpv6Floor : kIpv4Floor;
  ip.least_told = std::min(ip.least_told, static_cast<std::uint16_t>(std::max<std::uint32_t>(ip.announced, floor)));
  const std::uint32_t now = ip.path_mtu != 0 ? ip.path_mtu : on.env.mms_s + header;
  ip.smaller_told = ip.smaller_told || message.mtu < now;
  const bool quotes_flight = tcb.snd_una <= message.seq && message.seq < tcb.snd_nxt;
  on.cite(message.version == 6 ? Rule::R8201_4_reduce : Rule::R1191_3_reduce);
  on.cite_later(message.version == 6 ? Rule::R8201_4_reduce : Rule::R1191_3_reduce);  // the connection goes on
  if (!synchronized(tcb.state) || !quotes_flight) return;
  // All text in flight may be sent again at once, without a timer, since none of it has arrived.
  tcb.front_alone = false;
  tcb.congestion.arrived_since_quiet = tcb.congestion.lost_told = true;
  tcb.congestion.left = std::max(tcb.congestion.left, tcb.snd_nxt - tcb.snd_una);  // beside what duplicate ACKs show
  tcb.congestion.at_least_on_path = 0;
  tcb.congestion.refused_from = tcb.snd_una;
  tcb.congestion.refused_to = tcb.snd_nxt;
  if ((message.mtu != 0 || message.version == 6) && message.mtu < floor) {
    on.cite(message.version == 6 ? Rule::R8201_4_min : Rule::R1191_3_floor);
    tcb.must_ignore = message.version == 6 ? Rule::R8201_4_min : Rule::R1191_3_floor;
    ip.below_floor = true;
    return;
  }
  if (message.mtu == 0) {  // an old router: any smaller size will do
    on.cite(Rule::R1191_3_old_style);
    tcb.must_ignore = Rule::R1191_3_old_style;
    if (!on.trait(Trait::kObeysTooBig)) ip.ignores_too_big = true;
    ip.unnamed = true;
    ip.path_mtu_at = on.env.since;
    return;
  }
  if (message.mtu >= now) {
    on.cite(message.version == 6 ? Rule::R8201_4_no_increase : Rule::R1191_3_no_increase);
    ip.repeated = !ip.lowered;
    if (ip.path_mtu != 0) on.cite(Rule::R1191_6_4_no_burst);
    ip.raise_announced = message.mtu > now;
    return;
  }
  if (!on.trait(Trait::kObeysTooBig)) {
    ip.ignores_too_big = true;
    return;
  }
  const std::uint32_t headers = header + kTcpHeader;
  const auto segment = [&](std::uint32_t mtu) { return std::min<std::uint32_t>(tcb.snd_mss, mtu - headers); };
  if (message.mtu > headers) congestion_path_lowered(on, segment(now), segment(message.mtu));
  ip.path_mtu = static_cast<std::uint16_t>(message.mtu);
  ip.path_mtu_at = on.env.since;
  ip.lowered = true;
  ip.repeated = ip.raise_announced = false;
}

// RFC 1191 section 3: a message without an MTU is dealt with by smaller packets, or by such as a router may cut. Below
// the floor there are no smaller ones.
bool is_as_large_as_before(const Tcb& tcb, const Departing& seg, std::uint32_t packet) {
  const bool deals = tcb.ip.unnamed && !tcb.ip.ignores_too_big && packet > kIpv4Floor;
  return deals && seg.text.size() >= tcb.congestion.largest && seg.ip.dont_fragment;
}

// Once more what a message said to be too big, in a packet that no router may cut, by whoever ignores such messages.
void leaves_whole_again(Step& on, const Departing& seg, std::uint32_t packet) {
  const IpLayer& ip = on.tcb.ip;
  const bool whole = packet > ip.announced && seg.ip.dont_fragment;
  if (ip.ignores_too_big && on.tcb.rexmits >= 3 && whole) on.depart(Rule::S3_7_2_path_mtu);
}

// More may have been reported than is remembered.
bool may_end_at_a_report(const Scoreboard& board, SndSeq end) {
  const auto begins_there = [&](const SndSpan& span) { return span.from == end; };
  return board.vague || std::any_of(board.sacked.begin(), board.sacked.end(), begins_there);
}

}  // namespace

void ip_set(Step& on, const UserCall& call) {
  IpLayer& ip = on.tcb.ip;
  if (call.option == SocketOption::kTypeOfService) {
    ip.dscp_changed = ip.dscp_set;
    ip.dscp_set = true;
    ip.traffic_class = static_cast<std::uint8_t>(call.value);
  } else {
    ip.ttl_set = true;
    ip.ttl = static_cast<std::uint8_t>(call.value);
  }
}

namespace {

constexpr int kNear = 256;

// The identification is that of the last packet, or, where they count, of an earlier one.
bool known_identification(IpLayer& ip, std::uint16_t identification) {
  const int step = identification - ip.arrived_id;
  const bool known = identification != 0 && (step == 0 || (ip.ids_count && step < 0 && step > -kNear));
  ip.ids_count = ip.arrived_id != 0 && step > 0 && step < kNear;
  ip.arrived_id = identification;
  return known;
}

}  // namespace

bool ip_arrives(Step& on, const Arriving& seg) {
  Candidate& tcb = on.tcb;
  switch (seg.ip.oddity) {
    case Carrier::Oddity::kGroupDestination: {
      const Rule rule = seg.ctl.syn ? Rule::MUST_57 : Rule::S3_9_2_3_all;
      on.cite(rule);
      on.cite_later(rule);
      tcb.must_ignore = rule;
      return false;
    }
    case Carrier::Oddity::kNobodysSource: {
      const Rule rule = seg.ctl.syn ? Rule::MUST_63 : Rule::S3_9_2_3_all;
      on.cite(rule);
      on.cite_later(rule);
      tcb.must_ignore = rule;
      return false;
    }
    case Carrier::Oddity::kOptions:
      on.cite(Rule::MUST_50);
      on.cite_later(Rule::MUST_50);
      tcb.must_ignore = Rule::MUST_50;
      break;
    default:
      break;
  }
  const std::uint8_t dscp = seg.ip.traffic_class & kDscp;
  if (dscp != (tcb.ip.arrived_class & kDscp)) {
    on.cite(Rule::SA_A1_dscp);
    on.cite_later(Rule::SA_A1_dscp);
    tcb.must_ignore = Rule::SA_A1_dscp;
    tcb.ip.arrived_class = seg.ip.traffic_class;
  }
  if (known_identification(tcb.ip, seg.ip.identification)) {
    on.cite(Rule::S3_8_1_identification);
    on.cite_later(Rule::S3_8_1_identification);
    tcb.must_ignore = Rule::S3_8_1_identification;
  }
  return true;
}

bool ip_departs(Step& on, const Departing& seg) {
  Candidate& tcb = on.tcb;
  IpLayer& ip = tcb.ip;
  const bool aborts = seg.ctl.rst && tcb.reply.rule == Rule::S3_10_5_established;  // the RST of a connection
  if (seg.ctl.rst && !aborts) return true;
  if ((tcb.state == State::kTimeWait && !aborts) || (!ip.dscp_set && !ip.ttl_set)) return true;
  if (ip.ttl_set) {
    if (seg.ip.ttl != ip.ttl) {
      on.refuse(Rule::MUST_49, 1);
      return false;
    }
    on.cite(Rule::MUST_49);
  }
  if (!ip.dscp_set) return true;
  const bool same = (seg.ip.traffic_class & kDscp) == (ip.traffic_class & kDscp);
  const bool fresh = seg.ctl.syn || (!aborts && tcb.snd_nxt < seg.seq + seg.len());
  if (!same && fresh && !ip.dscp_changed) {
    on.refuse(Rule::MUST_48, 1);
    return false;
  }
  const Rule rule = fresh && ip.dscp_changed ? Rule::SHLD_21 : Rule::SHLD_22;
  if (!same) {
    on.depart(rule);
    return true;
  }
  if (fresh) on.cite(Rule::MUST_48);
  if (fresh && ip.dscp_changed) on.cite(Rule::SHLD_21);
  on.cite(Rule::SHLD_22);
  return true;
}

namespace {

// RFC 5927 section 4.1: what a message quotes should be text that is not acknowledged yet.
bool outstanding(const Tcb& tcb, const IcmpArrives& message) {
  const bool syn = !synchronized(tcb.state) && message.seq == tcb.iss;
  return syn || (tcb.snd_una <= message.seq && message.seq < tcb.snd_nxt);
}

// An attempt to open is given up; RFC 5927 section 4 has synchronized states treat a hard error as a soft one.
void hard_error(Step& on, const IcmpArrives& message) {
  Candidate& tcb = on.tcb;
  if (synchronized(tcb.state)) {
    if (on.may(Freedom::kHardErrorSparesSynchronized)) return;
  } else if (!outstanding(tcb, message)) {
    if (on.may(Freedom::kHardErrorOfAnother)) return;
  } else if (tcb.passive) {
    if (on.may(Freedom::kHardErrorSparesPassive)) return;
  } else {
    if (!on.should(Rule::SHLD_26)) return;
    on.cite(Rule::SHLD_26);
    on.cite(Rule::MUST_54);
  }
  tcb.signal = Signal::kUnreachable;
  on.delete_tcb(Rule::SHLD_26);
}

}  // namespace

void icmp_arrives(Step& on, const IcmpArrives& message) {
  Candidate& tcb = on.tcb;
  if (tcb.state == State::kClosed || tcb.state == State::kListen) return;
  const bool opening = !synchronized(tcb.state);
  if (kind_of(message) == Kind::kNoError) return;
  if (kind_of(message) != Kind::kSourceQuench) tcb.ip.may_tell = true;
  switch (kind_of(message)) {
    case Kind::kSourceQuench:
      on.cite(Rule::MUST_55);
      on.cite_later(Rule::MUST_55);
      tcb.must_ignore = Rule::MUST_55;
      return;
    case Kind::kSoft:
      // RFC 5461 section 4: many stacks end an attempt to open after a soft error, to try another address.
      if (opening && on.may(Freedom::kSoftErrorEndsAttempt)) {
        tcb.signal = Signal::kUnreachable;
        on.delete_tcb(Rule::MUST_54);
        return;
      }
      if (!opening) {
        on.cite(Rule::MUST_56);
        on.cite_later(Rule::MUST_56);
        tcb.must_ignore = Rule::MUST_56;
        on.survives(Rule::MUST_56);
      }
      if (outstanding(tcb, message)) tcb.ip.soft_error = true;
      return;
    case Kind::kHard:
      hard_error(on, message);
      return;
    case Kind::kTooBig:
      too_big(on, message);
      return;
    case Kind::kNoError:
      return;
    case Kind::kOther:  // not classified: it may end an attempt to open, or count as soft
      if (on.may(Freedom::kOtherErrorEnds)) {
        tcb.signal = Signal::kUnreachable;
        on.delete_tcb(Rule::MUST_54);
      }
      return;
  }
}

void icmp_elsewhere(Step& on) {
  if (on.tcb.state == State::kClosed || on.tcb.state == State::kListen) return;
  on.cite(Rule::MUST_54);
  on.cite_later(Rule::MUST_54);
  on.tcb.must_ignore = Rule::MUST_54;
}

std::uint32_t path_room(const Step& on) {
  const std::uint32_t link = on.env.mms_s - kTcpHeader, header = on.env.mms_s == 1460 ? 40 : 20;  // of IPv6, of IPv4
  if (!on.tcb.ip.smaller_told) return link;
  return std::min(link, on.tcb.ip.least_told - header - kTcpHeader);
}

bool path_departs(Step& on, const Departing& seg, bool resent) {
  Candidate& tcb = on.tcb;
  IpLayer& ip = tcb.ip;
  const auto octets = static_cast<std::uint32_t>(seg.text.size());
  const bool v6 = on.env.mms_s == 1460;
  const std::uint32_t header = v6 ? 40 : 20, packet = header + kTcpHeader + seg.opt.octets + octets;
  // A target may send small segments for other reasons: it did before, or the segment is the rest of one that the peer
  // has in part. Segments as large as the announced MTU show that it obeyed.
  const std::uint32_t told = std::max<std::uint32_t>(ip.announced, header + kTcpHeader + seg.opt.octets + kLeastText);
  const bool at_reported = may_end_at_a_report(tcb.board, seg.seq + octets);
  const bool cut = octets + seg.opt.octets < std::min<std::uint32_t>(tcb.snd_mss, tcb.congestion.largest) &&
                   seg.seq + octets != tcb.snd_nxt && !at_reported && seg.seq + octets < tcb.snd_end &&
                   octets < tcb.snd_edge() - seg.seq;
  const bool as_told = packet <= told && told < packet + kLeastText;
  // What leaves again may be cut in two: half of what the floor has room for, beside SACK blocks or without them, tells
  // of no smaller estimate.
  const std::uint32_t room = (v6 ? kIpv6Floor : kIpv4Floor) - header - kTcpHeader - seg.opt.octets;
  const std::uint32_t blocks = seg.opt.blocks > 0 ? 4 + 8 * seg.opt.blocks : 0;
  const bool half = resent && (octets == (room + 1) / 2 || octets == std::min(room, (room + blocks + 1) / 2));
  if (ip.below_floor && cut && as_told && !half && packet < (v6 ? kIpv6Floor : kIpv4Floor)) {
    on.refuse(v6 ? Rule::R8201_4_min : Rule::R1191_3_floor, 1);
    return false;
  }
  const Congestion& cc = tcb.congestion;
  const bool by_duplicates = cc.duplicates >= kDuplicates || cc.phase == Congestion::Phase::kRecovery;
  const bool at_once = resent && !by_duplicates && on.env.now - tcb.front_from < kAtOnce;
  const bool by_timer = tcb.snd_una < seg.seq;       // it follows the front, which a timer may have sent
  if (ip.ignores_too_big && at_once && !by_timer) {  // whoever does so does not ignore it, and that is no fault
    on.refuse(v6 ? Rule::R8201_4_reduce : Rule::R1191_3_reduce, kOtherTarget);
    return false;
  }
  if (resent) leaves_whole_again(on, seg, packet);
  const bool held = on.env.now - ip.path_mtu_at < kNoIncrease;
  if (held && resent && is_as_large_as_before(tcb, seg, packet)) {
    on.refuse(Rule::S3_7_2_path_mtu, 1);
    return false;
  }
  if (ip.path_mtu == 0) return true;
  if (ip.repeated && !ip.lowered && at_once) {
    on.refuse(Rule::R1191_6_4_no_burst, 1);
    return false;
  }
  if (packet > ip.path_mtu && seg.ip.dont_fragment && held) {
    const bool later_on = on.env.now - ip.path_mtu_at > std::chrono::minutes(1);
    on.refuse(v6                   ? ip.raise_announced ? Rule::R8201_4_no_increase : Rule::R8201_4_reduce
              : ip.raise_announced ? Rule::R1191_3_no_increase
              : later_on           ? Rule::R1191_3_interval
                                   : Rule::R1191_3_reduce,
              1);
    return false;
  }
  if (octets + 4 >= ip.path_mtu - header - kTcpHeader - seg.opt.octets) {  // a full one
    on.cite(v6 ? Rule::R8201_4_reduce : Rule::R1191_3_reduce);
    on.cite(Rule::S3_7_2_path_mtu);
    if (ip.raise_announced) on.cite(v6 ? Rule::R8201_4_no_increase : Rule::R1191_3_no_increase);
    if (on.env.since - ip.path_mtu_at > std::chrono::minutes(1)) on.cite(Rule::R1191_3_interval);
  }
  return true;
}

void path_quiet(Candidate& tcb) {
  tcb.ip.lowered = tcb.ip.repeated = false;
}

}  // namespace tcpassay
