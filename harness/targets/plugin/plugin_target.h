// SPDX-License-Identifier: Apache-2.0
// A foreign TCP stack behind an adapter (tcpassay_plugin.h), in this process.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "harness/target/target.h"
#include "harness/targets/plugin/plugin_file.h"
#include "harness/targets/plugin/plugin_sockets.h"

namespace tcpassay {

// What the adapter did that it must not do. plugin-check reports it; a run ends with TargetError.
struct PluginMisdeeds {
  bool emits_outside = false;  // a synchronous adapter emitted a packet while no call was in progress
  std::string failed{};        // what the adapter told host->failed()
};

class PluginTarget final : public Target {
 public:
  // `place` is FILE.so or FILE.so?TEXT. Throws TargetError.
  explicit PluginTarget(const std::string& place);
  ~PluginTarget() override;
  PluginTarget(const PluginTarget&) = delete;
  PluginTarget& operator=(const PluginTarget&) = delete;

  const Identity& identity() const override { return identity_; }
  const PluginTable& table() const { return *table_; }
  const std::vector<std::string>& log() const { return log_; }

  void use_ip(std::uint8_t version) override { ip_ = version; }
  void reset(std::uint64_t seed) override;
  bool configure(std::string_view name, std::int64_t value) override;
  Time now() override;
  void inject(ByteView packet) override;
  std::optional<Collected> collect() override;
  void advance(Time deadline) override;
  void call(UserCall& call) override;
  std::optional<StateReport> state(Tuple tuple) override;

 private:
  struct Sent {
    Time at{};
    Bytes packet{};
  };

  // While one exists, the adapter may emit. Its end throws what went wrong meanwhile.
  template <typename Work>
  auto inside(Work work);
  void check_misdeeds();
  void advance_virtual(Time deadline);
  void advance_real(Time deadline);
  bool has_output();

  static void emit(void* ctx, const std::uint8_t* packet, std::size_t length);
  static std::uint32_t random(void* ctx);
  static void log_line(void* ctx, const char* line);
  static void failed(void* ctx, const char* why);

  const PluginTable* table_;
  std::string extra_;
  Identity identity_;
  tcpassay_host host_{};
  tcpassay_config config_{};
  void* stack_ = nullptr;
  std::uint8_t ip_ = 4;
  std::uint64_t random_ = 1;
  std::int64_t now_ns_ = 0;                      // virtual time
  std::chrono::steady_clock::time_point start_;  // of real time
  int depth_ = 0;                                // calls in progress
  std::mutex mutex_{};                           // of what follows: emit() may come from another thread
  std::deque<Sent> sent_{};
  PluginMisdeeds misdeeds_{};
  std::vector<std::string> log_{};
  Sent last_{};  // whose packet collect() returned
  PluginSockets sockets_;
};

}  // namespace tcpassay
