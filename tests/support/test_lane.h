#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operators/registry.h"
#include "operators/vehicle_clock.h"
#include "pipeline/base/check.h"
#include "pipeline/lane/stream_set.h"
#include "state/lane_state.h"
#include "state/memory_store.h"
#include "tests/support/batch_builder.h"

namespace tacho {

// A parameter as the job parser would hand it over.
inline ParamValue Param(std::string name, std::string text) {
  ParamValue value;
  value.name = std::move(name);
  value.text = std::move(text);
  return value;
}
inline ParamValue Param(std::string name, Millis duration) {
  ParamValue value;
  value.name = std::move(name);
  value.duration = duration;
  return value;
}
inline ParamValue Param(std::string name, std::vector<ParamValue> children) {
  ParamValue value;
  value.name = std::move(name);
  value.children = std::move(children);
  return value;
}

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
           From from = {})
      : builder_(schema),
        streams_(std::move(streams)),
        from_(std::move(from)),
        options_(options) {
    Open();
  }

  void Run(const std::vector<TestRecord>& records) {
    for (size_t begin = 0; begin < records.size();
         begin += options_.batch_size) {
      const size_t end = std::min(records.size(), begin + options_.batch_size);
      RunBatch({records.begin() + static_cast<ptrdiff_t>(begin),
                records.begin() + static_cast<ptrdiff_t>(end)});
    }
  }

  void RunBatch(const std::vector<TestRecord>& records) {
    batch_->Clear();
    for (const TestRecord& record : records) {
      builder_.Add(*batch_, record, offset_++);
    }
    RunDecoded(*batch_, static_cast<uint64_t>(offset_) - records.size());
  }

  // A batch that somebody else has filled; `cause` is its first message's.
  void RunDecoded(Batch& batch, uint64_t cause) {
    CHECK(state_->InternBatch(batch).ok());
    clock_->Observe(batch);
    CHECK(set_->Process(batch, out, cause).ok());
    if (options_.commit_each_batch || options_.restart_each_batch) Commit();
    if (options_.restart_each_batch) Reopen();
  }

  void Advance(Timestamp partition_time) {
    CHECK(set_->Advance(partition_time, out, static_cast<uint64_t>(offset_))
              .ok());
    if (partition_time != kEndOfTime) {
      clock_->SetPartitionTime(
          std::max(clock_->partition_time(), partition_time));
    }
    if (options_.commit_each_batch || options_.restart_each_batch) Commit();
    if (options_.restart_each_batch) Reopen();
  }

  // Commits and drops everything but the store.
  void Restart() {
    Commit();
    Reopen();
  }

  void Commit() {
    StateChanges changes;
    state_->Freeze(changes);
    marker_.partition_time = clock_->partition_time();
    marker_.next_offset = offset_;
    marker_.epoch += 1;
    marker_.lane.tables = state_->Fingerprints();
    CHECK(store_.Apply(changes, marker_).ok());
    state_->Applied();
    (void)state_->EvictIfOver();
  }

  LaneState& state() { return *state_; }
  MemoryStore& store() { return store_; }

  // Drops everything but the store, without a commit; says what reopening it
  // has said.
  Status TryReopen() {
    Drop();
    return TryOpen();
  }

  // One line per output: sink, cause, key, value, headers.
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    for (const OutputRecord& r : out.records()) {
      std::string line = std::to_string(r.sink) + " " +
                         std::to_string(r.cause) + " " +
                         std::to_string(ToEpochMillis(r.log_time)) + " ";
      line.append(out.Key(r)).append(" ").append(out.Value(r));
      std::string_view headers = out.Headers(r);
      std::string_view name;
      std::string_view value;
      while (NextHeader(headers, name, value)) {
        line.append(" ").append(name).append("=").append(value);
      }
      lines.push_back(std::move(line));
    }
    return lines;
  }

  // Values written to `sink`, in order.
  std::vector<std::string> Values(SinkId sink) const {
    std::vector<std::string> values;
    for (const OutputRecord& r : out.records()) {
      if (r.sink == sink) values.emplace_back(out.Value(r));
    }
    return values;
  }

  static constexpr SinkId kLateSink = 1;
  static constexpr SinkId kFirstSink = 2;

  OutputBuffer out;
  LaneMetrics metrics;

 private:
  void Reopen() {
    Drop();
    Open();
  }

  void Drop() {
    set_->Close();
    set_.reset();
    clock_.reset();
    state_.reset();
    CHECK(store_.Close().ok());
  }

  void Open() { CHECK(TryOpen().ok()); }

  Status TryOpen() {
    batch_ = std::make_unique<Batch>(builder_.schema());
    state_ = std::make_unique<LaneState>(store_, options_.memory_bytes);
    clock_ = std::make_unique<VehicleClock>(options_.settings.vehicle_forget);
    clock_->Open(*state_);
    set_ = std::make_unique<StreamSet>();
    std::vector<SignalSchema> made;
    for (size_t i = 0; i < streams_.size(); ++i) {
      const auto from = from_.find(i);
      const bool reads = from != from_.end();
      auto operators =
          Make(streams_[i], reads ? made.at(from->second) : builder_.schema());
      made.push_back(ColumnsOf(operators.back()->OutputSchema()));
      OutputOptions output;
      output.sink = kFirstSink + static_cast<SinkId>(i);
      output.late_sink = kLateSink;
      output.encode.time_format = options_.time_format;
      output.stream = "s" + std::to_string(i);
      output.originals = &originals_;
      set_->Add(std::make_unique<OperatorChain>(std::move(operators)), output,
                reads ? std::optional(from->second) : std::nullopt);
    }
    CHECK(set_->Open(builder_.schema(), *state_, *clock_, metrics,
                     options_.settings)
              .ok());
    const bool stored = marker_.epoch > 0;
    RETURN_IF_ERROR(state_->Load(stored ? std::optional<Marker>(marker_)
                                        : std::optional<Marker>()));
    if (stored) clock_->SetPartitionTime(marker_.partition_time);
    RETURN_IF_ERROR(set_->Start(clock_->partition_time()));
    state_->ReleaseLoaded();
    return Status::Ok();
  }

  std::vector<std::unique_ptr<Operator>> Make(
      const std::vector<TestOperator>& stream,
      const SignalSchema& columns) const {
    std::vector<OperatorConfig> configs;
    for (const TestOperator& step : stream) {
      OperatorParams params;
      params.values = step.params;
      const OperatorType* const type = FindOperatorType(step.type);
      CHECK(type != nullptr);
      FillDefaults(type->params, -1, params.values);
      configs.push_back({type, std::move(params)});
    }
    std::vector<ParamError> errors;
    auto operators = MakeOperators(configs, columns, options_.settings, errors);
    CHECK(!operators.empty());
    return operators;
  }

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
