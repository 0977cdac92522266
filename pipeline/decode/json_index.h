#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace tacho {

// Which code finds the tokens of a document.
enum class IndexRoute : uint8_t {
  kSimdjson,  // simdjson's own first stage, an internal interface of it.
  kPortable,  // One byte at a time, over simdjson's public interface only.
};

// Positions of a document's tokens: every structural character, the first
// byte of every scalar and the opening quote of every string. The routes may
// differ only in documents that no grammar accepts.
//
// Threading: one thread at a time.
// Limits: documents up to `capacity` bytes; 4 bytes of memory for each.
class JsonIndex {
 public:
  // The portable route, if the other was compiled out.
  JsonIndex(IndexRoute route, size_t capacity);
  ~JsonIndex();
  JsonIndex(const JsonIndex&) = delete;
  JsonIndex& operator=(const JsonIndex&) = delete;

  // kSimdjson unless it was compiled out (TACHO_PORTABLE_JSON, or a simdjson
  // without that interface).
  static IndexRoute DefaultRoute();

  // False if the text is not UTF-8, a string is not closed or holds a control
  // character, or the text has no token.
  // REQUIRES: text.size() <= capacity; 64 readable bytes follow the text.
  bool Build(std::string_view text);

  // Of the last text for which Build was true.
  const uint32_t* begin() const { return begin_; }
  const uint32_t* end() const { return end_; }

 private:
  struct Parser;

  bool BuildPortable(std::string_view text);

  std::unique_ptr<Parser> parser_;         // Of kSimdjson.
  std::unique_ptr<uint32_t[]> positions_;  // Of kPortable.
  const uint32_t* begin_ = nullptr;
  const uint32_t* end_ = nullptr;
};

}  // namespace tacho
