#include "state/rocksdb_status.h"

#include <rocksdb/status.h>

namespace tacho {

Status FromRocksDb(const rocksdb::Status& status, const std::string& dir) {
  if (status.ok()) return Status::Ok();
  const std::string text = "rocksdb " + dir + ": " + status.ToString();
  // RocksDB has no code for a lock that is taken: "While lock file: ..." from
  // another process, "lock hold by current process ..." from this one.
  const bool lock_taken =
      status.IsBusy() ||
      (status.IsIOError() && text.find("lock ") != std::string::npos);
  if (lock_taken) {
    return {StatusCode::kUnavailable,
            "another process, or another lane of this one, has the directory "
            "open: " +
                text,
            /*retryable=*/true};
  }
  if (status.IsCorruption()) return Corruption(text);
  if (status.IsIOError()) {
    const bool full = status.subcode() == rocksdb::Status::kNoSpace;
    return {StatusCode::kIoError, text, /*retryable=*/full};
  }
  if (status.IsNotFound() || status.IsInvalidArgument()) {
    return InvalidArgument(text);
  }
  return {StatusCode::kInternal, text};
}

}  // namespace tacho
