// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/plugin/child_server.h"

#include <malloc.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <exception>
#include <vector>

namespace tcpassay {
namespace {

constexpr std::chrono::seconds kNap{3600};  // between two looks at the turn

class Server {
 public:
  Server(ChildMemory& memory, Target& target, Renewal renewal) : memory_(memory), target_(target), renewal_(renewal) {}

  [[noreturn]] void run() {
    for (;;) {
      while (!memory_.wait_for(ChildMemory::kChild, kNap)) {
      }
      answer();
      memory_.give(ChildMemory::kOwner);
    }
  }

 private:
  void answer() {
    OctetWriter out(memory_.answer, kAnswerMax);
    try {
      OctetReader in(ByteView(memory_.batch, std::min<std::size_t>(memory_.batch_size, kBatchMax)));
      result_ = {};
      text_.clear();
      done_ = 0;
      while (!in.at_end()) handle(in);
      write(out);
    } catch (const TargetDied& died) {
      write_failure(AnswerKind::kDied, died.what());
      return;
    } catch (const std::exception& error) {
      write_failure(AnswerKind::kError, error.what());
      return;
    }
    memory_.answer_size = static_cast<std::uint32_t>(out.size());
  }

  void write_failure(AnswerKind kind, const char* why) {
    OctetWriter out(memory_.answer, kAnswerMax);
    out.put(kind);
    out.put_text(why);
    memory_.answer_size = static_cast<std::uint32_t>(out.size());
  }

  void handle(OctetReader& in) {
    switch (in.get<Request>()) {
      case Request::kReset: {
        const auto seed = in.get<std::uint64_t>();
        return reset(seed, in.get<std::uint8_t>());
      }
      case Request::kConfigure: {
        const std::string name = in.get_text();
        done_ = target_.configure(name, in.get<std::int64_t>());
        return;
      }
      case Request::kInject:
        return target_.inject(in.get_block());
      case Request::kAdvance:
        return target_.advance(Time(in.get<std::int64_t>()));
      case Request::kCall: {
        UserCall call;
        set_fields(in.get<CallFields>(), call);
        call.text = in.get_block();
        target_.call(call);
        result_ = fields_of(call);
        if (call.kind == CallKind::kRead) text_.assign(call.text.begin(), call.text.end());
        return;
      }
      case Request::kWatch:
        watched_.push_back(in.get<Tuple>());
        return;
      case Request::kForget:
        watched_.clear();
        return;
      case Request::kCollect:
        return;
    }
    throw TargetError("the child does not know the request");
  }

  // Leaves the batch to a successor when this process has already played a scenario.
  void reset(std::uint64_t seed, std::uint8_t ip) {
    if (used_ && renewal_ != Renewal::kReset) _exit(kUsedUp);
    used_ = true;
    watched_.clear();
    if (ftruncate(STDERR_FILENO, 0) != 0) errno = 0;  // what earlier scenarios wrote
    target_.use_ip(ip);
    target_.reset(seed);
    heap_ = mallinfo2().uordblks;
  }

  void write(OctetWriter& out) {
    const auto steady = std::chrono::steady_clock::now().time_since_epoch();
    out.put(AnswerKind::kWell);
    out.put(target_.now().count());
    out.put(std::chrono::duration_cast<Time>(steady).count());
    out.put(static_cast<std::uint64_t>(heap_));
    out.put(done_);
    out.put(result_);
    out.put_block(text_);
    out.put(static_cast<std::uint32_t>(watched_.size()));
    for (const Tuple tuple : watched_) {
      const auto report = target_.state(tuple);
      out.put(report.has_value());
      out.put(report.value_or(StateReport{}));
    }
    write_packets(out);
  }

  void write_packets(OctetWriter& out) {
    constexpr std::size_t kRoom = 2 * sizeof(std::int64_t) + 2 * sizeof(std::uint32_t);
    bool more = true;
    while (out.fits((1 << 16) + kRoom + 64)) {  // a whole packet and the end
      const auto sent = target_.collect();
      more = sent.has_value();
      if (!more) break;
      out.put(std::uint8_t{1});
      out.put(sent->from.count());
      out.put(sent->until.count());
      out.put_block(sent->packet);
    }
    out.put(std::uint8_t{0});
    out.put(more);
  }

  ChildMemory& memory_;
  Target& target_;
  Renewal renewal_;
  bool used_ = false;
  std::size_t heap_ = 0;  // octets allocated after the last reset
  std::vector<Tuple> watched_{};
  std::int64_t done_ = 0;
  CallFields result_{};
  Bytes text_{};
};

void write_identity(OctetWriter& out, const Identity& identity) {
  out.put(AnswerKind::kWell);
  out.put_text(identity.name);
  out.put_text(identity.version);
  out.put(static_cast<std::uint32_t>(identity.abilities.size()));
  for (const Ability ability : identity.abilities) out.put(ability);
  out.put(identity.msl.count());
  for (const Address& address :
       {identity.address, identity.peer_address, identity.ipv6_address, identity.ipv6_peer_address}) {
    out.put(address);
  }
  for (const auto* names : {&identity.settings, &identity.implementation_specific}) {
    out.put(static_cast<std::uint32_t>(names->size()));
    for (const std::string& name : *names) out.put_text(name);
  }
  out.put(static_cast<std::uint32_t>(identity.missing_options.size()));
  for (const SocketOption option : identity.missing_options) out.put(option);
}

// Forks a server for each scenario. When one ends otherwise than used up, its owner is told how.
[[noreturn]] void fork_servers(ChildMemory& memory, Target& target) {
  for (;;) {
    while (!memory.wait_for(ChildMemory::kChild, kNap)) {
    }
    const pid_t process = fork();
    if (process < 0) _exit(1);
    if (process == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      Server(memory, target, Renewal::kFork).run();
    }
    int status = 0;
    while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == kUsedUp) continue;
    memory.death.store(status == 0 ? -1 : status);
    memory.give(ChildMemory::kOwner);
    _exit(1);
  }
}

}  // namespace

void serve(ChildMemory& memory, const ChildTargetMaker& make) {
  ChildTargetMade made;
  OctetWriter out(memory.answer, kAnswerMax);
  try {
    made = make();
    write_identity(out, made.target->identity());
    out.put(made.renewal);
  } catch (const std::exception& error) {
    out = OctetWriter(memory.answer, kAnswerMax);
    out.put(AnswerKind::kError);
    out.put_text(error.what());
  }
  memory.answer_size = static_cast<std::uint32_t>(out.size());
  memory.give(ChildMemory::kOwner);
  if (!made.target) _exit(1);
  if (made.renewal == Renewal::kFork) fork_servers(memory, *made.target);
  Server(memory, *made.target, made.renewal).run();
}

}  // namespace tcpassay
