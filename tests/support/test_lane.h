#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "operators/registry.h"
#include "operators/vehicle_clock.h"
#include "pipeline/lane/stream_set.h"
#include "state/lane_state.h"
#include "state/memory_store.h"
#include "tests/support/batch_builder.h"

namespace tacho {

// A parameter as the job parser would hand it over.
ParamValue Param(std::string name, std::string text);
ParamValue Param(std::string name, Millis duration);
ParamValue Param(std::string name, std::vector<ParamValue> children);

struct TestOperator {
  std::string type;
  std::vector<ParamValue> params;
};

// A lane without Kafka: state over a memory store, a clock and streams. Can
// split its input, evict and restart wherever a test wants it to.
class TestLane {
 public:
  struct Options {
    size_t batch_size = 1000;
    size_t memory_bytes = size_t{64} << 20;
    bool commit_each_batch = false;   // Freeze, apply, evict.
    bool restart_each_batch = false;  // And reopen everything from the store.
    StreamSettings settings;
    TimeFormat time_format = TimeFormat::kEpochMillis;
  };
  using Streams = std::vector<std::vector<TestOperator>>;
  // Which stream, by its place, one reads, if not the records.
  using From = std::map<size_t, size_t>;

  TestLane(const SignalSchema& schema, Streams streams, Options options,
           From from = {});

  void Run(const std::vector<TestRecord>& records);
  void RunBatch(const std::vector<TestRecord>& records);
  // A batch that somebody else has filled; `cause` is its first message's.
  void RunDecoded(Batch& batch, uint64_t cause);
  void Advance(Timestamp partition_time);
  // Commits and drops everything but the store.
  void Restart();
  void Commit();
  // Drops everything but the store, without a commit; says what reopening it
  // has said.
  Status TryReopen();

  LaneState& state() { return *state_; }
  MemoryStore& store() { return store_; }

  // One line per output: sink, cause, key, value, headers.
  std::vector<std::string> Lines() const;
  // Values written to `sink`, in order.
  std::vector<std::string> Values(SinkId sink) const;

  static constexpr SinkId kLateSink = 1;
  static constexpr SinkId kFirstSink = 2;

  OutputBuffer out;
  LaneMetrics metrics;

 private:
  void EndOfBatch();
  void Reopen();
  void Drop();
  Status TryOpen();
  std::vector<std::unique_ptr<Operator>> Make(
      const std::vector<TestOperator>& stream,
      const SignalSchema& columns) const;

  BatchBuilder builder_;
  Streams streams_;
  From from_;
  Options options_;
  MemoryStore store_;
  OriginalWriter originals_{{"input", 3, "test"}};
  Marker marker_;
  Offset offset_ = 0;
  std::unique_ptr<Batch> batch_;
  std::unique_ptr<LaneState> state_;
  std::unique_ptr<VehicleClock> clock_;
  std::unique_ptr<StreamSet> set_;
};

}  // namespace tacho
