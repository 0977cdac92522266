// State: tables, interning and the store, each beside its ceiling.

#include <benchmark/benchmark.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pipeline/base/batch.h"
#include "pipeline/base/check.h"
#include "state/lane_state.h"
#include "state/memory_store.h"
#include "state/rocksdb_store.h"

namespace tacho {
namespace {

constexpr size_t kBatch = 2048;

// The size of a window aggregate of a few signals.
struct Window {
  int64_t count = 0;
  double sum = 0;
  double min = 0;
  double max = 0;

  void Reset() { *this = {}; }
  void Encode(ByteWriter& out) const {
    out.I64(count);
    out.F64(sum);
    out.F64(min);
    out.F64(max);
  }
  bool Decode(ByteReader& in) {
    count = in.I64();
    sum = in.F64();
    min = in.F64();
    max = in.F64();
    return in.ok();
  }
  static const char* Check(int64_t /*subkey*/, const Window& window) {
    return window.count < 0 ? "a negative count" : nullptr;
  }
};

// 17 characters, as a VIN has.
std::string Vin(uint64_t n) {
  char id[32];
  const int size = std::snprintf(id, sizeof id, "WDB%014llu",
                                 static_cast<unsigned long long>(n));
  return {id, static_cast<size_t>(size)};
}

// A lane with `vehicles` known vehicles, each with one window.
struct Lane {
  explicit Lane(StateStore& s, size_t vehicles) : store(s) {
    CHECK(state.Load({}).ok());
    for (size_t i = 0; i < vehicles; ++i) {
      windows->Mutate(*state.Intern(Vin(i)), 60000);
    }
    Commit();
  }
  void Commit() {
    changes.Clear();
    state.Freeze(changes);
    CHECK(store.Apply(changes, Marker()).ok());
    state.Applied();
  }

