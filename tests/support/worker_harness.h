#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pipeline/job/job_parser.h"
#include "pipeline/worker/worker.h"
#include "tests/support/fake_at_least_once.h"
#include "tests/support/fake_changelog.h"
#include "tests/support/fake_exactly_once.h"
#include "tests/support/fake_group_member.h"
#include "tests/support/fake_partition_log.h"
#include "tests/support/memory_lane_stores.h"

namespace tacho {

// A job with one window stream and one excursion stream over topic "in".
// `extra` is appended at the top level.
std::string TestJobYaml(const std::string& extra = "");
// The same under guarantee: exactly_once.
std::string ExactlyOnceYaml(const std::string& extra = "");

// One message of the test job, as JSON.
std::string TestMessage(const std::string& vehicle, int64_t ts_ms,
                        double speed);

// Spins until `done` or ten seconds have passed.
bool WaitUntil(const std::function<bool()>& done);

// A cluster in memory, and the workers that come and go on it: log, group
// offsets, outputs and disk outlive each worker.
class WorkerHarness {
 public:
  explicit WorkerHarness(int32_t partitions = 2,
                         const std::string& job_yaml = TestJobYaml());
  ~WorkerHarness() { (void)Stop().ok(); }

  TopicPartition Lane(int32_t partition) const { return {"in", partition}; }
  std::vector<TopicPartition> AllLanes() const;

  // Starts a worker; it is given `lanes` as soon as it has joined.
  void Start(std::vector<TopicPartition> lanes, WorkerOptions options = {});
  // Asks the worker to stop and returns what Run returned.
  Status Stop();
  // Waits for Run to end by itself.
  Status Join();
  // As kill -9 would: what is not in Kafka or on the disk is gone. Stops the
  // worker without a last epoch.
  void Crash();
  // All lanes, until the ends of the log.
  Status RunToEnd(bool close_at_end = false);

  // Values written to `sink`, in order, of one lane.
  std::vector<std::string> Written(int32_t partition, SinkId sink) const;
  std::vector<FakeOutput> AllWritten() const;

  FakeLog log;
  const Clock* clock = &SystemClock();  // Of workers to come.
  MemoryLaneStores::Disk disk;
  MemoryLaneStores::Siblings siblings;
  MemoryLaneStores::Faults store_faults;
  Job job;
  FakeGroupMember* member = nullptr;          // Of the running worker.
  FakePartitionLog* partition_log = nullptr;  // As `member`.
  // At least once, once it has started.
  std::atomic<FakeAtLeastOnce*> at_least_once{nullptr};
  FakeChangelogCluster changelogs;  // Exactly once.
  // The same exactly once.
  std::atomic<FakeExactlyOnce*> exactly_once{nullptr};
  std::unique_ptr<Worker> worker;
  // Called with each new writer, before it is used.
  std::function<void(FakeAtLeastOnce&)> on_at_least_once;
  std::function<void(FakeExactlyOnce&)> on_exactly_once;

 private:
  Result<std::unique_ptr<EpochWriter>> MakeWriter(GroupMember& joined);

  mutable std::mutex mutex_;
  std::vector<FakeOutput> written_;
  std::thread thread_;
  Status result_;
};

}  // namespace tacho
