#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "pipeline/job/lane_stores.h"
#include "state/memory_store.h"

namespace tacho {

// Lanes' state in memory. What is in it outlives its worker, as a disk would:
// a second worker over the same object finds what the first one left.
class MemoryLaneStores final : public LaneStores {
 public:
  using Disk = std::map<TopicPartition, std::shared_ptr<MemoryStore>>;
  explicit MemoryLaneStores(Disk& disk) : disk_(disk) {}

  const std::string& writer_id() const override { return writer_id_; }
  Result<std::unique_ptr<StateStore>> Open(const TopicPartition& tp) override {
    auto& store = disk_[tp];
    if (store == nullptr) store = std::make_shared<MemoryStore>();
    return std::unique_ptr<StateStore>(std::make_unique<View>(store));
  }
  Status Remove(const TopicPartition& tp) override {
    disk_.erase(tp);
    return Status::Ok();
  }

 private:
  // Owns nothing: closing a store does not lose what it holds.
  class View final : public StateStore {
   public:
    explicit View(std::shared_ptr<MemoryStore> store)
        : store_(std::move(store)) {}
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
    Status Flush() override { return Status::Ok(); }
    Status Close() override { return store_->Close(); }

   private:
    std::shared_ptr<MemoryStore> store_;
  };

  Disk& disk_;
  std::string writer_id_ = "00000000-0000-4000-8000-000000000000";
};

}  // namespace tacho
