#include "state/lane_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "pipeline/base/batch.h"
#include "state/memory_store.h"
#include "tests/support/faulty_store.h"
#include "tests/support/state_values.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;

constexpr size_t kPlenty = size_t{1} << 30;

// A lane with two tables, declared in an order that is not that of their
// names, over a store that outlives it.
struct Lane {
  explicit Lane(StateStore& s, size_t memory_bytes = kPlenty)
      : store(s), state(s, memory_bytes) {
    windows = state.Declare<TextValue>({.name = "b.windows", .fingerprint = 7},
                                       TextValue::Check);
    clock = state.Declare<TextValue>({.name = "a.clock", .fingerprint = 8},
                                     TextValue::Check);
  }

  Status Open() {
    ASSIGN_OR_RETURN(const std::optional<Marker> marker, store.ReadMarker());
    return state.Load(marker);
  }
  // One half of a commit, then the other: changes may come in between.
  Status FreezeOrApply() {
    if (!state.frozen()) {
      state.Freeze(frozen);
      return Status::Ok();
    }
    Marker marker;
    marker.lane.job = "job";
    marker.lane.tables = state.Fingerprints();
    RETURN_IF_ERROR(store.Apply(frozen, marker));
    frozen.Clear();
    state.Applied();
    return Status::Ok();
  }
  Status FreezeAndApply() {
    RETURN_IF_ERROR(FreezeOrApply());
    return FreezeOrApply();
  }
  VehicleIndex Get(std::string_view id) { return *state.Intern(id); }

  StateStore& store;
  LaneState state;
  StateTable<TextValue>* windows;
  StateTable<TextValue>* clock;
  StateChanges frozen;
};

using Contents = std::map<std::tuple<std::string, std::string, int64_t>,
                          std::pair<std::string, int64_t>>;

Contents ContentsOf(StateStore& store) {
  Contents out;
  Lane lane(store);
  EXPECT_TRUE(lane.Open().ok());
  for (auto* table : {lane.windows, lane.clock}) {
    for (const auto& [vehicle, subkey] : lane.state.loaded(*table)) {
      const TextValue& value = *table->Find(vehicle, subkey);
      const std::string id(lane.state.VehicleId(vehicle));
      out[{table->spec().name, id, subkey}] = {value.text, value.count};
    }
  }
  EXPECT_TRUE(store.Close().ok());
  return out;
}

TEST(LaneStateTest, ReadsBackWhatWasApplied) {
  MemoryStore store;
  Lane lane(store);
  ASSERT_TRUE(lane.Open().ok());
  lane.windows->Mutate(lane.Get("v1"), 60).text = "w";
  lane.clock->Mutate(lane.Get("v2")).count = 3;
  ASSERT_TRUE(lane.FreezeAndApply().ok());
  lane.windows->Mutate(lane.Get("v1"), 60).text = "never frozen";
  ASSERT_TRUE(store.Close().ok());

  EXPECT_EQ(ContentsOf(store), (Contents{{{"b.windows", "v1", 60}, {"w", 0}},
                                         {{"a.clock", "v2", 0}, {"", 3}}}));
}

TEST(LaneStateTest, InternsEqualIdsToOneIndex) {
  MemoryStore store;
  Lane lane(store);
  ASSERT_TRUE(lane.Open().ok());

  EXPECT_EQ(lane.state.InternFast("v1"), VehicleTable::kNone);
  const VehicleIndex v1 = lane.Get("v1");

  EXPECT_EQ(lane.Get("v1"), v1);
  EXPECT_EQ(lane.state.InternFast("v1"), v1);
  EXPECT_NE(lane.Get("v2"), v1);
  EXPECT_EQ(lane.state.VehicleId(v1), "v1");
}

TEST(LaneStateTest, InternBatchEqualsInternRowByRow) {
  MemoryStore store;
  Lane lane(store);
  ASSERT_TRUE(lane.Open().ok());
  Batch batch{SignalSchema()};
  batch.Reserve(1000);
  for (size_t row = 0; row < 1000; ++row) {
    batch.vehicle_id[row] =
        batch.arena.Copy("vehicle " + std::to_string(row * row % 97));
    batch.CommitRow();
  }

  ASSERT_TRUE(lane.state.InternBatch(batch).ok());

  for (size_t row = 0; row < 1000; ++row) {
    EXPECT_EQ(batch.vehicle[row], lane.Get(batch.vehicle_id[row]));
    EXPECT_EQ(lane.state.VehicleId(batch.vehicle[row]), batch.vehicle_id[row]);
  }
}

