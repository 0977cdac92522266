#include <algorithm>

#include "operators/aggregate_set.h"
#include "operators/aggregates/extreme.h"
#include "pipeline/base/suggestion.h"
#include "pipeline/base/units.h"

namespace tacho {

namespace {

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

std::string UnknownFunction(std::string_view name) {
  std::vector<std::string_view> names;
  for (const AggregateFunction& f : AggregateFunctions()) {
    names.push_back(f.name);
  }
  return "unknown function " + Quoted(name) + Suggest(name, names, '"');
}

std::string UnknownSignal(std::string_view name, const SignalSchema& schema) {
  std::vector<std::string_view> names;
  for (size_t i = 0; i < schema.size(); ++i) names.push_back(schema[i].name);
  return "unknown signal " + Quoted(name) + Suggest(name, names, '"');
}

// Why `function` does not take `signal`; "" if it does.
std::string WhyNot(const AggregateFunction& function, const Signal& signal) {
  if (function.of(&signal.type) == nullptr) {
    return std::string(function.name) + " needs a number; " +
           Quoted(signal.name) + " is " + SignalTypeName(signal.type);
  }
  return function.refuse == nullptr ? "" : function.refuse(signal);
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
  set.FindExtremes();
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
  const AggregateFunction* const function =
      FindAggregateFunction(call.function);
  if (function == nullptr) {
    return fail(call.function_at, UnknownFunction(call.function));
  }
  if (call.signal.empty()) {
    const AggregateKind* const kind = function->of(nullptr);
    if (kind != nullptr) {
      return Append(param.name, *function, *kind, schema.size(), nullptr);
    }
    return fail(call.signal_at,
                std::string(function->name) + " needs a signal");
  }
  const std::optional<size_t> column = schema.Find(call.signal);
  if (!column.has_value()) {
    return fail(call.signal_at, UnknownSignal(call.signal, schema));
  }
  const Signal& signal = schema[*column];
  const std::string refusal = WhyNot(*function, signal);
  if (!refusal.empty()) return fail(call.signal_at, refusal);
  Append(param.name, *function, *function->of(&signal.type), *column, &signal);
}

void AggregateSet::Append(const std::string& name,
                          const AggregateFunction& function,
                          const AggregateKind& kind, size_t column,
                          const Signal* signal) {
  Aggregate aggregate;
  aggregate.function = &function;
  aggregate.kind = &kind;
  aggregate.cell = cells_;
  aggregate.text = texts_;
  aggregate.bit = uint64_t{1} << aggregates_.size();
  aggregate.column = column;
  OutputField field{name, kind.result, Dimension::kNone};
  field.nullable = !kind.counts;
  if (function.result != AggregateFunction::Result::kNumber) {
    field.dimension = signal->dimension;
    field.feed_unit = signal->feed_unit;
    field.relative =
        function.result == AggregateFunction::Result::kDifference ||
        signal->relative;
  }
  description_ += std::string(function.name) + "(";
  if (signal != nullptr) {
    description_ += signal->name + ":" + SignalTypeName(signal->type) + ":" +
                    std::string(CanonicalUnit(signal->dimension));
  }
  description_ += ");";
  cells_ += kind.cells;
  if (kind.keeps_text) ++texts_;
  if (function.of_steps) AppendDistance(aggregate);
  aggregates_.push_back(aggregate);
  fields_.push_back(std::move(field));
}

void AggregateSet::AppendDistance(const Aggregate& aggregate) {
  auto known =
      std::find(odometers_.begin(), odometers_.end(), aggregate.column);
  if (known == odometers_.end()) {
    known = odometers_.insert(known, aggregate.column);
  }
  const auto odometer = static_cast<size_t>(known - odometers_.begin());
  distances_.push_back({odometer, aggregate.cell, aggregate.bit});
}

void AggregateSet::FindExtremes() {
  for (Aggregate& aggregate : aggregates_) {
    for (const Aggregate& other : aggregates_) {
      if (other.column != aggregate.column) continue;
      if (other.kind == LeastDouble()) aggregate.least_cell = other.cell;
      if (other.kind == GreatestDouble()) aggregate.greatest_cell = other.cell;
    }
  }
}

}  // namespace tacho
