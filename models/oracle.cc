// SPDX-License-Identifier: Apache-2.0
#include "models/oracle.h"

#include <algorithm>
#include <cassert>

#include "models/describe.h"
#include "models/first_numbers.h"
#include "models/ip_layer.h"
#include "models/keep_alive.h"
#include "models/segment_arrives.h"
#include "models/segment_departs.h"
#include "models/step.h"
#include "models/urgent.h"
#include "models/user_calls.h"

namespace tcpassay {
namespace {

constexpr std::size_t kPossibleMax = 48;  // TCBs the target may be in, for one conversation
constexpr std::size_t kBeginningsMax = 4096;  // first sequence numbers that a trace remembers
constexpr std::size_t kBeginningsCompared = 16;  // each with each; of more the statistics speak (first_numbers.h)

// One pair of ports and all that the target may be there.
struct Conversation {
  Tuple tuple{};
  std::vector<Possible> possible;
  int incarnation = 0;   // counts the connections that used this pair of ports
  bool taken = false;    // the user has it (accept or connect)
  bool begins = false;   // a SYN may have begun a new connection
  bool named = false;    // the user has chosen the local address
  int dead = -1;         // the incarnation that ended before anybody took it: it may still be handed out
  bool tainted = false;  // a rule was broken: what follows proves nothing
};

// A socket of the user's.
struct Handle {
  enum class Kind : std::uint8_t { kFree, kNew, kListener, kConnection };
  int id = -1;
  Kind kind = Kind::kFree;
  std::uint16_t port = 0;
  std::uint32_t backlog = 0;
  Tuple tuple{};
  int incarnation = 0;
  bool zero_linger = false;
  bool reads_shut = false;
  bool no_delay = false;
  bool elsewhere = false;          // bound to another address of the target
  bool named = false;              // bound to the address of the trace
  bool reuse = false;              // others may use its port
  std::vector<UserCall> chosen{};  // options that TCP answers for, set before there was a connection
  std::uint32_t fast_open = 0;  // what may be pending; 0: off
  Time user_timeout{};
};

// The first timestamp of a connection, and when it was seen.
struct Clock {
  Tuple tuple{};
  std::uint32_t tsval = 0;
  Time at{};
};

struct Port {
  std::uint16_t number = 0;
  std::uint32_t backlog = 0;
  bool open = false, aborted = false;
  bool elsewhere = false;  // open for another address of the target only
  std::uint32_t fast_open = 0;
};

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

}  // namespace

struct Oracle::Impl {
  Terms terms;
  std::vector<Conversation> conversations;
  std::size_t used = 0;  // conversations of this trace; the rest keep their memory
  std::vector<Handle> handles;
  std::vector<Port> ports;
  std::vector<FirstNumber> beginnings;
  Time last_at{};
  std::vector<Clock> clocks;
  int same_clock = 0;          // first timestamps that another connection's told
  fast_open::Ledger ledger;
  fast_open::Known cookies;    // what `ledger` says of the SYN at hand
  int guessed = 0;             // first sequence numbers that another connection's told
  Few<Cite, kCitesMax> loose;  // rules at work that belong to no conversation
  std::vector<Verdict> verdicts;
  std::vector<Count> counts = std::vector<Count>(rules().size());
  std::array<std::int8_t, kTraits> traits{};
  bool tainted = false;
  std::size_t event_index = 0;
  std::vector<Possible> next;
  std::uint8_t* transitions = nullptr;
  std::string last_seen;

  void start() {
    used = 0;
    handles.clear();
    ports.clear();
    beginnings.clear();
    clocks.clear();
    ledger.clear();
    guessed = same_clock = 0;
    loose.clear();
    verdicts.clear();
    std::fill(counts.begin(), counts.end(), Count{});
    traits.fill(0);
    tainted = false;
    event_index = 0;
  }

  Conversation& conversation(Tuple tuple) {
    for (std::size_t i = 0; i < used; ++i) {
      if (conversations[i].tuple == tuple) return conversations[i];
    }
    // An active OPEN whose local port was not told shows it with its first segment.
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
    c.taken = c.tainted = false;
    c.dead = -1;
    c.begins = c.named = false;
    c.possible.clear();
    c.possible.emplace_back();
    c.possible.back().traits = traits;
    return c;
  }

  const Conversation* find(Tuple tuple) const {
    for (std::size_t i = 0; i < used; ++i) {
      if (conversations[i].tuple == tuple) return &conversations[i];
    }
    return nullptr;
  }

  Port* port(std::uint16_t number) {
    for (Port& p : ports) {
      if (p.number == number) return &p;
    }
    return nullptr;
  }

  Handle* handle(int id) {
    for (Handle& h : handles) {
      if (h.id == id && h.kind != Handle::Kind::kFree) return &h;
    }
    return nullptr;
  }

