#include "pipeline/job/output_limits.h"

#include <algorithm>

#include "pipeline/base/original.h"
#include "pipeline/job/result_schema.h"

namespace tacho {
namespace {

// librdkafka's own batch.size.
constexpr size_t kBatchBytes = 1000000;
// A state value but for its texts, and what stands before one.
constexpr size_t kFixedStateBytes = 8192;
constexpr size_t kTextSizeBytes = 10;
// A state's key but for the vehicle's id: table, end of id, subkey.
constexpr size_t kStateKeyBytes = 32;

}  // namespace

std::vector<JobOutput> OutputsOf(const Job& job) {
  std::vector<JobOutput> outputs;
  const auto add = [&](const SideOutputConfig& side, const char* what) {
    if (side.action != OnReject::kTopic) return;
    outputs.push_back({side.topic, what, job.reject_bytes,
                       "limits.reject_bytes", side.create_partitions});
  };
  add(job.rejects, "a reject");
  if (outputs.empty() || job.late.topic != job.rejects.topic) {
    add(job.late, "a late record");
  } else {
    int32_t& partitions = outputs.front().create_partitions;
    partitions = std::max(partitions, job.late.create_partitions);
  }
  for (const StreamConfig& stream : job.streams) {
    outputs.push_back({stream.output.topic, "a result of stream " + stream.name,
                       MaxResultBytes(job, stream), "limits.string_bytes",
                       stream.output.create_partitions});
  }
  return outputs;
}

size_t MaxResultBytes(const Job& job, const StreamConfig& stream) {
  const DecodeLimits& limits = job.decode.limits;
  const RowSchema fields = ResultSchema(job, stream);
  return kMessageFraming + limits.vehicle_id_bytes +
         stream.output.encoding->max_bytes(
             fields, {limits.string_bytes, limits.vehicle_id_bytes});
}

size_t MaxStateBytes(const Job& job) {
  size_t texts = 0;
  for (const StreamConfig& stream : job.streams) {
    // What an operator remembers of a text is what it may emit.
    for (const RowSchema& fields : RowsOf(job, stream)) {
      const auto count = std::count_if(
          fields.begin(), fields.end(), [](const OutputField& field) {
            return field.type == FieldType::kText && field.text.is_signal();
          });
      texts = std::max(texts, static_cast<size_t>(count));
    }
  }
  // An id's zero bytes are doubled in the key; JSON takes six for each.
  return kMessageFraming + kStateKeyBytes + job.decode.limits.vehicle_id_bytes +
         kFixedStateBytes +
         texts * (kTextSizeBytes + job.decode.limits.string_bytes);
}

size_t OutputLimits::batch_bytes() const {
  size_t least = kBatchBytes;
  for (const auto& [topic, bytes] : message_bytes) {
    least = std::min(least, bytes);
  }
  return least;
}

}  // namespace tacho
