#include "operators/project.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "operators/params.h"
#include "operators/record_fields.h"
#include "pipeline/base/suggestion.h"

namespace tacho {
namespace {

constexpr size_t kMaxFields = 256;

// Cells of rows that are none of the batch's are not touched.
void CopyCells(const Column& from, const RowRange& range, Column& to) {
  const auto copy = [&](const auto& source, auto& target) {
    std::copy_n(source.begin() + static_cast<ptrdiff_t>(range.begin),
                range.end - range.begin,
                target.begin() + static_cast<ptrdiff_t>(range.begin));
  };
  copy(from.state, to.state);
  switch (from.type) {
    case SignalType::kDouble:
      copy(from.doubles, to.doubles);
      break;
    case SignalType::kInt64:
      copy(from.ints, to.ints);
      break;
    case SignalType::kBool:
      copy(from.bools, to.bools);
      break;
    case SignalType::kString:
      copy(from.strings, to.strings);
      break;
  }
}

// A number if it is one, else a condition.
bool CompileExpression(const ParamValue& param, const SignalSchema& schema,
                       Project::Field& field, std::vector<ParamError>& errors) {
  ExpressionError no_number;
  field.quantity = Quantity::Compile(param.text, schema, no_number);
  if (field.quantity.has_value()) {
    field.output.dimension = field.quantity->dimension();
    field.output.relative = true;
    return true;
  }
  ExpressionError no_condition;
  field.condition = Condition::Compile(param.text, schema, no_condition);
  if (field.condition.has_value()) {
    field.output.type = FieldType::kBool;
    return true;
  }
  errors.push_back(
      {param.mark, no_number.offset, std::move(no_number.message)});
  return false;
}

std::optional<Project::Field> MakeField(const ParamValue& param,
                                        const SignalSchema& schema,
                                        std::vector<ParamError>& errors) {
  Project::Field field;
  field.column = schema.Find(param.text);
  if (field.column.has_value()) {
    field.output = FieldOf(schema[*field.column]);
  } else if (!CompileExpression(param, schema, field, errors)) {
    return std::nullopt;
  }
  field.output.name = param.name;
  field.output.nullable = true;
  return field;
}

std::unique_ptr<Operator> Make(const OperatorParams& params,
                               const SignalSchema& schema,
                               const StreamSettings&,
                               std::vector<ParamError>& errors) {
  const size_t before = errors.size();
  const ParamValue* const given = RequireParam(params, "fields", errors);
  if (given == nullptr) return nullptr;
  if (given->children.size() > kMaxFields) {
    errors.push_back({given->mark, 0,
                      "more than " + std::to_string(kMaxFields) + " fields"});
    return nullptr;
  }
  std::vector<Project::Field> fields;
  for (const ParamValue& param : given->children) {
    if (param.name == "vehicle_id" || param.name == "time") {
      errors.push_back(
          {param.mark, 0, "the name " + Quoted(param.name) + " is taken"});
      continue;
    }
    auto field = MakeField(param, schema, errors);
    if (field.has_value()) fields.push_back(*std::move(field));
  }
  if (errors.size() != before) return nullptr;
  return std::make_unique<Project>(std::move(fields));
}

}  // namespace

Status Project::Process(const Batch& batch, RowRange& range, Selection&,
                        RowWriter& rows) {
  Batch& out = rows.Align();
  FillRecordFields(batch, range, out);
  for (size_t i = 0; i < fields_.size(); ++i) {
    Field& field = fields_[i];
    Column& to = out.columns[kRecordFields + i];
    if (field.column.has_value()) {
      CopyCells(batch.columns[*field.column], range, to);
    } else if (field.quantity.has_value()) {
      FillQuantity(batch, range, *field.quantity, to);
    } else {
      FillCondition(batch, range, *field.condition, to);
    }
  }
  return Status::Ok();
}

void Project::FillQuantity(const Batch& batch, const RowRange& range,
                           Quantity& quantity, Column& to) {
  quantity.Evaluate(batch, range, values_, known_);
  for (size_t row = range.begin; row < range.end; ++row) {
    to.doubles[row] = values_[row];
    to.state[row] = known_[row] != 0 ? CellState::kValid : CellState::kNull;
  }
}

void Project::FillCondition(const Batch& batch, const RowRange& range,
                            Condition& condition, Column& to) {
  condition.Evaluate(batch, range, truths_);
  for (size_t row = range.begin; row < range.end; ++row) {
    to.bools[row] = truths_[row] == Truth::kTrue ? 1 : 0;
    to.state[row] =
        truths_[row] == Truth::kUnknown ? CellState::kNull : CellState::kValid;
  }
}

RowSchema Project::OutputSchema() const {
  RowSchema schema = RecordFields();
  for (const Field& field : fields_) schema.push_back(field.output);
  return schema;
}

OperatorType ProjectType() {
  return {"project",
          "Makes a row of every record, of signals under other names and of "
          "what expressions make of them. Fields: vehicle_id, time, then those "
          "given.",
          "",
          RowKind::kPerRecord,
          {{"fields", ParamKind::kExpressions, true, "",
            "Output name: a signal, which keeps its type, or an expression: a "
            "number in its canonical unit, or a condition."}},
          Make};
}

}  // namespace tacho
