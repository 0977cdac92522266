#include "state/rocksdb_store.h"

#include <rocksdb/cache.h>
#if __has_include(<rocksdb/advanced_cache.h>)
#include <rocksdb/advanced_cache.h>  // Since 8.0 the class is here.
#endif
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/perf_level.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <utility>
#include <vector>

#include "pipeline/base/check.h"
#include "state/files.h"
#include "state/rocksdb_env.h"
#include "state/rocksdb_guard.h"
#include "state/rocksdb_ingest.h"
#include "state/rocksdb_status.h"
#include "state/sorted_changes.h"

namespace tacho {
namespace {

constexpr char kMarkerKey[] = "marker";
constexpr size_t kLeastIngest = size_t{1} << 20;  // Bytes of changes.

// Attempts to open that may end with the process. With a changelog the state is
// had from there at once; without one it is all there is, and the process may
// just have been killed.
int MostCrashes(bool only_copy) { return only_copy ? 3 : 1; }

rocksdb::CompressionType Compression() {
  const auto supported = rocksdb::GetSupportedCompressions();
  const bool lz4 = std::find(supported.begin(), supported.end(),
                             rocksdb::kLZ4Compression) != supported.end();
  return lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
}

rocksdb::Slice ToSlice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

// The first key after all keys that start with `prefix`; empty: none.
std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) ++end.back();
  return end;
}

bool HasDatabase(const std::string& dir) {
  std::error_code ignored;
  return std::filesystem::exists(dir + "/CURRENT", ignored);
}

Result<std::optional<Marker>> GetMarker(rocksdb::DB& db,
                                        const std::string& dir) {
  std::string bytes;
  const rocksdb::Status status =
      db.Get(rocksdb::ReadOptions(), kMarkerKey, &bytes);
  if (status.IsNotFound()) return std::optional<Marker>();
  RETURN_IF_ERROR(FromRocksDb(status, dir));
  Result<Marker> marker = DecodeMarker(bytes);
  if (!marker.ok()) return marker.status().With("rocksdb " + dir);
  return std::optional<Marker>(*std::move(marker));
}

}  // namespace

struct RocksDbShared::Parts {
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers;
};

RocksDbShared::RocksDbShared(size_t cache_bytes, size_t memtable_bytes)
    : parts_(std::make_unique<Parts>()) {
  parts_->cache = rocksdb::NewLRUCache(cache_bytes);
  parts_->write_buffers =
      std::make_shared<rocksdb::WriteBufferManager>(memtable_bytes);
  // One pool for all stores of the process.
  rocksdb::Env* const env = rocksdb::Env::Default();
  env->SetBackgroundThreads(1, rocksdb::Env::LOW);
  env->SetBackgroundThreads(1, rocksdb::Env::HIGH);
}

RocksDbShared::~RocksDbShared() = default;

size_t RocksDbShared::used_bytes() const {
  return parts_->cache->GetUsage() + parts_->write_buffers->memory_usage();
}

class RocksDbStore final : public StateStore {
 public:
  RocksDbStore(std::string dir, const StoreOptions& options)
      : dir_(std::move(dir)),
        wal_synced_(options.wal_synced),
        flush_interval_(options.flush_interval) {}
  ~RocksDbStore() override { Release().PermitUncheckedError(); }

  Status Open(const StoreOptions& options, const RocksDbShared& shared);

  Status OpenTables(const std::vector<std::string>& names) override;
  Result<std::optional<Marker>> ReadMarker() override;
  Status Apply(const StateChanges& changes, const Marker& marker) override;
  Status Restore(const StateChanges& changes, const Marker& marker) override;
  Status Scan(TableId table, std::string_view prefix,
              const std::function<Status(std::string_view, std::string_view)>&
                  visit) const override;
  Status FlushIfDue(Timestamp now) override;
  Status Flush() override;
  Status Close() override;

 private:
  Status OpenFamilies(const std::vector<std::string>& names);
  Status CreateMissing(const std::vector<std::string>& names);
  Status DropTablesBut(const std::function<bool(const std::string&)>& declared);
  std::vector<rocksdb::ColumnFamilyHandle*>::iterator FindFamily(
      const std::string& name);
  void SetOptions(const StoreOptions& options,
                  const RocksDbShared::Parts& parts);
  rocksdb::Status Release();

