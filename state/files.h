#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/status.h"

namespace tacho {

// Files and directories, with the guarantees that state needs of them.
//
// Whoever may write where a worker of more rights keeps its state could put a
// link there and have it write elsewhere. So the directory that the operator
// names is looked at, and below it nothing is followed: everything there is a
// plain file or a directory, and belongs to who runs this process or to root.
//
// Errors, of all: kPermission, kIoError (retryable if the disk is full).

// A file that this process has locked (flock) until the object goes. The lock
// goes with the process too, however it ends.
class FileLock {
 public:
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

  // Waits for the lock. The file is made if it is not there; kPermission if it
  // is a link, no plain file, or somebody else's.
  static Result<FileLock> Lock(const std::string& path);
  // Nothing if somebody else holds it.
  static Result<std::optional<FileLock>> TryLock(const std::string& path);

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

// Makes the directory that the operator has named, and its parents; a new one
// is for its owner only. kPermission with what to do if it, or a link on the
// way there, is neither ours nor root's, or if everybody may write to it.
Status MakeStateDirectory(const std::string& dir);
// Makes `dir` in a directory that has been checked. kPermission as above, and
// if it is a link.
Status MakeOwnDirectory(const std::string& dir);
// False for a link to one.
bool IsDirectory(const std::string& path);
// kPermission if something in `dir` is neither a plain file nor a directory.
Status CheckPlainFiles(const std::string& dir);
// What the files below a directory take, links not followed.
uint64_t BytesIn(const std::string& dir);
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
// The same without the syncs: survives the process, not a power cut.
Status WriteFile(const std::string& dir, const std::string& name,
                 std::string_view contents);
// A file; nothing to do if it is not there.
Status RemoveFile(const std::string& path);
// The first 64 bytes of a file; nothing if there is no file. kPermission if it
// is a link or no plain file.
Result<std::optional<std::string>> ReadSmallFile(const std::string& path);

}  // namespace tacho
