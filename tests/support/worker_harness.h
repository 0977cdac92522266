#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pipeline/job/job_parser.h"
#include "pipeline/job/worker.h"
#include "tests/support/fake_source.h"
#include "tests/support/fake_transaction.h"
#include "tests/support/memory_lane_stores.h"

namespace tacho {

// A job with one window stream and one excursion stream over topic "in".
// `extra` is appended at the top level.
std::string TestJobYaml(const std::string& extra = "");

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
  // All lanes, until the ends of the log.
  Status RunToEnd(bool close_at_end = false);

  // Values written to `sink`, in order, of one lane.
  std::vector<std::string> Written(int32_t partition, SinkId sink) const;
  std::vector<FakeOutput> AllWritten() const;

  FakeLog log;
  MemoryLaneStores::Disk disk;
  Job job;
  FakeSource* source = nullptr;            // Of the running worker.
  FakeTransaction* transaction = nullptr;  // Once it has started.
  std::unique_ptr<Worker> worker;
  // Called with each new transaction, before it is used.
  std::function<void(FakeTransaction&)> on_transaction;

 private:
  mutable std::mutex mutex_;
  std::vector<FakeOutput> written_;
  std::thread thread_;
  Status result_;
};

}  // namespace tacho
