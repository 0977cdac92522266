#include "state/state_store.h"

#include "pipeline/base/check.h"
#include "state/codec.h"

namespace tacho {

void StateChanges::Begin(TableId table, uint32_t tag) {
  changes_.push_back({.table = table, .begin = bytes_.size()});
  AppendChangelogPrefix(bytes_, tag);
}

void StateChanges::EndKey() {
  Change& change = changes_.back();
  const size_t size = bytes_.size() - change.begin - kChangelogPrefixBytes;
  CHECK(size <= UINT32_MAX);
  change.key_size = static_cast<uint32_t>(size);
}

void StateChanges::EndValue() {
  Change& change = changes_.back();
  const size_t size = bytes_.size() - ValueBegin(change);
  CHECK(size <= UINT32_MAX);
  change.value_size = static_cast<uint32_t>(size);
  ByteWriter(bytes_).U32(
      ChangelogChecksum(ChangelogKey(change), Value(change)));
}

void StateChanges::EndTombstone() {
  Change& change = changes_.back();
  CHECK(bytes_.size() == ValueBegin(change));
  change.tombstone = true;
}

void StateChanges::Add(TableId table, std::string_view changelog_key,
                       std::string_view changelog_value) {
  const bool tombstone = changelog_value.data() == nullptr;
  CHECK(changelog_key.size() >= kChangelogPrefixBytes);
  CHECK(tombstone || changelog_value.size() >= kChangelogChecksumBytes);
  changes_.push_back(
      {.table = table,
       .tombstone = tombstone,
       .key_size =
           static_cast<uint32_t>(changelog_key.size() - kChangelogPrefixBytes),
       .value_size = tombstone ? 0
                               : static_cast<uint32_t>(changelog_value.size() -
                                                       kChangelogChecksumBytes),
       .begin = bytes_.size()});
  bytes_.insert(bytes_.end(), changelog_key.begin(), changelog_key.end());
  bytes_.insert(bytes_.end(), changelog_value.begin(), changelog_value.end());
}

}  // namespace tacho
