#include "pipeline/lane/stream_output.h"

#include <algorithm>
#include <utility>

#include "pipeline/base/check.h"

namespace tacho {

StreamOutput::StreamOutput(OutputOptions options, const RowSchema& schema,
                           LaneMetrics& metrics)
    : options_(std::move(options)),
      metrics_(metrics),
      encoder_(options_.encoding->make(WithUnits(schema, options_.units),
                                       options_.encode)) {
  target_.sink = options_.sink.value_or(0);
}

void StreamOutput::SetTarget(OutputBuffer* out, const Batch* records,
                             uint64_t first_cause,
                             std::vector<uint8_t>* late_rows) {
  target_.out = out;
  target_.records = records;
  target_.first_cause = first_cause;
  late_rows_ = late_rows;
}

// Late records go between the rows where they came up, so that the epoch's
// order does not depend on where a batch of rows ended.
void StreamOutput::Take(const Batch& rows, const std::vector<LateRecord>& late,
                        const uint8_t* selected) {
  const auto count = static_cast<size_t>(
      selected == nullptr
          ? static_cast<ptrdiff_t>(rows.records())
          : std::count(selected, selected + rows.records(), uint8_t{1}));
  metrics_.outputs.Add(count);
  for (DerivedInput* const reader : readers_) reader->Add(rows, selected);
  size_t done = 0;
  const auto encode_to = [&](size_t end) {
    if (options_.sink.has_value() && end > done) {
      encoder_->Encode(rows, {done, end, selected}, target_);
    }
    done = end;
  };
  for (const LateRecord& record : late) {
    encode_to(record.at);
    WriteLate(record);
  }
  encode_to(rows.records());
}

void StreamOutput::WriteLate(const LateRecord& late) {
  metrics_.late.Add(1);
  if (late_rows_ != nullptr) {
    (*late_rows_)[static_cast<size_t>(late.cause)] = 1;
  }
  if (!options_.late_sink.has_value()) return;
  options_.originals->Begin();
  options_.originals->Add("tacho.stream", options_.stream);
  AddMissed(late);
  if (read_ != nullptr) return WriteLateRow(late);
  DCHECK(target_.records != nullptr);
  const auto row = static_cast<size_t>(late.cause);
  const Batch& records = *target_.records;
  options_.originals->Write(*target_.out, *options_.late_sink,
                            target_.first_cause + row,
                            records.messages[records.message_index[row]]);
}

void StreamOutput::AddMissed(const LateRecord& late) {
  switch (late.missed) {
    case LateRecord::Missed::kWindow:
      options_.originals->Add("tacho.window_start", ToEpochMillis(late.from));
      options_.originals->Add("tacho.window_end", ToEpochMillis(late.to));
      break;
    case LateRecord::Missed::kLastSample:
      options_.originals->Add("tacho.last_sample", ToEpochMillis(late.from));
      break;
  }
}

// The message that the row would be, but for its position: that is its
// cause's.
void StreamOutput::WriteLateRow(const LateRecord& late) {
  options_.originals->Add("tacho.from", read_->options_.stream);
  RowTarget target = target_;
  target.out = &late_row_;
  late_row_.Clear();
  read_->encoder_->Encode(*rows_, {late.row, late.row + 1}, target);
  const OutputRecord& record = late_row_.records().front();
  Message message;
  message.log_time = record.log_time;
  message.key = late_row_.Key(record);
  message.value = late_row_.Value(record);
  if (late.cause != kNoCause) {
    const Batch& records = *target_.records;
    const auto row = static_cast<size_t>(late.cause);
    message.offset = records.messages[records.message_index[row]].offset;
  }
  options_.originals->Write(*target_.out, *options_.late_sink, record.cause,
                            message);
}

}  // namespace tacho