  StateStore& store;
  LaneState state{store, size_t{4} << 30};
  StateTable<Window>* windows = state.Declare<Window>(
      {.name = "windows", .fingerprint = 1}, Window::Check);
  StateChanges changes;
};

std::vector<uint32_t> RandomVehicles(size_t count, size_t vehicles) {
  std::mt19937 random(42);
  std::vector<uint32_t> out(count);
  for (uint32_t& v : out) v = static_cast<uint32_t>(random() % vehicles);
  return out;
}

// Batches of ids in arenas of their own, as decode leaves them: together more
// rows than fit a cache.
std::vector<std::unique_ptr<Batch>> Batches(size_t vehicles) {
  std::vector<std::unique_ptr<Batch>> out;
  const auto picks = RandomVehicles(16 * kBatch, vehicles);
  for (size_t b = 0; b < 16; ++b) {
    auto batch = std::make_unique<Batch>(SignalSchema());
    batch->Reserve(kBatch);
    for (size_t row = 0; row < kBatch; ++row) {
      batch->vehicle_id[row] = batch->arena.Copy(Vin(picks[b * kBatch + row]));
      batch->CommitRow();
    }
    out.push_back(std::move(batch));
  }
  return out;
}

void SetRecords(benchmark::State& state, size_t per_iteration) {
  state.SetItemsProcessed(state.iterations() *
                          static_cast<int64_t>(per_iteration));
}

void BM_Table_MutateHit(benchmark::State& state) {
  const auto vehicles = static_cast<size_t>(state.range(0));
  MemoryStore store;
  Lane lane(store, vehicles);
  const auto picks = RandomVehicles(1 << 16, vehicles);
  for (auto _ : state) {
    for (const uint32_t v : picks) ++lane.windows->Mutate(v, 60000).count;
  }
  SetRecords(state, picks.size());
}
BENCHMARK(BM_Table_MutateHit)->Arg(10000)->Arg(1000000);

void BM_Table_Ceiling_VectorIndex(benchmark::State& state) {
  const auto vehicles = static_cast<size_t>(state.range(0));
  std::vector<Window> windows(vehicles);
  const auto picks = RandomVehicles(1 << 16, vehicles);
  for (auto _ : state) {
    for (const uint32_t v : picks) {
      ++windows[v].count;
      benchmark::ClobberMemory();
    }
  }
  SetRecords(state, picks.size());
}
BENCHMARK(BM_Table_Ceiling_VectorIndex)->Arg(10000)->Arg(1000000);

void BM_Intern_Batch(benchmark::State& state) {
  const auto vehicles = static_cast<size_t>(state.range(0));
  MemoryStore store;
  Lane lane(store, vehicles);
  const auto batches = Batches(vehicles);
  for (auto _ : state) {
    for (const auto& batch : batches)
      CHECK(lane.state.InternBatch(*batch).ok());
  }
  for (const auto& batch : batches) {
    for (size_t row = 0; row < kBatch; ++row) {
      CHECK(lane.state.VehicleId(batch->vehicle[row]) ==
            batch->vehicle_id[row]);
    }
  }
  SetRecords(state, batches.size() * kBatch);
}
BENCHMARK(BM_Intern_Batch)->Arg(10000)->Arg(1000000);

void BM_Intern_RowByRow(benchmark::State& state) {
  const auto vehicles = static_cast<size_t>(state.range(0));
  MemoryStore store;
  Lane lane(store, vehicles);
  const auto batches = Batches(vehicles);
  for (auto _ : state) {
    for (const auto& batch : batches) {
      for (size_t row = 0; row < kBatch; ++row) {
        batch->vehicle[row] = lane.state.InternFast(batch->vehicle_id[row]);
      }
    }
  }
  SetRecords(state, batches.size() * kBatch);
}
BENCHMARK(BM_Intern_RowByRow)->Arg(10000)->Arg(1000000);

void BM_Intern_Contrast_UnorderedMap(benchmark::State& state) {
  const auto vehicles = static_cast<size_t>(state.range(0));
  std::unordered_map<std::string, VehicleIndex> map;
  for (size_t i = 0; i < vehicles; ++i) {
    map.emplace(Vin(i), static_cast<VehicleIndex>(i));
  }
  const auto batches = Batches(vehicles);
  for (auto _ : state) {
    for (const auto& batch : batches) {
      for (size_t row = 0; row < kBatch; ++row) {
        const auto it = map.find(std::string(batch->vehicle_id[row]));
        batch->vehicle[row] = it->second;
      }
    }
  }
  SetRecords(state, batches.size() * kBatch);
}
BENCHMARK(BM_Intern_Contrast_UnorderedMap)->Arg(10000)->Arg(1000000);

void BM_Intern_Ceiling_HashAndCompare(benchmark::State& state) {
  const auto batches = Batches(10000);
  for (auto _ : state) {
    for (const auto& batch : batches) {
      for (size_t row = 0; row < kBatch; ++row) {
        const std::string_view id = batch->vehicle_id[row];
        uint64_t hash = XXH3_64bits_withSeed(id.data(), id.size(), 7);
        hash += static_cast<uint64_t>(
            std::memcmp(id.data(), batch->vehicle_id[0].data(), id.size()));
        benchmark::DoNotOptimize(hash);
      }
    }
  }
  SetRecords(state, batches.size() * kBatch);
}
BENCHMARK(BM_Intern_Ceiling_HashAndCompare);

void BM_Freeze_DirtyEntries(benchmark::State& state) {
  const auto dirty = static_cast<size_t>(state.range(0));
  MemoryStore store;
  Lane lane(store, dirty);
  size_t bytes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (VehicleIndex v = 0; v < dirty; ++v)
      ++lane.windows->Mutate(v, 60000).count;
    lane.changes.Clear();
    state.ResumeTiming();
    lane.state.Freeze(lane.changes);
    lane.state.Applied();
    bytes = lane.changes.used_bytes();
  }
  CHECK(lane.changes.changes().size() == dirty);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
  SetRecords(state, dirty);
}
BENCHMARK(BM_Freeze_DirtyEntries)->Arg(10000);

void BM_Freeze_Ceiling_Memcpy(benchmark::State& state) {
  const auto dirty = static_cast<size_t>(state.range(0));
  MemoryStore store;
  Lane lane(store, dirty);
  const std::string_view from(
      lane.changes.Key(lane.changes.changes()[0]).data(),
      lane.changes.used_bytes() - dirty * sizeof(StateChanges::Change));
  std::vector<char> to(from.size());
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(to.size()));
  SetRecords(state, dirty);
}
BENCHMARK(BM_Freeze_Ceiling_Memcpy)->Arg(10000);

