#include "pipeline/worker/disk_lane_stores.h"

#include <filesystem>
#include <future>
#include <map>
#include <utility>

#include "pipeline/base/log.h"
#include "pipeline/base/mutex.h"
#include "state/rocksdb_store.h"
#include "state/worker_directory.h"

namespace tacho {
namespace {

using OpenedStore = Result<std::unique_ptr<StateStore>>;

class DiskLaneStores final : public LaneStores {
 public:
  DiskLaneStores(std::unique_ptr<WorkerDirectory> directory,
                 size_t rocksdb_bytes, bool wal_synced)
      : writer_id_(directory->worker_id()),
        directory_(std::move(directory)),
        shared_(rocksdb_bytes / 2, rocksdb_bytes / 2),
        wal_synced_(wal_synced) {}

  void SetOpenFiles(int files) override { open_files_ = files; }

  const std::string& writer_id() const override { return writer_id_; }

  ~DiskLaneStores() override { ClosePrepared(); }

  void Prepare(const TopicPartition& tp,
               const std::vector<std::string>& tables) override {
    std::future<OpenedStore>& store = prepared_[tp];
    if (store.valid()) return;
    store = std::async(std::launch::async,
                       [this, tp, tables] { return OpenNow(tp, tables); });
  }

  void CancelPrepared() override { ClosePrepared(); }

  OpenedStore Open(const TopicPartition& tp) override {
    const auto found = prepared_.find(tp);
    if (found == prepared_.end()) return OpenNow(tp, {});
    OpenedStore store = found->second.get();
    prepared_.erase(found);
    return store;
  }

  Status Quarantine(const TopicPartition& tp, const std::string& why) override {
    ClosePrepared(tp);
    const MutexLock lock(mutex_);
    return directory_->Quarantine(tp, why);
  }

 private:
  // Any thread.
  OpenedStore OpenNow(const TopicPartition& tp,
                      const std::vector<std::string>& tables) {
    ASSIGN_OR_RETURN(const std::string dir, FindDirectory(tp));
    StoreOptions options;
    options.wal_synced = wal_synced_;
    options.max_open_files = open_files_;
    options.new_tables = tables;
    return OpenRocksDbStore(dir, options, shared_);
  }

  Result<std::string> FindDirectory(const TopicPartition& tp) {
    const MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(const std::string own, directory_->LaneDirectory(tp));
    // Without a changelog this is the only copy: a sibling's older one is not
    // taken for it. The store says what is wrong.
    if (wal_synced_ && std::filesystem::is_directory(own) &&
        !ReadRocksDbMarker(own, wal_synced_).ok()) {
      return own;
    }
    ASSIGN_OR_RETURN(const bool adopted,
                     directory_->Adopt(tp, [this](const std::string& dir) {
                       return ReadRocksDbMarker(dir, wal_synced_);
                     }));
    if (adopted) {
      LOG(kInfo, "state_adopted",
          {{"topic", tp.topic}, {"partition", tp.partition}});
    }
    return own;
  }

  void ClosePrepared() {
    while (!prepared_.empty()) ClosePrepared(prepared_.begin()->first);
  }
  void ClosePrepared(const TopicPartition& tp) {
    const auto found = prepared_.find(tp);
    if (found == prepared_.end()) return;
    const OpenedStore store = found->second.get();
    prepared_.erase(found);
    if (store.ok()) (void)(*store)->Close().ok();
  }

  const std::string writer_id_;
  Mutex mutex_;
  const std::unique_ptr<WorkerDirectory> directory_ PT_GUARDED_BY(mutex_);
  RocksDbShared shared_;
  const bool wal_synced_;
  int open_files_ = 256;
  std::map<TopicPartition, std::future<OpenedStore>> prepared_;
};

}  // namespace

Result<std::unique_ptr<LaneStores>> MakeDiskLaneStores(const Job& job,
                                                       size_t rocksdb_bytes) {
  ASSIGN_OR_RETURN(std::unique_ptr<WorkerDirectory> directory,
                   WorkerDirectory::Claim(job.state_dir, job.group.id));
  LOG(kInfo, "worker_directory",
      {{"path", directory->path()}, {"id", directory->worker_id()}});
  return std::unique_ptr<LaneStores>(std::make_unique<DiskLaneStores>(
      std::move(directory), rocksdb_bytes,
      // At least once the log is the durability; exactly once Kafka is.
      job.guarantee == Guarantee::kAtLeastOnceLocal));
}

}  // namespace tacho
