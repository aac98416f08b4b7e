// SPDX-License-Identifier: Apache-2.0
#include "models/time_wait.h"

namespace tcpassay {
namespace {

// What RFC 6191 asks for, and the rule that does so.
struct Advice {
  enum class What : std::uint8_t { kHonour, kEither, kDrop } what = What::kEither;
  Rule rule{};
};
using What = Advice::What;

// "The last sequence number" is that of the peer's FIN, RCV.NXT-1. A SYN at RCV.NXT is greater.
Advice by_sequence(const Tcb& tcb, RcvSeq seq, Rule honour, Rule drop) {
  const bool half_around = (seq - tcb.rcv_nxt + 1) >> 1 == 1u << 30;  // greater as much as smaller
  if (half_around) return {What::kEither, honour};
  if (tcb.rcv_nxt <= seq) return {What::kHonour, honour};
  return {What::kDrop, drop};
}

// `will`: timestamps would be enabled on the new connection.
Advice advice(const Tcb& tcb, const Arriving& syn, bool will) {
  const Stamps& ts = tcb.stamps;
  if (!ts.on()) {
    if (will) return {What::kHonour, Rule::R6191_2_prev_nots_ts};
    return by_sequence(tcb, syn.seq, Rule::R6191_2_prev_nots_seq, Rule::R6191_2_prev_nots_drop);
  }
  if (!will) return by_sequence(tcb, syn.seq, Rule::R6191_2_nots_seq, Rule::R6191_2_ts_drop);
  const std::uint32_t value = syn.opt.timestamps->value;
  bool newer = true, old = true, equal = true;
  for (const std::uint32_t last : ts.recent) {
    const auto ahead = static_cast<std::int32_t>(value - last);
    newer = newer && ahead > 0;
    old = old && ahead < 0;
    equal = equal && ahead == 0;
  }
  for (const std::uint32_t last : ts.arrived) {  // the latest TSval may not have become TS.Recent
    newer = newer && static_cast<std::int32_t>(value - last) > 0;
  }
  if (newer && !ts.unsure) return {What::kHonour, Rule::R6191_2_ts_gt};
  if (old && !ts.unsure) return {What::kDrop, Rule::R6191_2_ts_drop};
  if (equal && !ts.unsure) return by_sequence(tcb, syn.seq, Rule::R6191_2_ts_eq_seq, Rule::R6191_2_ts_drop);
  return {What::kEither, Rule::R6191_2_ts_gt};
}

}  // namespace

SynInTimeWait syn_in_time_wait(Step& on, const Arriving& syn) {
  Candidate& tcb = on.tcb;
  const bool above = tcb.rcv_nxt - 1 < syn.seq;
  const auto refused = [&] {
    return on.may(Freedom::kSynDroppedInTimeWait) ? SynInTimeWait::kDropped : SynInTimeWait::kProceeds;
  };
  if (!on.env.listening) return refused();
  const std::int8_t stamps = tcb.stamps.on() ? std::int8_t{1} : tcb.traits[static_cast<std::size_t>(Trait::kStamps)];
  Advice found = advice(tcb, syn, syn.opt.timestamps && stamps >= 0);
  if (syn.opt.timestamps && stamps == 0 && !above) found.what = What::kEither;
  if (found.what == What::kHonour && on.env.backlog_full) found.what = What::kEither;  // no room for another
  const auto begins = [&] {
    if (above) {
      on.cite(Rule::MAY_2);
      on.cite(Rule::SA4_4_time_wait);
    }
    return SynInTimeWait::kBegins;
  };
  switch (found.what) {
    case What::kHonour:
      if (on.should(found.rule)) {
        on.cite(found.rule);
        return begins();
      }
      break;
    case What::kEither:
      if (on.may(Freedom::kSynReopens)) return begins();
      break;
    case What::kDrop:
      on.cite(found.rule);
      if (tcb.time_wait.least_seq < tcb.rcv_nxt - 1 && tcb.time_wait.least_seq < syn.seq)
        on.cite(Rule::R6191_2_lastseq);
      return refused();
  }
  if (above) {
    on.cite(Rule::MAY_2, false);
    on.cite(Rule::SA4_4_time_wait, false);
  }
  return refused();
}

}  // namespace tcpassay
