// SPDX-License-Identifier: Apache-2.0
// A white-box target reports its state, RCV.NXT and SND.UNA (RFC 9293 section 3.10.6).
#include "models/blame.h"
#include "models/segment_arrives_steps.h"
#include "models/segment_departs_steps.h"

namespace tcpassay {
namespace {

bool no_connection(State state) {
  return state == State::kClosed || state == State::kListen;
}

bool follows_the_peers_fin(State state) {
  return state == State::kCloseWait || state == State::kClosing || state == State::kLastAck ||
         state == State::kTimeWait;
}

// The FIN that CLOSE has queued may not be out yet: the state that follows it comes with it (3.10.4, CLOSE-WAIT).
bool fin_is_still_queued(const Step& on, State reported) {
  const Candidate& tcb = on.tcb;
  if (tcb.fin_sent()) return false;
  const bool closing = tcb.state == State::kLastAck || (tcb.state == State::kClosing && !on.since(Edition::k1122));
  return (reported == State::kCloseWait && closing) ||
         (reported == State::kEstablished && tcb.state == State::kFinWait1);
}

bool is_the_state(const Step& on, State reported) {
  const State state = on.tcb.state;
  return reported == state || (no_connection(reported) && no_connection(state)) || fin_is_still_queued(on, reported);
}

// What is blamed for a connection that ends although nothing has ended it.
Rule forbids_early_end(const Tcb& tcb) {
  return blamed({
      {tcb.state == State::kTimeWait, Rule::MUST_13},
      {tcb.rexmits == 0 || tcb.snd_una == tcb.snd_nxt, Rule::SA4_1_drop},
      {!synchronized(tcb.state), Rule::MUST_23},
      {tcb.snd_wnd == 0, Rule::MUST_37},
      {kOtherwise, Rule::SHLD_11},
  });
}

// Of the rules whose effect the state shows, the one that tells most and leaves no freedom.
std::optional<Rule> shows_in_the_state(const Candidate& tcb) {
  std::optional<Rule> found;
  for (const Cite& cite : tcb.later) {
    if (info(cite.rule).level != Level::kMay && (!found || tells_more(cite.rule, *found))) found = cite.rule;
  }
  return found;
}

// The step that should have been taken and was not, when the target reports a state that it should have left. Else the
// rule that forbids the step into the reported state.
Rule changed_the_state(const Candidate& tcb, State reported) {
  const std::optional<Rule> shown = shows_in_the_state(tcb);
  const bool ended = no_connection(reported) && synchronized(tcb.state);
  const std::optional<Rule> way_out = ended ? std::nullopt : tcb.left_by(reported);
  if (way_out && (!shown || !states_special_case(*shown))) return *way_out;
  if (shown) return *shown;
  return at_work(tcb, no_connection(reported) ? forbids_early_end(tcb) : Rule::SA4_1_drop);
}

// A FIN that stands beyond the window, behind text that had to be trimmed, was acted on.
bool took_a_fin_beyond_the_window(const Candidate& tcb, State reported) {
  return !tcb.rcv_fin && follows_the_peers_fin(reported) && tcb.cut.there;
}

// The FIN of a segment that is not acceptable was acted on. What its ACK and its window do is another question.
bool took_an_unacceptable_fin(const Candidate& tcb, State reported) {
  return !tcb.rcv_fin && follows_the_peers_fin(reported) && tcb.later.has({Rule::SA4_1_drop});
}

// What is blamed when the target is in another state than it should be.
Rule forbids_the_state(const Candidate& tcb, State reported) {
  const bool gave_up =
      no_connection(reported) && synchronized(tcb.state) && tcb.snd_una < tcb.snd_limit() && tcb.prompted == 0;
  const bool shrunk = tcb.snd_edge() + 1 < tcb.snd_nxt;  // the window, by more than a probe
  // What had to leave first and did not is the nearer reason; that a RST is still to end the connection is none.
  const bool answer_is_due = tcb.reply.form != Reply::Form::kNone && !tcb.reply.optional && !tcb.reply.ends;
  return blamed({
      {took_a_fin_beyond_the_window(tcb, reported), takes_beyond_edge(tcb)},
      {took_an_unacceptable_fin(tcb, reported), Rule::SA4_1_drop},
      {tcb.keep.unanswered > 0 && reported == State::kClosed, Rule::MUST_29},
      {tcb.ack_now && info(tcb.ack_now_rule).level == Level::kMust, tcb.ack_now_rule},
      {answer_is_due, unanswered(tcb)},
      {no_connection(reported) && tcb.survived.has_value(), tcb.survived.value_or(Rule::SA4_1_drop)},
      {gave_up && tcb.closed_early && tcb.rexmits == 0, Rule::S3_10_4_syn_received},
      {gave_up && (tcb.snd_wnd != 0 || tcb.rexmits == 0), Rule::SHLD_11},
      {gave_up && shrunk, Rule::SHLD_17},
      {gave_up, Rule::MUST_37},
      {kOtherwise, changed_the_state(tcb, reported)},
  });
}

// What is blamed for a wrong RCV.NXT. That an answer should leave does not allow the target to take what it answers.
Rule moves_the_numbers(const Candidate& tcb, bool too_far) {
  if (too_far && calls_upon(tcb, Rule::R5961_5_2_ack)) return Rule::R5961_5_2_ack;  // discarded, whatever it brought
  const Rule rule = at_work(tcb, Rule::SA4_7_deliver);
  const bool must = info(rule).level == Level::kMust;
  for (int i = 0; must && !too_far && i < tcb.prompted && i < tcb.now.size; ++i) {
    const Rule reading = tcb.now.items[static_cast<std::size_t>(i)].rule;
    if (says_how_to_read(reading) && !states_special_case(rule)) return reading;
  }
  if (must) return rule;
  return too_far && rule == Rule::SA4_1_ack ? Rule::SA4_1_drop : Rule::SA4_7_deliver;
}

bool numbers_are_right(Step& on, const StateReport& report) {
  const Candidate& tcb = on.tcb;
  if (!synchronized(tcb.state) || tcb.state == State::kTimeWait) return true;
  if (report.rcv_nxt) {
    const RcvSeq nxt{*report.rcv_nxt};
    const bool too_far = tcb.rcv_nxt_max < nxt;
    if (too_far && tcb.cut.may_be(nxt)) return on.refuse(takes_beyond_edge(tcb), 1);  // as an ACK of it would be
    if (nxt < tcb.rcv_nxt || too_far) return on.refuse(moves_the_numbers(tcb, too_far), 1);
  }
  if (!report.snd_una || SndSeq{*report.snd_una} == tcb.snd_una) return true;
  const Rule rule = at_work(tcb, Rule::SA4_5_new);  // that an answer should leave does not allow to take the ACK of it
  const bool taken = rule == Rule::SA4_1_ack && tcb.snd_una < SndSeq{*report.snd_una};
  return on.refuse(taken ? Rule::SA4_1_drop : rule, 1);
}

}  // namespace

void state_reported(Step& on, const StateReport& report) {
  Candidate& tcb = on.tcb;
  if (!is_the_state(on, report.state)) {
    on.refuse(forbids_the_state(tcb, report.state), 2);
    return;
  }
  if (!numbers_are_right(on, report)) return;
  on.cite(Rule::S3_10_6_status);
  for (const Cite& cite : tcb.later) tcb.now.add(cite);
  tcb.later.clear();
  tcb.ways_out.clear();
  tcb.survived.reset();
}

}  // namespace tcpassay
