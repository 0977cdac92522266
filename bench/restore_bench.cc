// Restore: a changelog partition into a RocksDB store, beside its ceilings.
// Wall time; `cpu` is what the whole process used, compactions included.

#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/sample_changelog.h"
#include "pipeline/base/check.h"
#include "pipeline/restore/restorer.h"
#include "state/changelog_record.h"
#include "state/memory_store.h"
#include "state/rocksdb_store.h"

namespace tacho {
namespace {

double ProcessCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// One partition's log in memory.
class Log {
 public:
  explicit Log(const SampleChangelog& sample)
      : distinct_(std::min(sample.records, sample.keys)) {
    sample.ForEach([this](std::string_view key, std::string_view value) {
      log_.Add(end_++, key, value);
      if (key != ChangelogMetaKey()) changes_.Add(0, key, value);
    });
  }

  const ChangelogChunk& log() const { return log_; }
  const StateChanges& changes() const { return changes_; }
  Offset end() const { return end_; }
  size_t distinct() const { return distinct_; }

 private:
  const size_t distinct_;
  ChangelogChunk log_;
  StateChanges changes_;
  Offset end_ = 0;
};

// Gives what the real reader gives: a copy of what lies in the fetched batch.
class LogReader final : public ChangelogReader {
 public:
  explicit LogReader(const Log& log) : log_(log) {}

  Status Read(ChangelogChunk& chunk, size_t max_bytes) override {
    const auto& entries = log_.log().entries();
    while (next_ < entries.size() && chunk.used_bytes() < max_bytes) {
      const ChangelogChunk::Entry& entry = entries[next_++];
      chunk.Add(entry.offset, log_.log().Key(entry), log_.log().Value(entry));
    }
    return Status::Ok();
  }
  Offset position() const override { return static_cast<Offset>(next_); }

 private:
  const Log& log_;
  size_t next_ = 0;
};

struct Disk {
  Disk() {
    std::filesystem::remove_all(dir);
    auto opened = OpenRocksDbStore(dir, {}, shared);
    CHECK(opened.ok());
    store = *std::move(opened);
    CHECK(store->OpenTables({SampleChangelog::TableName()}).ok());
  }
  ~Disk() {
    CHECK(store->Close().ok());
    std::filesystem::remove_all(dir);
  }
  size_t Entries() const {
    size_t seen = 0;
    CHECK(store
              ->Scan(0, {},
                     [&](std::string_view, std::string_view) {
                       ++seen;
                       return Status::Ok();
                     })
              .ok());
    return seen;
  }
  std::string dir = "restore_bench.db";
  RocksDbShared shared{size_t{64} << 20, size_t{64} << 20};
  std::unique_ptr<StateStore> store;
};

void RunRestorer(StateStore& store, const Log& log) {
  Restorer::Spec spec;
  spec.lane = SampleChangelog::Identity();
  spec.names = {SampleChangelog::TableName()};
  spec.end = log.end();
  spec.check = [](TableId, std::string_view, std::string_view) {
    return Status::Ok();
  };
  Restorer restorer(store, std::make_unique<LogReader>(log), std::move(spec),
                    SystemClock());
  while (!restorer.done()) CHECK(restorer.Step().ok());
  CHECK(restorer.marker().has_value());
}

void Report(benchmark::State& state, size_t records, double cpu) {
  const auto total =
      static_cast<double>(state.iterations()) * static_cast<double>(records);
  state.SetItemsProcessed(static_cast<int64_t>(total));
  state.counters["ns_cpu"] = cpu / total * 1e9;
}

template <typename Body>
void OnDisk(benchmark::State& state, const Log& log, Body&& body) {
  double cpu = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto disk = std::make_unique<Disk>();
    const double before = ProcessCpuSeconds();
    state.ResumeTiming();
    body(*disk->store);
    state.PauseTiming();
    cpu += ProcessCpuSeconds() - before;
    CHECK(disk->Entries() == log.distinct());
    disk.reset();
    state.ResumeTiming();
  }
  Report(state, log.changes().changes().size(), cpu);
}

// records, keys: a compacted log has each key once, its tail many times.
void Sizes(benchmark::internal::Benchmark* b) {
  b->Args({1'000'000, 1'000'000})
      ->Args({1'000'000, 100'000})
      ->Args({20'000, 20'000})
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

Log MakeLog(const benchmark::State& state) {
  return Log({static_cast<size_t>(state.range(0)),
              static_cast<size_t>(state.range(1))});
}

void BM_Restore_RocksDb(benchmark::State& state) {
  const Log log = MakeLog(state);
  OnDisk(state, log, [&](StateStore& store) { RunRestorer(store, log); });
}
BENCHMARK(BM_Restore_RocksDb)->Apply(Sizes);

// The store alone, in writes of the size that the restorer makes.
void BM_Restore_Ceiling_StoreOnly(benchmark::State& state) {
  const Log log = MakeLog(state);
  std::vector<StateChanges> parts(1);
  for (const StateChanges::Change& c : log.changes().changes()) {
    if (parts.back().used_bytes() >= Restorer::Limits().write_bytes) {
      parts.emplace_back();
    }
    parts.back().Add(c.table, log.changes().ChangelogKey(c),
                     log.changes().ChangelogValue(c));
  }
  OnDisk(state, log, [&](StateStore& store) {
    for (const StateChanges& part : parts) {
      CHECK(store.Restore(part, Marker()).ok());
    }
  });
}
BENCHMARK(BM_Restore_Ceiling_StoreOnly)->Apply(Sizes);

void BM_Restore_Ceiling_ReadAndCheck(benchmark::State& state) {
  const Log log = MakeLog(state);
  const double before = ProcessCpuSeconds();
  for (auto _ : state) {
    LogReader reader(log);
    ChangelogChunk chunk;
    size_t puts = 0;
    while (reader.position() < log.end()) {
      chunk.Clear();
      CHECK(reader.Read(chunk, size_t{1} << 20).ok());
      for (const ChangelogChunk::Entry& entry : chunk.entries()) {
        const auto record =
            ParseChangelogRecord(chunk.Key(entry), chunk.Value(entry));
        CHECK(record.ok());
        puts += record->kind == ChangelogRecord::kPut ? 1 : 0;
      }
    }
    CHECK(puts == log.changes().changes().size());
  }
  Report(state, log.changes().changes().size(), ProcessCpuSeconds() - before);
}
BENCHMARK(BM_Restore_Ceiling_ReadAndCheck)->Apply(Sizes);

// The whole way, into a hash map: what RocksDB adds is the difference.
void BM_Restore_Contrast_MemoryStore(benchmark::State& state) {
  const Log log = MakeLog(state);
  const double before = ProcessCpuSeconds();
  for (auto _ : state) {
    MemoryStore store;
    CHECK(store.OpenTables({SampleChangelog::TableName()}).ok());
    RunRestorer(store, log);
  }
  Report(state, log.changes().changes().size(), ProcessCpuSeconds() - before);
}
BENCHMARK(BM_Restore_Contrast_MemoryStore)->Apply(Sizes);

}  // namespace
}  // namespace tacho
