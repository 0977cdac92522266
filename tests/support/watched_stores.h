#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/check.h"
#include "pipeline/worker/lane_stores.h"
#include "tests/support/memory_lane_stores.h"

namespace tacho {

// MemoryLaneStores that write down what is done to them, and fail on command.
// A store that is opened twice, or put away while it is open, is a bug of the
// caller: RocksDB's lock would refuse it.
// Threading: as LaneStores; open() from any thread.
class WatchedStores final : public LaneStores {
 public:
  explicit WatchedStores(MemoryLaneStores& stores) : stores_(stores) {}

  // The next so many calls of Open answer `status`.
  void FailOpens(int count, Status status) {
    fail_opens_ = count;
    failure_ = std::move(status);
  }

  const std::string& writer_id() const override { return stores_.writer_id(); }
  Result<std::unique_ptr<StateStore>> Open(const TopicPartition& tp) override {
    if (fail_opens_ > 0) {
      --fail_opens_;
      return failure_;
    }
    open_.Add(tp);
    ASSIGN_OR_RETURN(auto store, stores_.Open(tp));
    return std::unique_ptr<StateStore>(
        std::make_unique<Watched>(std::move(store), open_, tp));
  }
  Status Quarantine(const TopicPartition& tp, const std::string& why) override {
    CHECK(!open().contains(tp));
    quarantined.push_back(why);
    return stores_.Quarantine(tp, why);
  }

  std::set<TopicPartition> open() const { return open_.All(); }
  std::vector<std::string> quarantined;  // Why, in order.

 private:
  class OpenSet {
   public:
    void Add(const TopicPartition& tp) {
      const std::lock_guard lock(mutex_);
      CHECK(open_.insert(tp).second);
    }
    void Remove(const TopicPartition& tp) {
      const std::lock_guard lock(mutex_);
      CHECK(open_.erase(tp) == 1);
    }
    std::set<TopicPartition> All() const {
      const std::lock_guard lock(mutex_);
      return open_;
    }

   private:
    mutable std::mutex mutex_;
    std::set<TopicPartition> open_;
  };
  class Watched final : public StateStore {
   public:
    Watched(std::unique_ptr<StateStore> store, OpenSet& open, TopicPartition tp)
        : store_(std::move(store)), open_(open), tp_(std::move(tp)) {}
    Status OpenTables(const std::vector<std::string>& names) override {
      return store_->OpenTables(names);
    }
    Result<std::optional<Marker>> ReadMarker() override {
      return store_->ReadMarker();
    }
    Status Apply(const StateChanges& changes, const Marker& marker) override {
      return store_->Apply(changes, marker);
    }
    Status Scan(TableId table, std::string_view prefix,
                const std::function<Status(std::string_view, std::string_view)>&
                    visit) const override {
      return store_->Scan(table, prefix, visit);
    }
    Status Flush() override { return store_->Flush(); }
    Status Close() override {
      open_.Remove(tp_);
      return store_->Close();
    }

   private:
    std::unique_ptr<StateStore> store_;
    OpenSet& open_;
    const TopicPartition tp_;
  };

  MemoryLaneStores& stores_;
  OpenSet open_;
  int fail_opens_ = 0;
  Status failure_;
};

}  // namespace tacho
