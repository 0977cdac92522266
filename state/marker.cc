#include "state/marker.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "pipeline/base/check.h"
#include "state/codec.h"

namespace tacho {
namespace {

constexpr uint8_t kFormat = 3;
constexpr uint8_t kLastFormatOf01 = 2;
constexpr size_t kChecksumBytes = sizeof(uint64_t);

bool DecodeTables(ByteReader& reader, Marker& marker) {
  const uint64_t count = reader.Varint();
  // A table takes at least its size byte and its fingerprint.
  if (count > reader.left() / (1 + sizeof(uint64_t))) return false;
  marker.lane.tables.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    std::string name(reader.Bytes());
    const uint64_t fingerprint = reader.U64();
    marker.lane.tables.emplace_back(std::move(name), fingerprint);
  }
  return reader.ok();
}

bool DecodeDigests(ByteReader& reader, Marker& marker) {
  const uint64_t count = reader.Varint();
  if (count > Marker::kMaxDigests) return false;
  for (uint64_t i = 0; i < count; ++i) {
    PublishedDigest& digest = marker.digests.emplace_back();
    digest.offset = reader.I64();
    digest.count = reader.U64();
    digest.digest = reader.U64();
  }
  return reader.ok();
}

}  // namespace

void EncodeMarker(const Marker& marker, std::vector<char>& out) {
  CHECK(!marker.lane.of_01);
  const size_t begin = out.size();
  ByteWriter writer(out);
  writer.U8(kFormat);
  writer.I64(marker.epoch);
  writer.Bytes(marker.writer_id);
  writer.U8(static_cast<uint8_t>(marker.lane.guarantee));
  writer.I64(marker.next_offset);
  writer.Time(marker.partition_time);
  writer.Time(marker.idle_origin);
  writer.Time(marker.ended_at);
  writer.U32(static_cast<uint32_t>(marker.lane.input_partitions));
  writer.I64(marker.lane.reset_generation);
  writer.Bytes(marker.lane.group);
  writer.Bytes(marker.lane.tp.topic);
  writer.Bytes(marker.lane.cluster_id);
  writer.Bytes(marker.lane.job);
  writer.U64(marker.log_id);
  writer.U64(marker.job_digest);
  writer.Varint(marker.lane.tables.size());
  for (const auto& [name, fingerprint] : marker.lane.tables) {
    writer.Bytes(name);
    writer.U64(fingerprint);
  }
  writer.Time(marker.wall_time);
  writer.I64(marker.published);
  CHECK(marker.digests.size() <= Marker::kMaxDigests);
  writer.Varint(marker.digests.size());
  for (const PublishedDigest& digest : marker.digests) {
    writer.I64(digest.offset);
    writer.U64(digest.count);
    writer.U64(digest.digest);
  }
  writer.I64(marker.changelog_next);
  writer.U8(marker.restoring ? 1 : 0);
  writer.U64(XXH3_64bits(out.data() + begin, out.size() - begin));
}

void EncodeMetaRecord(const Marker& marker, std::vector<char>& out) {
  Marker meta = marker;
  meta.changelog_next = kNoOffset;
  meta.restoring = false;
  EncodeMarker(meta, out);
}

Result<Marker> DecodeMarker(std::string_view bytes) {
  if (bytes.empty()) return Corruption("marker: empty");
  // Before the checksum: another format may keep it elsewhere.
  const uint8_t format = static_cast<uint8_t>(bytes[0]);
  if (format >= 1 && format <= kLastFormatOf01) {
    Marker marker;
    marker.lane.of_01 = true;
    return marker;
  }
  if (format != kFormat) {
    return InvalidArgument("marker: format " + std::to_string(format) +
                           ", this tacho reads format " +
                           std::to_string(kFormat));
  }
  if (bytes.size() < 1 + kChecksumBytes) return Corruption("marker: truncated");
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  ByteReader checksum(bytes.substr(body.size()));
  if (checksum.U64() != XXH3_64bits(body.data(), body.size())) {
    return Corruption("marker: checksum does not match (" +
                      std::to_string(bytes.size()) + " bytes)");
  }

  Marker marker;
  ByteReader reader(body.substr(1));
  marker.epoch = reader.I64();
  marker.writer_id = reader.Bytes();
  const uint8_t guarantee = reader.U8();
  marker.lane.guarantee = static_cast<Guarantee>(guarantee);
  marker.next_offset = reader.I64();
  marker.partition_time = reader.Time();
  marker.idle_origin = reader.Time();
  marker.ended_at = reader.Time();
  marker.lane.input_partitions = static_cast<int32_t>(reader.U32());
  marker.lane.reset_generation = reader.I64();
  marker.lane.group = reader.Bytes();
  marker.lane.tp.topic = reader.Bytes();
  marker.lane.cluster_id = reader.Bytes();
  marker.lane.job = reader.Bytes();
  marker.log_id = reader.U64();
  marker.job_digest = reader.U64();
  if (!DecodeTables(reader, marker)) {
    return Corruption("marker: tables do not fit its size");
  }
  marker.wall_time = reader.Time();
  marker.published = reader.I64();
  if (!DecodeDigests(reader, marker)) {
    return Corruption("marker: digests do not fit its size");
  }
  marker.changelog_next = reader.I64();
  marker.restoring = reader.U8() != 0;
  if (!reader.done()) {
    return Corruption("marker: fields do not fit its size");
  }
  if (guarantee != static_cast<uint8_t>(Guarantee::kAtLeastOnceLocal) &&
      guarantee != static_cast<uint8_t>(Guarantee::kExactlyOnce)) {
    return Corruption("marker: guarantee " + std::to_string(guarantee));
  }
  RETURN_IF_ERROR(CheckMarkerRanges(marker));
  return marker;
}

}  // namespace tacho
