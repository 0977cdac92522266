#include "state/rocksdb_ingest.h"

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_writer.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "state/rocksdb_status.h"

namespace tacho {
namespace {

// No number, so that RocksDB takes it for none of its own.
constexpr char kPrefix[] = "restore-";
constexpr uint64_t kMostFiles = 24;  // At level 0; writes slow down at 40.
constexpr std::chrono::milliseconds kPoll{5};

rocksdb::Slice ToSlice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}

}  // namespace

RocksDbIngest::RocksDbIngest(rocksdb::DB& db, std::string dir,
                             const rocksdb::Options& options)
    : db_(db),
      dir_(std::move(dir)),
      options_(std::make_unique<rocksdb::Options>(options)) {}

RocksDbIngest::~RocksDbIngest() {
  writer_.reset();
  std::error_code ignored;
  for (const File& file : files_) std::filesystem::remove(file.path, ignored);
}

Status RocksDbIngest::Begin(rocksdb::ColumnFamilyHandle* family) {
  files_.push_back({});
  files_.back().family = family;
  files_.back().path = dir_ + "/" + kPrefix + std::to_string(files_.size() - 1);
  writer_ = std::make_unique<rocksdb::SstFileWriter>(
      rocksdb::EnvOptions(), *options_, family,
      /*invalidate_page_cache=*/false);
  return FromRocksDb(writer_->Open(files_.back().path), dir_);
}

Status RocksDbIngest::End() {
  rocksdb::ExternalSstFileInfo info;
  const Status status = FromRocksDb(writer_->Finish(&info), dir_);
  files_.back().checksum = info.file_checksum;
  files_.back().checksum_name = info.file_checksum_func_name;
  writer_.reset();
  return status;
}

Status RocksDbIngest::AddChanges(
    const StateChanges& changes, const SortedChanges& sorted,
    const std::vector<rocksdb::ColumnFamilyHandle*>& tables) {
  for (const StateChanges::Change* const change : sorted.changes()) {
    rocksdb::ColumnFamilyHandle* const table = tables.at(change->table);
    if (files_.empty() || files_.back().family != table) {
      if (!files_.empty()) RETURN_IF_ERROR(End());
      RETURN_IF_ERROR(Begin(table));
    }
    const rocksdb::Slice key = ToSlice(changes.Key(*change));
    const rocksdb::Status status =
        change->tombstone ? writer_->Delete(key)
                          : writer_->Put(key, ToSlice(changes.Value(*change)));
    RETURN_IF_ERROR(FromRocksDb(status, dir_));
  }
  return files_.empty() ? Status::Ok() : End();
}

Status RocksDbIngest::AddEntry(rocksdb::ColumnFamilyHandle* family,
                               std::string_view key, std::string_view value) {
  RETURN_IF_ERROR(Begin(family));
  RETURN_IF_ERROR(
      FromRocksDb(writer_->Put(ToSlice(key), ToSlice(value)), dir_));
  return End();
}

Status RocksDbIngest::Commit() {
  std::vector<rocksdb::IngestExternalFileArg> args;
  for (const File& file : files_) {
    rocksdb::IngestExternalFileArg arg;
    arg.column_family = file.family;
    arg.external_files = {file.path};
    arg.options.move_files = true;
    arg.options.write_global_seqno = false;  // Kept in the manifest.
    // Made as the file was written; not read back for it.
    arg.files_checksums = {file.checksum};
    arg.files_checksum_func_names = {file.checksum_name};
    arg.options.verify_file_checksum = false;
    args.push_back(std::move(arg));
  }
  return FromRocksDb(db_.IngestExternalFiles(args), dir_);
}

Status RocksDbIngest::AwaitCompactions() {
  const auto value = [this](const File& file, const std::string& name) {
    std::string text;
    db_.GetProperty(file.family, name, &text);
    return std::strtoull(text.c_str(), nullptr, 10);
  };
  const std::string files = rocksdb::DB::Properties::kNumFilesAtLevelPrefix;
  for (const File& file : files_) {
    while (value(file, files + "0") > kMostFiles) {
      if (value(file, rocksdb::DB::Properties::kBackgroundErrors) > 0) {
        return IoError("rocksdb " + dir_ + ": compactions fail");
      }
      std::this_thread::sleep_for(kPoll);
    }
  }
  return Status::Ok();
}

void RocksDbIngest::RemoveLeftovers(const std::string& dir) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(dir, ignored)) {
    if (entry.path().filename().string().starts_with(kPrefix)) {
      std::filesystem::remove(entry.path(), ignored);
    }
  }
}

}  // namespace tacho
