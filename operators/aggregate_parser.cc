#include <algorithm>
#include <iterator>

#include "operators/aggregate.h"
#include "operators/suggestion.h"
#include "pipeline/base/units.h"

namespace tacho {

namespace {

// What a function takes, in the order of Function.
struct FunctionDef {
  std::string_view name;
  bool numbers_only;
};
constexpr FunctionDef kFunctions[] = {
    {"count", false}, {"sum", true},    {"min", true},   {"max", true},
    {"mean", true},   {"first", false}, {"last", false}, {"distance", true}};
enum Function : size_t {
  kCount,
  kSum,
  kMin,
  kMax,
  kMean,
  kFirst,
  kLast,
  kDistance
};

bool IsName(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '.' || (c >= '0' && c <= '9');
}

// `function(signal)` taken apart, with the offsets of both.
struct Call {
  std::string_view function;
  std::string_view signal;
  size_t function_at = 0;
  size_t signal_at = 0;
};

class CallParser {
 public:
  explicit CallParser(std::string_view text) : text_(text) {}

  bool Parse(Call& call) {
    call.function = Name(call.function_at);
    if (call.function.empty() || !Take('(')) return false;
    call.signal = Name(call.signal_at);
    if (!Take(')')) return false;
    SkipSpace();
    return at_ == text_.size();
  }

  size_t at() const { return at_; }

 private:
  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) {
      ++at_;
    }
  }