  std::string dir_;
  bool wal_synced_;
  Millis flush_interval_;
  // Of the oldest write that no flush has been started for; kNoTime: none.
  std::atomic<Timestamp> unflushed_since_{kNoTime};
  rocksdb::DBOptions db_options_;
  rocksdb::ColumnFamilyOptions table_options_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;  // All; owned by db_.
  std::vector<rocksdb::ColumnFamilyHandle*> tables_;   // By TableId.
  std::vector<char> marker_bytes_;
  SortedChanges sorted_;    // Of the call.
  bool in_memory_ = false;  // Something was applied since the last Flush.
};

void RocksDbStore::SetOptions(const StoreOptions& options,
                              const RocksDbShared::Parts& parts) {
  db_options_.env = RocksDbEnv();
  db_options_.create_if_missing = true;
  db_options_.paranoid_checks = true;
  // Without a log, tables must reach the disk together or not at all. With
  // one, the log restores them together, and RocksDB advises against both.
  db_options_.atomic_flush = !wal_synced_;
  // Close flushes; a store that is dropped must not take the time.
  db_options_.avoid_flush_during_shutdown = true;
  db_options_.max_background_jobs = 2;
  db_options_.max_open_files = options.max_open_files;
  db_options_.write_buffer_manager = parts.write_buffers;
  db_options_.info_log = MakeRocksDbLog(dir_);
  // Of whole files, kept in the manifest: a block's own checksum says nothing
  // where the byte was flipped that says which checksum it is.
  db_options_.file_checksum_gen_factory = FileChecksums();
  db_options_.stats_dump_period_sec = 0;
  db_options_.stats_persist_period_sec = 0;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = parts.cache;
  table.cache_index_and_filter_blocks = true;  // Inside the memory budget.
  table.block_size = size_t{16} << 10;
  // Pinned: newer releases write by default what 7.8 cannot read.
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  table_options_.table_factory.reset(NewBlockBasedTableFactory(table));
  table_options_.write_buffer_size = options.write_buffer_bytes;
  table_options_.compression = Compression();
  // Nobody reads a key but a scan at load: rather many files than many
  // compactions, which are most of what a restore costs.
  table_options_.level0_file_num_compaction_trigger = 12;
  table_options_.level0_slowdown_writes_trigger = 40;
  table_options_.level0_stop_writes_trigger = 60;
}

Status RocksDbStore::Open(const StoreOptions& options,
                          const RocksDbShared& shared) {
  SetOptions(options, *shared.parts_);
  RETURN_IF_ERROR(MakeOwnDirectory(dir_));
  RETURN_IF_ERROR(CheckPlainFiles(dir_));
  if (!HasDatabase(dir_)) {
    RETURN_IF_ERROR(CheckNoOrphans(dir_));
    RETURN_IF_ERROR(OpenFamilies({rocksdb::kDefaultColumnFamilyName}));
    return CreateMissing(options.new_tables);
  }
  ASSIGN_OR_RETURN(const OpeningMark mark,
                   OpeningMark::Set(dir_, MostCrashes(wal_synced_)));
  std::vector<std::string> names;
  RETURN_IF_ERROR(FromRocksDbOpen(
      rocksdb::DB::ListColumnFamilies(db_options_, dir_, &names), dir_));
  RETURN_IF_ERROR(OpenFamilies(names));
  RocksDbIngest::RemoveLeftovers(dir_);
  // Once, before anything is read: afterwards a flipped byte is found block by
  // block, where it does not trip an assertion first.
  return FromRocksDbOpen(db_->VerifyFileChecksums(rocksdb::ReadOptions()),
                         dir_);
}

Status RocksDbStore::OpenFamilies(const std::vector<std::string>& names) {
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) {
    families.emplace_back(name, table_options_);
  }
  rocksdb::DB* db = nullptr;
  RETURN_IF_ERROR(FromRocksDbOpen(
      rocksdb::DB::Open(db_options_, dir_, families, &handles_, &db), dir_));
  db_.reset(db);
  return Status::Ok();
}

