#include "pipeline/base/file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace tacho {
namespace {

struct Closer {
  void operator()(std::FILE* file) const { (void)std::fclose(file); }
};

}  // namespace

Result<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  const std::unique_ptr<std::FILE, Closer> file(
      std::fopen(path.c_str(), "rbe"));
  if (file == nullptr) return CannotRead(path, errno);
  std::string text;
  char block[16384];
  while (true) {
    const size_t size = std::fread(block, 1, sizeof block, file.get());
    const int error = errno;
    text.append(block, size);
    if (text.size() > max_bytes) {
      return InvalidArgument("cannot read '" + path + "': it has more than " +
                             std::to_string(max_bytes) +
                             " bytes; is it the file that was meant?");
    }
    if (std::ferror(file.get()) != 0) return CannotRead(path, error);
    if (size < sizeof block) return text;
  }
}

Status CannotRead(const std::string& path, int error) {
  const std::string text = "cannot read '" + path + "': " + strerror(error);
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return {StatusCode::kNotFound, text + "; check the path"};
    case EACCES:
    case EPERM:
      return {StatusCode::kPermission,
              text + "; the user that runs tacho must be able to read it"};
    case EISDIR:
      return {StatusCode::kIoError, text + "; name a file"};
    default:
      return {StatusCode::kIoError, text};
  }
}

}  // namespace tacho