  bool Take(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::string_view Name(size_t& begin) {
    SkipSpace();
    begin = at_;
    while (at_ < text_.size() && IsName(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  std::string_view text_;
  size_t at_ = 0;
};

const FunctionDef* FindFunction(std::string_view name) {
  const auto* const found =
      std::find_if(std::begin(kFunctions), std::end(kFunctions),
                   [&](const FunctionDef& def) { return def.name == name; });
  return found == std::end(kFunctions) ? nullptr : found;
}

std::string UnknownFunction(std::string_view name) {
  std::vector<std::string_view> names;
  for (const FunctionDef& def : kFunctions) names.push_back(def.name);
  return "unknown function " + Quoted(name) + Suggest(name, names);
}

std::string UnknownSignal(std::string_view name, const SignalSchema& schema) {
  std::vector<std::string_view> names;
  for (size_t i = 0; i < schema.size(); ++i) names.push_back(schema[i].name);
  return "unknown signal " + Quoted(name) + Suggest(name, names);
}

// Why `function` does not take `signal`; "" if it does.
std::string TypeError(const FunctionDef& function, const Signal& signal) {
  const bool is_number =
      signal.type == SignalType::kDouble || signal.type == SignalType::kInt64;
  const std::string name(function.name);
  if (function.numbers_only && !is_number) {
    return name + " needs a number; " + Quoted(signal.name) + " is " +
           SignalTypeName(signal.type);
  }
  if (&function == &kFunctions[kDistance] &&
      signal.dimension != Dimension::kDistance &&
      signal.dimension != Dimension::kNone) {
    return name + " needs an odometer; " + Quoted(signal.name) + " is in " +
           std::string(CanonicalUnit(signal.dimension));
  }
  return "";
}

}  // namespace

std::optional<AggregateSet> AggregateSet::Compile(
    const ParamValue& aggregates, const SignalSchema& schema,
    std::vector<ParamError>& errors) {
  const size_t before = errors.size();
  if (aggregates.children.empty()) {
    errors.push_back(
        {aggregates.mark, 0, "no aggregates: write `name: function(signal)`"});
  }
  if (aggregates.children.size() > kMaxAggregates) {
    errors.push_back(
        {aggregates.mark, 0,
         "more than " + std::to_string(kMaxAggregates) + " aggregates"});
  }
  if (errors.size() != before) return std::nullopt;
  AggregateSet set;
  for (const ParamValue& param : aggregates.children) {
    set.CompileOne(param, schema, errors);
  }
  if (errors.size() != before) return std::nullopt;
  set.BoundMeans();
  return set;
}

void AggregateSet::CompileOne(const ParamValue& param,
                              const SignalSchema& schema,
                              std::vector<ParamError>& errors) {
  const auto fail = [&](size_t offset, std::string message) {
    errors.push_back({param.mark, offset, std::move(message)});
  };
  const auto taken = [&](const OutputField& field) {
    return field.name == param.name;
  };
  if (param.name == "vehicle_id" || param.name == "window_start" ||
      param.name == "window_end" ||
      std::any_of(fields_.begin(), fields_.end(), taken)) {
    return fail(0, "the name " + Quoted(param.name) + " is taken");
  }
  Call call;
  CallParser parser(param.text);
  if (!parser.Parse(call)) {
    return fail(parser.at(),
                "expected function(signal), such as mean(speed) or count()");
  }
  const FunctionDef* const function = FindFunction(call.function);
  if (function == nullptr) {
    return fail(call.function_at, UnknownFunction(call.function));
  }
  const auto ordinal = static_cast<size_t>(function - kFunctions);
  if (call.signal.empty()) {
    if (ordinal == kCount) return AddStep(param.name, ordinal, 0, nullptr);
    return fail(call.signal_at,
                std::string(function->name) + " needs a signal");
  }
  const std::optional<size_t> column = schema.Find(call.signal);
  if (!column.has_value()) {
    return fail(call.signal_at, UnknownSignal(call.signal, schema));
  }
  const std::string error = TypeError(*function, schema[*column]);
  if (!error.empty()) return fail(call.signal_at, error);
  AddStep(param.name, ordinal, *column, &schema[*column]);
}

void AggregateSet::AddStep(const std::string& name, size_t function,
                           size_t column, const Signal* signal) {
  Step step;
  step.cell = static_cast<uint32_t>(cells_);
  step.bit = uint64_t{1} << steps_.size();
  step.column = column;
  OutputField field{name, FieldType::kDouble, Dimension::kNone};
  field.nullable = function != kCount;
  size_t cells = 1;
  const SignalType type =
      signal == nullptr ? SignalType::kDouble : signal->type;
  const bool integer = type == SignalType::kInt64;
  if (signal != nullptr) field.dimension = signal->dimension;
  if (signal != nullptr) field.feed_unit = signal->feed_unit;
  field.relative = function == kSum || function == kDistance;
  switch (function) {
    case kCount:
      step.op = signal == nullptr ? Op::kCount : Op::kCountValid;
      field.type = FieldType::kInt64;
      field.dimension = Dimension::kNone;
      field.feed_unit = nullptr;
      break;
    case kSum:
      step.op = integer ? Op::kSumInteger : Op::kSum;
      if (integer) field.type = FieldType::kInt64;
      cells = 2;
      break;
    case kMin:
      step.op = integer ? Op::kMinInteger : Op::kMin;
      if (integer) field.type = FieldType::kInt64;
      break;
    case kMax:
      step.op = integer ? Op::kMaxInteger : Op::kMax;
      if (integer) field.type = FieldType::kInt64;
      break;
    case kMean:
      step.op = integer ? Op::kMeanInteger : Op::kMean;
      cells = 3;
      break;
    case kDistance:
      step.op = integer ? Op::kDistanceInteger : Op::kDistance;
      if (integer) field.type = FieldType::kInt64;
      AddDistance(step);
      break;
    default:
      SetPick(step, field, function == kFirst, type);
      cells = 2;
  }
  description_ += std::string(kFunctions[function].name) + "(";
  if (signal != nullptr) {
    description_ += signal->name + ":" + SignalTypeName(type) + ":" +
                    std::string(CanonicalUnit(signal->dimension));
  }
  description_ += ");";
  cells_ += cells;
  steps_.push_back(step);
  fields_.push_back(std::move(field));
}

// first or last: cell 0 is the event time, cell 1 the value.
void AggregateSet::SetPick(Step& step, OutputField& field, bool first,
                           SignalType type) {
  switch (type) {
    case SignalType::kDouble:
      step.op = first ? Op::kFirst : Op::kLast;
      break;
    case SignalType::kInt64:
      step.op = first ? Op::kFirstInteger : Op::kLastInteger;
      field.type = FieldType::kInt64;
      break;
    case SignalType::kBool:
      step.op = first ? Op::kFirstBool : Op::kLastBool;
      field.type = FieldType::kBool;
      break;
    case SignalType::kString:
      step.op = first ? Op::kFirstText : Op::kLastText;
      step.text = static_cast<uint32_t>(texts_++);
      field.type = FieldType::kText;
      break;
  }
}

void AggregateSet::AddDistance(const Step& step) {
  auto known = std::find(odometers_.begin(), odometers_.end(), step.column);
  if (known == odometers_.end()) {
    known = odometers_.insert(known, step.column);
  }
  const auto odometer = static_cast<size_t>(known - odometers_.begin());
  distances_.push_back({odometer, step.cell, step.bit});
}

void AggregateSet::BoundMeans() {
  for (Step& mean : steps_) {
    if (mean.op != Op::kMean) continue;
    for (const Step& other : steps_) {
      if (other.column != mean.column) continue;
      if (other.op == Op::kMin) mean.least_cell = other.cell;
      if (other.op == Op::kMax) mean.greatest_cell = other.cell;
    }
  }
}

}  // namespace tacho
