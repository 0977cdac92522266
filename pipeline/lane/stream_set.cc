#include "pipeline/lane/stream_set.h"

#include <utility>

#include "pipeline/base/check.h"

namespace tacho {

void StreamSet::Add(std::unique_ptr<OperatorChain> chain, OutputOptions output,
                    std::optional<size_t> from) {
  CHECK(!from.has_value() || *from < streams_.size());
  Stream& stream = streams_.emplace_back();
  stream.chain = std::move(chain);
  stream.output = std::move(output);
  stream.from = from;
}

Status StreamSet::Open(const SignalSchema& schema, LaneState& state,
                       const VehicleClock& clock, LaneMetrics& metrics,
                       const StreamSettings& settings) {
  for (Stream& stream : streams_) {
    if (!stream.from.has_value()) {
      RETURN_IF_ERROR(stream.chain->Open(schema, state, clock, metrics,
                                         settings, std::move(stream.output)));
      continue;
    }
    const Stream& read = streams_[*stream.from];
    stream.held_back = read.held_back + read.chain->lateness();
    stream.input = std::make_unique<DerivedInput>(
        read.chain->OutputSchema(), stream.held_back, settings.vehicle_forget);
    stream.input->Open(state, stream.output.stream);
    RETURN_IF_ERROR(stream.chain->Open(ColumnsOf(read.chain->OutputSchema()),
                                       state, stream.input->clock(), metrics,
                                       settings, std::move(stream.output)));
    read.chain->AddReader(*stream.input, *stream.chain);
  }
  return Status::Ok();
}

Status StreamSet::Start(Timestamp partition_time) {
  for (Stream& stream : streams_) {
    if (stream.input != nullptr) stream.input->SetPartitionTime(partition_time);
    RETURN_IF_ERROR(stream.chain->Start());
  }
  return Status::Ok();
}

void StreamSet::BeginInputs(const Batch* records) {
  for (Stream& stream : streams_) {
    if (stream.input != nullptr) stream.input->Begin(records);
  }
}

Status StreamSet::Process(const Batch& batch, OutputBuffer& out,
                          uint64_t first_cause,
                          std::vector<uint8_t>* late_rows) {
  BeginInputs(&batch);
  for (Stream& stream : streams_) {
    if (stream.input == nullptr) {
      RETURN_IF_ERROR(
          stream.chain->Process(batch, out, first_cause, late_rows));
      continue;
    }
    stream.input->Finish();
    RETURN_IF_ERROR(stream.chain->ProcessRows(stream.input->rows(),
                                              stream.input->selection(), &batch,
                                              out, first_cause));
  }
  return Status::Ok();
}

// What a stream makes of the advance is read before the reader's own time
// moves.
Status StreamSet::Advance(Timestamp partition_time, OutputBuffer& out,
                          uint64_t cause) {
  BeginInputs(nullptr);
  for (Stream& stream : streams_) {
    if (stream.input == nullptr) {
      RETURN_IF_ERROR(stream.chain->Advance(partition_time, out, cause));
      continue;
    }
    stream.input->Finish();
    RETURN_IF_ERROR(stream.chain->ProcessRows(
        stream.input->rows(), stream.input->selection(), nullptr, out, cause));
    stream.input->SetPartitionTime(partition_time);
    RETURN_IF_ERROR(stream.chain->Advance(
        stream.input->HeldBack(partition_time), out, cause));
  }
  return Status::Ok();
}

void StreamSet::Close() {
  for (Stream& stream : streams_) stream.chain->Close();
}

}  // namespace tacho