// A RocksDB store in a directory of its own under the working directory, so
// that a sync reaches a disk even where /tmp is in memory.
struct DiskStore {
  explicit DiskStore(bool synced) {
    std::filesystem::remove_all(dir);
    auto opened = OpenRocksDbStore(dir, {.wal_synced = synced}, shared);
    CHECK(opened.ok());
    store = *std::move(opened);
  }
  ~DiskStore() {
    CHECK(store->Close().ok());
    std::filesystem::remove_all(dir);
  }
  std::string dir = "state_bench.db";
  RocksDbShared shared{size_t{64} << 20, size_t{64} << 20};
  std::unique_ptr<StateStore> store;
};

template <typename Store>
void ApplyEpochs(benchmark::State& state, Store& store) {
  const auto keys = static_cast<size_t>(state.range(0));
  Lane lane(store, keys);
  size_t bytes = lane.changes.used_bytes();
  Marker marker;
  for (auto _ : state) {
    ++marker.epoch;
    CHECK(store.Apply(lane.changes, marker).ok());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
  SetRecords(state, keys);
}

void BM_Apply_RocksDbSynced(benchmark::State& state) {
  DiskStore disk(true);
  ApplyEpochs(state, *disk.store);
}
BENCHMARK(BM_Apply_RocksDbSynced)->Arg(1000)->Arg(10000)->UseRealTime();

void BM_Apply_RocksDbUnsynced(benchmark::State& state) {
  DiskStore disk(false);
  ApplyEpochs(state, *disk.store);
}
BENCHMARK(BM_Apply_RocksDbUnsynced)->Arg(1000)->Arg(10000)->UseRealTime();

void BM_Apply_Ceiling_MemoryStore(benchmark::State& state) {
  MemoryStore store;
  ApplyEpochs(state, store);
}
BENCHMARK(BM_Apply_Ceiling_MemoryStore)->Arg(1000)->Arg(10000)->UseRealTime();

void BM_Load_RocksDb(benchmark::State& state) {
  const auto entries = static_cast<size_t>(state.range(0));
  DiskStore disk(false);
  { const Lane lane(*disk.store, entries); }
  size_t used = 0;
  for (auto _ : state) {
    state.PauseTiming();
    CHECK(disk.store->Close().ok());
    auto opened = OpenRocksDbStore(disk.dir, {}, disk.shared);
    CHECK(opened.ok());
    disk.store = *std::move(opened);
    auto lane = std::make_unique<LaneState>(*disk.store, size_t{4} << 30);
    lane->Declare<Window>({.name = "windows", .fingerprint = 1}, Window::Check);
    state.ResumeTiming();
    CHECK(lane->Load({}).ok());
    state.PauseTiming();
    CHECK(lane->resident_vehicles() == entries);
    used = lane->used_bytes();
    lane.reset();
    state.ResumeTiming();
  }
  state.counters["bytes_per_vehicle"] =
      static_cast<double>(used) / static_cast<double>(entries);
  SetRecords(state, entries);
}
BENCHMARK(BM_Load_RocksDb)->Arg(1000000)->Unit(benchmark::kMillisecond);

void BM_Load_Ceiling_ScanOnly(benchmark::State& state) {
  const auto entries = static_cast<size_t>(state.range(0));
  DiskStore disk(false);
  { const Lane lane(*disk.store, entries); }
  CHECK(disk.store->Flush().ok());
  for (auto _ : state) {
    size_t seen = 0;
    CHECK(disk.store
              ->Scan(0, {},
                     [&](std::string_view, std::string_view) {
                       ++seen;
                       return Status::Ok();
                     })
              .ok());
    CHECK(seen == entries);
  }
  SetRecords(state, entries);
}
BENCHMARK(BM_Load_Ceiling_ScanOnly)
    ->Arg(1000000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tacho
