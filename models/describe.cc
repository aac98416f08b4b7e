// SPDX-License-Identifier: Apache-2.0
#include "models/describe.h"

#include <chrono>

#include "models/rules.h"

namespace tcpassay {
namespace {

// Relative to the first sequence number where that is known; as on the wire otherwise.
template <class D>
std::string relative(Seq<D> seq, Seq<D> first, bool known) {
  if (!known) return std::to_string(seq.value);
  const auto distance = static_cast<std::int32_t>(seq.value - first.value);
  return std::to_string(distance);
}

bool irs_known(const Tcb& tcb) {
  return tcb.state > State::kSynSent || tcb.irs.value != 0 || tcb.was_open;
}

std::string snd(SndSeq seq, const Tcb& tcb) {
  return relative(seq, tcb.iss, tcb.iss_known);
}
std::string rcv(RcvSeq seq, const Tcb& tcb) {
  return relative(seq, tcb.irs, irs_known(tcb));
}

std::string controls(const Ctl& ctl) {
  std::string text;
  const auto add = [&](bool on, const char* name) {
    if (on) text += (text.empty() ? "" : ",") + std::string(name);
  };
  add(ctl.syn, "SYN");
  add(ctl.fin, "FIN");
  add(ctl.rst, "RST");
  add(ctl.psh, "PSH");
  add(ctl.ack, "ACK");
  add(ctl.urg, "URG");
  add(ctl.ece, "ECE");
  add(ctl.cwr, "CWR");
  return "<CTL=" + text + ">";
}

template <class Segment>
std::string rest_of(const Segment& seg) {
  std::string text = controls(seg.ctl);
  if (!seg.text.empty()) text += " " + std::to_string(seg.text.size()) + (seg.text.size() == 1 ? " octet" : " octets");
  if (seg.fault != Fault::kNone) text += " (" + std::string(to_string(seg.fault)) + ")";
  return text;
}

std::string of_call(const UserCall& call) {
  std::string text = to_string(call.kind);
  const bool sends = call.kind == CallKind::kWrite || call.kind == CallKind::kSendTo;
  if (call.kind == CallKind::kRead || sends) text += "(" + std::to_string(call.length) + ")";
  text += " = " + std::to_string(call.result);
  const bool error = call.option == SocketOption::kError;
  if (call.kind == CallKind::kGetOption && call.result >= 0)
    text += " [" + (error ? to_string(static_cast<UserError>(call.value)) : std::to_string(call.value)) + "]";
  if (call.result < 0) text += std::string(" ") + to_string(call.error);
  return text;
}

}  // namespace

const char* to_string(Limit limit) {
  switch (limit) {
    case Limit::kNone:
      break;
    case Limit::kPossible:
      return "too many possible states";
    case Limit::kQuestions:
      return "too many choices in one step";
    case Limit::kIslands:
      return "text ahead of too many gaps";
    case Limit::kDemerits:
      return "too many departures at once";
    case Limit::kDebts:
      return "too many answers that are due at once";
  }
  return "none";
}

namespace {

std::string owed(const Tcb& tcb) {
  const bool before = tcb.reply.form == Reply::Form::kNone && !tcb.debts.empty();
  const Reply& due = before ? *tcb.debts.begin() : tcb.reply;
  switch (due.form) {
    case Reply::Form::kRst:
      return "<SEQ=" + snd(due.seq, tcb) + "><CTL=RST>";
    case Reply::Form::kRstAck:
      return "<SEQ=0 on the wire><ACK=" + rcv(due.ack, tcb) + "><CTL=RST,ACK>";
    case Reply::Form::kAck:
      return "<SEQ=" + snd(due.seq, tcb) + "><ACK=" + rcv(due.ack, tcb) + "><CTL=ACK>";
    case Reply::Form::kSyn:
      return "<SEQ=ISS><CTL=SYN>";
    case Reply::Form::kSynAck:
      return "<SEQ=ISS><ACK=" + rcv(tcb.rcv_nxt, tcb) + "><CTL=SYN,ACK>";
    case Reply::Form::kNone:
      break;
  }
  const auto ack = [&] {
    std::string text = "<SEQ=" + snd(tcb.snd_nxt, tcb) + "><ACK=" + rcv(tcb.rcv_nxt, tcb);
    if (tcb.rcv_nxt != tcb.rcv_nxt_max) text += ".." + rcv(tcb.rcv_nxt_max, tcb);
    return text + "><CTL=ACK>";
  };
  if (tcb.ack_now) return ack();
  std::string text;
  const auto also = [&](const std::string& more) { text += (text.empty() ? "" : ", or ") + more; };
  if (tcb.ack_later) also(ack() + " within 0.5 s");
  if (tcb.state > State::kSynReceived && tcb.snd_una < tcb.snd_limit() && tcb.state != State::kClosed) {
    also("octets " + snd(tcb.snd_una, tcb) + " up to " +
         snd(earlier(tcb.snd_limit(), later(tcb.snd_edge(), tcb.snd_nxt)), tcb));
  }
  return text.empty() ? "nothing" : text;
}

}  // namespace

std::string describe(const Event& event, const Tcb& tcb) {
  if (const auto* seg = std::get_if<Departing>(&event.what)) {
    const bool first = seg->ctl.syn && !tcb.iss_known;  // it chooses ISS
    std::string text = "<SEQ=" + (first ? "ISS" : snd(seg->seq, tcb)) + ">";
    if (seg->ctl.ack) text += "<ACK=" + rcv(seg->ack, tcb) + ">";
    for (std::size_t i = 0; i < seg->opt.blocks; ++i) {
      const auto& block = seg->opt.block[i];
      text += (i == 0 ? "<SACK=" : " ") + rcv(RcvSeq{block.left}, tcb) + ":" + rcv(RcvSeq{block.right}, tcb);
    }
    if (seg->opt.blocks > 0) text += ">";
    return text + rest_of(*seg);
  }
  if (const auto* seg = std::get_if<Arriving>(&event.what)) {
    std::string text = "<SEQ=" + rcv(seg->seq, tcb) + ">";
    if (seg->ctl.ack) text += "<ACK=" + snd(seg->ack, tcb) + ">";
    return text + rest_of(*seg);
  }
  if (const auto* call = std::get_if<UserCall>(&event.what)) return of_call(*call);
  if (const auto* report = std::get_if<StateReport>(&event.what)) {
    std::string text = std::string("state ") + to_string(report->state);
    if (report->snd_una) text += " SND.UNA=" + snd(SndSeq{*report->snd_una}, tcb);
    if (report->rcv_nxt) text += " RCV.NXT=" + rcv(RcvSeq{*report->rcv_nxt}, tcb);
    return text;
  }
  if (const auto* message = std::get_if<IcmpArrives>(&event.what)) {
    return "ICMP type " + std::to_string(message->type) + " code " + std::to_string(message->code) +
           " for <SEQ=" + snd(message->seq, tcb) + ">";
  }
  return "nothing";
}

std::string describe_allowed(const std::vector<Candidate>& possible, const Event& event, Rule rule) {
  std::string text;
  for (const Candidate& p : possible) {
    std::string one;
    if (std::holds_alternative<StateReport>(event.what)) {
      one = std::string("state ") + to_string(p.state) + " SND.UNA=" + snd(p.snd_una, p) +
            " RCV.NXT=" + rcv(p.rcv_nxt, p);
    } else if (std::holds_alternative<UserCall>(event.what)) {
      one = std::string(info(rule).sentence);
    } else {
      one = owed(p);
    }
    if (text.find(one) != std::string::npos) continue;
    text += (text.empty() ? "" : "; or ") + one;
    if (text.size() > 300) return text + " ...";
  }
  return text;
}

namespace {

std::string ecn_text(const Carrier& ip) {
  constexpr const char* kNames[] = {"not ECT", "ECT(1)", "ECT(0)", "CE"};
  return kNames[ip.ecn()];
}

// What describe() leaves out of a segment.
std::string details(const Departing& seg) {
  std::string text = " with window " + std::to_string(seg.wnd);
  const Options& opt = seg.opt;
  if (opt.timestamps) {
    text += ", TSval " + std::to_string(opt.timestamps->value) + " TSecr " + std::to_string(opt.timestamps->echo);
  } else {
    text += ", no timestamps";
  }
  if (opt.mss) text += ", MSS " + std::to_string(*opt.mss);
  if (opt.window_scale) text += ", window scale " + std::to_string(*opt.window_scale);
  if (opt.sack_permitted) text += ", SACK permitted";
  if (opt.fast_open) text += ", Fast Open";
  if (opt.user_timeout) text += ", User Timeout";
  if (opt.signature) text += ", signed";
  if (opt.unknown) text += ", another option";
  text += ", " + ecn_text(seg.ip);
  if (seg.ctl.ece) text += ", ECE";
  if (seg.ctl.cwr) text += ", CWR";
  if (seg.ctl.reserved != 0) text += ", reserved bits " + std::to_string(seg.ctl.reserved);
  if (seg.ctl.urg) text += ", urgent pointer " + std::to_string(seg.up);
  return text + ", TTL " + std::to_string(seg.ip.ttl);
}

std::string seconds_text(Time at) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(at).count();
  const std::string below = std::to_string(ms % 1000);
  return std::to_string(ms / 1000) + "." + std::string(3 - below.size(), '0') + below + " s";
}

}  // namespace

