// Counts allocations on the thread of a lane, between drain and epoch.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "pipeline/base/file.h"
#include "pipeline/demo/fleet.h"
#include "pipeline/job/job_parser.h"
#include "pipeline/lane/lane.h"
#include "pipeline/worker/sinks.h"
#include "state/memory_store.h"
#include "tests/support/paths.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TACHO_SANITIZED 1
#else
#define TACHO_SANITIZED 0
#endif

namespace {

thread_local bool g_counting = false;
thread_local uint64_t g_allocations = 0;

}  // namespace

#if !TACHO_SANITIZED
namespace {

void* Counted(size_t size) {
  if (g_counting) ++g_allocations;
  void* const p = std::malloc(size == 0 ? 1 : size);
  if (p == nullptr) std::abort();
  return p;
}

}  // namespace

// Replaces the global ones in this binary only.
void* operator new(size_t size) { return Counted(size); }
void* operator new[](size_t size) { return Counted(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
void operator delete[](void* p, size_t) noexcept { std::free(p); }
#endif

namespace tacho {
namespace {

// Hands out prepared messages, as many as are asked for.
class PreparedReader final : public PartitionReader {
 public:
  explicit PreparedReader(std::vector<Fleet::Sample>& samples)
      : samples_(samples) {}

  Drained Drain(Batch& batch, const DrainLimits& limits) override {
    Drained drained;
    while (batch.messages.size() < limits.max_messages &&
           static_cast<size_t>(next_) < samples_.size()) {
      const Fleet::Sample& s = samples_[static_cast<size_t>(next_)];
      batch.AddMessage(next_++, FromEpochMillis(1800000000000), s.key, s.value);
    }
    drained.next_offset = next_;
    drained.more = static_cast<size_t>(next_) < samples_.size();
    return drained;
  }
  void EnableReadable(std::function<void()>) override {}
  void DisableReadable() override {}
  Offset EndOffset() const override { return kNoOffset; }

 private:
  std::vector<Fleet::Sample>& samples_;
  Offset next_ = 0;
};

class NoEvents final : public LaneEvents {
 public:
  void OnEpochFull() override {}
  void OnLaneFailed(Lane&, Status status) override {
    ADD_FAILURE() << status.ToString();
  }
};

Job ShippedJob(const std::string& name) {
  ParsedJob parsed = ParseJob(*ReadFile(SourceDir() + "/config/jobs/" + name));
  EXPECT_TRUE(parsed.ok()) << FormatDiagnostics(name, parsed.errors);
  return std::move(parsed.job);
}

class LaneAllocationTest : public ::testing::TestWithParam<const char*> {};

TEST_P(LaneAllocationTest, NothingIsAllocatedPerRecordAfterWarmUp) {
  if (TACHO_SANITIZED) GTEST_SKIP() << "the sanitizer owns operator new";
  const Job job = ShippedJob(GetParam());
  FleetOptions fleet_options;
  fleet_options.vehicles = 500;
  fleet_options.start = FromEpochMillis(1700000040000);
  Fleet fleet(fleet_options);
  std::vector<Fleet::Sample> samples;
  for (int i = 0; i < 400000; ++i) samples.push_back(fleet.Next());

  LaneMetrics metrics;
  NoEvents events;
  LaneOptions options;
  options.lane.tp = {"in", 0};
  options.lane.job = job.name;
  options.time = job.time;
  options.drain.max_messages = 2000;
  auto store = std::make_unique<MemoryStore>();
  StateStore& stored = *store;
  const JobSinks sinks(job);
  options.reject_sink = sinks.rejects();
  LaneParts parts{std::make_unique<PreparedReader>(samples),
                  MakeDecoder(job.decode), std::move(store)};
  Lane lane(std::move(options), std::move(parts), job.schema, metrics, events,
            SystemClock());
  ASSERT_TRUE(AddStreams(job, sinks, lane).ok());
  ASSERT_TRUE(lane.Declare(std::nullopt).ok());
  ASSERT_TRUE(lane.Load(std::nullopt, 0).ok());

  // Half of the messages warm up, with an epoch every ten batches; the epochs
  // themselves may allocate, the batches between them may not.
  Batch batch(job.schema);
  uint64_t counted = 0;
  for (int turn = 0; turn < 200; ++turn) {
    batch.Clear();
    g_allocations = 0;
    g_counting = turn >= 100;
    lane.RunTurn(batch);
    g_counting = false;
    if (turn >= 100) counted += g_allocations;
    if (turn % 10 != 9) continue;
    LaneEpoch& part = lane.Freeze();
    ASSERT_TRUE(part.changed);
    ASSERT_TRUE(stored.Apply(part.changes, part.marker).ok());
    lane.Applied();
  }

  EXPECT_EQ(metrics.messages.value(), 400000u);
  EXPECT_GT(metrics.outputs.value(), 0u);
  // 200,000 records: growth of a buffer to a new greatest size is allowed,
  // anything per record or per batch is not.
  EXPECT_LE(counted, 20u);
  EXPECT_TRUE(lane.Close().ok());
}

INSTANTIATE_TEST_SUITE_P(ShippedJobs, LaneAllocationTest,
                         ::testing::Values("telemetry-analytics.yaml",
                                           "vehicle-alert-processor.yaml"),
                         [](const auto& param) {
                           return std::string(param.index == 0 ? "Windows"
                                                               : "Excursions");
                         });

}  // namespace
}  // namespace tacho
