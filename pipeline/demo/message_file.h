#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/base/status.h"

namespace tacho {

// One message of a file, byte for byte as it was sent.
struct FileMessage {
  std::optional<std::string> key;
  std::string_view value;  // Into the reader, until the next line.
};

// Splits a line: an envelope {"key": TEXT|null, "value": MESSAGE} gives the
// text between `"value":` and the last `}`, untouched; any other line is the
// message itself. The key is unescaped; surrogate pairs become UTF-8.
FileMessage SplitLine(std::string_view line);

// Reads messages from a file of one a line, gzip or plain (by content, not by
// name). Empty lines are skipped.
// Threading: one thread. Errors: as CannotRead (base/file.h); kCorruption (bad
// gzip).
class MessageFile {
 public:
  static Result<std::unique_ptr<MessageFile>> Open(const std::string& path);
  ~MessageFile();

  // The next message; nothing at the end of the file.
  Result<std::optional<FileMessage>> Next();
  uint64_t lines() const { return lines_; }

 private:
  struct Impl;
  explicit MessageFile(std::unique_ptr<Impl> impl);
  Status ReadLine(bool& end);

  std::unique_ptr<Impl> impl_;
  std::string line_;
  uint64_t lines_ = 0;
};

}  // namespace tacho
