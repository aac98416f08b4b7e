// SPDX-License-Identifier: Apache-2.0
#include "harness/targets/plugin/child_target.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <utility>

namespace tcpassay {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kLookAfter{20};              // how often the owner looks whether the child still lives
constexpr std::size_t kWordsMax = 1 << 16;          // octets that are read of what the child wrote
constexpr int kLastLines = 3;                       // of these are told
constexpr int kGrowths = 32;                        // resets in a row after which growth is a leak
constexpr std::uint64_t kLeakOctets = 1024 * 1024;  // and at least so much

std::string how_ended(int status) {
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    const char* const kind = number == SIGKILL || number == SIGTERM ? "was killed"
                             : number == SIGABRT                    ? "aborted"
                                                                    : "crashed";
    return fmt::format("its process {}: signal {} ({})", kind, number, strsignal(number));
  }
  return fmt::format("its process ended by itself with exit status {}", WEXITSTATUS(status));
}

pid_t wait_for_end(pid_t process, int& status, int flags) {
  pid_t ended = -1;
  do {
    ended = waitpid(process, &status, flags);
  } while (ended < 0 && errno == EINTR);
  return ended;
}

// The lines that say most: of a sanitizer its error and its summary, of Go its panic, else the last ones.
std::string telling_lines(const std::string& words) {
  std::vector<std::string> lines;
  std::istringstream in(words);
  for (std::string line; std::getline(in, line);) {
    if (line.find_first_not_of(" \t\r=") != std::string::npos) lines.push_back(line);
  }
  std::vector<std::string> told;
  for (const std::string& line : lines) {
    const bool sanitizer = line.find("ERROR: ") != std::string::npos || line.starts_with("SUMMARY: ") ||
                           line.find("runtime error: ") != std::string::npos || line.starts_with("panic: ");
    if (sanitizer && told.size() < kLastLines) told.push_back(line);
  }
  const std::size_t from = lines.size() > kLastLines ? lines.size() - kLastLines : 0;
  if (told.empty()) told.assign(lines.begin() + static_cast<std::ptrdiff_t>(from), lines.end());
  return fmt::format("{}", fmt::join(told, " | "));
}

}  // namespace

milliseconds hang_after() {
  const char* seconds = std::getenv("TCPASSAY_HANG_S");
  const double wanted = seconds != nullptr ? std::atof(seconds) : 0;
  return wanted > 0 ? milliseconds(static_cast<std::int64_t>(wanted * 1000)) : kHangAfter;
}

ChildTarget::ChildTarget(ChildTargetMaker make, milliseconds hang_after)
    : make_(std::move(make)), hang_after_(hang_after), memory_(share_memory()) {
  words_ = memfd_create("tcpassay-child", MFD_CLOEXEC);
  start();
}

ChildTarget::~ChildTarget() {
  stop();
  if (words_ >= 0) close(words_);
  unshare_memory(memory_);
}

void ChildTarget::start() {
  stop();
  memory_->death.store(0);
  memory_->turn.store(ChildMemory::kChild);  // it has to make the target
  if (words_ >= 0 && ftruncate(words_, 0) != 0) errno = 0;
  const pid_t owner = getpid();
  process_ = fork();
  if (process_ < 0) throw TargetError(fmt::format("no process: {}", std::strerror(errno)));
  if (process_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != owner) _exit(1);
    signal(SIGINT, SIG_IGN);  // the owner ends the child
    signal(SIGTERM, SIG_DFL);
    if (words_ >= 0) {
      lseek(words_, 0, SEEK_SET);
      dup2(words_, STDOUT_FILENO);
      dup2(words_, STDERR_FILENO);
    }
    serve(*memory_, make_);
  }
  hand_over(kStartsWithin * hang_after_, "it does not start");
  read_identity();
}

void ChildTarget::stop() {
  if (process_ < 0) return;
  int status = 0;
  kill(process_, SIGKILL);
  wait_for_end(process_, status, 0);
  process_ = -1;
}

// Waits until the child has given the turn back.
void ChildTarget::hand_over(nanoseconds most, std::string_view otherwise) {
  const auto end = std::chrono::steady_clock::now() + most;
  while (!memory_->wait_for(ChildMemory::kOwner, kLookAfter)) {
    int status = 0;
    if (wait_for_end(process_, status, WNOHANG) == process_) {
      process_ = -1;
      if (memory_->turn.load() == ChildMemory::kOwner) break;
      if (WIFEXITED(status) && WEXITSTATUS(status) == kUsedUp) return start_again(most);
      died(how_ended(status));
    }
    if (std::chrono::steady_clock::now() < end) continue;
    stop();
    hangs_ = true;
    const auto limit = otherwise == "it hangs" ? nanoseconds(hang_after_) : most;  // time that passes is no hang
    died(fmt::format("{}: no answer within {} s", otherwise, std::chrono::duration<double>(limit).count()));
  }
  if (const int status = memory_->death.load(); status != 0) {
    stop();
    died(how_ended(status == -1 ? 0 : status));
  }
}

