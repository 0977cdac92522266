#include "pipeline/demo/message_file.h"

#include <zlib.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "pipeline/base/file.h"
#include "pipeline/base/json_escape.h"

namespace tacho {
namespace {

void SkipSpace(std::string_view& text) {
  while (!text.empty() && (text[0] == ' ' || text[0] == '\t')) {
    text.remove_prefix(1);
  }
}

bool Take(std::string_view& text, std::string_view token) {
  SkipSpace(text);
  if (!text.starts_with(token)) return false;
  text.remove_prefix(token.size());
  return true;
}

// A JSON string at the start of `text`.
bool TakeString(std::string_view& text, std::string& out) {
  if (!Take(text, "\"")) return false;
  size_t end = 0;
  while (end < text.size() && text[end] != '"') {
    end += text[end] == '\\' ? 2 : 1;
  }
  if (end >= text.size()) return false;
  const std::string_view raw = text.substr(0, end);
  if (!JsonEscapesAreValid(raw)) return false;
  out.resize(raw.size());
  out.resize(UnescapeJson(raw, out.data()));
  text.remove_prefix(end + 1);
  return true;
}

}  // namespace

FileMessage SplitLine(std::string_view line) {
  std::string_view rest = line;
  FileMessage message;
  message.value = line;
  if (!Take(rest, "{") || !Take(rest, "\"key\"") || !Take(rest, ":")) {
    return message;
  }
  std::string key;
  const bool null_key = Take(rest, "null");
  if (!null_key && !TakeString(rest, key)) return message;
  if (!Take(rest, ",") || !Take(rest, "\"value\"") || !Take(rest, ":")) {
    return message;
  }
  const size_t end = rest.rfind('}');
  if (end == std::string_view::npos) return message;
  SkipSpace(rest);
  message.value = rest.substr(0, rest.rfind('}'));
  if (!null_key) message.key = std::move(key);
  return message;
}

struct MessageFile::Impl {
  std::string path;
  gzFile file = nullptr;  // zlib reads plain files as well.
  std::vector<char> block = std::vector<char>(size_t{64} << 10);
  std::string_view unread;  // Of `block`.

  // Reads the next block; empty at the end of the file.
  Status Fill() {
    const int got =
        gzread(file, block.data(), static_cast<unsigned>(block.size()));
    const int why = errno;
    int error = 0;
    const char* const text = gzerror(file, &error);
    if (error == Z_ERRNO) return CannotRead(path, why);
    if (got < 0 || (error != Z_OK && error != Z_STREAM_END)) {
      return Corruption(path + ": " + text);
    }
    unread = {block.data(), static_cast<size_t>(got)};
    return Status::Ok();
  }

  ~Impl() {
    if (file != nullptr) gzclose(file);
  }
};

MessageFile::MessageFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MessageFile::~MessageFile() = default;

Result<std::unique_ptr<MessageFile>> MessageFile::Open(
    const std::string& path) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  errno = 0;
  impl->file = gzopen(path.c_str(), "rb");
  if (impl->file == nullptr) {
    return CannotRead(path, errno);
  }
  return std::unique_ptr<MessageFile>(new MessageFile(std::move(impl)));
}

// A line may be longer than a block: pieces are joined until its end.
Status MessageFile::ReadLine(bool& end) {
  line_.clear();
  while (true) {
    if (impl_->unread.empty()) RETURN_IF_ERROR(impl_->Fill());
    end = impl_->unread.empty() && line_.empty();
    if (impl_->unread.empty()) return Status::Ok();
    const size_t at = impl_->unread.find('\n');
    line_ += impl_->unread.substr(0, at);
    if (at == std::string_view::npos) {
      impl_->unread = {};
      continue;
    }
    impl_->unread.remove_prefix(at + 1);
    return Status::Ok();
  }
}

Result<std::optional<FileMessage>> MessageFile::Next() {
  while (true) {
    bool end = false;
    RETURN_IF_ERROR(ReadLine(end));
    if (end) return std::optional<FileMessage>();
    if (line_.empty()) continue;
    ++lines_;
    return std::optional<FileMessage>(SplitLine(line_));
  }
}

}  // namespace tacho
