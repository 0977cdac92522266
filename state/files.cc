#include "state/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

namespace tacho {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kFileMode = 0600;  // State holds personal data.

Status FromErrno(int error, const std::string& what) {
  const std::string text = what + ": " + std::system_category().message(error);
  if (error == EACCES || error == EPERM || error == EROFS) {
    return {StatusCode::kPermission, text};
  }
  return {StatusCode::kIoError, text, /*retryable=*/error == ENOSPC};
}

Status FromErrorCode(const std::error_code& error, const std::string& what) {
  return error ? FromErrno(error.value(), what) : Status::Ok();
}

// Closes a descriptor when it goes out of scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

int RetryingFlock(int fd, int operation) {
  int result;
  do {
    result = flock(fd, operation);
  } while (result != 0 && errno == EINTR);
  return result;
}

}  // namespace

FileLock::FileLock(FileLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

FileLock::~FileLock() {
  if (fd_ >= 0) close(fd_);
}

Result<FileLock> FileLock::Lock(const std::string& path) {
  Descriptor fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode));
  if (fd.get() < 0 || RetryingFlock(fd.get(), LOCK_EX) != 0) {
    return FromErrno(errno, path);
  }
  return FileLock(fd.Release());
}

Result<std::optional<FileLock>> FileLock::TryLock(const std::string& path) {
  Descriptor fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode));
  if (fd.get() < 0) return FromErrno(errno, path);
  if (RetryingFlock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::optional<FileLock>();
    return FromErrno(errno, path);
  }
  return std::optional<FileLock>(FileLock(fd.Release()));
}

Status MakeDirectories(const std::string& dir) {
  std::error_code error;
  const bool made = fs::create_directories(dir, error);
  RETURN_IF_ERROR(FromErrorCode(error, dir));
  if (!made) return Status::Ok();
  fs::permissions(dir, fs::perms::owner_all, error);
  return FromErrorCode(error, dir);
}

Result<std::vector<std::string>> ListDirectory(const std::string& dir) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(dir, error), end; !error && it != end;
       it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  RETURN_IF_ERROR(FromErrorCode(error, dir));
  return names;
}

Status SyncDirectory(const std::string& dir) {
  const Descriptor fd(open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || fsync(fd.get()) != 0) return FromErrno(errno, dir);
  return Status::Ok();
}

Status Rename(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  return FromErrorCode(error, from + " -> " + to);
}

Status RemoveAll(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  return FromErrorCode(error, path);
}

bool IsDirectory(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

Status WriteFileDurably(const std::string& dir, const std::string& name,
                        std::string_view contents) {
  const std::string temporary = dir + "/" + name + ".tmp";
  const Descriptor fd(open(
      temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode));
  if (fd.get() < 0) return FromErrno(errno, temporary);
  while (!contents.empty()) {
    const ssize_t written = write(fd.get(), contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FromErrno(errno, temporary);
    contents.remove_prefix(static_cast<size_t>(written));
  }
  if (fsync(fd.get()) != 0) return FromErrno(errno, temporary);
  RETURN_IF_ERROR(Rename(temporary, dir + "/" + name));
  return SyncDirectory(dir);
}

Result<std::optional<std::string>> ReadSmallFile(const std::string& path) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0 && errno == ENOENT) return std::optional<std::string>();
  char bytes[64];
  const ssize_t size = fd.get() < 0 ? -1 : read(fd.get(), bytes, sizeof bytes);
  if (size < 0) return FromErrno(errno, path);
  return std::optional<std::string>({bytes, static_cast<size_t>(size)});
}

}  // namespace tacho