  Handle& new_handle(int id) {
    for (Handle& h : handles) {
      if (h.id == id) return h = Handle{.id = id, .kind = Handle::Kind::kNew};
    }
    return handles.emplace_back(Handle{.id = id, .kind = Handle::Kind::kNew});
  }

  Around around(const Conversation& c, const Event& event) {
    Around a{.since = event.from,
             .now = event.until,
             .msl = terms.msl,
             .mms_r = terms.mms_r,
             .mms_s = terms.mms_s,
             .edition = terms.edition};
    a.default_mss = terms.default_mss;
    if (const Port* p = port(c.tuple.local)) {
      a.listening = p->open && !p->elsewhere;
      a.elsewhere = p->open && p->elsewhere;
      a.deserted = !p->open;
      a.aborted = p->aborted;
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

  // RFC 7413 section 4.2: the user's limit, and PendingFastOpenRequests. Those that were reset may still count.
  void know(const Conversation& c, const Options& opt, Time at) {
    cookies = ledger.known_of(opt, at);
    const Port* p = port(c.tuple.local);
    cookies.limit = p != nullptr && p->open ? p->fast_open : 0;
    if (cookies.limit == 0) return;
    const auto pending = [](const Possible& tcb) {
      return tcb.fast_open.opened && !tcb.was_open && tcb.state == State::kSynReceived;
    };
    const auto may_count = [](const Possible& tcb) { return tcb.fast_open.opened && !tcb.was_open; };
    for (std::size_t i = 0; i < used; ++i) {
      const Conversation& other = conversations[i];
      if (&other == &c || other.tuple.local != c.tuple.local) continue;
      cookies.pending += std::all_of(other.possible.begin(), other.possible.end(), pending);
      cookies.pending_most += std::any_of(other.possible.begin(), other.possible.end(), may_count);
    }
  }

  // Connections on the port, other than this, that nobody has taken yet.
  std::uint32_t waiting(const Conversation& but) const {
    std::uint32_t n = 0;
    for (std::size_t i = 0; i < used; ++i) {
      const Conversation& c = conversations[i];
      if (c.tuple.local != but.tuple.local) continue;
      n += c.dead >= 0;
      if (&c == &but || c.taken) continue;
      n += std::any_of(c.possible.begin(), c.possible.end(),
                       [](const Possible& p) { return p.passive && p.state >= State::kSynReceived; });
    }
    return n;
  }

  void count(const Cite& cite) {
    if (!in_force(cite.rule, terms.edition)) return;
    Count& c = counts[static_cast<std::size_t>(cite.rule)];
    ++c.judged;
    if (cite.taken) ++c.taken;
  }

  void add_verdict(Rule rule, Verdict::Kind kind, const Conversation* c, const Event& event, std::string allowed,
                   std::string seen) {
    if (kind != Verdict::Kind::kInconclusive && !in_force(rule, terms.edition)) return;  // the edition does not say so
    if (kind != Verdict::Kind::kInconclusive && !tainted) {
      Count& n = counts[static_cast<std::size_t>(rule)];
      ++n.judged;
      ++n.broken;
    }
    verdicts.push_back({.kind = kind,
                        .rule = rule,
                        .event = event_index,
                        .at = event.until,
                        .tuple = c ? c->tuple : Tuple{},
                        .state = c ? states(*c) : "",
                        .allowed = std::move(allowed),
                        .seen = std::move(seen),
                        .consequence = tainted});
  }

  // What the last verdict's nearest candidate was about to be judged by.
  void note_at_work(const Possible& p) {
    Verdict& verdict = verdicts.back();
    const auto note = [&](Rule rule) {
      const auto& known = verdict.at_work;
      if (rule != verdict.rule && std::find(known.begin(), known.end(), rule) == known.end()) {
        verdict.at_work.push_back(rule);
      }
    };
    for (const Cite& cite : p.now) note(cite.rule);
    for (const Cite& cite : p.later) note(cite.rule);
  }

  static Verdict::Kind kind_of(Rule rule) {
    return info(rule).level == Level::kShould ? Verdict::Kind::kDeparted : Verdict::Kind::kViolated;
  }

  static std::string states(const Conversation& c) {
    std::string text;
    std::uint32_t seen = 0;
    for (const Possible& p : c.possible) {
      const std::uint32_t bit = 1u << static_cast<unsigned>(p.state);
      if (seen & bit) continue;
      seen |= bit;
      if (!text.empty()) text += '|';
      text += to_string(p.state);
    }
    return text;
  }

  // Replaces each TCB by its outcomes. When none is left, that is a violation; the oracle goes on from what it saw.
  template <class Act>
  void process(Conversation& c, const Event& event, Act&& act) {
    const Around a = around(c, event);
    let_time_pass(c, a, event);
    next.clear();
    Refusal nearest;
    bool within_limits = true;
    std::size_t nearest_index = 0;
    const int cls = transitions ? event_class(event) : 0;
    for (std::size_t i = 0; i < c.possible.size(); ++i) {
      const std::size_t before = next.size();
      const int distance = nearest.distance;
      within_limits &= each_outcome(c.possible[i], a, next, nearest, act);
      if (nearest.distance < distance) nearest_index = i;
      if (transitions) {
        for (std::size_t k = before; k < next.size(); ++k) {
          const std::size_t index =
              (static_cast<std::size_t>(c.possible[i].state) * 64 + static_cast<std::size_t>(cls)) * 11 +
              static_cast<std::size_t>(next[k].state);
          if (transitions[index] < 255) ++transitions[index];
        }
      }
    }
    if (next.empty()) {
      const Rule rule = c.possible[nearest_index].oddity.value_or(nearest.rule);
      add_verdict(rule, kind_of(rule), &c, event, describe_allowed(c.possible, event, rule),
                  describe(event, c.possible[nearest_index]));
      note_at_work(c.possible[nearest_index]);
      resynchronise(c, nearest_index, event);
      return;
    }
    c.possible.swap(next);
    merge(c, event, within_limits);
  }

  void let_time_pass(Conversation& c, const Around& a, const Event& event) {
    if (std::none_of(c.possible.begin(), c.possible.end(), [&](const Possible& p) { return time_matters(p, a); }))
      return;
    next.clear();
    Refusal nearest;
    bool within_limits = true;
    for (const Possible& p : c.possible) {
      if (time_matters(p, a)) {
        within_limits &= each_outcome(p, a, next, nearest, [](Step& on) { time_passes(on); });
      } else {
        next.push_back(p);
      }
    }
    c.possible.swap(next);
    merge(c, event, within_limits);
  }

  // Equal TCBs are one; the rules that led there are those on which all agree.
  void merge(Conversation& c, const Event& event, bool within_limits) {
    std::vector<Possible>& set = c.possible;
    for (std::size_t i = 0; i + 1 < set.size(); ++i) {
      for (std::size_t k = i + 1; k < set.size();) {
        if (static_cast<const Tcb&>(set[i]) == static_cast<const Tcb&>(set[k])) {
          intersect(set[i].now, set[k].now);
          intersect(set[i].later, set[k].later);
          intersect(set[i].demerits, set[k].demerits);
          if (k + 1 != set.size()) set[k] = set.back();
          set.pop_back();
        } else {
          ++k;
        }
      }
    }
    if (set.size() > kPossibleMax || !within_limits) {
      add_verdict(Rule::S3_10_6_status, Verdict::Kind::kInconclusive, &c, event,
                  "a limit of the judge was reached: too many possible states", describe(event, set.front()));
      if (set.size() > kPossibleMax) set.resize(kPossibleMax);
      c.tainted = tainted = true;
    }
  }

  template <class List>
  static void intersect(List& a, const List& b) {
    int kept = 0;
    for (int i = 0; i < a.size; ++i) {
      if (b.has(a.items[i])) a.items[kept++] = a.items[i];
    }
    a.size = static_cast<std::uint8_t>(kept);
  }

  // After a violation the oracle goes on from what it saw, as well as it can.
  void resynchronise(Conversation& c, std::size_t nearest, const Event& event) {
    c.tainted = tainted = true;
    Possible p = c.possible[nearest];
    p.reply = {};
    p.ack_now = p.ack_later = p.send_pending = p.timed = false;
    p.now.clear();
    p.prompted = 0;
    p.later.clear();
    p.demerits.clear();
    p.oddity.reset();
    if (const auto* seg = std::get_if<Departing>(&event.what)) {
      if (seg->ctl.rst) {
        p.state = State::kClosed;
      } else if (seg->ctl.syn) {
        p.state = seg->ctl.ack ? State::kSynReceived : State::kSynSent;
        p.iss = p.snd_una = seg->seq;
        p.iss_known = true;
        p.snd_nxt = p.snd_end = seg->seq + 1;
      } else {
        if (p.state <= State::kSynReceived) {
          p.state = State::kEstablished;
          p.was_open = true;
          if (!p.iss_known) p.iss = p.snd_una = p.snd_nxt = p.snd_end = seg->seq;
          p.iss_known = true;
        }
        const SndSeq text_end = seg->seq + static_cast<std::uint32_t>(seg->text.size());
        p.snd_end = later(p.snd_end, text_end);
        p.snd_nxt = later(p.snd_nxt, seg->seq + seg->len());
        if (seg->ctl.fin && !p.fin_queued) {
          p.fin_queued = true;
          p.snd_end = text_end;
          p.state = p.rcv_fin ? State::kLastAck : State::kFinWait1;
        }
      }
      if (seg->ctl.ack && !seg->ctl.rst) {
        p.rcv_nxt = p.rcv_nxt_max = p.rcv_acked = seg->ack;
        p.rcv_edge = seg->ack + seg->wnd;
        p.edge_known = true;
      }
    } else if (const auto* call = std::get_if<UserCall>(&event.what)) {
      p.signal = Signal::kNone;
      if (call->kind == CallKind::kRead && call->result > 0) {
        p.rcv_user = p.rcv_user + static_cast<std::uint32_t>(call->result);
        p.rcv_nxt_max = later(p.rcv_nxt_max, p.rcv_user);
        p.was_open = true;
      }
      if (call->kind == CallKind::kWrite && call->result > 0) {
        p.snd_end = p.snd_end + static_cast<std::uint32_t>(call->result);
      }
      if (call->kind == CallKind::kAccept) p.was_open = true;
    } else if (const auto* report = std::get_if<StateReport>(&event.what)) {
      p.state = report->state;
      if (report->rcv_nxt) p.rcv_nxt = p.rcv_nxt_max = RcvSeq{*report->rcv_nxt};
      if (report->snd_una) p.snd_una = SndSeq{*report->snd_una};
      if (synchronized(p.state)) p.was_open = true;
      if (p.state == State::kTimeWait) {
        p.time_wait_from = event.from;
        p.time_wait_to = event.until + 3 * terms.msl;
      }
    }
    c.possible.clear();
    c.possible.push_back(p);
  }

  // The reaction is complete: the rules on which all explanations agree have been judged.
  void settle(Conversation& c, const Event& event) {
    if (c.begins && std::all_of(c.possible.begin(), c.possible.end(),
                                [](const Possible& p) { return p.state == State::kSynReceived && p.passive; })) {
      ++c.incarnation;
      c.taken = false;
    }
    c.begins = false;
    Possible& first = c.possible.front();
    for (std::size_t i = 1; i < c.possible.size(); ++i) {
      intersect(first.now, c.possible[i].now);
    }
    if (!c.tainted) {
      for (const Cite& cite : first.now) count(cite);
    }
    Few<Rule, kDemeritsMax> departed = first.demerits;
    for (std::size_t i = 1; i < c.possible.size(); ++i) intersect(departed, c.possible[i].demerits);
    for (Possible& p : c.possible) {
      p.now.clear();
      p.prompted = 0;
      for (const Rule rule : departed) p.demerits.remove(rule);
    }
    for (const Rule rule : departed) {
      add_verdict(rule, Verdict::Kind::kDeparted, &c, event, std::string(info(rule).sentence), last_seen);
    }
    for (std::size_t t = 0; t < traits.size(); ++t) {
      const std::int8_t value = first.traits[t];
      if (value != 0 &&
          std::all_of(c.possible.begin(), c.possible.end(), [&](const Possible& p) { return p.traits[t] == value; })) {
        if (!c.tainted) traits[t] = value;
      }
    }
  }

  void observe(const Event& event) {
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
      quiet(event);
    }
    last_at = event.until;
    ++event_index;
  }

  void arrives(const Event& event, const Arriving& seg) {
    Conversation& c = conversation(event.tuple);
    last_seen = "nothing";
    for (Possible& p : c.possible) {
      for (const Cite& cite : p.later) {
        if (!p.now.has(cite)) p.now.add(cite);
      }
      p.later.clear();
    }
    const Possible& was = c.possible.front();
    const State before = was.state;
    const bool answers = seg.ctl.syn && seg.ctl.ack && before == State::kSynSent && was.fast_open.wanted &&
                         was.iss < seg.ack && seg.ack <= was.snd_nxt;
    if (answers) ledger.syn_ack_arrives(seg, was.fast_open, seg.ack != was.iss + 1);
    // A packet made by hand, or with a damaged header, may carry any octets: then only their number is checked.
    const std::uint32_t first = seg.seq.value + (seg.ctl.syn ? 1u : 0u);
    bool coded = true;
    for (std::uint32_t i = 0; i < seg.text.size() && coded; ++i) coded = seg.text[i] == peer_octet(first + i);
    process(c, event, [&](Step& on) {
      segment_arrives(on, seg);
      if (!coded) on.tcb.uncoded = true;
      on.tcb.prompted = on.tcb.now.size;
    });
    if (!c.taken && c.possible.front().passive && c.possible.front().was_open &&
        std::all_of(c.possible.begin(), c.possible.end(),
                    [](const Possible& p) { return p.state <= State::kListen; })) {
      c.dead = c.incarnation;
    }
    const bool idle =
        before == State::kClosed || before == State::kListen || before == State::kTimeWait || c.possible.size() > 1;
    c.begins = idle && seg.ctl.syn;
  }

  // 3.9.2.2: of the connection that the message quotes, and of the others, which it leaves alone.
  void icmp(const Event& event, const IcmpArrives& message) {
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

  void departs(const Event& event, const Departing& seg) {
    Conversation& c = conversation(event.tuple);
    const auto form = [&](Rule rule, bool good) {
      if (good) {
        if (!c.tainted) count({rule, true});
      } else {
        add_verdict(rule, kind_of(rule), &c, event, std::string(info(rule).sentence),
                    describe(event, c.possible.front()));
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
    form(Rule::S3_1_reserved_sent, seg.ctl.reserved == 0);
    form(Rule::MUST_65, seg.ctl.syn || !seg.opt.mss);
    if (seg.opt.octets != 0) {
      form(Rule::MUST_68, seg.fault != Fault::kOptionLength);
      form(Rule::MUST_69, !seg.opt.nonzero_after_end);
    }
    const bool begins = seg.ctl.syn && !seg.ctl.rst && !c.possible.front().iss_known;
    process(c, event, [&](Step& on) { segment_departs(on, seg); });
    if (seg.ctl.syn && seg.ctl.ack && seg.opt.fast_open) ledger.cookie_issued(seg.opt, event.from);
    if (begins) {
      first_sequence_number(c, event, seg.seq.value);
      if (seg.opt.timestamps) first_timestamp(c, event, seg.opt.timestamps->value);
    }
    last_seen.clear();
    if (std::any_of(c.possible.begin(), c.possible.end(), [](const Possible& p) { return !p.demerits.empty(); })) {
      last_seen = describe(event, c.possible.front());
    }
  }

  // 3.4.1: ISN = M + F(the two sockets, a secret), with a clock M that ticks about every 4 microseconds.
  void first_sequence_number(const Conversation& c, const Event& event, std::uint32_t iss) {
    constexpr std::int64_t kTick = 4000;           // ns
    constexpr std::int64_t kFastest = kTick / 64;  // clocks in use tick up to so fast
    constexpr std::int64_t kWraps = kFastest * (1LL << 31);
    for (const FirstNumber& b : beginnings) {
      const std::int64_t passed = (event.from - b.from).count();
      const auto moved = static_cast<std::int32_t>(iss - b.iss);
      if (b.tuple == c.tuple) {
        if (passed <= kTick * 64 || passed > kWraps) continue;
        if (moved <= 0) {
          add_verdict(
              Rule::MUST_8, Verdict::Kind::kViolated, &c, event, "a first sequence number beyond the last one",
              "one that has moved by " + std::to_string(moved) + " in " + std::to_string(passed / 1000) + " us");
        } else if (!tainted) {
          count({Rule::MUST_8, true});
        }
      } else if (beginnings.size() < kBeginningsCompared) {
        // Chance makes it so once in millions; twice in a trace is no chance.
        const std::int64_t slack = (event.until - event.from).count() / kTick + 64;
        if (std::abs(moved - passed / kTick) > slack) {
          if (!tainted) count({Rule::MUST_9, true});
        } else if (++guessed == 2) {
          add_verdict(Rule::MUST_9, Verdict::Kind::kViolated, &c, event,
                      "a first sequence number that cannot be foretold",
                      "that of another connection, moved by the clock alone");
        }
      }
    }
    if (beginnings.size() < kBeginningsMax) beginnings.push_back({c.tuple, iss, event.from, event.until});
  }

  // What can be said of many only.
  void finish() {
    if (beginnings.size() < kFirstNumbersMin || tainted) return;
    const Event last{.from = last_at, .until = last_at, .tuple = beginnings.back().tuple};
    const Conversation* c = find(last.tuple);
    for (FirstNumberFinding& finding : judge_first_numbers(beginnings)) {
      if (finding.broken) {
        add_verdict(finding.rule, kind_of(finding.rule), c, last, std::move(finding.allowed), std::move(finding.seen));
      } else {
        count({finding.rule, true});
      }
    }
  }

  // Nothing is there that could be overdue or settled.
  static bool rests(const Conversation& c) {
    const Possible& p = c.possible.front();
    return c.possible.size() == 1 && p.state <= State::kListen && p.reply.form == Reply::Form::kNone && p.now.empty() &&
           p.demerits.empty() && !p.ack_now && !p.ack_later && !p.timed && !c.begins;
  }

  // RFC 7323 section 7: the clocks of two connections differ by more than the time between them.
  void first_timestamp(const Conversation& c, const Event& event, std::uint32_t tsval) {
    constexpr std::size_t kClocksMax = 8;
    for (const Clock& other : clocks) {
      const std::int64_t passed = (event.until - other.at) / std::chrono::milliseconds(1);
      if (other.tuple == c.tuple || passed > 1000) continue;
      if (std::abs(static_cast<std::int32_t>(tsval - other.tsval)) > 16 + 2 * passed) {
        if (!tainted) count({Rule::R7323_7_offset, true});
      } else if (++same_clock == 2) {  // once may be chance
        add_verdict(Rule::R7323_7_offset, Verdict::Kind::kDeparted, &c, event,
                    std::string(info(Rule::R7323_7_offset).sentence), "the timestamp clock of another connection");
      }
    }
    if (clocks.size() < kClocksMax) clocks.push_back({c.tuple, tsval, event.from});
  }

  void quiet(const Event& event) {
    for (std::size_t i = 0; i < used; ++i) {
      if (rests(conversations[i])) continue;
      process(conversations[i], event, [](Step& on) { falls_quiet(on); });
      settle(conversations[i], event);
    }
    for (const Cite& cite : loose) count(cite);
    loose.clear();
  }

  void user_call(const Event& event, const UserCall& call) {
    switch (call.kind) {
      case CallKind::kSocket:
        if (call.result >= 0) new_handle(static_cast<int>(call.result));
        return;
      case CallKind::kAccept:
        accept(event, call);
        return;
      default:
        break;
    }
    Handle* h = handle(call.handle);
    if (h == nullptr) return;
    switch (call.kind) {
      case CallKind::kBind:
        bind(*h, event, call);
        return;
      case CallKind::kListen:
        listen(*h, event, call);
        return;
      case CallKind::kConnect:
      case CallKind::kSendTo:
        connect(*h, event, call);
        return;
      case CallKind::kSetOption:
        set_option(*h, event, call);
        return;
      default:
        break;
    }
    switch (h->kind) {
      case Handle::Kind::kConnection:
        on_connection(*h, event, call);
        break;
      case Handle::Kind::kListener:
        if (call.kind == CallKind::kWrite) loose.add({Rule::S3_10_2_listen, call.result > 0});
        if (call.kind == CallKind::kClose && call.result == 0) close_listener(*h, event);
        break;
      case Handle::Kind::kNew:
        on_unconnected(*h, event, call);
        break;
      case Handle::Kind::kFree:
        break;
    }
    if (call.kind == CallKind::kClose && call.result == 0) h->kind = Handle::Kind::kFree;
  }

  void bind(Handle& h, const Event& event, const UserCall& call) {
    if (call.result == 0) {
      if (call.port != 0) h.port = call.port;
      h.elsewhere = call.host == Host::kElsewhere;
      h.named = call.host == Host::kNamed;
      return;
    }
    if (call.host == Host::kNamed && call.error != UserError::kAddressInUse) {
      add_verdict(Rule::MUST_43, Verdict::Kind::kViolated, nullptr, event, "the address is taken",
                  describe(event, Possible{}));
    }
    if (call.error == UserError::kAddressInUse && h.reuse && only_opening(call.port)) port_is_refused(event);
  }

  // The port is in use, and by nothing but connections that are being opened.
  bool only_opening(std::uint16_t number) const {
    bool any = false;
    for (std::size_t i = 0; i < used; ++i) {
      if (conversations[i].tuple.local != number) continue;
      for (const Possible& p : conversations[i].possible) {
        if (p.state != State::kSynSent && p.state != State::kSynReceived) return false;
        any = true;
      }
    }
    return any;
  }

  void port_is_refused(const Event& event) {
    add_verdict(Rule::MUST_42, Verdict::Kind::kViolated, nullptr, event, "a passive OPEN on the port",
                describe(event, Possible{}));
  }

  // 3.10.1. OPEN Call, passive
  void listen(Handle& h, const Event& event, const UserCall& call) {
    if (event.tuple.local != 0) h.port = event.tuple.local;
    for (std::size_t i = 0; i < used; ++i) {
      Conversation& c = conversations[i];
      if (c.tuple.local != h.port) continue;
      for (Possible& possible : c.possible) {
        if (synchronized(possible.state)) possible.later.add({Rule::MUST_41, true});
      }
    }
    if (call.result != 0) {
      if (call.error == UserError::kAddressInUse && h.reuse && only_opening(h.port)) port_is_refused(event);
      return;
    }
    if (only_opening(h.port)) loose.add({Rule::MUST_42, true});
    h.kind = Handle::Kind::kListener;
    h.backlog = std::max<std::uint32_t>(call.length, 1);
    Port* p = port(h.port);
    if (p == nullptr) p = &ports.emplace_back(Port{.number = h.port});
    *p = {.number = h.port, .backlog = h.backlog, .open = true, .elsewhere = h.elsewhere, .fast_open = h.fast_open};
    loose.add({Rule::S3_10_1_passive, true});
  }

  void connect(Handle& h, const Event& event, const UserCall& call) {
    if (call.host == Host::kBroadcast || call.host == Host::kMulticast) {
      if (call.result >= 0 || call.error == UserError::kInProgress) {
        add_verdict(Rule::MUST_46, Verdict::Kind::kViolated, nullptr, event, "an error", describe(event, Possible{}));
        tainted = true;
      } else {
        loose.add({Rule::MUST_46, true});
      }
      return;
    }
    if (h.kind != Handle::Kind::kConnection) {
      if (call.tuple.remote == 0 && call.port == 0) {
        if (call.result == 0 || call.error == UserError::kInProgress) {
          add_verdict(Rule::S3_10_1_no_remote, Verdict::Kind::kViolated, nullptr, event, "an error",
                      describe(event, Possible{}));
          tainted = true;
        } else {
          loose.add({Rule::S3_10_1_no_remote, true});
        }
      }
      if (h.kind == Handle::Kind::kListener) {
        loose.add({Rule::S3_10_1_listen, call.result == 0 || call.error == UserError::kInProgress});
      }
      if (call.tuple.remote == 0) return;  // refused before it named a conversation
    }
    Conversation& c = h.kind == Handle::Kind::kConnection ? conversation(h.tuple) : conversation(call.tuple);
    if (h.kind != Handle::Kind::kConnection) {
      h.kind = Handle::Kind::kConnection;
      h.tuple = c.tuple;
      h.incarnation = ++c.incarnation;
      c.taken = true;
    }
    process(c, event, [&](Step& on) {
      open_active(on, call);
      on.tcb.user_timeout = h.user_timeout;
      on.tcb.no_delay = h.no_delay;
      for (const UserCall& option : h.chosen) option_set(on, option);
    });
    c.named = h.named;
  }

  void accept(const Event& event, const UserCall& call) {
    const Handle* listener = handle(call.handle);
    if (listener == nullptr || listener->kind != Handle::Kind::kListener) return;
    if (call.result >= 0) {
      Conversation& c = conversation(call.tuple);
      const std::uint16_t local = c.tuple.local;
      const bool listener_no_delay = listener->no_delay;  // inherited or not
      const std::vector<UserCall> inherited = listener->chosen;
      Handle& h = new_handle(static_cast<int>(call.result));
      h.kind = Handle::Kind::kConnection;
      h.tuple = c.tuple;
      h.port = local;
      if (c.dead >= 0 && c.dead != c.incarnation) {  // which of the two it is cannot be told
        h.incarnation = -1;
        c.dead = -1;
        return;
      }
      c.dead = -1;
      h.incarnation = c.incarnation;
      c.taken = true;
      process(c, event, [&](Step& on) {
        take(on, call);
        on.tcb.nagle_free = listener_no_delay;
        if (inherited.empty() || on.may()) return;  // a copy of the listener's choices, or not
        for (const UserCall& option : inherited) option_set(on, option);
      });
      return;
    }
    if (call.error != UserError::kWouldBlock) return;
    for (std::size_t i = 0; i < used; ++i) {
      Conversation& c = conversations[i];
      if (c.taken || c.tuple.local != listener->port) continue;
      const bool due = std::all_of(c.possible.begin(), c.possible.end(), [](const Possible& p) {
        return p.passive && (p.state == State::kEstablished || p.state == State::kCloseWait);
      });
      if (due) {
        add_verdict(Rule::SA4_5_synrcvd_ok, Verdict::Kind::kViolated, &c, event,
                    "accept gives the connection that is established", "accept = -1 EAGAIN");
        c.tainted = tainted = true;
        return;
      }
    }
  }

  void set_option(Handle& h, const Event& event, const UserCall& call) {
    if (call.result != 0) return;
    if (call.option == SocketOption::kNoDelay || call.option == SocketOption::kCork) {
      // A cork is a wish to wait; it is not judged, as if small segments were free to leave or not.
      h.no_delay = call.value != 0;
      if (h.kind == Handle::Kind::kConnection && current(h)) {
        process(conversation(h.tuple), event, [&](Step& on) { on.tcb.no_delay = call.value != 0; });
      }
    }
    if (call.option == SocketOption::kReuseAddress) h.reuse = call.value != 0;
    if (answers_for(call.option)) {
      if (h.kind != Handle::Kind::kConnection) {
        h.chosen.push_back(call);
        h.chosen.back().text = {};
      } else if (current(h)) {
        process(conversation(h.tuple), event, [&](Step& on) { option_set(on, call); });
      }
    }
    if (call.option == SocketOption::kLinger) h.zero_linger = call.value == 0;
    if (call.option == SocketOption::kFastOpen) {
      h.fast_open = static_cast<std::uint32_t>(std::max<std::int64_t>(call.value, 0));
      if (Port* p = h.kind == Handle::Kind::kListener ? port(h.port) : nullptr) p->fast_open = h.fast_open;
    }
    if (call.option == SocketOption::kUserTimeout) {
      h.user_timeout = std::chrono::milliseconds(call.value);
      if (h.kind == Handle::Kind::kConnection && current(h)) {
        process(conversation(h.tuple), event, [&](Step& on) { on.tcb.user_timeout = h.user_timeout; });
      }
    }
  }

  static bool answers_for(SocketOption option) {
    return (option >= SocketOption::kKeepAlive && option <= SocketOption::kKeepCount) ||
           option == SocketOption::kOutOfBandInline || option == SocketOption::kTypeOfService ||
           option == SocketOption::kTimeToLive;
  }

  static void option_set(Step& on, const UserCall& call) {
    switch (call.option) {
      case SocketOption::kTypeOfService:
      case SocketOption::kTimeToLive: ip_set(on, call); break;
      case SocketOption::kOutOfBandInline:
        on.tcb.up.in_line = call.value != 0;
        on.tcb.up.sure = on.tcb.up.sure && !on.tcb.up.arrived;  // what became of an octet that is here already is open
        break;
      default: keep_alive_set(on, call); break;
    }
  }

  bool current(const Handle& h) { return conversation(h.tuple).incarnation == h.incarnation; }

  void on_connection(Handle& h, const Event& event, const UserCall& call) {
    Conversation& c = conversation(h.tuple);
    if (!current(h)) {  // its connection is over; TIME-WAIT may be what is left of it
      if (call.kind == CallKind::kClose) process(c, event, [&](Step& on) { leave_time_wait(on); });
      return;
    }
    switch (call.kind) {
      case CallKind::kWrite:
        if (h.reads_shut && call.result < 0) return;
        process(c, event, [&](Step& on) { send(on, call); });
        break;
      case CallKind::kRead:
        if (!h.reads_shut) process(c, event, [&](Step& on) { receive(on, call); });
        break;
      case CallKind::kShutdown:
        if (call.how != 1) {
          h.reads_shut = true;
          process(c, event, [](Step& on) { on.tcb.reads_shut = true; });
        }
        if (call.how != 0) process(c, event, [&](Step& on) { close(on, call); });
        break;
      case CallKind::kClose:
        if (h.zero_linger) {
          process(c, event, [&](Step& on) { abort(on, call); });
        } else {
          process(c, event, [&](Step& on) { close_and_leave(on, call); });
        }
        break;
      case CallKind::kGetOption:
        if (call.option == SocketOption::kError) process(c, event, [&](Step& on) { ask_error(on, call); });
        if (call.option == SocketOption::kAtMark) process(c, event, [&](Step& on) { mark_asked(on, call); });
        break;
      case CallKind::kPoll:
        process(c, event, [&](Step& on) { priority_polled(on, call); });
        break;
      default:
        break;
    }
  }

  void on_unconnected(const Handle& h, const Event& event, const UserCall& call) {
    const auto refuse_success = [&](Rule rule, bool success) {
      if (success) {
        add_verdict(rule, kind_of(rule), nullptr, event, "an error", describe(event, Possible{}));
      } else {
        loose.add({rule, true});
      }
    };
    switch (call.kind) {
      case CallKind::kWrite:
        refuse_success(Rule::S3_10_2_closed, call.result > 0);
        break;
      case CallKind::kRead:
        refuse_success(Rule::S3_10_3_closed, call.result > 0);
        break;
      case CallKind::kShutdown:
        loose.add({Rule::S3_10_4_closed, true});
        break;
      case CallKind::kClose:
        loose.add({h.zero_linger ? Rule::S3_10_5_closed : Rule::S3_10_4_closed, true});
        break;
      default:
        break;
    }
  }

  void close_listener(const Handle& h, const Event& event) {
    if (Port* p = port(h.port)) {
      p->open = false;
      p->aborted = h.zero_linger;
    }
    for (std::size_t i = 0; i < used; ++i) {
      Conversation& c = conversations[i];
      if (c.taken || c.tuple.local != h.port) continue;
      process(c, event, [](Step& on) { listener_gone(on); });
    }
  }
};

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
const std::vector<Count>& Oracle::counts() const {
  return impl_->counts;
}

std::optional<bool> Oracle::trait(Trait trait) const {
  const std::int8_t value = impl_->traits[static_cast<std::size_t>(trait)];
  if (value == 0) return {};
  return value > 0;
}

std::string Oracle::states(Tuple tuple) const {
  const Conversation* c = impl_->find(tuple);
  return c ? Impl::states(*c) : "";
}

std::optional<std::uint32_t> Oracle::iss(Tuple tuple) const {
  const Conversation* c = impl_->find(tuple);
  if (c == nullptr || !c->possible.front().iss_known) return {};
  return c->possible.front().iss.value;
}

std::optional<std::uint32_t> Oracle::irs(Tuple tuple) const {
  const Conversation* c = impl_->find(tuple);
  if (c == nullptr || c->possible.front().state <= State::kSynSent) return {};
  return c->possible.front().irs.value;
}

void Oracle::watch_transitions(std::uint8_t* counters) {
  impl_->transitions = counters;
}

}  // namespace tcpassay
