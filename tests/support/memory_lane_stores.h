#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/worker/lane_stores.h"
#include "state/memory_store.h"

namespace tacho {

// Lanes' state in memory. What is in it outlives its worker, as a disk would:
// a second worker over the same object finds what the first one left. A lane
// without a copy of its own adopts one that a dead sibling has left.
class MemoryLaneStores final : public LaneStores {
 public:
  using Disk = std::map<TopicPartition, std::shared_ptr<MemoryStore>>;
  using Siblings =
      std::map<TopicPartition, std::vector<std::shared_ptr<MemoryStore>>>;
  // What the stores of all lanes do wrong.
  struct Faults {
    std::atomic<int> corrupt_applies{0};  // The next so many.
    std::atomic<int> corrupt_scans{0};
    // Before a store is opened, on the take-over thread.
    std::function<void(const TopicPartition&)> on_open;
    // Before a store is scanned, on whatever thread reads it.
    std::function<void(const TopicPartition&)> on_scan;
  };

  MemoryLaneStores(Disk& disk, Siblings& siblings, Faults& faults)
      : disk_(disk), siblings_(siblings), faults_(faults) {}

  const std::string& writer_id() const override { return writer_id_; }
  Result<std::unique_ptr<StateStore>> Open(const TopicPartition& tp) override {
    if (faults_.on_open) faults_.on_open(tp);
    auto& store = disk_[tp];
    auto& left = siblings_[tp];
    if (store == nullptr && !left.empty()) {
      store = left.back();
      left.pop_back();
    }
    if (store == nullptr) store = std::make_shared<MemoryStore>();
    return std::unique_ptr<StateStore>(
        std::make_unique<View>(tp, store, faults_));
  }
  Status Quarantine(const TopicPartition& tp,
                    const std::string& /*why*/) override {
    disk_.erase(tp);
    return Status::Ok();
  }

 private:
  // Owns nothing: closing a store does not lose what it holds.
  class View final : public StateStore {
   public:
    View(TopicPartition tp, std::shared_ptr<MemoryStore> store, Faults& faults)
        : tp_(std::move(tp)), store_(std::move(store)), faults_(faults) {}
    Status OpenTables(const std::vector<std::string>& names) override {
      return store_->OpenTables(names);
    }
    Result<std::optional<Marker>> ReadMarker() override {
      return store_->ReadMarker();
    }
    Status Apply(const StateChanges& changes, const Marker& marker) override {
      if (Take(faults_.corrupt_applies)) return Corruption("injected: apply");
      return store_->Apply(changes, marker);
    }
    Status Scan(TableId table, std::string_view prefix,
                const std::function<Status(std::string_view, std::string_view)>&
                    visit) const override {
      if (faults_.on_scan) faults_.on_scan(tp_);
      if (Take(faults_.corrupt_scans)) return Corruption("injected: scan");
      return store_->Scan(table, prefix, visit);
    }
    Status Flush() override { return Status::Ok(); }
    Status Close() override { return store_->Close(); }

   private:
    // Lanes take from the same count at once; it never falls below 0.
    static bool Take(std::atomic<int>& left) {
      int n = left.load();
      while (n > 0 && !left.compare_exchange_weak(n, n - 1)) {
      }
      return n > 0;
    }

    const TopicPartition tp_;
    std::shared_ptr<MemoryStore> store_;
    Faults& faults_;
  };

  Disk& disk_;
  Siblings& siblings_;
  Faults& faults_;
  std::string writer_id_ = "00000000-0000-4000-8000-000000000000";
};

}  // namespace tacho
