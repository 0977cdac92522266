#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace tacho {

// Bump allocator behind a batch: bytes stay where they are until Reset, and
// Reset keeps the chunks, so a recycled arena allocates nothing.
//
// Every byte range handed out is followed by at least kPadding readable bytes
// (simdjson reads past the end of a document).
//
// Threading: one thread at a time.
// Limits: grows as asked; Reset frees what exceeds `retained_bytes`.
class Arena {
 public:
  static constexpr size_t kPadding = 64;
  static constexpr size_t kChunkBytes = size_t{256} << 10;
  static constexpr size_t kRetainedBytes = size_t{4} << 20;

  explicit Arena(size_t retained_bytes = kRetainedBytes,
                 size_t chunk_bytes = kChunkBytes)
      : retained_bytes_(retained_bytes), chunk_bytes_(chunk_bytes) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // `size` writable bytes, unaligned. Never null, also for none.
  char* Allocate(size_t size) {
    if (size > left_ || next_ == nullptr) NewChunk(size);
    char* const out = next_;
    next_ += size;
    left_ -= size;
    used_ += size;
    return out;
  }

  // A copy of `bytes`. Never null, also for an empty view.
  std::string_view Copy(std::string_view bytes);

  void Reset();

  size_t used_bytes() const { return used_; }
  size_t reserved_bytes() const { return reserved_; }

 private:
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    size_t size;  // Without the padding.
  };

  void NewChunk(size_t size);

  size_t retained_bytes_;
  size_t chunk_bytes_;
  std::vector<Chunk> chunks_;
  size_t current_ = 0;  // Chunks before this one are full.
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t used_ = 0;
  size_t reserved_ = 0;
};

}  // namespace tacho
