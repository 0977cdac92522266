#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "pipeline/base/status.h"

namespace tacho {

// The records of a changelog: one compacted partition per input partition,
// holding every state change of its lane and, last in each epoch, one meta
// record. All of an epoch is in one Kafka transaction. The first record of all
// is the log's identity, drawn by the lane that found the log empty: it tells
// this log from another of the same name, deleted and written anew, and no
// compaction removes it.
//
//   identity       key   u8 2
//                  value u64 log id, never 0; u32 checksum as below
//   meta record    key   u8 0
//                  value EncodeMarker (state/marker.h), with the fields that
//                        only a store knows left at their defaults
//   state change   key   u8 1, u32 table tag, AppendStateKey (state/codec.h)
//                  value u8 value version, the encoded value, u32 checksum;
//                        null: the entry was erased
//
// Numbers are little-endian. The tag is the low half of the XXH3 of the
// table's name, so that adding a table does not rename the others. The
// checksum is the low half of XXH3(value, seed = XXH3(key)): it binds the
// value to its key, and covers the way through producer, broker, compaction
// and reader, which record batch CRCs do not.
//
// Threading: none; functions only.

uint32_t TableTag(std::string_view table_name);

// Key of the meta record.
std::string_view ChangelogMetaKey();

std::string_view ChangelogIdentityKey();
// Appends the value of the identity record. REQUIRES: log_id != 0.
void AppendChangelogIdentity(std::vector<char>& out, uint64_t log_id);
// One that nobody has drawn before. Asks the kernel: not for the hot path.
uint64_t DrawLogId();

// What the key of a state change starts with, before the state key.
constexpr size_t kChangelogPrefixBytes = 5;
void AppendChangelogPrefix(std::vector<char>& out, uint32_t tag);

constexpr size_t kChangelogChecksumBytes = 4;
// `key` with its prefix, `value` without its checksum.
uint32_t ChangelogChecksum(std::string_view key, std::string_view value);

struct ChangelogRecord {
  enum Kind : uint8_t { kMeta, kPut, kTombstone, kIdentity };
  Kind kind = kMeta;
  uint32_t tag = 0;
  uint64_t log_id = 0;     // Of kIdentity.
  std::string_view key;    // State key; else empty.
  std::string_view value;  // Without checksum; an encoded marker for kMeta.
};

// Parses and checks one record; the views point into the arguments.
// `value.data() == nullptr` is Kafka's null.
// Errors: kCorruption, with what is wrong.
Result<ChangelogRecord> ParseChangelogRecord(std::string_view key,
                                             std::string_view value);

}  // namespace tacho
