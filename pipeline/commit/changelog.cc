#include "pipeline/commit/changelog.h"

#include "pipeline/base/check.h"

namespace tacho {

std::string ChangelogTopic(const std::string& job, const std::string& input,
                           int64_t generation) {
  return job + "-" + input + "-changelog-g" + std::to_string(generation);
}

void ChangelogChunk::Add(Offset offset, std::string_view key,
                         std::string_view value) {
  CHECK(key.size() <= UINT32_MAX && value.size() <= UINT32_MAX);
  entries_.push_back({.offset = offset,
                      .begin = bytes_.size(),
                      .key_size = static_cast<uint32_t>(key.size()),
                      .value_size = static_cast<uint32_t>(value.size()),
                      .null_value = value.data() == nullptr});
  bytes_.insert(bytes_.end(), key.begin(), key.end());
  bytes_.insert(bytes_.end(), value.begin(), value.end());
}

}  // namespace tacho
