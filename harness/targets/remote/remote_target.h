// SPDX-License-Identifier: Apache-2.0
// Any TCP implementation at the other end of a wire: an interface, a tap device, a UNIX socket.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "harness/base/file_descriptor.h"
#include "harness/targets/remote/application.h"
#include "harness/targets/remote/remote_place.h"
#include "harness/targets/remote/station.h"

namespace tcpassay {

// Several processes may test the same machine at the same time. Each has its seat: a spare address of its own, and a
// pattern that is laid over the target's ports on the way to it and taken off on the way back, so that all can listen
// on the same port. A seat is free again when its process ends.
struct Seat {
  std::uint16_t number = 0;
  FileDescriptor held{};
  std::uint16_t port_mask() const;
};
inline constexpr std::uint16_t kSeats = 16;
Seat take_seat(const std::string& place, std::uint16_t seats = kSeats);  // throws TargetError when all are taken

class RemoteTarget : public Target {
 public:
  RemoteTarget(const RemotePlace& place, Seat seat, std::unique_ptr<Station> station,
               std::unique_ptr<Application> application);

  const Identity& identity() const override { return identity_; }
  void use_ip(std::uint8_t version) override { ip_ = version; }
  void reset(std::uint64_t seed) override;
  bool configure(std::string_view name, std::int64_t value) override;
  bool has_tuning(const std::string& name) const override { return application_->has_tuning(name); }
  bool tune(const std::string& name, const std::string& value) override;
  Time now() override { return station_->now(); }
  void inject(ByteView packet) override;
  std::optional<Collected> collect() override;
  void advance(Time deadline) override;
  void call(UserCall& call) override;
  std::optional<StateReport> state(Tuple tuple) override;
  std::optional<std::int64_t> implementation_specific(int handle, std::string_view name,
                                                      std::optional<std::int64_t> value) override;

 private:
  void begin();
  std::optional<Collected> received(Time deadline);

  Identity identity_;
  Seat seat_;
  std::uint16_t port_mask_;  // laid over the target's ports on the wire
  std::unique_ptr<Station> station_;
  std::unique_ptr<Application> application_;
  std::uint8_t ip_ = 4;
  bool begun_ = false;              // there was a stimulus since the reset
  bool icmp_seen_ = false;          // a path MTU may have been learnt
  std::optional<Collected> ahead_;  // received by advance() for the next collect()
  Bytes sent_, packet_;
};

// The target of that name, with a seat that is free. Throws TargetError with one line that says what is missing.
std::unique_ptr<Target> make_remote(const std::string& name);

}  // namespace tcpassay
