// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/plugin/child_server.h"

#include <malloc.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <exception>
#include <optional>
#include <vector>

#include "harness/target/foresight.h"

// AddressSanitizer, where an adapter or this program was built with it, has a heap of its own.
// NOLINTNEXTLINE(bugprone-reserved-identifier): the name is that of its interface.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes() __attribute__((weak));

namespace tcpassay {
namespace {

// Octets that are allocated now.
std::size_t heap_in_use() {
  return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes() : mallinfo2().uordblks;
}

constexpr std::chrono::seconds kNap{3600};          // between two looks at the turn
constexpr std::size_t kRoomAhead = kAnswerMax / 2;  // for the answer to a foreseen request

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
    results_.clear();
    discarded_ = 0;
    forget_answer();
    guarded(out, [&] {
      OctetReader in(ByteView(memory_.batch, std::min<std::size_t>(memory_.batch_size, kBatchMax)));
      while (!in.at_end()) {
        const Request request = in.get<Request>();
        if (request != Request::kForeseen) {
          do_one(request, in, {});
        } else if (!go_ahead(in, out)) {
          return;
        }
      }
      if (results_.empty()) write(out);
    });
    memory_.answer_size = static_cast<std::uint32_t>(out.size());
  }

  // Does the work; what it throws becomes the answer. False when it has thrown.
  template <typename Work>
  bool guarded(OctetWriter& out, Work work) {
    const std::size_t begin = out.size();
    try {
      work();
      return true;
    } catch (const TargetDied& died) {
      out.back_to(begin);
      write_failure(out, AnswerKind::kDied, died.what());
    } catch (const std::exception& error) {
      out.back_to(begin);
      write_failure(out, AnswerKind::kError, error.what());
    }
    return false;
  }

  // A request that its owner will make later, as often as is foreseen: each time the number of the request and an
  // answer. False when nothing more can be foreseen.
  bool go_ahead(OctetReader& in, OctetWriter& out) {
    const auto handle_of = in.get<std::uint32_t>();
    const auto repeat = in.get<Foreseen::Repeat>();
    std::optional<int> handle;
    if (handle_of != kNoHandle) {
      const std::int64_t made = handle_of < results_.size() ? results_[handle_of] : -1;
      if (made < 0) return false;
      handle = static_cast<int>(made);
    }
    for (bool again = true; again;) {
      if (!out.fits(kRoomAhead)) return false;
      OctetReader one = in;
      const Time before = target_.now();
      Time deadline{};
      out.put(static_cast<std::uint32_t>(results_.size()));
      const std::size_t place = out.open_block();
      bool more = false;
      const bool well = guarded(out, [&] {
        const Request request = one.get<Request>();
        if (repeat == Foreseen::Repeat::kUntilTime) deadline = Time(OctetReader(one).get<std::int64_t>());
        forget_answer();
        do_one(request, one, handle);
        more = write(out);
      });
      out.close_block(place);
      if (!well || more) return false;
      if (repeat == Foreseen::Repeat::kUnlessGiven && result_.result >= 0) return false;
      again = (repeat == Foreseen::Repeat::kUntilTime && target_.now() < deadline) ||
              (repeat == Foreseen::Repeat::kWhileGiven && result_.result > 0);
      if (again && repeat == Foreseen::Repeat::kUntilTime && target_.now() == before) return false;  // it stands still
      if (!again) in = one;
    }
    results_.push_back(result_.result);
    return true;
  }

  void forget_answer() {
    result_ = {};
    text_.clear();
    done_ = 0;
  }

  static void write_failure(OctetWriter& out, AnswerKind kind, const char* why) {
    out.put(kind);
    out.put_text(why);
  }

  // `handle` stands for the one in the call.
  void do_one(Request request, OctetReader& in, std::optional<int> handle) {
    switch (request) {
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
        result_ = get_call(in);
        if (handle) result_.handle = *handle;
        target_.call(result_);
        if (result_.kind == CallKind::kRead) text_.assign(result_.text.begin(), result_.text.end());
        result_.text = text_;
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
      case Request::kDiscard: {
        OctetWriter nowhere(memory_.answer, kAnswerMax);
        write(nowhere);
        discarded_ = digest_of(digest_, discarded_);
        return forget_answer();
      }
      case Request::kForeseen:
        break;
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
    heap_ = heap_in_use();
  }

  // First what is a function of the requests. True when the rest comes with the next answer.
  bool write(OctetWriter& out) {
    const std::size_t begin = out.size();
    out.put(AnswerKind::kWell);
    out.put(target_.now().count());
    out.put(done_);
    put_call(out, result_);
    const bool more = write_packets(out);
    digest_ = digest(out.octets().subspan(begin), 0);
    out.put(digest_);
    out.put(discarded_);
    const auto steady = std::chrono::steady_clock::now().time_since_epoch();
    out.put(std::chrono::duration_cast<Time>(steady).count());
    out.put(static_cast<std::uint64_t>(heap_));
    out.put(static_cast<std::uint32_t>(watched_.size()));
    for (const Tuple tuple : watched_) {
      const auto report = target_.state(tuple);
      out.put(report.has_value());
      out.put(report.value_or(StateReport{}));
    }
    return more;
  }

  bool write_packets(OctetWriter& out) {
    constexpr std::size_t kPacketRoom = (1 << 16) + 64;
    constexpr std::size_t kEndRoom = kWatchedMax * (sizeof(StateReport) + 1) + 64;
    bool more = true;
    while (out.fits(kPacketRoom + kEndRoom)) {
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
    return more;
  }

  ChildMemory& memory_;
  Target& target_;
  Renewal renewal_;
  bool used_ = false;
  std::size_t heap_ = 0;  // octets allocated after the last reset
  std::vector<Tuple> watched_{};
  std::int64_t done_ = 0;
  UserCall result_{};
  Bytes text_{};
  std::vector<std::int64_t> results_{};  // of the foreseen requests of this batch
  std::uint64_t digest_ = 0;             // of the latest answer
  std::uint64_t discarded_ = 0;          // of the digests of the discarded answers of this batch
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