TEST(LaneStateTest, InternBatchMakesStubsResident) {
  MemoryStore store;
  Lane lane(store, 0);
  ASSERT_TRUE(lane.Open().ok());
  lane.windows->Mutate(lane.Get("v1"), 60).text = "w";
  ASSERT_TRUE(lane.FreezeAndApply().ok());
  lane.state.EvictIfOver();
  ASSERT_EQ(lane.state.resident_vehicles(), 0u);
  Batch batch{SignalSchema()};
  batch.Reserve(1);
  batch.vehicle_id[0] = "v1";
  batch.CommitRow();

  ASSERT_TRUE(lane.state.InternBatch(batch).ok());

  EXPECT_EQ(lane.windows->Find(batch.vehicle[0], 60)->text, "w");
}

TEST(LaneStateTest, NamesTheTableAndJobWhoseFingerprintDiffers) {
  MemoryStore store;
  Lane lane(store);
  Marker marker;
  marker.lane.job = "fleet";
  marker.lane.tables = {{"a.clock", 8}, {"b.windows", 9}};

  const Status status = lane.state.Load(marker);

  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("'b.windows'"));
  EXPECT_THAT(status.message(), HasSubstr("'fleet'"));
  EXPECT_THAT(status.message(), HasSubstr("--state wipe"));
}

TEST(LaneStateTest, RefusesTablesThatOnlyOneSideKnows) {
  MemoryStore store;
  Marker fewer;
  fewer.lane.tables = {{"a.clock", 8}};
  Marker more;
  more.lane.tables = {{"a.clock", 8}, {"b.windows", 7}, {"c.gone", 1}};

  const Status not_stored = Lane(store).state.Load(fewer);
  const Status not_declared = Lane(store).state.Load(more);

  EXPECT_THAT(not_stored.message(), HasSubstr("'b.windows' is not in"));
  EXPECT_THAT(not_declared.message(), HasSubstr("'c.gone', which is not"));
}

TEST(LaneStateTest, TableIdsFollowNamesNotDeclaration) {
  MemoryStore store;
  Lane lane(store);
  ASSERT_TRUE(lane.Open().ok());
  lane.windows->Mutate(lane.Get("v"), 1);
  lane.clock->Mutate(lane.Get("v"), 1);
  StateChanges changes;

  lane.state.Freeze(changes);

  ASSERT_EQ(changes.changes().size(), 2u);
  EXPECT_EQ(changes.changes()[0].table, 0u);
  EXPECT_EQ(lane.state.Fingerprints()[0].first, "a.clock");
  EXPECT_EQ(changes.changes()[1].table, 1u);
}

TEST(LaneStateTest, EvictsOnlyWhatIsApplied) {
  MemoryStore store;
  Lane lane(store, 0);
  ASSERT_TRUE(lane.Open().ok());
  const VehicleIndex v = lane.Get("v");
  lane.clock->Mutate(v).count = 1;
  EXPECT_TRUE(lane.state.EvictIfOver());  // Dirty.
  StateChanges changes;
  lane.state.Freeze(changes);
  EXPECT_TRUE(lane.state.EvictIfOver());  // Frozen.
  ASSERT_TRUE(store.Apply(changes, Marker()).ok());
  EXPECT_TRUE(lane.state.EvictIfOver());  // Not known to be applied.
  EXPECT_EQ(lane.state.resident_vehicles(), 1u);

  lane.state.Applied();

  EXPECT_FALSE(lane.state.EvictIfOver());
  EXPECT_EQ(lane.state.resident_vehicles(), 0u);
  EXPECT_EQ(lane.state.vehicles(), 1u);
}

TEST(LaneStateTest, ForgetsVehiclesWithoutEntries) {
  MemoryStore store;
  Lane lane(store);
  ASSERT_TRUE(lane.Open().ok());
  for (int i = 0; i < 1000; ++i) lane.Get("passing " + std::to_string(i));
  lane.clock->Mutate(lane.Get("staying"));

  for (int i = 0; i < 100; ++i) lane.state.EvictIfOver();

  EXPECT_EQ(lane.state.vehicles(), 1u);
  EXPECT_NE(lane.state.InternFast("staying"), VehicleTable::kNone);
}