Status RocksDbStore::OpenTables(const std::vector<std::string>& names) {
  CHECK(tables_.empty());
  const auto declared = [&](const std::string& name) {
    return name == rocksdb::kDefaultColumnFamilyName ||
           std::find(names.begin(), names.end(), name) != names.end();
  };
  std::string unknown;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    const std::string& name = handle->GetName();
    if (declared(name)) continue;
    unknown += (unknown.empty() ? "'" : ", '") + name + "'";
  }
  if (!unknown.empty()) {
    ASSIGN_OR_RETURN(const std::optional<Marker> marker, ReadMarker());
    if (marker.has_value()) {
      return InvalidArgument("rocksdb " + dir_ + " has tables that are not " +
                             "declared: " + unknown);
    }
    RETURN_IF_ERROR(DropTablesBut(declared));
  }
  RETURN_IF_ERROR(CreateMissing(names));
  for (const std::string& name : names) tables_.push_back(*FindFamily(name));
  return Status::Ok();
}

// Tables are durable at once, entries only with a marker: a store without one
// has tables of a worker that ended before its first flush, and nothing in
// them, whatever job it had.
Status RocksDbStore::DropTablesBut(
    const std::function<bool(const std::string&)>& declared) {
  std::vector<rocksdb::ColumnFamilyHandle*> kept;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    if (declared(handle->GetName())) {
      kept.push_back(handle);
      continue;
    }
    RETURN_IF_ERROR(FromRocksDb(db_->DropColumnFamily(handle), dir_));
    RETURN_IF_ERROR(FromRocksDb(db_->DestroyColumnFamilyHandle(handle), dir_));
  }
  handles_ = std::move(kept);
  return Status::Ok();
}

std::vector<rocksdb::ColumnFamilyHandle*>::iterator RocksDbStore::FindFamily(
    const std::string& name) {
  return std::find_if(handles_.begin(), handles_.end(),
                      [&](auto* h) { return h->GetName() == name; });
}

// All at once: each call writes and syncs the options of the database.
Status RocksDbStore::CreateMissing(const std::vector<std::string>& names) {
  std::vector<std::string> missing;
  for (const std::string& name : names) {
    CHECK(name != rocksdb::kDefaultColumnFamilyName);
    if (FindFamily(name) == handles_.end()) missing.push_back(name);
  }
  if (missing.empty()) return Status::Ok();
  std::vector<rocksdb::ColumnFamilyHandle*> made;
  const rocksdb::Status status =
      db_->CreateColumnFamilies(table_options_, missing, &made);
  handles_.insert(handles_.end(), made.begin(), made.end());
  return FromRocksDb(status, dir_);
}

Result<std::optional<Marker>> RocksDbStore::ReadMarker() {
  return GetMarker(*db_, dir_);
}

Status RocksDbStore::Apply(const StateChanges& changes, const Marker& marker) {
  // Inserting in order, with a hint, is several times faster than a search of
  // the memtable for every key.
  sorted_.Assign(changes);
  rocksdb::WriteBatch batch(changes.used_bytes());
  for (const StateChanges::Change* const sorted : sorted_.changes()) {
    const StateChanges::Change& change = *sorted;
    rocksdb::ColumnFamilyHandle* const table = tables_.at(change.table);
    const rocksdb::Slice key = ToSlice(changes.Key(change));
    const rocksdb::Status status =
        change.tombstone
            ? batch.Delete(table, key)
            : batch.Put(table, key, ToSlice(changes.Value(change)));
    RETURN_IF_ERROR(FromRocksDb(status, dir_));
  }
  marker_bytes_.clear();
  EncodeMarker(marker, marker_bytes_);
  RETURN_IF_ERROR(FromRocksDb(
      batch.Put(kMarkerKey, {marker_bytes_.data(), marker_bytes_.size()}),
      dir_));
  rocksdb::WriteOptions options;
  in_memory_ = true;
  options.sync = wal_synced_;
  options.disableWAL = !wal_synced_;
  options.memtable_insert_hint_per_batch = true;
  // Its counters cost a fifth of an insertion, and nobody reads them.
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
  RETURN_IF_ERROR(FromRocksDb(db_->Write(options, &batch), dir_));
  if (wal_synced_) return Status::Ok();
  if (unflushed_since_.load() == kNoTime) {
    unflushed_since_ = marker.wall_time;
  }
  return FlushIfDue(marker.wall_time);
}