// The process has played its scenario: another one takes over the batch that begins the next.
void ChildTarget::start_again(nanoseconds most) {
  start();
  memory_->give(ChildMemory::kChild);
  hand_over(most);
}

void ChildTarget::died(const std::string& how) {
  const std::string words = last_words();
  batch_.reset();
  has_reset_ = false;
  death_ahead_.clear();
  throw TargetDied(fmt::format("{}{}{}", how, words.empty() ? "" : ": ", words));
}

std::string ChildTarget::last_words() const {
  std::string words(kWordsMax, '\0');
  const off_t size = words_ < 0 ? 0 : lseek(words_, 0, SEEK_END);
  const off_t from = std::max<off_t>(0, size - static_cast<off_t>(kWordsMax));
  const ssize_t count = words_ < 0 ? 0 : pread(words_, words.data(), words.size(), from);
  words.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  std::erase(words, '\0');
  return telling_lines(words);
}

// Appends to the batch that leaves with the next flush().
OctetWriter& ChildTarget::request(Request kind) {
  if (!batch_) batch_.emplace(memory_->batch, kBatchMax);
  batch_->put(kind);
  return *batch_;
}

void ChildTarget::flush(nanoseconds most) {
  if (batch_ && batch_->full()) throw TargetError("the requests do not fit into the memory that a child shares");
  keep_packets();
  if (is_ahead() && comes_true()) return;
  if (is_ahead() || lost_) return go_back(most);
  if (process_ < 0) {
    batch_.reset();
    throw TargetDied("its process is not there any more");
  }
  note_requests();
  send(most);
  answer_.assign(memory_->answer, memory_->answer + std::min<std::size_t>(memory_->answer_size, kAnswerMax));
  read_answer(answer_);
  tell_death_ahead();
}

// What nobody has collected of the last answer stays when the next comes.
void ChildTarget::keep_packets() {
  for (; next_packet_ < packets_.size(); ++next_packet_) {
    const Packet& packet = packets_[next_packet_];
    kept_.push_back(
        {.from = packet.from, .until = packet.until, .octets = {packet.octets.begin(), packet.octets.end()}});
  }
}

void ChildTarget::send(nanoseconds most) {
  memory_->batch_size = static_cast<std::uint32_t>(batch_ ? batch_->size() : 0);
  batch_.reset();
  memory_->give(ChildMemory::kChild);
  hand_over(most);
}

void ChildTarget::read_answer(ByteView octets) {
  OctetReader in(octets);
  const AnswerKind kind = in.get<AnswerKind>();
  if (kind == AnswerKind::kDied) {
    const std::string why = in.get_text();
    stop();
    died(why);
  }
  if (kind == AnswerKind::kError) throw TargetError(in.get_text());
  now_ = Time(in.get<Time::rep>());
  done_ = in.get<std::int64_t>();
  result_ = get_call(in);
  read_packets(in);
  answered_ = digest_of(in.get<std::uint64_t>(), answered_);
  discarded_ = in.get<std::uint64_t>();
  steady_ = Time(in.get<Time::rep>());
  heap_ = in.get<std::uint64_t>();
  const auto count = in.get<std::uint32_t>();
  for (std::uint32_t i = 0; i < count; ++i) {
    const bool there = in.get<bool>();
    const auto report = in.get<StateReport>();
    if (i < watched_.size()) watched_[i].report = there ? std::optional(report) : std::nullopt;
  }
  if (!is_ahead() && count < watched_.size()) watched_.resize(count);  // foresight has ended before it came to them
  if (std::exchange(has_reset_, false)) watch_heap();
}

void ChildTarget::read_packets(OctetReader& in) {
  packets_.clear();
  next_packet_ = 0;
  while (in.get<std::uint8_t>() == 1) {
    const Time from(in.get<Time::rep>()), until(in.get<Time::rep>());
    packets_.push_back({.from = from, .until = until, .octets = in.get_block()});
  }
  more_packets_ = in.get<bool>();
  if (more_packets_) step_by_step_ = true;
}

void ChildTarget::read_identity() {
  const std::size_t size = std::min<std::size_t>(memory_->answer_size, kAnswerMax);
  answer_.assign(memory_->answer, memory_->answer + size);
  OctetReader in(answer_);
  if (in.get<AnswerKind>() != AnswerKind::kWell) {
    const std::string why = in.get_text();
    stop();
    throw TargetError(why);
  }
  Identity identity;
  identity.name = in.get_text();
  identity.version = in.get_text();
  for (auto count = in.get<std::uint32_t>(); count > 0; --count) identity.abilities.push_back(in.get<Ability>());
  identity.msl = Time(in.get<Time::rep>());
  identity.address = in.get<Address>();
  identity.peer_address = in.get<Address>();
  identity.ipv6_address = in.get<Address>();
  identity.ipv6_peer_address = in.get<Address>();
  for (auto* names : {&identity.settings, &identity.implementation_specific}) {
    for (auto count = in.get<std::uint32_t>(); count > 0; --count) names->push_back(in.get_text());
  }
  for (auto count = in.get<std::uint32_t>(); count > 0; --count) {
    identity.missing_options.push_back(in.get<SocketOption>());
  }
  renewal_ = in.get<Renewal>();
  virtual_time_ = identity.can(Ability::kVirtualTime);
  synchronous_ = identity.can(Ability::kSynchronous);
  identity_ = std::move(identity);
}