TEST(LaneStateTest, ForgetsAVehicleOnceItsTombstonesAreApplied) {
  MemoryStore store;
  Lane lane(store);
  ASSERT_TRUE(lane.Open().ok());
  const VehicleIndex v = lane.Get("v");
  lane.clock->Mutate(v);
  ASSERT_TRUE(lane.FreezeAndApply().ok());
  lane.clock->Erase(v);
  lane.state.EvictIfOver();
  EXPECT_EQ(lane.state.vehicles(), 1u);

  ASSERT_TRUE(lane.FreezeAndApply().ok());
  lane.state.EvictIfOver();

  EXPECT_EQ(lane.state.vehicles(), 0u);
  ASSERT_TRUE(store.Close().ok());
  EXPECT_TRUE(ContentsOf(store).empty());
}

TEST(LaneStateTest, MemoryStaysAtTheLimitWhileStateExceedsIt) {
  constexpr size_t kLimit = size_t{1} << 20;
  MemoryStore store;
  Lane lane(store, kLimit);
  ASSERT_TRUE(lane.Open().ok());
  for (int i = 0; i < 20000; ++i) {
    const VehicleIndex v = lane.Get("vehicle " + std::to_string(i));
    lane.windows->Mutate(v, 1).count = i;
    if (i % 500 != 499) continue;
    ASSERT_TRUE(lane.FreezeAndApply().ok());
    lane.state.EvictIfOver();
    // Stubs cost about 60 bytes each; 20,000 of them exceed the limit.
    if (i < 10000) {
      ASSERT_LE(lane.state.used_bytes(), kLimit) << i;
    }
  }
  EXPECT_EQ(lane.state.vehicles(), 20000u);
  for (int i = 0; i < 20000; i += 997) {
    const VehicleIndex v = lane.Get("vehicle " + std::to_string(i));
    EXPECT_EQ(lane.windows->Find(v, 1)->count, i);
  }
}

TEST(LaneStateTest, EvictsNothingBelowTheLimit) {
  MemoryStore store;
  FaultyStore counted(store);
  Lane lane(counted);
  ASSERT_TRUE(lane.Open().ok());
  const int scans = counted.scans();
  for (int i = 0; i < 100; ++i) {
    lane.clock->Mutate(lane.Get("v" + std::to_string(i)));
    ASSERT_TRUE(lane.FreezeAndApply().ok());
    EXPECT_FALSE(lane.state.EvictIfOver());
  }

  EXPECT_EQ(lane.state.resident_vehicles(), 100u);
  EXPECT_EQ(counted.scans(), scans);  // A new vehicle costs no look-up.
}

TEST(LaneStateTest, EvictsTheVehicleThatWasNotUsed) {
  MemoryStore store;
  Lane sizing(store);
  ASSERT_TRUE(sizing.Open().ok());
  for (int i = 0; i < 200; ++i) {
    sizing.windows->Mutate(sizing.Get("v" + std::to_string(i)));
  }
  ASSERT_TRUE(sizing.FreezeAndApply().ok());
  const size_t all = sizing.state.used_bytes();
  ASSERT_TRUE(store.Close().ok());
  Lane lane(store, all - all / 8);
  ASSERT_TRUE(lane.Open().ok());

  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 20; ++i) lane.Get("v" + std::to_string(i));
    for (int i = 100; i < 200; i += 7) lane.Get("v" + std::to_string(i));
    lane.state.EvictIfOver();
  }

  for (int i = 0; i < 20; ++i) {
    EXPECT_NE(lane.state.InternFast("v" + std::to_string(i)),
              VehicleTable::kNone);
  }
  EXPECT_LT(lane.state.resident_vehicles(), 200u);
}

TEST(LaneStateTest, LoadKeepsStubsOfWhatDoesNotFit) {
  MemoryStore store;
  Lane writer(store);
  ASSERT_TRUE(writer.Open().ok());
  for (int i = 0; i < 5000; ++i) {
    const VehicleIndex v = writer.Get("v" + std::to_string(i));
    writer.clock->Mutate(v).count = i;
    for (int64_t w = 0; w < 3; ++w) writer.windows->Mutate(v, w).count = i * w;
  }
  ASSERT_TRUE(writer.FreezeAndApply().ok());
  const size_t all = writer.state.used_bytes();
  ASSERT_TRUE(store.Close().ok());

  Lane lane(store, all / 2);
  ASSERT_TRUE(lane.Open().ok());

  EXPECT_LE(lane.state.used_bytes(), all / 2);
  EXPECT_EQ(lane.state.vehicles(), 5000u);
  EXPECT_GT(lane.state.resident_vehicles(), 500u);
  EXPECT_LT(lane.state.resident_vehicles(), 5000u);
  ASSERT_EQ(lane.state.loaded(*lane.windows).size(), 15000u);
  for (const auto& [v, w] : lane.state.loaded(*lane.windows)) {
    ASSERT_TRUE(lane.state.EnsureResident(v).ok());
    ASSERT_EQ(lane.windows->Find(v, w)->count, lane.clock->Find(v)->count * w);
  }
}

