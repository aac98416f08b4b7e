// SPDX-License-Identifier: Apache-2.0
// Every planted defect has an effect: it changes what the target does in a scenario made for it.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>

#include "harness/targets/own/peer_test.h"

namespace tcpassay {
namespace {

using own::Defect;
using Scenario = std::function<void(TestPeer&)>;

const std::vector<std::uint8_t> kMss1000{2, 4, 3, 232};

// The scenarios that several defects share.
void two_writes(TestPeer& p) {
  const int h = p.passive();
  p.write(h, 7), p.write(h, 7), p.hears();
}
void bulk(TestPeer& p, std::vector<std::uint8_t> options) {
  p.write(p.passive(std::move(options)), 20000), p.hears();
}
void lose_text(TestPeer& p) {
  const int h = p.passive();
  p.write(h, 10), p.hears(), p.put({.length = 5}), p.wait(300);
}
void open_simultaneously(TestPeer& p) {
  p.connect(), p.hears(), p.answer({.flags = "S", .seq = 0}), p.wait(0.5);
}
void reset_at(TestPeer& p, std::uint32_t seq) {
  const int h = p.passive();
  p.answer({.flags = "R", .seq = seq}), p.read(h);
}
void syn_received(TestPeer& p, const Put& next) {
  p.listen();
  p.answer({.flags = "S", .seq = 0, .options = kMss1000});
  p.answer(next);
  p.accept(p.listener), p.read(4);
  p.answer({.flags = "S", .seq = 0});
}
int tiny_window(TestPeer& p) {
  p.listener = p.socket();
  p.set(p.listener, SocketOption::kReceiveBuffer, 10);
  p.call({.kind = CallKind::kBind, .handle = p.listener, .port = 80});
  p.call({.kind = CallKind::kListen, .handle = p.listener, .length = 4});
  const int h = p.passive();
  p.answer({.length = 10});
  return h;
}
void beyond_edge(TestPeer& p) {
  tiny_window(p);
  p.read(4), p.answer({.seq = 11, .length = 20}), p.wait(1);
}
void close_first(TestPeer& p) {
  const int h = p.passive();
  p.shutdown(h, 1), p.hears(), p.answer({.flags = "FA", .ack = 2}), p.wait(30);
  p.answer({.flags = "FA", .ack = 2}), p.wait(1), p.read(h);
}
void close_second(TestPeer& p) {
  const int h = p.passive();
  p.answer({.flags = "FA", .length = 5}), p.shutdown(h, 1), p.hears();
  p.answer({.seq = 7, .ack = 2}), p.answer({.flags = "FA", .seq = 6, .ack = 2}), p.read(h), p.read(h);
}
void measured(TestPeer& p) {
  const int h = p.passive();
  for (std::uint32_t i = 1; i <= 4; ++i) p.write(h, 10), p.wait(0.9 * i), p.answer({.ack = 1 + 10 * i});
  p.write(h, 10), p.wait(30);
}
void zero_window(TestPeer& p, int answers) {
  const int h = p.passive();
  p.write(h, 10), p.hears(), p.answer({.ack = 11, .wnd = 0}), p.write(h, 10);
  for (int i = 0; i < answers; ++i) p.wait(10), p.answer({.ack = 11, .wnd = 0});
}
void shut_and_read(TestPeer& p) {
  const int h = p.passive();
  for (std::uint32_t i = 0; i < 64; ++i) p.answer({.seq = 1 + 1460 * i, .length = 1460}), p.hears();
  p.read(h, 1 << 20), p.hears();
}
void fill_and_read(TestPeer& p, std::uint32_t octets) {
  const int h = p.passive();
  p.answer({.length = 1460}), p.answer({.seq = 1461, .length = 1460}), p.read(h, octets), p.hears();
  p.answer({.seq = 2921, .length = 100}), p.wait(1);
}
// Behind the last octet that the target has sent.
std::uint32_t top(TestPeer& p) {
  static std::uint32_t highest;
  for (const Heard& heard : p.hear()) {
    if (heard.seq == 1) highest = 1;
    if (heard.seq < 1u << 30) highest = std::max(highest, heard.seq + static_cast<std::uint32_t>(heard.text.size()));
  }
  return highest;
}
// All that congestion control answers to: divided, stretched, optimistic and duplicate ACKs, losses, a pause.
void congestion(TestPeer& p) {
  const int h = p.passive({2, 4, 0, 100});
  p.write(h, 15000);
  std::uint32_t una = 1, high = top(p);
  const auto ack = [&](std::uint32_t to) { una = to, p.put({.ack = to}), high = std::max(high, top(p)); };
  ack(9001);
  for (std::uint32_t i = 1; i <= 10; ++i) ack(1 + 10 * i);
  for (int i = 0; i < 6; ++i) p.put({.length = 0}), ack(501);
  for (int i = 0; i < 8; ++i) ack(501);
  ack(801), ack(high);
  for (std::uint32_t i = 0; i < 40; ++i) ack(una + 25);
  ack(una), ack(una), ack(una), ack(una + 200);
  p.wait(30), high = std::max(high, top(p));
  for (int i = 0; i < 4; ++i) ack(una);
  for (int i = 0; i < 20; ++i) ack(una + 100);
  ack(high), ack(high), ack(high);
  for (int i = 0; i < 60 && una < 15001; ++i) ack(high);
  p.wait(100), p.write(h, 5000), high = top(p);
}
void lose_twice(TestPeer& p) {
  p.write(p.passive({2, 4, 0, 100}), 15000);
  std::uint32_t una = 1;
  for (int i = 0; i < 20; ++i) una += 100, p.put({.ack = una});
  for (int loss = 0; loss < 2; ++loss) {
    const std::uint32_t high = top(p);
    for (int i = 0; i < 30; ++i) p.put({.ack = una});
    una = high, p.put({.ack = una});
    for (int i = 0; i < 10; ++i) una += 100, p.put({.ack = una});
  }
}
void lose_window(TestPeer& p) {
  p.write(p.passive({2, 4, 0, 100}), 4000), p.hears(), p.wait(1.2);
  for (std::uint32_t i = 1; i <= 20; ++i) p.answer({.ack = 1 + 100 * i});
}
void iss_twice(TestPeer& p) {
  p.listen();
  for (const std::uint16_t port : {std::uint16_t{5000}, std::uint16_t{5001}}) {
    p.remote = port, p.answer({.flags = "S", .seq = 0});
    p.transcript.push_back(std::to_string(p.target_iss));
  }
}

const std::vector<std::uint8_t> kPermits{2, 4, 5, 180, 1, 1, 4, 2};

void islands(TestPeer& p) {
  const int h = p.passive(kPermits);
  for (const std::uint32_t seq : {11u, 31u, 51u, 71u, 91u, 111u}) p.answer({.seq = seq, .length = 10});
  p.write(h, 10), p.hears();
}
void duplicates(TestPeer& p) {
  p.passive(kPermits);
  p.answer({.seq = 1, .length = 10}), p.answer({.seq = 21, .length = 10}), p.answer({.seq = 1, .length = 10});
  p.answer({.seq = 21, .length = 5}), p.answer({.seq = 6, .length = 10}), p.answer({.seq = 41, .length = 5});
}

// An ACK of the SYN that reports these octets of the target's text.
Put reported(std::uint32_t left, std::uint32_t right) {
  Put put;
  put.options = {1, 1, 5, 10};
  for (const std::uint32_t edge : {left, right}) {
    for (int shift = 24; shift >= 0; shift -= 8) put.options.push_back(static_cast<std::uint8_t>(edge >> shift));
  }
  return put;
}
// Edges count from the target's SYN.
Put reported(const TestPeer& p, std::uint32_t left, std::uint32_t right) {
  return reported(p.target_iss + left, p.target_iss + right);
}
void two_holes(TestPeer& p) {
  p.write(p.passive(kPermits), 14600), p.hears();
  p.answer(reported(p, 1461, 2921)), p.answer(reported(p, 4381, 13141));
}
void reneges(TestPeer& p) {
  p.write(p.passive(kPermits), 14600), p.hears();
  p.answer(reported(p, 1461, 14601)), p.wait(1.5), p.answer({.ack = 1461}), p.answer({.ack = 2921});
  Put put = reported(p, 7301, 10221);
  put.ack = 4381;
  p.answer(put), p.answer({.ack = 7301});
}

const std::map<Defect, Scenario>& scenarios() {  // NOLINT(readability-function-size): a table
  static const std::map<Defect, Scenario> all{
      {Defect::bad_checksum_accepted,
       [](TestPeer& p) { p.passive(), p.put({.length = 4, .bad_checksum = true}), p.wait(1); }},
      {Defect::checksum_wrong_on_odd_length, two_writes},
      {Defect::window_signed, [](TestPeer& p) { bulk(p, kMss1000); }},
      {Defect::unknown_option_drops,
       [](TestPeer& p) { p.passive(), p.put({.length = 4, .options = {77, 2}}), p.wait(1); }},
      {Defect::option_length_zero,
       [](TestPeer& p) {
         p.passive(), p.answer({.length = 4, .options = {77, 0}}), p.answer({.length = 4}), p.wait(1);
       }},
      {Defect::reserved_bits_drop, [](TestPeer& p) { p.passive(), p.put({.length = 4, .reserved = 8}), p.wait(1); }},
      {Defect::reserved_bits_sent, [](TestPeer& p) { p.passive(), p.put({.length = 4, .reserved = 8}), p.wait(1); }},
      {Defect::no_push, two_writes},
      {Defect::isn_constant, iss_twice},
      {Defect::isn_clock_only, iss_twice},
      {Defect::isn_small_steps, iss_twice},
      {Defect::isn_computed, iss_twice},
      {Defect::isn_slow_clock, [](TestPeer& p) { p.wait(1), iss_twice(p); }},
      {Defect::isn_clock_uneven, [](TestPeer& p) { p.wait(1), iss_twice(p); }},
      {Defect::closed_ignores_syn, [](TestPeer& p) { p.answer({.flags = "S", .seq = 0}); }},
      {Defect::closed_rst_wrong_seq, [](TestPeer& p) { p.answer({}); }},
      {Defect::closed_rst_acks_nothing, [](TestPeer& p) { p.answer({.seq = 9, .ack = 9}); }},
      {Defect::closed_rst_wrong_ack, [](TestPeer& p) { p.answer({.flags = "S", .seq = 0}); }},
      {Defect::rst_answers_rst, [](TestPeer& p) { p.answer({.flags = "R"}); }},
      {Defect::listen_accepts_ack, [](TestPeer& p) { p.accept(p.listen()), p.answer({}), p.accept(3); }},
      {Defect::listen_resets_on_rst, [](TestPeer& p) { p.listen(), p.answer({.flags = "R"}); }},
      {Defect::synack_missing_mss, [](TestPeer& p) { p.listen(), p.answer({.flags = "S", .seq = 0}); }},
      {Defect::synsent_accepts_bad_ack,
       [](TestPeer& p) { p.connect(), p.hears(), p.answer({.flags = "SA", .seq = 0, .ack = 9}); }},
      {Defect::synsent_rst_without_ack, [](TestPeer& p) { p.read(p.connect()), p.answer({.flags = "R"}), p.read(3); }},
      {Defect::synsent_ignores_rst, [](TestPeer& p) { p.connect(), p.hears(), p.answer({.flags = "RA"}), p.read(3); }},
      {Defect::no_simultaneous_open, open_simultaneously},
      {Defect::simopen_sends_wrong_seq, open_simultaneously},
      {Defect::simopen_sends_ack, open_simultaneously},
      {Defect::synrcvd_accepts_bad_ack, [](TestPeer& p) { syn_received(p, {.ack = 9}); }},
      {Defect::synrcvd_ignores_bad_ack, [](TestPeer& p) { syn_received(p, {.ack = 9}); }},
      {Defect::synrcvd_keeps_on_rst, [](TestPeer& p) { syn_received(p, {.flags = "R"}); }},
      {Defect::synrcvd_rst_kills_listener, [](TestPeer& p) { syn_received(p, {.flags = "R"}); }},
      {Defect::synrcvd_delivers_early,
       [](TestPeer& p) { p.connect(), p.hears(), p.answer({.flags = "S", .seq = 0, .length = 5}), p.read(3); }},
      {Defect::gives_up_syn_early, [](TestPeer& p) { p.connect(), p.wait(200); }},
      {Defect::connect_without_remote,
       [](TestPeer& p) { p.call({.kind = CallKind::kConnect, .handle = p.socket(), .port = 0}), p.hears(); }},
      {Defect::unacceptable_not_acked, [](TestPeer& p) { p.passive(), p.answer({.seq = 0, .length = 1}); }},
      {Defect::rst_out_of_window, [](TestPeer& p) { reset_at(p, 0); }},
      {Defect::rst_at_edge_believed, [](TestPeer& p) { reset_at(p, 65536); }},
      {Defect::text_beyond_edge_taken, [](TestPeer& p) { beyond_edge(p); }},
      {Defect::held_text_untrimmed,
       [](TestPeer& p) {
         p.read(tiny_window(p)), p.answer({.seq = 13, .length = 20}), p.answer({.seq = 11, .length = 2});
       }},
      {Defect::far_octet_taken, [](TestPeer& p) { p.passive(), p.answer({.seq = 1 + (1u << 31), .length = 1}); }},
      {Defect::rst_exact_challenged, [](TestPeer& p) { reset_at(p, 1); }},
      {Defect::rst_dropped_in_window, [](TestPeer& p) { reset_at(p, 100); }},
      {Defect::rst_ignored_at_zero_window,
       [](TestPeer& p) {
         const int h = tiny_window(p);
         p.answer({.flags = "R", .seq = 11}), p.read(h);
       }},
      {Defect::ack_ignored_at_zero_window,
       [](TestPeer& p) { p.write(tiny_window(p), 5), p.answer({.seq = 11, .ack = 6, .length = 1}), p.wait(3); }},
      {Defect::deaf_after_challenge_to_rst,
       [](TestPeer& p) { reset_at(p, 100), p.answer({.flags = "R", .seq = 1}), p.read(4); }},
      {Defect::deaf_after_challenge_to_syn,
       [](TestPeer& p) {
         const int h = p.passive();
         p.answer({.flags = "S", .seq = 9}), p.answer({.flags = "R", .seq = 1}), p.read(h);
       }},
      {Defect::ack_range_of_latest_window,
       [](TestPeer& p) {
         p.write(p.passive(), 1000), p.hears(), p.answer({.ack = 1001, .wnd = 10}), p.answer({.ack = 500, .length = 9});
       }},
      {Defect::ack_range_in_established_only,
       [](TestPeer& p) {
         const int h = p.passive();
         p.shutdown(h, 1), p.hears(), p.answer({.ack = 2}), p.answer({.ack = 3221000000, .length = 9});
         p.wait(1), p.read(h), p.answer({.ack = 2, .length = 9});
       }},
      {Defect::challenge_from_rst, [](TestPeer& p) { reset_at(p, 100); }},
      {Defect::no_challenge_on_syn, [](TestPeer& p) { p.passive(), p.answer({.flags = "S", .seq = 9}); }},
      {Defect::ack_beyond_snd_nxt, [](TestPeer& p) { p.passive(), p.answer({.ack = 9, .length = 5}); }},
      {Defect::ack_beyond_dropped, [](TestPeer& p) { p.passive(), p.answer({.ack = 9, .length = 5}); }},
      {Defect::no_ack_bit_accepted, [](TestPeer& p) { p.passive(), p.answer({.flags = "", .length = 5}), p.wait(1); }},
      {Defect::old_window_update,
       [](TestPeer& p) {
         const int h = p.passive();
         p.answer({.length = 9, .wnd = 2920}), p.answer({.seq = 10, .wnd = 2920});
         p.answer({.seq = 10, .ack = 0, .wnd = 9}), p.write(h, 5000), p.hears();
       }},
      {Defect::delivers_out_of_order,
       [](TestPeer& p) { p.read(p.passive()), p.answer({.seq = 9, .length = 5}), p.read(4); }},
      {Defect::drops_out_of_order,
       [](TestPeer& p) { p.passive(), p.answer({.seq = 6, .length = 5}), p.answer({.length = 5}), p.wait(1); }},
      {Defect::overlap_shifted,
       [](TestPeer& p) {
         const int h = p.passive();
         p.answer({.length = 5}), p.answer({.seq = 3, .length = 9}), p.read(h);
       }},
      {Defect::ack_before_text, [](TestPeer& p) { p.passive(), p.answer({.length = 5}), p.wait(1); }},
      {Defect::data_after_fin_delivered,
       [](TestPeer& p) {
         const int h = p.passive();
         p.answer({.flags = "FA"}), p.answer({.seq = 2, .length = 5}), p.wait(1), p.read(h);
       }},
      {Defect::second_fin_counted,
       [](TestPeer& p) {
         p.passive(), p.answer({.flags = "FA"}), p.answer({.flags = "FA", .seq = 2}), p.write(4, 1), p.hears();
       }},
      {Defect::fin_not_counted, close_first},
      {Defect::eof_before_data, close_second},
      {Defect::reset_reported_as_eof, [](TestPeer& p) { reset_at(p, 1); }},
      {Defect::half_close_drops_data,
       [](TestPeer& p) {
         const int h = p.passive();
         p.shutdown(h, 1), p.hears(), p.answer({.ack = 2, .length = 5}), p.read(h);
       }},
      {Defect::close_wait_closing, [](TestPeer& p) { close_second(p), p.answer({.flags = "FA", .ack = 2}); }},
      {Defect::abort_sends_fin,
       [](TestPeer& p) {
         const int h = p.passive();
         p.set(h, SocketOption::kLinger, 0), p.close(h), p.hears();
       }},
      {Defect::no_rst_on_unread_close,
       [](TestPeer& p) {
         const int h = p.passive();
         p.answer({.length = 5}), p.close(h), p.hears();
       }},
      {Defect::no_rst_after_close,
       [](TestPeer& p) { p.close(p.passive()), p.hears(), p.answer({.ack = 2, .length = 5}), p.wait(1); }},
      {Defect::last_ack_for_ever,
       [](TestPeer& p) {
         const int h = p.passive();
         p.answer({.flags = "FA"}), p.close(h), p.wait(300);
       }},
      {Defect::timewait_missing, close_first},
      {Defect::timewait_short, close_first},
      {Defect::timewait_ignores_fin, close_first},
      {Defect::fin_without_ack, close_first},
      {Defect::mss_ignored, [](TestPeer& p) { bulk(p, kMss1000); }},
      {Defect::mss_default_large, [](TestPeer& p) { bulk(p, {}); }},
      {Defect::ipv6_mss_of_ipv4, [](TestPeer& p) { p.use_ipv6(), p.passive(); }},
      {Defect::ipv6_without_checksum, [](TestPeer& p) { p.use_ipv6(), p.passive(); }},
      {Defect::mss_from_any_segment,
       [](TestPeer& p) {
         const int h = p.passive();
         p.answer({.options = kMss1000}), p.write(h, 2000), p.hears();
       }},
      {Defect::mss_less_options, [](TestPeer& p) { p.connect(), p.hears(); }},
      {Defect::no_nagle, two_writes},
      {Defect::nagle_always,
       [](TestPeer& p) {
         const int h = p.passive();
         p.set(h, SocketOption::kNoDelay, 1), p.write(h, 5), p.write(h, 5), p.hears();
       }},
      {Defect::no_retransmit_data, lose_text},
      {Defect::no_retransmit_fin, [](TestPeer& p) { p.close(p.passive()), p.wait(2); }},
      {Defect::retransmits_different_data, lose_text},
      {Defect::stale_ack_on_retransmit, lose_text},
      {Defect::rto_too_short, [](TestPeer& p) { p.connect(), p.wait(1); }},
      {Defect::no_backoff, lose_text},
      {Defect::karn_ignored,
       [](TestPeer& p) {
         const int h = p.passive();
         p.write(h, 9), p.wait(1.5), p.answer({.ack = 10}), p.write(h, 9), p.wait(9);
       }},
      {Defect::syn_loss_forgotten,
       [](TestPeer& p) {
         const int h = p.connect();
         p.wait(1.5), p.answer({.flags = "SA", .seq = 0}), p.write(h, 9), p.wait(9);
       }},
      {Defect::gives_up_data_early, lose_text},
      {Defect::never_gives_up, lose_text},
      {Defect::trouble_told_early,
       [](TestPeer& p) {
         const int h = p.passive();
         p.write(h, 9), p.wait(1.5);
         p.call({.kind = CallKind::kGetOption, .handle = h, .option = SocketOption::kError});
       }},
      {Defect::user_timeout_ignored,
       [](TestPeer& p) {
         const int h = p.passive();
         p.set(h, SocketOption::kUserTimeout, 500), p.write(h, 9), p.wait(2);
       }},
      {Defect::window_ignored, [](TestPeer& p) { p.write(p.passive({2, 4, 5, 180}, 2000), 9000), p.hears(); }},
      {Defect::window_shrinks, [](TestPeer& p) { p.passive(), p.put({.length = 100}), p.wait(1); }},
      {Defect::zero_window_never_probed, [](TestPeer& p) { zero_window(p, 3); }},
      {Defect::zero_window_no_backoff, [](TestPeer& p) { zero_window(p, 3); }},
      {Defect::zero_window_gives_up, [](TestPeer& p) { zero_window(p, 9); }},
      {Defect::shrunk_not_retransmitted,
       [](TestPeer& p) { p.write(p.passive(), 1000), p.hears(), p.answer({.wnd = 500}), p.wait(3); }},
      {Defect::shrunk_gives_up,
       [](TestPeer& p) {
         p.write(p.passive(), 1000), p.hears(), p.answer({.wnd = 0});
         for (int i = 0; i < 9; ++i) p.wait(10), p.answer({.wnd = 0});
       }},
      {Defect::silly_window_sender,
       [](TestPeer& p) {
         const int h = p.passive();
         p.answer({.wnd = 50}), p.write(h, 3000), p.hears();
       }},
      {Defect::silly_window_receiver, [](TestPeer& p) { fill_and_read(p, 10); }},
      {Defect::no_sws_override,
       [](TestPeer& p) {
         const int h = p.passive(kMss1000);
         p.answer({.wnd = 50}), p.write(h, 3000), p.hears(), p.wait(3);
       }},
      {Defect::zero_window_probed_at_once, [](TestPeer& p) { zero_window(p, 1); }},
      {Defect::zero_window_probed_late, [](TestPeer& p) { zero_window(p, 1); }},
      {Defect::delayed_ack_one_second, [](TestPeer& p) { p.passive(), p.put({.length = 9}), p.wait(2); }},
      {Defect::window_stays_shut, [](TestPeer& p) { shut_and_read(p); }},
      {Defect::stretch_ack, [](TestPeer& p) { fill_and_read(p, 0); }},
      {Defect::no_slow_start, congestion},
      {Defect::synack_grows_window, congestion},
      {Defect::ssthresh_low, congestion},
      {Defect::ssthresh_from_syn_window,
       [](TestPeer& p) {
         p.listen(), p.answer({.flags = "S", .seq = 0, .wnd = 2000, .options = kMss1000});
         p.answer({}), p.accept(p.listener), p.write(4, 60000), p.hears();
         for (std::uint32_t una = 1001; una < 20000; una += 1000) p.answer({.ack = una});
       }},
      {Defect::ack_division, congestion},
      {Defect::ack_counts_all, congestion},
      {Defect::optimistic_ack, congestion},
      {Defect::avoidance_never_begins, congestion},
      {Defect::avoidance_extra, congestion},
      {Defect::avoidance_counts_acks, congestion},
      {Defect::avoidance_stands_still, congestion},
      {Defect::avoidance_rounds_down, congestion},
      {Defect::no_loss_window, lose_window},
      {Defect::ssthresh_kept_by_timeout, lose_window},
      {Defect::no_fast_retransmit, congestion},
      {Defect::fast_retransmit_of_last, congestion},
      {Defect::fast_retransmit_after_timeout, congestion},
      {Defect::whole_window_again, congestion},
      {Defect::reduces_twice, congestion},
      {Defect::halves_once, lose_twice},
      {Defect::ssthresh_not_halved, congestion},
      {Defect::inflates_twice, congestion},
      {Defect::no_inflation, congestion},
      {Defect::window_not_deflated, congestion},
      {Defect::partial_ack_ignored, congestion},
      {Defect::no_limited_transmit, congestion},
      {Defect::limited_transmit_grows, congestion},
      {Defect::no_restart_after_idle, congestion},
      {Defect::uninitialized_window, [](TestPeer& p) { p.write(p.passive({}), 40000), p.hears(); }},
      {Defect::syn_loss_keeps_window,
       [](TestPeer& p) {
         const int h = p.connect();
         p.wait(5), p.answer({.flags = "SA", .seq = 0, .options = kMss1000}), p.write(h, 9000), p.hears();
       }},
      {Defect::no_delay_ignores_window,
       [](TestPeer& p) {
         const int h = p.passive(kMss1000);
         p.set(h, SocketOption::kNoDelay, 1), p.write(h, 30000), p.hears();
       }},
      {Defect::any_ack_is_duplicate,
       [](TestPeer& p) {
         p.write(p.passive(kMss1000), 9000), p.hears();
         for (std::uint32_t i = 0; i < 4; ++i) p.answer({.seq = 1 + i, .length = 1});
       }},
      {Defect::second_loss_ignored,
       [](TestPeer& p) {
         p.write(p.passive(kMss1000), 40000), p.hears();
         for (int i = 0; i < 4; ++i) p.answer({});
         p.wait(1.5), p.answer({.ack = 1001}), p.answer({.ack = 2001});
       }},
      {Defect::backoff_forgotten,
       [](TestPeer& p) {
         const int h = p.passive();
         p.write(h, 9), p.wait(1.5), p.answer({.ack = 10}), p.write(h, 9), p.wait(9);
       }},
      {Defect::rto_is_the_mean, [](TestPeer& p) { p.write(p.passive(), 9), p.wait(3); }},
      {Defect::one_sample_only, measured},
      {Defect::variance_frozen, measured},
      {Defect::rto_ceiling_low, lose_text},
      {Defect::timer_expires_late, lose_text},
      {Defect::timer_starts_with_each,
       [](TestPeer& p) {
         const int h = p.passive();
         p.set(h, SocketOption::kNoDelay, 1);
         for (int i = 0; i < 3; ++i) p.write(h, 9), p.wait(0.6);
       }},
      {Defect::timer_not_stopped,
       [](TestPeer& p) { p.write(p.passive(), 9), p.hears(), p.answer({.ack = 10}), p.wait(3); }},
      {Defect::closed_ignores_rest, [](TestPeer& p) { p.answer({.flags = "F", .seq = 9}); }},
      {Defect::zero_window_refuses_empty,
       [](TestPeer& p) {
         const int h = tiny_window(p);
         p.write(h, 9), p.hears(), p.answer({.seq = 11, .ack = 10}), p.wait(3);
       }},
      {Defect::listener_deaf, [](TestPeer& p) { p.passive(); }},
      {Defect::third_segment_ignored, [](TestPeer& p) { p.passive(), p.answer({.length = 5}); }},
      {Defect::text_unreadable,
       [](TestPeer& p) {
         const int h = p.passive();
         p.answer({.length = 5}), p.read(h);
       }},
      {Defect::probe_repeats_octet,
       [](TestPeer& p) {
         p.write(p.passive(), 9), p.hears(), p.answer({.ack = 10, .wnd = 0}), p.write(4, 9), p.wait(1.5);
         p.answer({.ack = 11, .wnd = 0}), p.wait(5);
       }},
      {Defect::acknowledged_octet_again,
       [](TestPeer& p) { p.write(p.passive(), 9), p.hears(), p.answer({.ack = 10}), p.write(4, 9), p.wait(1.5); }},
      {Defect::old_ack_resets, [](TestPeer& p) { p.passive(), p.answer({.ack = 0xc0000001, .length = 5}); }},
      {Defect::send_after_close_leaves,
       [](TestPeer& p) {
         const int h = p.passive();
         p.answer({.wnd = 0}), p.write(h, 9), p.shutdown(h, 1), p.write(h, 9), p.answer({}), p.wait(1);
       }},
      {Defect::timer_runs_on,
       [](TestPeer& p) { p.write(p.passive(kMss1000), 2000), p.wait(0.5), p.answer({.ack = 1001}), p.wait(3); }},
      {Defect::last_segment_first, [](TestPeer& p) { p.write(p.passive(kMss1000), 2000), p.wait(3); }},
      {Defect::out_of_order_ack_delayed, [](TestPeer& p) { p.passive(), p.put({.seq = 9, .length = 9}), p.wait(2); }},
      {Defect::sack_unasked, [](TestPeer& p) { p.passive(), p.answer({.seq = 9, .length = 9}); }},
      {Defect::sack_permitted_on_acks, islands},
      {Defect::sack_lowest_first, islands},
      {Defect::sack_too_far, islands},
      {Defect::sack_from_rcv_nxt, islands},
      {Defect::sack_edges_swapped, islands},
      {Defect::sack_one_block, islands},
      {Defect::sack_repeats_oldest, islands},
      {Defect::sack_not_on_text, islands},
      {Defect::sack_now_and_then, islands},
      {Defect::sack_corrupt_length,
       [](TestPeer& p) {
         p.passive(), p.answer({.length = 4, .options = {1, 1, 5, 6, 0, 0, 0, 0}}), p.answer({.length = 4}), p.wait(1);
       }},
      {Defect::dsack_missing, duplicates},
      {Defect::dsack_again, duplicates},
      {Defect::dsack_again_behind_text,
       [](TestPeer& p) {
         const int h = p.passive(kPermits);
         p.answer({.length = 10}), p.answer({.seq = 11, .wnd = 0}), p.write(h, 10);
         p.answer({.length = 20}), p.answer({.seq = 21, .ack = 11, .length = 10}), p.wait(1);
       }},
      {Defect::dsack_unprompted, duplicates},
      {Defect::dsack_short, duplicates},
      {Defect::dsack_without_island, duplicates},
      {Defect::dsack_island_cut,
       [](TestPeer& p) {
         p.passive(kPermits), p.answer({.seq = 101, .length = 100}), p.answer({.seq = 151, .length = 50});
       }},
      {Defect::dsack_whole_segment, duplicates},
      {Defect::sack_sent_again, two_holes},
      {Defect::sack_marks_kept, reneges},
      {Defect::sack_front_skipped,
       [](TestPeer& p) {
         p.write(p.passive(kPermits), 14600), p.hears();
         p.answer(reported(p, 1, 1461)), p.wait(1.5);
       }},
      {Defect::sack_text_discarded, reneges},
      {Defect::sack_highest_hole_first, two_holes},
      {Defect::sack_counts_acks, two_holes},
      {Defect::sack_first_hole_only, two_holes},
      {Defect::sack_disguise_ignored,
       [](TestPeer& p) {
         p.write(p.passive(kPermits), 14600), p.hears();
         Put put = reported(p, 2921, 14601);
         put.wnd = 60000;
         p.answer(put);
       }},
      {Defect::sack_unused_after_timeout, reneges},
      {Defect::dsack_resets,
       [](TestPeer& p) {
         p.write(p.passive(kPermits), 14600), p.hears();
         Put put = reported(p, 1, 1461);
         put.ack = 1461;
         p.answer(put);
       }},
      {Defect::loss_probe_without_sack, [](TestPeer& p) { p.write(p.passive(), 14600), p.hears(), p.wait(4); }},
      {Defect::loss_probe_twice, [](TestPeer& p) { p.write(p.passive(kPermits), 14600), p.hears(), p.wait(4); }},
      {Defect::loss_probe_of_middle, [](TestPeer& p) { p.write(p.passive(kPermits), 14600), p.hears(), p.wait(4); }},
      {Defect::loss_probe_not_new, [](TestPeer& p) { p.write(p.passive(kPermits), 30000), p.hears(), p.wait(4); }},
  };
  return all;
}

std::vector<std::string> play(const Scenario& scenario, std::optional<Defect> defect) {
  TestPeer peer(1, defect);
  scenario(peer);
  peer.hears();
  return peer.transcript;
}

// Only the corpus shows the defects that are not in this table (`tcpassay zoo`).
TEST(OwnDefects, EachChangesWhatIsSeen) {
  for (const auto& [defect, scenario] : scenarios()) {
    EXPECT_TRUE(play(scenario, defect) != play(scenario, std::nullopt)) << own::entry(defect).id;
  }
}

// A defect hurts only where it applies: every scenario runs to its end with every defect.
TEST(OwnDefects, AllPairsEnd) {
  for (const own::DefectEntry& entry : own::all_defects()) {
    std::set<void (*)(TestPeer&)> played;
    for (const auto& [defect, scenario] : scenarios()) {
      const auto* shared = scenario.target<void (*)(TestPeer&)>();
      if (shared == nullptr || played.insert(*shared).second) play(scenario, entry.defect);
    }
  }
}

TEST(OwnDefects, Table) {
  std::set<std::string_view> names;
  for (const own::DefectEntry& entry : own::all_defects()) {
    EXPECT_TRUE(names.insert(entry.id).second) << entry.id;
    EXPECT_EQ(own::defect_named(entry.id), entry.defect);
    EXPECT_FALSE(entry.origin.empty() || entry.what.empty()) << entry.id;
  }
  EXPECT_EQ(own::defect_named("none"), std::nullopt);
}

}  // namespace
}  // namespace tcpassay