namespace {

// Since when a segment has waited that the rule lets leave after a time only, and since what that is.
struct Wait {
  Time since{};
  const char* what = nullptr;
};

Wait wait_of(const Tcb& tcb, Rule rule) {
  switch (rule) {
    case Rule::MUST_18:
    case Rule::R6298_2_1:
    case Rule::R6298_2_2:
    case Rule::R6298_2_3:
    case Rule::R6298_2_3_const:
    case Rule::R6298_2_4:
    case Rule::R6298_2_5:
    case Rule::R6298_3_karn:
    case Rule::R6298_3_onesample:
    case Rule::R6298_5_early:
    case Rule::R6298_5_3:
    case Rule::R6298_5_5:
    case Rule::R6298_5_7:
    case Rule::SHLD_30:
      return {tcb.front_to, "after the front of the queue left last"};
    case Rule::SHLD_29:
      return {tcb.zero_at, "after the window closed"};
    case Rule::MUST_38:
      return {std::max(tcb.small_from, tcb.timer.acked_at), "after text began to wait for a larger window"};
    case Rule::MUST_26:
    case Rule::MUST_27:
    case Rule::MUST_28:
      return {std::max(tcb.keep.heard_to, tcb.keep.since), "after the last segment arrived"};
    default:
      return {};
  }
}

}  // namespace

