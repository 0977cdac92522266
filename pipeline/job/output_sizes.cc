#include "pipeline/job/output_sizes.h"

#include <algorithm>
#include <vector>

#include "pipeline/base/original.h"
#include "pipeline/job/result_schema.h"

namespace tacho {
namespace {

// A state value but for its texts, and what stands before one.
constexpr size_t kFixedStateBytes = 8192;
constexpr size_t kTextSizeBytes = 10;
// A state's key but for the vehicle's id: table, end of id, subkey.
constexpr size_t kStateKeyBytes = 32;

}  // namespace

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

}  // namespace tacho