TEST(LaneStateTest, AStoreErrorStays) {
  MemoryStore store;
  FaultyStore faulty(store);
  Lane lane(faulty, 0);
  ASSERT_TRUE(lane.Open().ok());
  const VehicleIndex v = lane.Get("v");
  lane.clock->Mutate(v);
  ASSERT_TRUE(lane.FreezeAndApply().ok());
  lane.state.EvictIfOver();
  faulty.FailScanAfter(1);
  EXPECT_EQ(lane.state.EnsureResident(v).code(), StatusCode::kIoError);
  faulty.Heal();

  EXPECT_EQ(lane.state.EnsureResident(v).code(), StatusCode::kIoError);
  EXPECT_FALSE(lane.state.Intern("another").ok());
}

TEST(LaneStateTest, AStubWhoseEntriesAreGoneIsCorruption) {
  MemoryStore store;
  Lane lane(store, 0);
  ASSERT_TRUE(lane.Open().ok());
  const VehicleIndex v = lane.Get("v");
  lane.clock->Mutate(v);
  ASSERT_TRUE(lane.FreezeAndApply().ok());
  lane.state.EvictIfOver();
  StateChanges loss;
  loss.Begin(0, /*tag=*/0);
  AppendStateKey(loss.bytes(), "v", 0);
  loss.EndKey();
  loss.EndTombstone();
  ASSERT_TRUE(store.Apply(loss, Marker()).ok());

  EXPECT_EQ(lane.state.EnsureResident(v).code(), StatusCode::kCorruption);
}

// The same random changes, with one lane that keeps all in memory and one that
// evicts whatever it may at every step; some epochs end in a restart, which
// loses what is not applied.
class EvictionTest : public ::testing::TestWithParam<uint32_t> {
 protected:
  void Change(Lane& lane, uint32_t pick, uint32_t what, int step) {
    const std::string id(1 + pick % 3, static_cast<char>(pick % 5));
    const VehicleIndex v = lane.Get(id);
    StateTable<TextValue>& table = what % 2 == 0 ? *lane.windows : *lane.clock;
    const int64_t subkey = what % 4;
    if (what % 3 == 0) {
      table.Erase(v, subkey);
    } else {
      TextValue& value = table.Mutate(v, subkey);
      value.text += static_cast<char>('a' + step % 26);
      value.count += step;
    }
  }
};

TEST_P(EvictionTest, TinyMemoryEqualsLargeMemory) {
  std::mt19937 random(GetParam());
  MemoryStore stores[2];
  std::unique_ptr<Lane> lanes[2];
  const auto reopen = [&](int i) {
    ASSERT_TRUE(stores[i].Close().ok());
    lanes[i] = std::make_unique<Lane>(stores[i], i == 0 ? kPlenty : 0);
    ASSERT_TRUE(lanes[i]->Open().ok());
  };
  reopen(0);
  reopen(1);
  size_t fewest_resident = SIZE_MAX;
  for (int step = 0; step < 3000; ++step) {
    const auto pick = static_cast<uint32_t>(random());
    const auto what = static_cast<uint32_t>(random());
    const bool commit = random() % 4 == 0;
    const bool restart = random() % 64 == 0;
    for (int i = 0; i < 2; ++i) {
      Change(*lanes[i], pick, what, step);
      if (commit) CHECK(lanes[i]->FreezeOrApply().ok());
      lanes[i]->state.EvictIfOver();
      if (restart) reopen(i);
    }
    fewest_resident =
        std::min(fewest_resident, lanes[1]->state.resident_vehicles());
  }
  ASSERT_TRUE(stores[0].Close().ok());
  ASSERT_TRUE(stores[1].Close().ok());

  EXPECT_EQ(fewest_resident, 0u);  // Eviction was forced.
  const Contents large = ContentsOf(stores[0]);
  EXPECT_FALSE(large.empty());
  EXPECT_EQ(large, ContentsOf(stores[1]));
}

INSTANTIATE_TEST_SUITE_P(Seeds, EvictionTest, ::testing::Range(1u, 7u));

}  // namespace
}  // namespace tacho
