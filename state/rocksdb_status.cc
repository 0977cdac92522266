#include "state/rocksdb_status.h"

#include <rocksdb/status.h>

namespace tacho {
namespace {

bool Has(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

// A write that waits for RocksDB to recover from an error of a flush or a
// compaction is "incomplete", and only the text says which error it was.
bool IsCorruption(const rocksdb::Status& status, const std::string& text) {
  return status.IsCorruption() ||
         (status.IsIncomplete() && Has(text, ": Corruption"));
}
bool IsIoError(const rocksdb::Status& status, const std::string& text) {
  return status.IsIOError() || status.IsNoSpace() ||
         (status.IsIncomplete() && Has(text, ": IO error"));
}
bool IsDiskFull(const rocksdb::Status& status, const std::string& text) {
  return status.subcode() == rocksdb::Status::kNoSpace ||
         Has(text, "No space left on device") ||
         Has(text, "Disk quota exceeded");
}

}  // namespace

Status FromRocksDb(const rocksdb::Status& status, const std::string& dir) {
  if (status.ok()) return Status::Ok();
  const std::string text = "rocksdb " + dir + ": " + status.ToString();
  // RocksDB has no code for a lock that is taken: "While lock file: ..." from
  // another process, "lock hold by current process ..." from this one.
  const bool lock_taken =
      status.IsBusy() ||
      (status.IsIOError() && !IsDiskFull(status, text) &&
       (Has(text, "While lock file") || Has(text, "lock hold by")));
  if (lock_taken) {
    return {StatusCode::kUnavailable,
            "another process, or another lane of this one, has the directory "
            "open: " +
                text,
            /*retryable=*/true};
  }
  if (IsCorruption(status, text)) return Corruption(text);
  if (IsIoError(status, text)) {
    if (!IsDiskFull(status, text)) return {StatusCode::kIoError, text};
    return {StatusCode::kIoError,
            text +
                "; the disk of state.dir is full: free some of it, or move "
                "state.dir to a larger one",
            /*retryable=*/true};
  }
  if (status.IsNotFound() || status.IsInvalidArgument()) {
    return InvalidArgument(text);
  }
  return {StatusCode::kInternal, text};
}

}  // namespace tacho
