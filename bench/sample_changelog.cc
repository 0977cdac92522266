#include "bench/sample_changelog.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

#include "state/changelog_record.h"
#include "state/codec.h"
#include "state/state_store.h"

namespace tacho {
namespace {

constexpr size_t kEpoch = 10'000;  // Records of a commit, its meta record not.
constexpr int kValueWords = 5;     // Of 12 bytes.

void Encode(uint32_t key, uint64_t i, StateChanges& changes) {
  char id[32];
  std::snprintf(id, sizeof id, "WDB%014u", key);  // As long as a VIN.
  changes.Clear();
  changes.Begin(0, TableTag(SampleChangelog::TableName()));
  ByteWriter out(changes.bytes());
  for (const char* c = id; *c != '\0'; ++c) out.U8(static_cast<uint8_t>(*c));
  for (int pad = 0; pad < 3; ++pad) out.U8(0);
  changes.EndKey();
  for (uint64_t word = 0; word < kValueWords; ++word) {
    out.U64((i + word) * 0x9e3779b97f4a7c15u);
    out.U32(0);
  }
  changes.EndValue();
}

}  // namespace

const std::string& SampleChangelog::TableName() {
  static const std::string name = "vehicle_stats.windows";
  return name;
}

LaneIdentity SampleChangelog::Identity() {
  LaneIdentity lane;
  lane.group = "bench";
  lane.tp.topic = "input";
  lane.job = "bench";
  lane.guarantee = Guarantee::kExactlyOnce;
  lane.input_partitions = 1;
  lane.cluster_id = "bench";
  return lane;
}

void SampleChangelog::ForEach(
    const std::function<void(std::string_view, std::string_view)>& visit)
    const {
  std::vector<uint32_t> order(records);
  for (size_t i = 0; i < records; ++i) {
    order[i] = static_cast<uint32_t>(i % keys);
  }
  std::shuffle(order.begin(), order.end(), std::mt19937(42));
  Marker meta;
  meta.lane = Identity();
  meta.log_id = 1;
  std::vector<char> bytes;
  StateChanges one;
  for (size_t i = 0; i < records; ++i) {
    Encode(order[i], i, one);
    const StateChanges::Change& change = one.changes().front();
    visit(one.ChangelogKey(change), one.ChangelogValue(change));
    if ((i + 1) % kEpoch != 0 && i + 1 != records) continue;
    ++meta.epoch;
    bytes.clear();
    EncodeMetaRecord(meta, bytes);
    visit(ChangelogMetaKey(), {bytes.data(), bytes.size()});
  }
}

}  // namespace tacho
