// SPDX-License-Identifier: Apache-2.0
// The edits of of_histories.def. Each looks at one event of a history and says whether the edit can be made there.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "harness/mutation/history.h"

namespace tcpassay {

// A history that goes on in another way from some moment on.
class Retelling {
 public:
  struct Moment {
    Event event;
    std::size_t of = 0;  // the event of the history that it repeats; of a silence nothing
  };

  Retelling(const History& history, std::size_t kept) : history_(&history), kept_(kept) {}

  // A segment of the target that leaves now, as at `i`.
  Departing& leaves(std::size_t i, Time at);
  // A call, as at `i`.
  UserCall& returns(std::size_t i, Time at);
  void silent_until(Time at);

  const History& history() const { return *history_; }
  std::size_t kept() const { return kept_; }  // how many events of the history stay
  const std::vector<Moment>& added() const { return added_; }
  std::vector<Event> events() const;

 private:
  const History* history_;
  std::size_t kept_;
  std::vector<Moment> added_;
};

using MaybeRetelling = std::optional<Retelling>;

#define HISTORY(id, name, rfc, section, sentence) MaybeRetelling id(const History& h, std::size_t i);
namespace history_edits {
#include "harness/mutation/of_histories.def"
}
#undef HISTORY

}  // namespace tcpassay
