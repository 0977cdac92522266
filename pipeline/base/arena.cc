#include "pipeline/base/arena.h"

#include <algorithm>
#include <cstring>

namespace tacho {

std::string_view Arena::Copy(std::string_view bytes) {
  char* const to = Allocate(bytes.size());
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return {to, bytes.size()};
}

void Arena::NewChunk(size_t size) {
  // Retained chunks come first; one that is too small is skipped until Reset.
  while (current_ < chunks_.size() && chunks_[current_].size < size) ++current_;
  if (current_ == chunks_.size()) {
    const size_t bytes = std::max(size, chunk_bytes_);
    // Zeroed: the padding is read (and ignored) by simdjson.
    chunks_.push_back({std::make_unique<char[]>(bytes + kPadding), bytes});
    reserved_ += bytes;
  }
  next_ = chunks_[current_].bytes.get();
  left_ = chunks_[current_].size;
  ++current_;
}

void Arena::Reset() {
  while (!chunks_.empty() && reserved_ > retained_bytes_) {
    reserved_ -= chunks_.back().size;
    chunks_.pop_back();
  }
  current_ = 0;
  next_ = nullptr;
  left_ = 0;
  used_ = 0;
}

}  // namespace tacho
