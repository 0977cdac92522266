#include "state/changelog_record.h"

#include <random>
#include <string>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "state/codec.h"

namespace tacho {
namespace {

constexpr char kMetaKind = 0;
constexpr char kStateKind = 1;
constexpr char kIdentityKind = 2;

// The value without its checksum.
Result<std::string_view> CheckedValue(std::string_view key,
                                      std::string_view value) {
  if (value.size() < kChangelogChecksumBytes) {
    return Corruption("changelog: value of " + std::to_string(value.size()) +
                      " bytes has no checksum");
  }
  const std::string_view checked =
      value.substr(0, value.size() - kChangelogChecksumBytes);
  ByteReader checksum(value.substr(checked.size()));
  if (checksum.U32() != ChangelogChecksum(key, checked)) {
    return Corruption("changelog: checksum of a value does not match");
  }
  return checked;
}

Result<ChangelogRecord> ParseIdentity(std::string_view value) {
  if (value.data() == nullptr) {
    return Corruption("changelog: identity record without a value");
  }
  ASSIGN_OR_RETURN(const std::string_view checked,
                   CheckedValue(ChangelogIdentityKey(), value));
  ChangelogRecord record;
  record.kind = ChangelogRecord::kIdentity;
  ByteReader reader(checked);
  record.log_id = reader.U64();
  if (!reader.done() || record.log_id == 0) {
    return Corruption("changelog: identity record of " +
                      std::to_string(value.size()) + " bytes is none of ours");
  }
  return record;
}

}  // namespace

uint32_t TableTag(std::string_view table_name) {
  return static_cast<uint32_t>(
      XXH3_64bits(table_name.data(), table_name.size()));
}

std::string_view ChangelogMetaKey() { return {&kMetaKind, 1}; }

std::string_view ChangelogIdentityKey() { return {&kIdentityKind, 1}; }

void AppendChangelogIdentity(std::vector<char>& out, uint64_t log_id) {
  const size_t begin = out.size();
  ByteWriter writer(out);
  writer.U64(log_id);
  writer.U32(ChangelogChecksum(ChangelogIdentityKey(),
                               {out.data() + begin, out.size() - begin}));
}

uint64_t DrawLogId() {
  std::random_device device;
  uint64_t id = 0;
  while (id == 0) id = (uint64_t{device()} << 32) | device();
  return id;
}

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
  if (key == ChangelogIdentityKey()) return ParseIdentity(value);
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
  record.kind = ChangelogRecord::kPut;
  ASSIGN_OR_RETURN(record.value, CheckedValue(key, value));
  return record;
}

}  // namespace tacho
