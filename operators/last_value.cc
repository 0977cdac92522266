#include "operators/last_value.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "operators/fingerprint.h"
#include "operators/params.h"
#include "operators/record_fields.h"
#include "pipeline/base/suggestion.h"

namespace tacho {
namespace {

constexpr std::string_view kAgeSuffix = "_age_ms";

bool IsTaken(const std::vector<Signal>& signals, std::string_view name) {
  if (name == "vehicle_id" || name == "time") return true;
  return std::any_of(signals.begin(), signals.end(), [&](const Signal& signal) {
    return name == signal.name ||
           name == signal.name + std::string(kAgeSuffix) ||
           signal.name == std::string(name) + std::string(kAgeSuffix);
  });
}

// The signals that are named, each once.
std::vector<Signal> FindSignals(const ParamValue& names,
                                const SignalSchema& schema,
                                std::vector<ParamError>& errors) {
  std::vector<std::string_view> known;
  for (size_t i = 0; i < schema.size(); ++i) known.push_back(schema[i].name);
  std::vector<Signal> signals;
  for (const ParamValue& name : names.children) {
    const std::optional<size_t> column = schema.Find(name.text);
    if (!column.has_value()) {
      errors.push_back({name.mark, 0,
                        "unknown signal " + Quoted(name.text) +
                            Suggest(name.text, known, '"')});
    } else if (IsTaken(signals, name.text)) {
      errors.push_back(
          {name.mark, 0, "the name " + Quoted(name.text) + " is taken"});
    } else {
      signals.push_back(schema[*column]);
    }
  }
  return signals;
}

std::unique_ptr<Operator> Make(const OperatorParams& params,
                               const SignalSchema& schema,
                               const StreamSettings&,
                               std::vector<ParamError>& errors) {
  const size_t before = errors.size();
  const ParamValue* const names = RequireParam(params, "signals", errors);
  if (names == nullptr) return nullptr;
  if (names->children.size() > kMaxAggregates) {
    errors.push_back(
        {names->mark, 0,
         "more than " + std::to_string(kMaxAggregates) + " signals"});
    return nullptr;
  }
  std::vector<Signal> signals = FindSignals(*names, schema, errors);
  if (errors.size() != before) return nullptr;
  // What `last` of each would keep in a window without an end.
  ParamValue lasts;
  lasts.mark = names->mark;
  for (const Signal& signal : signals) {
    ParamValue& last = lasts.children.emplace_back();
    last.name = signal.name;
    last.text = "last(" + signal.name + ")";
    last.mark = names->mark;
  }
  auto newest = AggregateSet::Compile(lasts, schema, errors);
  if (!newest.has_value()) return nullptr;
  return std::make_unique<LastValue>(*std::move(newest), std::move(signals));
}

}  // namespace

Status LastValue::Open(OperatorContext& context) {
  TableSpec spec;
  spec.name = context.table_prefix + "values";
  spec.fingerprint = Fingerprint("last_value/1;" + newest_.description());
  spec.heap_bytes = newest_.heap_bytes();
  values_ = context.state.Declare<Accumulators>(
      std::move(spec), [this](int64_t subkey, const Accumulators& values) {
        if (subkey != 0) return "a subkey that is not 0";
        return newest_.Check(values, kNoTime + Millis(1), kEndOfTime);
      });
  return Status::Ok();
}

Status LastValue::OnForget(VehicleIndex vehicle, RowWriter&) {
  values_->Erase(vehicle);
  return Status::Ok();
}

Status LastValue::Process(const Batch& batch, RowRange& range,
                          Selection& selection, RowWriter& rows) {
  Batch& out = rows.Align();
  FillRecordFields(batch, range, out);
  newest_.Bind(batch);
  rows_.clear();
  for (size_t& row = range.row; row < range.end; ++row) {
    if (selection[row] == 0) continue;
    bool created;
    Accumulators& values = values_->Mutate(batch.vehicle[row], 0, &created);
    if (created) newest_.Init(values);
    rows_.push_back({row, &values});
    if (rows_.size() == kAggregateRows) FillRows(batch, out);
  }
  FillRows(batch, out);
  return Status::Ok();
}

void LastValue::FillRows(const Batch& batch, Batch& out) {
  for (size_t i = 0; i < signals_.size(); ++i) {
    const size_t field = kRecordFields + 2 * i;
    newest_.Follow(i, rows_, field, out);
    Column& age = out.columns[field + 1];  // The value's time, until here.
    for (const auto& [row, values] : rows_) {
      if (age.state[row] != CellState::kValid) continue;
      age.ints[row] = ToEpochMillis(batch.vehicle_time[row]) - age.ints[row];
    }
  }
  rows_.clear();
}

RowSchema LastValue::OutputSchema() const {
  RowSchema schema = RecordFields();
  for (const Signal& signal : signals_) {
    OutputField value = FieldOf(signal);
    value.nullable = true;
    schema.push_back(std::move(value));
    schema.push_back({signal.name + std::string(kAgeSuffix),
                      FieldType::kInt64,
                      Dimension::kNone,
                      {},
                      true});
  }
  return schema;
}

OperatorType LastValueType() {
  return {"last_value",
          "Makes a row of every record: the newest valid value of each named "
          "signal of its vehicle. Fields: vehicle_id, time, then each signal "
          "and its age, SIGNAL_age_ms, to the vehicle's newest record.",
          "signals",
          RowKind::kPerRecord,
          {{"signals", ParamKind::kNames, true, "",
            "List of signals; what has had no value yet is null."}},
          Make};
}

}  // namespace tacho
