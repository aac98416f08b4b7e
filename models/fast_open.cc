// SPDX-License-Identifier: Apache-2.0
// RFC 7413 section 4. Cookie-less operation (7.3) is not assumed.
#include "models/fast_open.h"

#include <algorithm>

#include "models/step.h"

namespace tcpassay::fast_open {
namespace {

constexpr Time kFreshFor = std::chrono::seconds(60);  // no server lets a cookie expire sooner
constexpr std::uint16_t kTypicalMss = 1460;

// 4.1.1: a cookie has 4 to 16 octets, an even number.
bool well_formed(const Options& opt) {
  return opt.cookie_octets == 0 || (opt.cookie_octets >= 4 && opt.cookie_octets % 2 == 0);
}

const Known& known_to(const Step& on) {
  static constexpr Known kNothing{};
  return on.env.fast_open != nullptr ? *on.env.fast_open : kNothing;
}

// 9
void form_departs(Step& on, const Departing& seg, bool fallback) {
  if (seg.opt.fast_open) on.cite(Rule::R7413_9_option34);
  if (seg.opt.fast_open_experiment && !fallback) on.depart(Rule::R7413_9_option34);
}

}  // namespace

bool Ledger::Cookie::is(const Options& opt) const {
  return octets != 0 && octets == opt.cookie_octets &&
         std::equal(octet.begin(), octet.begin() + octets, opt.cookie.begin());
}

void Ledger::cookie_issued(const Options& opt, Time at) {
  if (opt.cookie_octets == 0) return;
  for (int i = 0; i < count_; ++i) {
    if (issued_[static_cast<std::size_t>(i)].is(opt)) {
      issued_[static_cast<std::size_t>(i)].at = at;
      return;
    }
  }
  if (count_ == kIssuedMax) return;
  issued_[static_cast<std::size_t>(count_++)] = {.octets = opt.cookie_octets, .octet = opt.cookie, .at = at};
}

// 4.1.3, 4.1.3.1 and 4.2.1
void Ledger::syn_ack_arrives(const Arriving& syn_ack, const FastOpen& as, bool text_acknowledged) {
  const bool given = syn_ack.opt.fast_open && syn_ack.opt.cookie_octets != 0 && well_formed(syn_ack.opt);
  if (as.option_sent && !as.text_sent) unanswered_ = !given;
  if (as.text_sent) negative_ = !text_acknowledged && !given;
  if (given && as.wanted) {
    cached_ = {.octets = syn_ack.opt.cookie_octets, .octet = syn_ack.opt.cookie};
    mss_ = syn_ack.opt.mss.value_or(0);
  }
}

Known Ledger::known_of(const Options& opt, Time at) const {
  Known known{.cached = cached_.octets != 0, .negative = negative_, .unanswered = unanswered_, .mss = mss_};
  known.good = cached_.is(opt);
  if (!opt.fast_open || opt.cookie_octets == 0) return known;
  known.cookie = Known::Cookie::kOther;
  for (int i = 0; i < count_; ++i) {
    const Cookie& cookie = issued_[static_cast<std::size_t>(i)];
    if (cookie.is(opt)) known.cookie = at - cookie.at < kFreshFor ? Known::Cookie::kIssued : Known::Cookie::kPerhaps;
  }
  return known;
}

namespace {

// The server may have turned Fast Open on, granted the cookie, or need none, where the trace does not show it.
void syn_arrives_unseen(Step& on, const Arriving& syn) {
  FastOpen& state = on.tcb.fast_open;
  const bool cookie = (syn.opt.fast_open || syn.opt.fast_open_experiment) && syn.opt.cookie_octets != 0;
  if (state.no_text && !cookie) return;
  state.why = Rule::R7413_4_2_2_valid;
  state.opened = !on.may(Freedom::kFastOpenNotTaken);
  state.only_syn = !state.opened && !state.no_text && syn.opt.fast_open;
}

}  // namespace

// 4.2.2, Server: receiving SYN
void syn_arrives(Step& on, const Arriving& syn) {
  FastOpen& state = on.tcb.fast_open;
  const Known& known = known_to(on);
  state.asked = syn.opt.fast_open && well_formed(syn.opt);
  state.ill_formed = syn.opt.fast_open && !state.asked;
  state.requests = state.asked && syn.opt.cookie_octets == 0;
  state.experimental = syn.opt.fast_open_experiment;
  state.no_text = syn.text.empty();
  if (known.unseen && !state.ill_formed) return syn_arrives_unseen(on, syn);
  if (!syn.opt.fast_open) return;
  if (state.no_text) {  // FastOpened notifies the application all the same
    const bool valid = known.cookie == Known::Cookie::kIssued || known.cookie == Known::Cookie::kPerhaps;
    state.opened = valid && known.pending < known.limit && !on.may(Freedom::kFastOpenNotTaken);
    return;
  }
  state.only_syn = true;
  if (state.ill_formed) {
    state.why = Rule::R7413_4_1_1_invalid;
  } else if (known.limit == 0) {
    state.why = Rule::R7413_4_2_off;
  } else if (known.cookie == Known::Cookie::kNone || known.cookie == Known::Cookie::kOther) {
    state.why = Rule::R7413_4_2_2_invalid;
  } else if (known.limit < known.pending) {
    state.why = Rule::R7413_4_2_limit;
  } else {
    state.why = Rule::R7413_4_2_2_valid;
    const bool sure = known.cookie == Known::Cookie::kIssued && known.pending_most < known.limit;
    state.opened = sure ? on.should(Rule::R7413_4_2_2_valid) : !on.may(Freedom::kFastOpenNotTaken);
    state.only_syn = !state.opened;
  }
}

void syn_ack_departs(Step& on, const Departing& seg, bool again) {
  FastOpen& state = on.tcb.fast_open;
  const Known& known = known_to(on);
  const bool text_too = on.tcb.irs + 1 < seg.ack;
  if (state.only_syn) {
    if (text_too) {  // with a valid cookie that is no departure: the target is another one
      const bool valid = state.why == Rule::R7413_4_2_2_valid;
      on.refuse(valid ? Rule::S3_5_synrcvd_text : state.why, valid ? 5 : 1);
      return;
    }
    if (state.why != Rule::R7413_4_2_2_valid) on.cite(state.why);
  }
  if (state.opened && !state.no_text) {
    if (!text_too) {
      on.refuse(Rule::R7413_4_2_2_valid, 2);
      return;
    }
    on.cite(Rule::R7413_4_2_2_valid);
    if (!again) on.cite(Rule::R7413_4_2_2_data_synack, !seg.text.empty());
  }
  form_departs(on, seg, state.experimental);
  if (!seg.opt.fast_open) {
    if (state.ill_formed) on.cite(Rule::R7413_4_1_1_invalid);
    if (state.asked && known.limit == 0) on.cite(Rule::R7413_2_default);
    if (state.requests && known.limit != 0 && !again) on.cite(Rule::R7413_4_2_1_grant, false);
    if (again && state.granted) on.cite(Rule::R7413_4_2_1_retx);
    if (again && state.opened && seg.text.empty()) on.cite(Rule::R7413_4_2_2_synack_retx);
    return;
  }
  if (known.limit == 0) {
    on.refuse(Rule::R7413_2_default, 1);
    return;
  }
  if (state.ill_formed) {
    on.refuse(Rule::R7413_4_1_1_invalid, 1);
    return;
  }
  if (!well_formed(seg.opt)) {
    on.refuse(Rule::R7413_4_1_1_len, 1);
    return;
  }
  on.cite(Rule::R7413_4_1_1_len);
  if (state.requests && !again) on.cite(Rule::R7413_4_2_1_grant);
  if (again && state.opened) {
    on.depart(Rule::R7413_4_2_2_synack_retx);
  } else if (again) {
    on.depart(Rule::R7413_4_2_1_retx);
  }
  state.granted = true;
}

namespace {

// 2: without the wish of the user a SYN has no Fast Open option.
void unwanted_syn_departs(Step& on, bool option) {
  if (option) {
    on.refuse(Rule::R7413_2_default, 1);
  } else {
    on.cite(Rule::R7413_2_default);
  }
}

// 4.2.1 and 4.2.2: the SYN leaves again, and should do so without option and text.
void syn_departs_again(Step& on, bool option, std::uint32_t octets) {
  const FastOpen& state = on.tcb.fast_open;
  const Rule rule = state.text_sent ? Rule::R7413_4_2_2_retx : Rule::R7413_4_2_1_retx;
  if (option || octets != 0) {
    on.depart(rule);
  } else if (state.option_sent) {
    on.cite(rule);
  }
}

bool right_octets(const Departing& syn) {
  for (std::uint32_t i = 0; i < syn.text.size(); ++i) {
    if (syn.text[i] != target_octet(i)) return false;
  }
  return true;
}

// 4.2.1: the option asks for a cookie.
void cookie_requested(Step& on, const Known& known, std::uint32_t octets) {
  if (octets != 0) {
    on.refuse(Rule::R7413_4_2_1_request, 1);
    return;
  }
  on.cite(Rule::R7413_4_2_1_request);
  if (known.cached && !known.negative && !known.unanswered) {
    on.refuse(Rule::R7413_4_1_3_cache, 1);
    return;
  }
  if (known.unanswered) on.cite(Rule::R7413_4_2_1_forget);
}

// 4.2.2: the option has a cookie.
void cookie_shown(Step& on, const Known& known, std::uint32_t octets) {
  if (!known.good) {
    on.refuse(Rule::R7413_4_2_2_need, 1);
    return;
  }
  on.cite(Rule::R7413_4_2_2_need);
  on.cite(Rule::R7413_4_1_3_cache);
  const std::uint32_t mss = known.mss != 0 ? known.mss : on.env.default_mss;
  if (mss < octets) {
    on.depart(Rule::R7413_4_1_3_synlimit);
  } else if (octets != 0) {
    on.cite(Rule::R7413_4_1_3_synlimit);
  }
  if (kTypicalMss < known.mss && octets != 0) on.cite(Rule::R7413_4_1_3_mss, octets <= kTypicalMss);
}

}  // namespace

// 4.2.1 and 4.2.2, Client: sending SYN
void syn_departs(Step& on, const Departing& syn, bool again) {
  FastOpen& state = on.tcb.fast_open;
  const Known& known = known_to(on);
  const bool option = syn.opt.fast_open || syn.opt.fast_open_experiment;
  const auto octets = static_cast<std::uint32_t>(syn.text.size());
  if (!state.wanted) {
    unwanted_syn_departs(on, option);
    return;
  }
  if (again) {
    syn_departs_again(on, option, octets);
    return;
  }
  if (!right_octets(syn)) {
    on.refuse(Rule::S3_10_2_unsynchronized, 1);
    return;
  }
  form_departs(on, syn, known.unanswered);
  state.option_sent = option;
  state.text_sent = option && octets != 0;
  if (known.negative && state.text_sent) on.depart(Rule::R7413_4_1_3_1_disable);
  if (known.negative && !state.text_sent) on.cite(Rule::R7413_4_1_3_1_disable);
  if (!option) {
    if (known.unanswered) on.cite(Rule::R7413_4_2_1_forget, false);
    return;
  }
  if (!well_formed(syn.opt)) {
    on.refuse(Rule::R7413_4_1_1_len, 1);
    return;
  }
  on.cite(Rule::R7413_4_1_1_len);
  if (syn.opt.cookie_octets == 0) {
    cookie_requested(on, known, octets);
  } else {
    cookie_shown(on, known, octets);
  }
}

// 4.2.2, Client: receiving SYN-ACK
void syn_ack_arrives(Step& on) {
  FastOpen& state = on.tcb.fast_open;
  state.text_due = state.text_sent && on.tcb.snd_una < on.tcb.snd_nxt && on.tcb.snd_wnd > 0;
}

void segment_departs(Step& on, const Departing& seg) {
  FastOpen& state = on.tcb.fast_open;
  if (!state.text_due) return;
  state.text_due = false;
  if (seg.text.empty()) {
    if (on.tcb.snd_wnd >= on.tcb.snd_mss) on.depart(Rule::R7413_4_2_2_client_retx);  // a smaller window may be let grow
  } else {
    on.cite(Rule::R7413_4_2_2_client_retx);
  }
}

bool may_send_early(Step& on, SndSeq end) {
  const Tcb& tcb = on.tcb;
  if (!tcb.fast_open.opened) {
    on.refuse(Rule::S3_10_2_unsynchronized, 2);
    return false;
  }
  if (tcb.was_open || tcb.iss + 1 < tcb.snd_una) return true;
  if (kInitialSegments * tcb.snd_mss < end - (tcb.iss + 1)) {
    on.refuse(Rule::R7413_4_2_2_iw, 1);
    return false;
  }
  on.cite(Rule::R7413_4_2_2_iw);
  return true;
}

}  // namespace tcpassay::fast_open
