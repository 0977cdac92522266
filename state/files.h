#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/status.h"

namespace tacho {

// Files and directories, with the guarantees that state needs of them.
// Errors, of all: kPermission, kIoError (retryable if the disk is full).

// A file that this process has locked (flock) until the object goes. The lock
// goes with the process too, however it ends.
class FileLock {
 public:
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

  // Waits for the lock.
  static Result<FileLock> Lock(const std::string& path);
  // Nothing if somebody else holds it.
  static Result<std::optional<FileLock>> TryLock(const std::string& path);

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

// Makes `dir` and its parents; a new `dir` is for its owner only.
Status MakeDirectories(const std::string& dir);
bool IsDirectory(const std::string& path);
Status Rename(const std::string& from, const std::string& to);
// A file, or a directory with all it holds; nothing to do if it is not there.
Status RemoveAll(const std::string& path);

// The names in `dir`, in no particular order.
Result<std::vector<std::string>> ListDirectory(const std::string& dir);

// Makes a rename or a new name in `dir` survive a power cut.
Status SyncDirectory(const std::string& dir);

// Writes beside `dir`/`name`, syncs and renames, so that a crash leaves the
// old contents or the new, never a part.
Status WriteFileDurably(const std::string& dir, const std::string& name,
                        std::string_view contents);
// The first 64 bytes of a file; nothing if there is no file.
Result<std::optional<std::string>> ReadSmallFile(const std::string& path);

}  // namespace tacho
