#include "pipeline/job/print/output_schema.h"

#include <string_view>

#include "pipeline/base/units.h"
#include "pipeline/job/print/json_text.h"
#include "pipeline/job/result_schema.h"

namespace tacho {
namespace {

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

void WriteField(const OutputField& field, TimeFormat time_format,
                JsonText& json) {
  json.OpenObject();
  json.Field("name", field.name);
  json.Field("type", TypeName(field, time_format));
  if (field.dimension != Dimension::kNone) {
    json.Field("unit", field.unit == nullptr ? CanonicalUnit(field.dimension)
                                             : field.unit->name);
  }
  json.RawField("nullable", field.nullable ? "true" : "false");
  json.CloseObject();
}

}  // namespace

std::string OutputSchemaJson(const Job& job) {
  JsonText json;
  json.OpenObject();
  for (const StreamConfig& stream : job.streams) {
    json.Key(stream.name);
    json.OpenObject();
    json.Field("topic", stream.output.topic);
    json.Field("encoding", stream.output.encoding->name);
    json.Key("fields");
    json.OpenArray();
    for (const OutputField& field : ResultSchema(job, stream)) {
      WriteField(field, stream.output.time_format, json);
    }
    json.CloseArray();
    json.CloseObject();
  }
  json.CloseObject();
  return json.text() + "\n";
}

}  // namespace tacho
