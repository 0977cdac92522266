#include "pipeline/job/result_schema.h"

#include <memory>
#include <utility>

#include "operators/registry.h"
#include "pipeline/job/stream_order.h"

namespace tacho {

std::optional<SignalSchema> InputOf(const Job& job,
                                    const StreamConfig& stream) {
  if (stream.from.empty()) return job.schema;
  const std::optional<size_t> read = FindStream(job, stream.from);
  if (!read.has_value()) return std::nullopt;
  const std::vector<RowSchema> rows = RowsOf(job, job.streams[*read]);
  if (rows.empty()) return std::nullopt;
  return ColumnsOf(rows.back());
}

std::vector<RowSchema> RowsOf(const Job& job, const StreamConfig& stream) {
  // Those of a stream in a circle have not been read.
  if (stream.operators.empty()) return {};
  const std::optional<SignalSchema> input = InputOf(job, stream);
  if (!input.has_value()) return {};
  std::vector<ParamError> errors;
  std::vector<RowSchema> schemas;
  for (const auto& made :
       MakeOperators(stream.operators, *input, job.time, errors)) {
    schemas.push_back(made->OutputSchema());
  }
  return schemas;
}

RowSchema ResultSchema(const Job& job, const StreamConfig& stream) {
  std::vector<RowSchema> schemas = RowsOf(job, stream);
  if (schemas.empty()) return {};
  return WithUnits(std::move(schemas.back()), stream.output.units);
}

}  // namespace tacho