std::string waited(const Tcb& tcb, Rule rule, Time now) {
  const Wait wait = wait_of(tcb, rule);
  if (wait.what == nullptr || now < wait.since) return {};
  return ", " + seconds_text(now - wait.since) + " " + wait.what;
}

std::string nothing_until(Time now) {
  return "nothing until " + seconds_text(now);
}

std::string more_of(const Departing& seg, const Tcb& tcb, Rule rule, Time now) {
  std::string time = waited(tcb, rule, now);
  if (!time.empty()) return time;
  const std::string_view id = info(rule).id;
  const bool of_window = id.starts_with("R5681_3") || id.starts_with("R5681_4") || rule == Rule::R3168_5_ce_loss ||
                         rule == Rule::R3168_6_1_2_noincrease;
  if (!of_window || seg.text.empty()) return details(seg);
  const auto octets = seg.seq + static_cast<std::uint32_t>(seg.text.size()) - tcb.snd_una;
  return ", with " + std::to_string(octets) + " octets not acknowledged";
}

void tell_more(std::string& allowed, std::string& seen, const Event& event, const Tcb& tcb, Rule rule) {
  if (std::holds_alternative<Quiet>(event.what)) {
    const bool too_much = rule == Rule::R5681_3_1_iw || rule == Rule::R5681_3_1_iw_synloss || rule == Rule::MUST_19 ||
                          rule == Rule::S3_7_4_nodelay_cwnd;
    if (!too_much) return;
    allowed = std::string(info(rule).sentence);
    seen = "octets " + snd(tcb.snd_una, tcb) + " up to " + snd(tcb.snd_nxt, tcb) + " in flight";
  }
  const auto* seg = std::get_if<Departing>(&event.what);
  if (seg == nullptr) return;
  const SndSeq end = seg->seq + static_cast<std::uint32_t>(seg->text.size());
  const bool among = !seg->text.empty() && tcb.snd_una <= seg->seq && end <= tcb.snd_limit();  // it looks allowed
  const bool timed = !waited(tcb, rule, event.until).empty();
  if (!timed && !among && allowed.find(seen) == std::string::npos) return;
  allowed = std::string(info(rule).sentence);
  seen += more_of(*seg, tcb, rule, event.until);
}

void tell_apart(std::string& allowed, std::string& seen, const Event& event, Rule rule) {
  if (allowed != seen) return;
  allowed = std::string(info(rule).sentence);
  if (const auto* seg = std::get_if<Departing>(&event.what)) {
    seen += details(*seg);
  } else {
    seen += " until " + seconds_text(event.until);
  }
}

}  // namespace tcpassay
