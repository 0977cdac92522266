#include "state/state_store.h"

#include "pipeline/base/check.h"

namespace tacho {

void StateChanges::Begin(TableId table) {
  changes_.push_back({.table = table, .begin = bytes_.size()});
}

void StateChanges::EndKey() {
  Change& change = changes_.back();
  const size_t size = bytes_.size() - change.begin;
  CHECK(size <= UINT32_MAX);
  change.key_size = static_cast<uint32_t>(size);
}

void StateChanges::EndValue() {
  Change& change = changes_.back();
  const size_t size = bytes_.size() - change.begin - change.key_size;
  CHECK(size <= UINT32_MAX);
  change.value_size = static_cast<uint32_t>(size);
}

void StateChanges::EndTombstone() {
  Change& change = changes_.back();
  CHECK(bytes_.size() == change.begin + change.key_size);
  change.tombstone = true;
}

}  // namespace tacho
