#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operators/row_schema.h"
#include "operators/row_writer.h"
#include "pipeline/base/ids.h"
#include "pipeline/base/metrics.h"
#include "pipeline/base/original.h"
#include "pipeline/encode/row_encoder.h"
#include "pipeline/lane/derived_input.h"

namespace tacho {

// Where a stream's rows go, and how they are written.
struct OutputOptions {
  std::optional<SinkId> sink;       // Nothing: counted, not written.
  std::optional<SinkId> late_sink;  // Nothing: `late: drop`.
  // What writes late records: the lane's. REQUIRES: there is one, and it
  // outlives the stream, if there is a late_sink.
  OriginalWriter* originals = nullptr;
  const RowEncoding* encoding = &RowEncodings().front();
  EncoderOptions encode;
  std::vector<const Unit*> units;  // As in WithUnits.
  std::string stream;              // For the headers of late records.
};

// The end of a stream: its rows become messages of its sink, and are given to
// the streams that read it; its late records go to the late output as they
// came, in the lane's epoch. A late row of another stream goes there as that
// stream's sink has it, with the position of the message that caused it.
//
// Threading: the lane's thread only.
class StreamOutput final : public RowSink {
 public:
  StreamOutput(OutputOptions options, const RowSchema& schema,
               LaneMetrics& metrics);

  // The epoch's buffer and the batch being processed; `first_cause` is the
  // lane's ordinal of the batch's row 0. records == nullptr: outside a batch.
  // Rows that are late are marked in `late_rows`, if there is one.
  void SetTarget(OutputBuffer* out, const Batch* records, uint64_t first_cause,
                 std::vector<uint8_t>* late_rows = nullptr);
  // The rows that are processed, of a stream that reads another.
  void SetRows(const Batch* rows) { rows_ = rows; }
  // What it reads: a row of it that is late is written as there.
  void SetRead(const StreamOutput& read) { read_ = &read; }
  // Gives `reader` the rows, too.
  void AddReader(DerivedInput& reader) { readers_.push_back(&reader); }

  void Take(const Batch& rows, const std::vector<LateRecord>& late,
            const uint8_t* selected) override;

 private:
  void WriteLate(const LateRecord& late);
  void AddMissed(const LateRecord& late);
  void WriteLateRow(const LateRecord& late);

  OutputOptions options_;
  LaneMetrics& metrics_;
  std::unique_ptr<RowEncoder> encoder_;
  RowTarget target_;
  std::vector<uint8_t>* late_rows_ = nullptr;
  const Batch* rows_ = nullptr;
  const StreamOutput* read_ = nullptr;
  std::vector<DerivedInput*> readers_;
  OutputBuffer late_row_;  // One, as its own sink would have it.
};

}  // namespace tacho
