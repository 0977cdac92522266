#include "state/changelog_record.h"

#include <string>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "state/codec.h"

namespace tacho {
namespace {

constexpr char kMetaKind = 0;
constexpr char kStateKind = 1;

}  // namespace

uint32_t TableTag(std::string_view table_name) {
  return static_cast<uint32_t>(
      XXH3_64bits(table_name.data(), table_name.size()));
}

std::string_view ChangelogMetaKey() { return {&kMetaKind, 1}; }

void AppendChangelogPrefix(std::vector<char>& out, uint32_t tag) {
  ByteWriter writer(out);
  writer.U8(kStateKind);
  writer.U32(tag);
}

uint32_t ChangelogChecksum(std::string_view key, std::string_view value) {
  const uint64_t seed = XXH3_64bits(key.data(), key.size());
  return static_cast<uint32_t>(
      XXH3_64bits_withSeed(value.data(), value.size(), seed));
}

Result<ChangelogRecord> ParseChangelogRecord(std::string_view key,
                                             std::string_view value) {
  const bool is_null = value.data() == nullptr;
  ChangelogRecord record;
  if (key == ChangelogMetaKey()) {
    if (is_null) return Corruption("changelog: meta record without a value");
    record.value = value;
    return record;
  }
  if (key.size() < kChangelogPrefixBytes || key[0] != kStateKind) {
    return Corruption("changelog: key of " + std::to_string(key.size()) +
                      " bytes is none of ours");
  }
  ByteReader reader(key.substr(1));
  record.tag = reader.U32();
  record.key = key.substr(kChangelogPrefixBytes);
  if (is_null) {
    record.kind = ChangelogRecord::kTombstone;
    return record;
  }
  if (value.size() < kChangelogChecksumBytes) {
    return Corruption("changelog: value of " + std::to_string(value.size()) +
                      " bytes has no checksum");
  }
  record.kind = ChangelogRecord::kPut;
  record.value = value.substr(0, value.size() - kChangelogChecksumBytes);
  ByteReader checksum(value.substr(record.value.size()));
  if (checksum.U32() != ChangelogChecksum(key, record.value)) {
    return Corruption("changelog: checksum of a value does not match");
  }
  return record;
}

}  // namespace tacho
