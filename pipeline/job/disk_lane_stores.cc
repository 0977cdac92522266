#include "pipeline/job/disk_lane_stores.h"

#include <utility>

#include "pipeline/base/log.h"
#include "pipeline/job/sinks.h"
#include "state/rocksdb_store.h"
#include "state/worker_directory.h"

namespace tacho {
namespace {

class DiskLaneStores final : public LaneStores {
 public:
  DiskLaneStores(std::unique_ptr<WorkerDirectory> directory,
                 size_t rocksdb_bytes, bool wal_synced)
      : directory_(std::move(directory)),
        shared_(rocksdb_bytes / 2, rocksdb_bytes / 2),
        wal_synced_(wal_synced) {}

  const std::string& writer_id() const override {
    return directory_->worker_id();
  }

  Result<std::unique_ptr<StateStore>> Open(const TopicPartition& tp) override {
    ASSIGN_OR_RETURN(const bool adopted,
                     directory_->Adopt(tp, ReadRocksDbMarker));
    if (adopted) {
      LOG(kInfo, "state_adopted",
          {{"topic", tp.topic}, {"partition", tp.partition}});
    }
    ASSIGN_OR_RETURN(const std::string dir, directory_->LaneDirectory(tp));
    StoreOptions options;
    options.wal_synced = wal_synced_;
    return OpenRocksDbStore(dir, options, shared_);
  }

  Status Remove(const TopicPartition& tp) override {
    return directory_->RemoveLane(tp);
  }

 private:
  std::unique_ptr<WorkerDirectory> directory_;
  RocksDbShared shared_;
  const bool wal_synced_;
};

}  // namespace

Result<std::unique_ptr<LaneStores>> MakeDiskLaneStores(const Job& job) {
  ASSIGN_OR_RETURN(std::unique_ptr<WorkerDirectory> directory,
                   WorkerDirectory::Claim(job.state_dir, job.group.id));
  LOG(kInfo, "worker_directory",
      {{"path", directory->path()}, {"id", directory->worker_id()}});
  return std::unique_ptr<LaneStores>(std::make_unique<DiskLaneStores>(
      std::move(directory), MemoryShares(job).rocksdb_bytes,
      // At least once the log is the durability; exactly once Kafka is.
      job.guarantee == Guarantee::kAtLeastOnce));
}

}  // namespace tacho
