#include "pipeline/worker/lane_loads.h"

#include <utility>

namespace tacho {

void LaneLoads::Add(const LaneSet::Entry& entry, std::function<void()> load) {
  waiting_.push_back(
      {entry.claim.driver, entry.claim.ticket, entry.node, std::move(load)});
  Begin();
}

void LaneLoads::Ended(uint64_t ticket) {
  std::erase_if(under_way_,
                [&](const Load& load) { return load.ticket == ticket; });
  Begin();
}

void LaneLoads::Forget(const EpochDriver& driver) {
  const auto of_driver = [&](const Load& load) {
    return load.driver == &driver;
  };
  std::erase_if(waiting_, of_driver);
  std::erase_if(under_way_, of_driver);
  Begin();  // Of other drivers.
}

void LaneLoads::Begin() {
  while (!waiting_.empty() && under_way_.size() < limit_) {
    Load load = std::move(waiting_.front());
    waiting_.pop_front();
    graph_.Post(load.node, std::exchange(load.work, {}));
    under_way_.push_back(std::move(load));
  }
}

}  // namespace tacho
