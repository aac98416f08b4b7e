// SPDX-License-Identifier: Apache-2.0
#include "models/oracle.h"

#include <algorithm>

#include "models/ip_layer.h"
#include "models/oracle_impl.h"
#include "models/segment_arrives.h"
#include "models/segment_departs.h"

namespace tcpassay {

int event_class(const Event& event) {
  if (const auto* seg = std::get_if<Arriving>(&event.what)) {
    return (seg->ctl.syn ? 1 : 0) | (seg->ctl.ack ? 2 : 0) | (seg->ctl.rst ? 4 : 0) | (seg->ctl.fin ? 8 : 0) |
           (seg->text.empty() ? 0 : 16);
  }
  if (const auto* call = std::get_if<UserCall>(&event.what)) return 32 + static_cast<int>(call->kind);
  if (const auto* seg = std::get_if<Departing>(&event.what)) {
    return 48 + ((seg->ctl.syn ? 1 : 0) | (seg->ctl.rst ? 2 : 0) | (seg->ctl.fin ? 4 : 0));
  }
  if (std::holds_alternative<IcmpArrives>(event.what)) return 62;
  return std::holds_alternative<Quiet>(event.what) ? 60 : 61;
}

void Oracle::Impl::start() {
  used = 0;
  handles.clear();
  ports.clear();
  beginnings.clear();
  clocks.clear();
  ledger.clear();
  guessed = predicted_timestamps = 0;
  loose.clear();
  verdicts.clear();
  tolerated.clear();
  taken.reset();
  std::fill(counts.begin(), counts.end(), Count{});
  traits.fill(0);
  challenged_at = Time{-1};
  opened_wrongly = false;
  event_index = 0;
  last_at = Time{};
}

Oracle::Impl::Conversation& Oracle::Impl::conversation(Tuple tuple) {
  for (std::size_t i = 0; i < used; ++i) {
    if (conversations[i].tuple == tuple) return conversations[i];
  }
  // The local port of an active OPEN may show only with its first segment.
  for (std::size_t i = 0; i < used; ++i) {
    Conversation& c = conversations[i];
    if (c.tuple.local == 0 && c.tuple.remote == tuple.remote) {
      for (Handle& h : handles) {
        if (h.kind == Handle::Kind::kConnection && h.tuple == c.tuple) h.tuple = tuple;
      }
      c.tuple = tuple;
      return c;
    }
  }
  if (used == conversations.size()) conversations.emplace_back();
  Conversation& c = conversations[used++];
  c.tuple = tuple;
  c.incarnation = 0;
  c.taken = false;
  c.tainted = opened_wrongly;
  c.dead = c.handed_out = c.abandoned = false;
  c.dead_before = 0;
  c.begins = c.named = c.accurate_named = false;
  c.sent = {};
  c.possible.clear();
  c.possible.emplace_back();
  c.possible.back().traits = traits;
  return c;
}

const Oracle::Impl::Conversation* Oracle::Impl::find(Tuple tuple) const {
  for (std::size_t i = 0; i < used; ++i) {
    if (conversations[i].tuple == tuple) return &conversations[i];
  }
  return nullptr;
}

Environment Oracle::Impl::environment(const Conversation& c, const Event& event) {
  Environment a{.since = event.from,
                .now = event.until,
                .msl = terms.msl,
                .mms_r = terms.mms_r,
                .mms_s = terms.mms_s,
                .edition = terms.edition};
  a.before = last_at;
  a.default_mss = terms.default_mss;
  a.profiles = terms.profiles;
  a.link_known = terms.link_known;
  if (terms.withheld.any()) a.withheld = &terms.withheld;
  a.challenged = challenged_at;
  a.sent = &c.sent;
  if (const Port* p = port(c.tuple.local)) {
    a.listening = p->open && !p->elsewhere;
    a.elsewhere = p->open && p->elsewhere;
    a.deserted = !p->open;
    a.aborted = p->aborted;
    listeners_timeout(p->number, a);
    if (p->open) a.backlog_full = waiting(c) >= p->backlog;
  }
  const auto* in = std::get_if<Arriving>(&event.what);
  const auto* out = std::get_if<Departing>(&event.what);
  if ((in != nullptr && in->ctl.syn) || (out != nullptr && out->ctl.syn)) {
    know(c, in != nullptr ? in->opt : out->opt, event.from);
    a.fast_open = &cookies;
  }
  return a;
}

constexpr std::uint32_t kFastOpenUnseen = 1 << 16;  // pending requests, where the limit is not known

// RFC 7413 section 4.2: the limit of the user, and PendingFastOpenRequests. Connections that were reset may still
// count.
void Oracle::Impl::know(const Conversation& c, const Options& opt, Time at) {
  cookies = ledger.known_of(opt, at);
  const Port* p = port(c.tuple.local);
  cookies.limit = p != nullptr && p->open ? p->fast_open : 0;
  cookies.unseen = terms.fast_open_unseen;
  if (cookies.unseen) cookies.limit = std::max(cookies.limit, kFastOpenUnseen);
  if (cookies.unseen && opt.cookie_octets != 0 && !cookies.cached) cookies.cached = cookies.good = true;
  if (cookies.limit == 0) return;
  const auto pending = [](const Candidate& tcb) {
    return tcb.fast_open.opened && !tcb.was_open && tcb.state == State::kSynReceived;
  };
  const auto may_count = [](const Candidate& tcb) { return tcb.fast_open.opened && !tcb.was_open; };
  for (std::size_t i = 0; i < used; ++i) {
    const Conversation& other = conversations[i];
    if (&other == &c || other.tuple.local != c.tuple.local) continue;
    cookies.pending += std::all_of(other.possible.begin(), other.possible.end(), pending);
    cookies.pending_most += std::any_of(other.possible.begin(), other.possible.end(), may_count);
  }
}

void Oracle::Impl::observe(const Event& event) {
  if (const auto* seg = std::get_if<Arriving>(&event.what)) {
    arrives(event, *seg);
  } else if (const auto* departing = std::get_if<Departing>(&event.what)) {
    departs(event, *departing);
  } else if (const auto* call = std::get_if<UserCall>(&event.what)) {
    user_call(event, *call);
  } else if (const auto* message = std::get_if<IcmpArrives>(&event.what)) {
    icmp(event, *message);
  } else if (const auto* report = std::get_if<StateReport>(&event.what)) {
    process(conversation(event.tuple), event, [&](Step& on) { state_reported(on, *report); });
  } else {
    quiet(event, std::get<Quiet>(event.what));
  }
  last_at = event.until;
  ++event_index;
}

namespace {

// How far the peer's text goes, and which of its octets do not follow from their place.
void note_octets(Candidate& tcb, const Arriving& seg, bool coded) {
  const RcvSeq first = seg.seq + (seg.ctl.syn ? 1u : 0u), end = seg.seq + seg.len();
  constexpr std::uint32_t kFarthest = 1u << 30;
  if (seg.ctl.syn && tcb.irs == seg.seq) {
    tcb.peer_end = end;
  } else if (end - tcb.rcv_nxt < kFarthest) {
    tcb.peer_end = later(tcb.peer_end, end);
  }
  if (!coded) tcb.uncoded.widen(first, end);
}

}  // namespace

void Oracle::Impl::arrives(const Event& event, const Arriving& seg) {
  Conversation& c = conversation(event.tuple);
  last_seen = "nothing";
  for (Candidate& p : c.possible) {
    for (const Cite& cite : p.later) {
      if (!p.now.has(cite)) p.now.add(cite);
    }
    p.later.clear();
  }
  const State before = c.possible.front().state;
  const auto answered = std::find_if(c.possible.begin(), c.possible.end(), [&](const Candidate& p) {
    return p.state == State::kSynSent && p.fast_open.wanted && p.iss < seg.ack && seg.ack <= p.snd_nxt;
  });
  const bool reaches = seg.fault == Fault::kNone &&
                       (seg.ip.oddity == Carrier::Oddity::kNone || seg.ip.oddity == Carrier::Oddity::kOptions);
  if (seg.ctl.syn && seg.ctl.ack && !seg.ctl.rst && reaches && answered != c.possible.end()) {
    ledger.syn_ack_arrives(seg, answered->fast_open, seg.ack != answered->iss + 1);
  }
  const auto begun = [&](const Candidate& p) { return p.state == State::kSynReceived && p.irs == seg.seq; };
  const bool again = std::all_of(c.possible.begin(), c.possible.end(), begun);  // its SYN has come before
  // A packet made by hand, or with a damaged header, may carry any octets: then only their number is checked.
  const std::uint32_t first = seg.seq.value + (seg.ctl.syn ? 1u : 0u);
  bool coded = true;
  for (std::uint32_t i = 0; i < seg.text.size() && coded; ++i) coded = seg.text[i] == peer_octet(first + i);
  process(c, event, [&](Step& on) {
    segment_arrives(on, seg);
    note_octets(on.tcb, seg, coded);
    on.tcb.prompted = on.tcb.now.size;
  });
  for (const Candidate& p : c.possible) challenged_at = std::max(challenged_at, p.challenge.at);
  may_have_died(c);
  const bool idle =
      before == State::kClosed || before == State::kListen || before == State::kTimeWait || c.possible.size() > 1;
  c.begins = idle && !again && seg.ctl.syn && std::any_of(c.possible.begin(), c.possible.end(), begun);
}

// 3.9.2.2: for the connection that the message quotes, and for all others, which must stay as they are.
void Oracle::Impl::icmp(const Event& event, const IcmpArrives& message) {
  Conversation& quoted = conversation(event.tuple);
  last_seen = "nothing";
  for (std::size_t i = 0; i < used; ++i) {
    Conversation& c = conversations[i];
    process(c, event, [&](Step& on) {
      if (&c == &quoted) {
        icmp_arrives(on, message);
      } else {
        icmp_elsewhere(on);
      }
      on.tcb.prompted = on.tcb.now.size;
    });
  }
}

// RFC 9768 is not modelled: of a connection that uses it the record says so, and that is not "conforms".
void Oracle::Impl::name_accurate_ecn(Conversation& c, const Event& event) {
  const Candidate& p = c.possible.front();
  if (!p.ecn.accurate || c.accurate_named) return;
  c.accurate_named = true;
  add_verdict(Rule::S3_10_6_status, Verdict::Kind::kInconclusive, &c, event,
              "Accurate ECN (RFC 9768) is in use, and its rules are not stated", describe(event, p));
}

void Oracle::Impl::departs(const Event& event, const Departing& seg) {
  Conversation& c = conversation(event.tuple);
  const auto form = [&](Rule rule, bool good) {
    if (good) {
      if (!c.tainted) count({rule, true});
    } else {
      const Candidate& p = c.possible.front();
      add_verdict(rule, kind_of(rule), &c, event, std::string(info(rule).sentence),
                  describe(event, p) + more_of(seg, p, rule, event.until));
    }
  };
  form(Rule::MUST_2, seg.fault != Fault::kChecksum);
  if (seg.fault == Fault::kTruncated || seg.fault == Fault::kDataOffset) {
    form(Rule::S3_1_data_offset, false);
    return;
  }
  const bool usual_source = seg.ip.oddity != Carrier::Oddity::kOtherSource;
  form(seg.ctl.syn && !seg.ctl.ack ? Rule::MUST_44 : Rule::MUST_45, usual_source);
  if (c.named && seg.ctl.syn) form(Rule::MUST_43, usual_source);
  form(Rule::S3_1_reserved_sent, ecn::reserved_bits_are_right(c.possible.front().ecn, seg));
  form(Rule::MUST_65, seg.ctl.syn || !seg.opt.mss);
  if (seg.opt.octets != 0) {
    form(Rule::MUST_68, seg.fault != Fault::kOptionLength);
    form(Rule::MUST_69, !seg.opt.nonzero_after_end);
  }
  const bool begins = seg.ctl.syn && !seg.ctl.rst && may_begin(c, seg.seq);
  const Time left_before = c.possible.front().front_to;
  keep_alive_of_listener(c, event, seg);
  process(c, event, [&](Step& on) { segment_departs(on, seg); });
  c.sent.leaves(seg, event.until);
  name_accurate_ecn(c, event);
  if (seg.ctl.syn && seg.ctl.ack && seg.opt.fast_open) ledger.cookie_issued(seg.opt, event.from);
  if (begins) {
    first_sequence_number(c, event, seg.seq.value);
    if (seg.opt.timestamps) first_timestamp(c, event, seg.opt.timestamps->value);
  }
  last_seen.clear();
  if (std::any_of(c.possible.begin(), c.possible.end(), [](const Candidate& p) { return !p.demerits.empty(); })) {
    last_seen = describe(event, c.possible.front());
    last_left = c.possible.front();
    last_left.front_to = left_before;
    last_left_at = event.until;
    last_segment = seg;
  }
}

// Nothing of this conversation can be overdue or waits to be counted.
bool Oracle::Impl::rests(const Conversation& c) {
  const Candidate& p = c.possible.front();
  return c.possible.size() == 1 && p.state <= State::kListen && p.reply.form == Reply::Form::kNone && p.debts.empty() &&
         p.now.empty() && p.demerits.empty() && p.freedoms.none() && !p.ack_now && !p.ack_later && !p.timed &&
         !c.begins;
}

// While an answer may come yet nothing is settled.
void Oracle::Impl::quiet(const Event& event, const Quiet& silence) {
  for (std::size_t i = 0; i < used; ++i) {
    Conversation& c = conversations[i];
    if (rests(c)) continue;
    process(c, event, [&](Step& on) { falls_quiet(on, silence); });
    const bool waits = !silence.idle && std::any_of(c.possible.begin(), c.possible.end(), owes_at_once);
    if (!waits && !silence.reacting) settle(c, event);
  }
  for (const Cite& cite : loose) count(cite);
  loose.clear();
}

Oracle::Impl::Port* Oracle::Impl::port(std::uint16_t number) {
  for (Port& p : ports) {
    if (p.number == number) return &p;
  }
  return nullptr;
}

// Connections on the port of `but`, other than it, that the user has not accepted yet.
std::uint32_t Oracle::Impl::waiting(const Conversation& but) const {
  std::uint32_t n = 0;
  for (std::size_t i = 0; i < used; ++i) {
    const Conversation& c = conversations[i];
    if (c.tuple.local != but.tuple.local) continue;
    n += static_cast<std::uint32_t>(c.dead + c.dead_before);
    if (&c == &but || c.taken) continue;
    n += std::any_of(c.possible.begin(), c.possible.end(),
                     [](const Candidate& p) { return p.passive && p.state >= State::kSynReceived; });
  }
  return n;
}

Oracle::Oracle(Terms terms) : impl_(std::make_unique<Impl>()) {
  impl_->terms = terms;
}
Oracle::~Oracle() = default;

void Oracle::start(const Terms& terms) {
  impl_->terms = terms;
  start();
}

void Oracle::start() {
  impl_->start();
}
void Oracle::observe(const Event& event) {
  impl_->observe(event);
}
void Oracle::finish() {
  impl_->finish();
}

const std::vector<Verdict>& Oracle::verdicts() const {
  return impl_->verdicts;
}

const std::vector<Verdict>& Oracle::tolerated() const {
  return impl_->tolerated;
}

const FreedomSet& Oracle::freedoms_taken() const {
  return impl_->taken;
}
const std::vector<Count>& Oracle::counts() const {
  return impl_->counts;
}

std::array<ProfileFit, kProfiles> Oracle::profile_fits() const {
  std::array<ProfileFit, kProfiles> fits{};
  for (std::size_t i = 0; i < impl_->used; ++i) impl_->add_profile_fits(impl_->conversations[i], fits);
  return fits;
}

std::optional<bool> Oracle::trait(Trait trait) const {
  const std::int8_t value = impl_->traits[static_cast<std::size_t>(trait)];
  if (value == 0) return {};
  return value > 0;
}

std::string Oracle::states(Tuple tuple) const {
  const Impl::Conversation* c = impl_->find(tuple);
  return c ? Impl::states(*c) : "";
}

std::optional<std::uint32_t> Oracle::iss(Tuple tuple) const {
  const Impl::Conversation* c = impl_->find(tuple);
  if (c == nullptr || !c->possible.front().iss_known) return {};
  return c->possible.front().iss.value;
}

std::optional<std::uint32_t> Oracle::irs(Tuple tuple) const {
  const Impl::Conversation* c = impl_->find(tuple);
  if (c == nullptr || c->possible.front().state <= State::kSynSent) return {};
  return c->possible.front().irs.value;
}

void Oracle::watch_transitions(std::uint8_t* counters) {
  impl_->transitions = counters;
}

}  // namespace tcpassay