// As files: no key goes through a memtable, and what is there on return is
// there for good. A small part is not worth the syncs.
Status RocksDbStore::Restore(const StateChanges& changes,
                             const Marker& marker) {
  if (wal_synced_ || changes.used_bytes() < kLeastIngest) {
    return Apply(changes, marker);
  }
  // What was applied before must not be lost without what comes now.
  if (in_memory_) RETURN_IF_ERROR(Flush());
  sorted_.Assign(changes);
  marker_bytes_.clear();
  EncodeMarker(marker, marker_bytes_);
  RocksDbIngest ingest(*db_, dir_,
                       rocksdb::Options(db_options_, table_options_));
  RETURN_IF_ERROR(ingest.AddChanges(changes, sorted_, tables_));
  RETURN_IF_ERROR(ingest.AddEntry(
      db_->DefaultColumnFamily(), kMarkerKey,
      std::string_view(marker_bytes_.data(), marker_bytes_.size())));
  RETURN_IF_ERROR(ingest.Commit());
  return ingest.AwaitCompactions();
}

Status RocksDbStore::FlushIfDue(Timestamp now) {
  const Timestamp since = unflushed_since_;
  if (since == kNoTime) return Status::Ok();
  // A clock that was set back makes it due as well.
  if (now >= since && now - since < flush_interval_) return Status::Ok();
  unflushed_since_ = kNoTime;
  rocksdb::FlushOptions options;
  options.wait = false;  // The committer does not wait for the disk.
  options.allow_write_stall = true;
  return FromRocksDb(db_->Flush(options, handles_), dir_);
}

Status RocksDbStore::Scan(
    TableId table, std::string_view prefix,
    const std::function<Status(std::string_view, std::string_view)>& visit)
    const {
  const std::string end = PrefixEnd(prefix);
  const rocksdb::Slice bound = end;
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  if (!end.empty()) options.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> it(
      db_->NewIterator(options, tables_.at(table)));
  for (it->Seek(ToSlice(prefix)); it->Valid(); it->Next()) {
    RETURN_IF_ERROR(
        visit(it->key().ToStringView(), it->value().ToStringView()));
  }
  return FromRocksDb(it->status(), dir_);
}

Status RocksDbStore::Flush() {
  // All families by name: otherwise only the default one would be flushed.
  RETURN_IF_ERROR(
      FromRocksDb(db_->Flush(rocksdb::FlushOptions(), handles_), dir_));
  in_memory_ = false;
  return Status::Ok();
}

Status RocksDbStore::Close() {
  if (db_ == nullptr) return Status::Ok();
  const Status flushed = Flush();
  const Status closed = FromRocksDb(Release(), dir_);
  return flushed.ok() ? closed : flushed;
}

rocksdb::Status RocksDbStore::Release() {
  if (db_ == nullptr) return rocksdb::Status::OK();
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  handles_.clear();
  tables_.clear();
  const rocksdb::Status status = db_->Close();
  db_.reset();
  return status;
}

Result<std::unique_ptr<StateStore>> OpenRocksDbStore(
    const std::string& dir, const StoreOptions& options,
    const RocksDbShared& shared) {
  auto store = std::make_unique<RocksDbStore>(dir, options);
  RETURN_IF_ERROR(store->Open(options, shared));
  return std::unique_ptr<StateStore>(std::move(store));
}

Result<std::optional<Marker>> ReadRocksDbMarker(const std::string& dir,
                                                bool only_copy) {
  if (!HasDatabase(dir)) return std::optional<Marker>();
  RETURN_IF_ERROR(CheckPlainFiles(dir));
  ASSIGN_OR_RETURN(const OpeningMark mark,
                   OpeningMark::Set(dir, MostCrashes(only_copy)));
  rocksdb::Options options;
  options.info_log = MakeRocksDbLog(dir);
  rocksdb::DB* raw = nullptr;
  RETURN_IF_ERROR(
      FromRocksDbOpen(rocksdb::DB::OpenForReadOnly(options, dir, &raw), dir));
  const std::unique_ptr<rocksdb::DB> db(raw);
  return GetMarker(*db, dir);
}

}  // namespace tacho
