#include "pipeline/job/print/output_schema.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "pipeline/base/units.h"
#include "pipeline/job/result_schema.h"

namespace tacho {
namespace {

// Keeps its keys in the order in which they came.
using Json = nlohmann::ordered_json;

// As results are written: a number in another unit is a double.
std::string_view TypeName(const OutputField& field, TimeFormat time_format) {
  switch (field.type) {
    case FieldType::kText:
      return "text";
    case FieldType::kInt64:
      return field.unit == nullptr ? "int64" : "double";
    case FieldType::kBool:
      return "bool";
    case FieldType::kTime:
      return time_format == TimeFormat::kIso8601 ? "iso8601" : "epoch_ms";
    case FieldType::kDouble:
      break;
  }
  return "double";
}

Json Field(const OutputField& field, TimeFormat time_format) {
  Json json = {{"name", field.name}, {"type", TypeName(field, time_format)}};
  if (field.dimension != Dimension::kNone) {
    json["unit"] = field.unit == nullptr ? CanonicalUnit(field.dimension)
                                         : field.unit->name;
  }
  json["nullable"] = field.nullable;
  return json;
}

}  // namespace

std::string OutputSchemaJson(const Job& job) {
  Json streams = Json::object();
  for (const StreamConfig& stream : job.streams) {
    Json fields = Json::array();
    for (const OutputField& field : ResultSchema(job, stream)) {
      fields.push_back(Field(field, stream.output.time_format));
    }
    streams[stream.name] = {{"topic", stream.output.topic},
                            {"encoding", stream.output.encoding->name},
                            {"fields", std::move(fields)}};
  }
  return streams.dump(2) + "\n";
}

}  // namespace tacho
