// SPDX-License-Identifier: Apache-2.0
// RFC 9293 section 3.10.7: CLOSED, LISTEN and SYN-SENT, and what makes a segment unfit for any state.

#include <gtest/gtest.h>

#include "models/test_tcb.h"

namespace tcpassay {
namespace {

// 3.10.7.1. CLOSED STATE

TEST(Closed, ARstIsDiscarded) {
  const Outcomes after = arrives(closed_tcb(), in("R", 1), kNobody);
  EXPECT_EQ(after.texts, Texts{"CLOSED"});
  EXPECT_TRUE(after.cite(Rule::SA1_rst));
  EXPECT_EQ(arrives(closed_tcb(), in("R.", 1, 1), kNobody).texts, Texts{"CLOSED"});
}

TEST(Closed, ASegmentWithAckIsAnsweredAtItsAck) {
  const Outcomes after = arrives(closed_tcb(), in(".", 1, 77), kNobody);
  EXPECT_EQ(after.texts, Texts{"CLOSED, RST 77"});
  EXPECT_TRUE(after.cite(Rule::SA1_ack));
  EXPECT_TRUE(after.cite(Rule::S3_5_2_rst_ack));
}

// SYN,ACK carries an ACK like any other: the ACK decides the form.
TEST(Closed, ASynAckIsAnsweredAtItsAck) {
  EXPECT_EQ(arrives(closed_tcb(), in("S.", 0, 77), kNobody).texts, Texts{"CLOSED, RST 77"});
}

TEST(Closed, ASegmentWithoutAckIsAcknowledgedByTheRst) {
  const Outcomes after = arrives(closed_tcb(), in("S", 0), kNobody);
  EXPECT_EQ(after.texts, Texts{"CLOSED, RST,ACK 1"});
  EXPECT_TRUE(after.cite(Rule::SA1_noack));
  EXPECT_TRUE(after.cite(Rule::S3_5_2_rst_noack));
}

// SEG.LEN counts the text, the SYN and the FIN.
TEST(Closed, TheRstAcknowledgesAllOfTheSegment) {
  EXPECT_EQ(arrives(closed_tcb(), in("P", 1, 0, 10), kNobody).texts, Texts{"CLOSED, RST,ACK 11"});
  EXPECT_EQ(arrives(closed_tcb(), in("F", 1, 0, 10), kNobody).texts, Texts{"CLOSED, RST,ACK 12"});
  EXPECT_EQ(arrives(closed_tcb(), in("SF", 0, 0, 10), kNobody).texts, Texts{"CLOSED, RST,ACK 12"});
  EXPECT_EQ(arrives(closed_tcb(), in("", 5), kNobody).texts, Texts{"CLOSED, RST,ACK 5"});
}

TEST(Closed, TextIsDiscarded) {
  const Outcomes after = arrives(closed_tcb(), in("P.", 1, 1, 10), kNobody);
  EXPECT_EQ(after.texts, Texts{"CLOSED, RST 1"});
  EXPECT_TRUE(after.cite(Rule::SA1_text));
}

TEST(Closed, AFinIsNotProcessed) {
  EXPECT_TRUE(arrives(closed_tcb(), in("F.", 1, 1), kNobody).cite(Rule::SA4_8_unsynchronized));
}

// 3.5.1, figure 9: one side has lost the connection, the other goes on sending text.
TEST(Closed, TextForALostConnectionIsReset) {
  Candidate lost = established();
  lost.state = State::kClosed;
  const Outcomes after = arrives(lost, in("P.", 1, 1, 10), kNobody);
  EXPECT_EQ(after.texts, Texts{"CLOSED, RST 1"});
  EXPECT_TRUE(after.cite(Rule::S3_5_1_halfopen_text));
}

// The rule that closing a listener deletes its TCB shows in how the next SYN is answered.
TEST(Closed, AfterTheListenerIsGoneASynIsReset) {
  Environment env = kNobody;
  env.deserted = true;
  EXPECT_TRUE(arrives(listen_tcb(), in("S", 0), env).cite(Rule::S3_10_4_listen));
  env.aborted = true;
  const Outcomes after = arrives(listen_tcb(), in("S", 0), env);
  EXPECT_TRUE(after.cite(Rule::S3_10_5_listen));
  EXPECT_EQ(after.texts, Texts{"CLOSED, RST,ACK 1"});
}

// 3.10.7.2. LISTEN STATE

TEST(Listen, FirstARstIsIgnored) {
  for (const char* flags : {"R", "R.", "SR", "SR."}) {
    const Outcomes after = arrives(listen_tcb(), in(flags, 0, 1));
    EXPECT_EQ(after.texts, Texts{"LISTEN"}) << flags;
    EXPECT_TRUE(after.cite(Rule::SA2_1_rst)) << flags;
  }
}

// "An acceptable reset segment should be formed": a small should, so silence is a departure.
TEST(Listen, SecondAnAckIsAnsweredByARst) {
  for (const char* flags : {".", "S.", "F.", "P."}) {
    const Outcomes after = arrives(listen_tcb(), in(flags, 1, 77));
    EXPECT_EQ(after.texts, Texts{"LISTEN, RST 77 (should)"}) << flags;
    EXPECT_TRUE(after.cite(Rule::SA2_2_ack)) << flags;
  }
}

TEST(Listen, ThirdASynIsAnswered) {
  const Outcomes after = arrives(listen_tcb(), in("S", 0));
  EXPECT_EQ(after.texts, Texts{"SYN-RECEIVED, SND.WND=8000, RCV.NXT=1, SYN,ACK"});
  EXPECT_TRUE(after.cite(Rule::SA2_3_syn));
  EXPECT_TRUE(after.all.at(0).passive);
  EXPECT_EQ(after.all.at(0).irs, kIrs);
}

TEST(Listen, ASynBringsTheSendMss) {
  Arriving syn = in("S", 0);
  EXPECT_EQ(arrives(listen_tcb(), syn).all.at(0).snd_mss, 536);
  syn.opt.mss = 1200;
  EXPECT_EQ(arrives(listen_tcb(), syn).all.at(0).snd_mss, 1200);
}

// Text on a SYN is queued: it may be acknowledged with the SYN, or only the SYN is.
TEST(Listen, TextOnASynIsQueuedOrLeftToItsRetransmission) {
  const Outcomes after = arrives(listen_tcb(), in("S", 0, 0, 10));
  EXPECT_EQ(after.texts, Texts{"SYN-RECEIVED, SND.WND=8000, RCV.NXT=1..11, SYN,ACK"});
  EXPECT_TRUE(after.cite(Rule::SA2_3_queue));
}

// The FIN waits for ESTABLISHED; stacks that drop SYN with FIN do so by policy.
TEST(Listen, AFinOnASynIsNotActedOn) {
  const Outcomes after = arrives(listen_tcb(), in("SF", 0));
  EXPECT_EQ(after.texts, (Texts{"LISTEN", "SYN-RECEIVED, SND.WND=8000, RCV.NXT=1, SYN,ACK"}));
}

// In the terms of the RFC a passive OPEN that has its connection is used up, and the port is CLOSED for other SYNs.
TEST(Listen, AFullQueueMayDropASynOrResetIt) {
  Environment env = kListening;
  env.backlog_full = true;
  EXPECT_EQ(arrives(listen_tcb(), in("S", 0), env).texts,
            (Texts{"LISTEN", "LISTEN, RST,ACK 1", "SYN-RECEIVED, SND.WND=8000, RCV.NXT=1, SYN,ACK"}));
}

// 3.5.1, figure 8: the old SYN was reset, the new one is served.
TEST(Listen, AfterAnOldDuplicateSynAFreshOneIsServed) {
  const Outcomes reset = arrives(syn_received(), in("R", 1));
  ASSERT_EQ(reset.texts, Texts{"LISTEN"});
  const Outcomes after = arrives(reset.all.at(0), in("S", 900));
  EXPECT_EQ(after.texts, Texts{"SYN-RECEIVED, RCV.NXT=901, SYN,ACK"});
  EXPECT_TRUE(after.cite(Rule::S3_5_1_duplicate_syn));
  EXPECT_FALSE(after.all.at(0).iss_known);
}

TEST(Listen, FourthAnythingElseIsDropped) {
  for (const char* flags : {"", "F", "P", "FPU"}) {
    const Outcomes after = arrives(listen_tcb(), in(flags, 1, 0, 10));
    EXPECT_EQ(after.texts, Texts{"LISTEN"}) << flags;
    EXPECT_TRUE(after.cite(Rule::SA2_4_other)) << flags;
  }
}

TEST(Listen, AFinIsNotProcessed) {
  EXPECT_TRUE(arrives(listen_tcb(), in("F", 1)).cite(Rule::SA4_8_unsynchronized));
}

// 3.10.7.3. SYN-SENT STATE

// SEG.ACK =< ISS or SEG.ACK > SND.NXT, on a SYN or not.
TEST(SynSent, FirstABadAckDrawsARst) {
  for (const std::uint32_t ack : {0u, 2u, 100000u, 0u - 5u}) {
    for (const char* flags : {".", "S.", "F.", "P."}) {
      const Outcomes after = arrives(syn_sent(), in(flags, 0, ack));
      EXPECT_EQ(after.texts, Texts{"SYN-SENT, RST " + std::to_string(static_cast<int>(ack))}) << flags;
      EXPECT_TRUE(after.cite(Rule::SA3_1_bad_ack));
    }
  }
}

TEST(SynSent, ABadAckChangesNothing) {
  const Outcomes after = arrives(syn_sent(), in("S.", 0, 2));
  EXPECT_TRUE(after.cite(Rule::S3_5_2_same_state));
  EXPECT_EQ(after.all.at(0).rcv_nxt, syn_sent().rcv_nxt);
  EXPECT_EQ(after.all.at(0).snd_una, kIss);
}

TEST(SynSent, ARstWithABadAckIsDropped) {
  const Outcomes after = arrives(syn_sent(), in("R.", 0, 2));
  EXPECT_EQ(after.texts, Texts{"SYN-SENT"});
  EXPECT_TRUE(after.cite(Rule::SA3_1_bad_ack_rst));
  EXPECT_TRUE(after.cite(Rule::S3_5_3_synsent));
}

TEST(SynSent, SecondARstThatAcknowledgesTheSynEndsTheAttempt) {
  const Outcomes after = arrives(syn_sent(), in("R.", 0, 1));
  EXPECT_EQ(after.texts, Texts{"CLOSED, tells of no connection"});
  EXPECT_TRUE(after.cite(Rule::SA3_2_reset));
}

// RCV.NXT has no value yet, so SEG.SEQ is not looked at, whatever 3.10.7.3 says of RFC 5961.
TEST(SynSent, TheSequenceNumberOfARstIsNotTested) {
  for (const std::uint32_t seq : {0u, 12345u, 0x80000000u}) {
    EXPECT_EQ(arrives(syn_sent(), in("R.", seq, 1)).texts, Texts{"CLOSED, tells of no connection"}) << seq;
  }
}

TEST(SynSent, ARstWithoutAckIsDropped) {
  const Outcomes after = arrives(syn_sent(), in("R", 0));
  EXPECT_EQ(after.texts, Texts{"SYN-SENT"});
  EXPECT_TRUE(after.cite(Rule::SA3_2_noack));
  EXPECT_TRUE(after.cite(Rule::R5961_3_2_synsent));
}

// The RST bit is looked at before the SYN bit.
TEST(SynSent, ASynWithRstIsARst) {
  EXPECT_EQ(arrives(syn_sent(), in("SR", 0)).texts, Texts{"SYN-SENT"});
  EXPECT_EQ(arrives(syn_sent(), in("SR.", 0, 1)).texts, Texts{"CLOSED, tells of no connection"});
}

TEST(SynSent, FourthASynThatAcknowledgesOursOpens) {
  const Outcomes after = arrives(syn_sent(), in("S.", 0, 1));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, SND.UNA=1, SND.WND=8000, RCV.NXT=1, ACK later"});
  EXPECT_TRUE(after.cite(Rule::SA3_4_established));
  EXPECT_TRUE(after.cite(Rule::SA3_4_window));
}

// The RFC prints the setting of SND.WND under SYN-RECEIVED alone; RFC 1122 4.2.2.20 (c) has it here too.
TEST(SynSent, TheSendWindowIsTakenFromTheSynAck) {
  const Candidate after = arrives(syn_sent(), in("S.", 0, 1, 0, 123)).all.at(0);
  EXPECT_EQ(after.snd_wnd, 123u);
  EXPECT_EQ(after.snd_wl1, kIrs);
  EXPECT_EQ(after.snd_wl2, kIss + 1);
}

// The text may be taken, or left to its retransmission; the ACK of the SYN may wait for it.
TEST(SynSent, TextOnTheSynAckIsProcessed) {
  const Outcomes after = arrives(syn_sent(), in("SP.", 0, 1, 10));
  EXPECT_EQ(after.texts, Texts{"ESTABLISHED, SND.UNA=1, SND.WND=8000, RCV.NXT=1..11, ACK later"});
  EXPECT_TRUE(after.cite(Rule::SA3_4_rest));
  EXPECT_TRUE(after.cite(Rule::SA3_4_suppress));
}

TEST(SynSent, AFinOnTheSynAckLeadsToCloseWait) {
  const Outcomes after = arrives(syn_sent(), in("SF.", 0, 1));
  EXPECT_EQ(after.texts, (Texts{"CLOSE-WAIT, SND.UNA=1, SND.WND=8000, RCV.NXT=2, ACK later",
                                "ESTABLISHED, SND.UNA=1, SND.WND=8000, RCV.NXT=1, ACK later"}));
}

// 3.5, figure 7: simultaneous open.
TEST(SynSent, ASynAloneLeadsToSynReceived) {
  const Outcomes after = arrives(syn_sent(), in("S", 0));
  EXPECT_EQ(after.texts, Texts{"SYN-RECEIVED, SND.WND=8000, RCV.NXT=1, SYN,ACK"});
  EXPECT_TRUE(after.cite(Rule::SA3_4_syn_received));
  EXPECT_TRUE(after.cite(Rule::MUST_10));
  EXPECT_FALSE(after.all.at(0).passive);
}

TEST(SynSent, TextOnASynAloneIsQueued) {
  const Outcomes after = arrives(syn_sent(), in("S", 0, 0, 10));
  EXPECT_EQ(after.texts, Texts{"SYN-RECEIVED, SND.WND=8000, RCV.NXT=1..11, SYN,ACK"});
  EXPECT_TRUE(after.cite(Rule::SA3_4_queue));
}

TEST(SynSent, FifthWithNeitherSynNorRstItIsDropped) {
  for (const char* flags : {"", ".", "P.", "F.", "F"}) {
    const Outcomes after = arrives(syn_sent(), in(flags, 0, 1, 10));
    EXPECT_EQ(after.texts, Texts{"SYN-SENT"}) << flags;
    EXPECT_TRUE(after.cite(Rule::SA3_5_neither)) << flags;
  }
}

TEST(SynSent, AFinIsNotProcessed) {
  EXPECT_TRUE(arrives(syn_sent(), in("F.", 0, 1)).cite(Rule::SA4_8_unsynchronized));
}

// 3.1: what makes a segment unfit

TEST(Damaged, ABadChecksumHasNoEffectInAnyState) {
  for (int state = 0; state < kStates; ++state) {
    Arriving seg = in("S", 0);
    seg.fault = Fault::kChecksum;
    const Candidate before = in_state(static_cast<State>(state));
    const Outcomes after = arrives(before, seg, state == 0 ? kNobody : kListening);
    EXPECT_EQ(after.texts, Texts{to_string(before.state)});
    EXPECT_TRUE(after.cite(Rule::MUST_3));
  }
}

TEST(Damaged, AnImpossibleDataOffsetIsNotProcessed) {
  for (const Fault fault : {Fault::kDataOffset, Fault::kTruncated}) {
    Arriving seg = in("P.", 1, 1, 10);
    seg.fault = fault;
    const Outcomes after = arrives(established(), seg);
    EXPECT_EQ(after.texts, Texts{"ESTABLISHED"});
    EXPECT_TRUE(after.cite(Rule::S3_1_data_offset));
  }
}

// MUST-7 asks for survival; it suggests a reset, and a log entry.
TEST(Damaged, AnIllegalOptionLengthIsSurvived) {
  Arriving seg = in("P.", 1, 1, 10);
  seg.fault = Fault::kOptionLength;
  const Outcomes after = arrives(established(), seg);
  EXPECT_EQ(after.texts, (Texts{"ESTABLISHED", "ESTABLISHED, RCV.NXT=11, ACK later", "ESTABLISHED, RST 1",
                                "CLOSED, RST 1, tells reset"}));
  EXPECT_TRUE(after.cite(Rule::MUST_7));
}

TEST(Header, ReservedBitsAreIgnored) {
  Arriving seg = in("P.", 1, 1, 10);
  seg.ctl.reserved = 0xf;
  const Outcomes after = arrives(established(), seg);
  EXPECT_EQ(after.texts, arrives(established(), in("P.", 1, 1, 10)).texts);
  EXPECT_TRUE(after.cite(Rule::S3_1_reserved_received));
}

TEST(Header, OptionsDoNotChangeWhatASegmentDoes) {
  Arriving seg = in("P.", 1, 1, 10);
  seg.opt = {.unknown = true, .unaligned = true, .at_odd_octet = true, .octets = 8};
  const Outcomes after = arrives(established(), seg);
  EXPECT_EQ(after.texts, arrives(established(), in("P.", 1, 1, 10)).texts);
  for (const Rule rule : {Rule::MUST_5, Rule::MUST_6, Rule::MUST_64}) EXPECT_TRUE(after.cite(rule)) << id(rule);
}

}  // namespace
}  // namespace tcpassay
