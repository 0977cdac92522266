#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operators/excursion.h"
#include "operators/params.h"

namespace tacho {

namespace {

// `peak`, or what `when` watches. What is watched has been compiled before, as
// a part of `when`.
void SetPeak(const OperatorParams& params, const SignalSchema& schema,
             Excursion::Options& options, std::vector<ParamError>& errors) {
  const std::optional<WatchedQuantity>& watched = options.when.watched();
  if (watched.has_value()) options.greatest = watched->greatest;
  const ParamValue* const peak = params.Find("peak");
  if (peak == nullptr && !watched.has_value()) return;
  options.peak_text = peak != nullptr ? peak->text : watched->text;
  const int mark = peak != nullptr ? peak->mark : params.mark;
  const std::optional<size_t> signal = schema.Find(options.peak_text);
  options.relative = !signal.has_value() || schema[*signal].relative;
  options.peak = CompileText<Quantity>(options.peak_text, mark, schema, errors);
}

std::unique_ptr<Operator> Make(const OperatorParams& params,
                               const SignalSchema& schema,
                               const StreamSettings&,
                               std::vector<ParamError>& errors) {
  const size_t before = errors.size();
  const ParamValue* const name = RequireParam(params, "name", errors);
  if (name != nullptr && name->text.empty()) {
    errors.push_back({name->mark, 0, "the name is empty"});
  }
  std::optional<Condition> clear;
  if (const ParamValue* const text = params.Find("clear")) {
    clear = CompileText<Condition>(text->text, text->mark, schema, errors);
  }
  auto when = CompileParam<Condition>(params, "when", schema, errors);
  if (!when.has_value()) {
    if (const ParamValue* const peak = params.Find("peak")) {
      (void)CompileText<Quantity>(peak->text, peak->mark, schema, errors);
    }
    return nullptr;
  }
  Excursion::Options options{
      "",   *std::move(when), std::move(clear), std::nullopt, "", true,
      true, Millis(0)};
  if (name != nullptr) options.name = name->text;
  options.hold = DefaultedParam(params, "for").duration;
  SetPeak(params, schema, options, errors);
  if (errors.size() != before) return nullptr;
  return std::make_unique<Excursion>(std::move(options));
}

}  // namespace

OperatorType ExcursionType() {
  return {
      "excursion",
      "Reports when a condition starts to hold for a vehicle, and when it "
      "ends. `id` (vehicle/name/start in epoch milliseconds, under every "
      "time_format) joins the two.",
      "",
      RowKind::kOwn,
      {{"when", ParamKind::kExpression, true, "", "Condition that opens it."},
       {"for", ParamKind::kDuration, false, "0s",
        "How long it must hold, in event time, before it opens."},
       {"clear", ParamKind::kExpression, false, "",
        "Condition that closes it; by default that `when` is false."},
       {"name", ParamKind::kText, true, "", "Written with every output."},
       {"peak", ParamKind::kExpression, false, "",
        "Number whose extreme is reported; by default what `when` "
        "compares first."}},
      Make};
}

}  // namespace tacho