// The reset leaves with what comes next, where time is virtual: it takes none.
void ChildTarget::reset(std::uint64_t seed) {
  if (has_reset_ && batch_) flush(hang_after_);
  if (!death_ahead_.empty()) throw TargetDied(std::exchange(death_ahead_, {}));
  if (process_ < 0) start();
  batch_.reset();
  packets_.clear();
  kept_.clear();
  next_packet_ = 0;
  watched_.clear();
  now_ = {};
  more_packets_ = false;
  forget_foresight();
  OctetWriter& out = request(Request::kReset);
  out.put(seed);
  out.put(ip_);
  has_reset_ = true;
  if (!virtual_time_) flush(hang_after_);
}

std::uint64_t ChildTarget::heap() {
  if (batch_) flush(hang_after_);
  return heap_;
}

// A target that is as new after each reset has no more memory after a thousand of them than after ten.
void ChildTarget::watch_heap() {
  if (renewal_ != Renewal::kReset || leak_told_) return;
  const bool grows = heap_ > heap_before_;
  if (!grows) heap_first_ = heap_;
  heap_growths_ = grows ? heap_growths_ + 1 : 0;
  heap_before_ = heap_;
  const std::uint64_t grown = heap_ - heap_first_;
  if (heap_growths_ < kGrowths || grown < kLeakOctets) return;
  leak_told_ = true;
  stop();
  died(fmt::format("it leaks memory: {} KiB more after {} scenarios, some at each", grown / 1024, heap_growths_));
}

bool ChildTarget::configure(std::string_view name, std::int64_t value) {
  if (!identity_.has_setting(name)) return false;
  OctetWriter& out = request(Request::kConfigure);
  out.put_text(name);
  out.put(value);
  flush(hang_after_);
  return done_ != 0;
}

Time ChildTarget::now() {
  if (virtual_time_) return now_;  // only advance() and reset() change it
  return now_ + std::chrono::duration_cast<Time>(std::chrono::steady_clock::now().time_since_epoch()) - steady_;
}

void ChildTarget::inject(ByteView packet) {
  if (batch_ && !batch_->fits(packet.size() + 64)) flush(hang_after_);
  request(Request::kInject).put_block(packet);
  if (!virtual_time_) flush(hang_after_);  // it is now that the packet arrives
}

std::optional<Collected> ChildTarget::collect() {
  if (!kept_.empty()) {
    last_ = std::move(kept_.front());
    kept_.pop_front();
    return Collected{.from = last_.from, .until = last_.until, .packet = last_.octets};
  }
  if (!has_unread() && (batch_ || more_packets_ || !virtual_time_)) {
    if (!batch_) request(Request::kCollect);
    flush(hang_after_);
  }
  if (next_packet_ >= packets_.size()) return std::nullopt;
  const Packet& packet = packets_[next_packet_++];
  return Collected{.from = packet.from, .until = packet.until, .packet = packet.octets};
}

void ChildTarget::advance(Time deadline) {
  if (has_unread()) return;  // it has sent something already
  request(Request::kAdvance).put(deadline.count());
  flush(hang_after_ + (virtual_time_ ? Time{} : std::max(Time{}, deadline - now())));
}

void ChildTarget::call(UserCall& call) {
  put_call(request(Request::kCall), call);
  flush(hang_after_);
  call.result = result_.result;
  call.error = result_.error;
  call.value = result_.value;
  call.tuple = result_.tuple;
  if (call.kind == CallKind::kRead) call.text = result_.text;
}

std::optional<StateReport> ChildTarget::state(Tuple tuple) {
  auto known = std::find_if(watched_.begin(), watched_.end(), [&](const Watched& each) { return each.tuple == tuple; });
  if (known != watched_.end() && !batch_ && virtual_time_) return known->report;
  if (known == watched_.end()) {
    if (watched_.size() >= kWatchedMax) watched_.clear(), request(Request::kForget);
    request(Request::kWatch).put(tuple);
    watched_.push_back({.tuple = tuple});
    known = watched_.end() - 1;
  }
  const auto place = known - watched_.begin();
  request(Request::kCollect);
  flush(hang_after_);
  return watched_[static_cast<std::size_t>(place)].report;
}

}  // namespace tcpassay
