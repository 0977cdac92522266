#include "state/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
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
    return {StatusCode::kPermission,
            text +
                "; state.dir (or --state-dir) must be a place where the user "
                "that runs tacho may write"};
  }
  if (error != ENOSPC && error != EDQUOT) return {StatusCode::kIoError, text};
  return {StatusCode::kIoError,
          text +
              "; the disk of state.dir is full: free some of it, or move "
              "state.dir to a larger one",
          /*retryable=*/true};
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

constexpr char kRemedy[] =
    "; give state.dir a directory of its own (chown it to the user that runs "
    "tacho, chmod 700)";

Status NotPermitted(const std::string& path, const std::string& what) {
  return {StatusCode::kPermission, path + " " + what + kRemedy};
}

bool IsTrusted(uid_t owner) { return owner == 0 || owner == geteuid(); }

Status CheckOwner(const std::string& path, const struct stat& info) {
  if (IsTrusted(info.st_uid)) return Status::Ok();
  return NotPermitted(path, "belongs to user " + std::to_string(info.st_uid) +
                                ", not to " + std::to_string(geteuid()) +
                                ", which runs tacho");
}

Status CheckDirectory(const std::string& path, const struct stat& info) {
  if (S_ISLNK(info.st_mode)) {
    return NotPermitted(path, "is a symbolic link, which is not followed");
  }
  if (!S_ISDIR(info.st_mode)) return FromErrno(ENOTDIR, path);
  RETURN_IF_ERROR(CheckOwner(path, info));
  if ((info.st_mode & S_IWOTH) != 0) {
    return NotPermitted(path, "may be written to by everybody");
  }
  return Status::Ok();
}

// Links that the operator has made are his business; those that anybody else
// could have made are not followed.
Status CheckLinksOnTheWay(const std::string& dir) {
  fs::path sofar;
  for (const fs::path& part : fs::path(dir)) {
    sofar /= part;
    struct stat info;
    if (lstat(sofar.c_str(), &info) != 0) return Status::Ok();  // Not made yet.
    if (S_ISLNK(info.st_mode)) RETURN_IF_ERROR(CheckOwner(sofar, info));
  }
  return Status::Ok();
}

// An open file that is what its name says: ours, plain, and nobody else's name.
Status CheckPlainFile(int fd, const std::string& path) {
  struct stat info;
  if (fstat(fd, &info) != 0) return FromErrno(errno, path);
  if (!S_ISREG(info.st_mode)) return NotPermitted(path, "is no plain file");
  if (info.st_nlink > 1) return NotPermitted(path, "is a hard link");
  return CheckOwner(path, info);
}

Status OpenError(const std::string& path) {
  if (errno == ELOOP) {
    return NotPermitted(path, "is a symbolic link, which is not followed");
  }
  return FromErrno(errno, path);
}

// A lock's file, open.
Result<int> OpenLock(const std::string& path) {
  Descriptor fd(open(path.c_str(),
                     O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                     kFileMode));
  if (fd.get() < 0) return OpenError(path);
  RETURN_IF_ERROR(CheckPlainFile(fd.get(), path));
  return fd.Release();
}

// Writes a file that was not there, or replaces one with this name.
Status WriteNewFile(const std::string& path, std::string_view contents,
                    bool sync) {
  RETURN_IF_ERROR(RemoveFile(path));
  const Descriptor fd(open(path.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                           kFileMode));
  if (fd.get() < 0) return OpenError(path);
  while (!contents.empty()) {
    const ssize_t written = write(fd.get(), contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FromErrno(errno, path);
    contents.remove_prefix(static_cast<size_t>(written));
  }
  if (sync && fsync(fd.get()) != 0) return FromErrno(errno, path);
  return Status::Ok();
}

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
  ASSIGN_OR_RETURN(const int opened, OpenLock(path));
  Descriptor fd(opened);
  if (RetryingFlock(fd.get(), LOCK_EX) != 0) return FromErrno(errno, path);
  return FileLock(fd.Release());
}

Result<std::optional<FileLock>> FileLock::TryLock(const std::string& path) {
  ASSIGN_OR_RETURN(const int opened, OpenLock(path));
  Descriptor fd(opened);
  if (RetryingFlock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return std::optional<FileLock>();
    return FromErrno(errno, path);
  }
  return std::optional<FileLock>(FileLock(fd.Release()));
}

Status MakeStateDirectory(const std::string& dir) {
  RETURN_IF_ERROR(CheckLinksOnTheWay(dir));
  const fs::path parent = fs::path(dir).parent_path();
  std::error_code error;
  if (!parent.empty()) fs::create_directories(parent, error);
  RETURN_IF_ERROR(FromErrorCode(error, parent));
  if (mkdir(dir.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return FromErrno(errno, dir);
  }
  struct stat info;
  if (stat(dir.c_str(), &info) != 0) return FromErrno(errno, dir);
  return CheckDirectory(dir, info);
}

Status MakeOwnDirectory(const std::string& dir) {
  if (mkdir(dir.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return FromErrno(errno, dir);
  }
  struct stat info;
  if (lstat(dir.c_str(), &info) != 0) return FromErrno(errno, dir);
  return CheckDirectory(dir, info);
}

Status CheckPlainFiles(const std::string& dir) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(dir));
  for (const std::string& name : names) {
    const std::string path = dir + "/" + name;
    struct stat info;
    if (lstat(path.c_str(), &info) != 0) continue;  // Gone since.
    if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
      return NotPermitted(path, "is neither a plain file nor a directory");
    }
    RETURN_IF_ERROR(CheckOwner(path, info));
  }
  return Status::Ok();
}

uint64_t BytesIn(const std::string& dir) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(dir, error), end;
       !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (!it->is_symlink(ignored) && it->is_regular_file(ignored)) {
      bytes += it->file_size(ignored);
    }
  }
  return bytes;
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
  struct stat info;
  return lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

Status RemoveFile(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return Status::Ok();
  return FromErrno(errno, path);
}

Status WriteFileDurably(const std::string& dir, const std::string& name,
                        std::string_view contents) {
  const std::string temporary = dir + "/" + name + ".tmp";
  RETURN_IF_ERROR(WriteNewFile(temporary, contents, /*sync=*/true));
  RETURN_IF_ERROR(Rename(temporary, dir + "/" + name));
  return SyncDirectory(dir);
}

Status WriteFile(const std::string& dir, const std::string& name,
                 std::string_view contents) {
  return WriteNewFile(dir + "/" + name, contents, /*sync=*/false);
}

Result<std::optional<std::string>> ReadSmallFile(const std::string& path) {
  const Descriptor fd(
      open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (fd.get() < 0 && errno == ENOENT) return std::optional<std::string>();
  if (fd.get() < 0) return OpenError(path);
  RETURN_IF_ERROR(CheckPlainFile(fd.get(), path));
  char bytes[64];
  const ssize_t size = read(fd.get(), bytes, sizeof bytes);
  if (size < 0) return FromErrno(errno, path);
  return std::optional<std::string>({bytes, static_cast<size_t>(size)});
}

}  // namespace tacho
