#include "tests/support/test_lane.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "pipeline/base/check.h"

namespace tacho {

ParamValue Param(std::string name, std::string text) {
  ParamValue value;
  value.name = std::move(name);
  value.text = std::move(text);
  return value;
}

ParamValue Param(std::string name, Millis duration) {
  ParamValue value;
  value.name = std::move(name);
  value.duration = duration;
  return value;
}

ParamValue Param(std::string name, std::vector<ParamValue> children) {
  ParamValue value;
  value.name = std::move(name);
  value.children = std::move(children);
  return value;
}

TestLane::TestLane(const SignalSchema& schema, Streams streams, Options options,
                   From from)
    : builder_(schema),
      streams_(std::move(streams)),
      from_(std::move(from)),
      options_(options) {
  CHECK(TryOpen().ok());
}

void TestLane::Run(const std::vector<TestRecord>& records) {
  for (size_t begin = 0; begin < records.size(); begin += options_.batch_size) {
    const size_t end = std::min(records.size(), begin + options_.batch_size);
    RunBatch({records.begin() + static_cast<ptrdiff_t>(begin),
              records.begin() + static_cast<ptrdiff_t>(end)});
  }
}

void TestLane::RunBatch(const std::vector<TestRecord>& records) {
  batch_->Clear();
  for (const TestRecord& record : records) {
    builder_.Add(*batch_, record, offset_++);
  }
  RunDecoded(*batch_, static_cast<uint64_t>(offset_) - records.size());
}

void TestLane::RunDecoded(Batch& batch, uint64_t cause) {
  CHECK(state_->InternBatch(batch).ok());
  clock_->Observe(batch);
  CHECK(set_->Process(batch, out, cause).ok());
  EndOfBatch();
}

void TestLane::Advance(Timestamp partition_time) {
  CHECK(
      set_->Advance(partition_time, out, static_cast<uint64_t>(offset_)).ok());
  if (partition_time != kEndOfTime) {
    clock_->SetPartitionTime(
        std::max(clock_->partition_time(), partition_time));
  }
  EndOfBatch();
}

void TestLane::EndOfBatch() {
  if (options_.commit_each_batch || options_.restart_each_batch) Commit();
  if (options_.restart_each_batch) Reopen();
}

void TestLane::Restart() {
  Commit();
  Reopen();
}

void TestLane::Commit() {
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

Status TestLane::TryReopen() {
  Drop();
  return TryOpen();
}

std::vector<std::string> TestLane::Lines() const {
  std::vector<std::string> lines;
  for (const OutputRecord& r : out.records()) {
    std::string line = std::to_string(r.sink) + " " + std::to_string(r.cause) +
                       " " + std::to_string(ToEpochMillis(r.log_time)) + " ";
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

std::vector<std::string> TestLane::Values(SinkId sink) const {
  std::vector<std::string> values;
  for (const OutputRecord& r : out.records()) {
    if (r.sink == sink) values.emplace_back(out.Value(r));
  }
  return values;
}

void TestLane::Reopen() {
  Drop();
  CHECK(TryOpen().ok());
}

void TestLane::Drop() {
  set_->Close();
  set_.reset();
  clock_.reset();
  state_.reset();
  CHECK(store_.Close().ok());
}

Status TestLane::TryOpen() {
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

std::vector<std::unique_ptr<Operator>> TestLane::Make(
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

}  // namespace tacho
