#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "operators/params.h"
#include "operators/window_aggregate.h"

namespace tacho {

namespace {

// The size of `window: {tumbling: DURATION}`.
Millis WindowSize(const ParamValue& window, std::vector<ParamError>& errors) {
  if (window.children.size() != 1 || window.children[0].name != "tumbling") {
    errors.push_back({window.mark, 0, "write {tumbling: DURATION}"});
    return Millis(0);
  }
  const ParamValue& tumbling = window.children[0];
  if (tumbling.duration <= Millis(0) ||
      tumbling.duration > WindowAggregate::kMaxWindow) {
    errors.push_back({tumbling.mark, 0,
                      "a window is longer than nothing and at most 366 days"});
  }
  return tumbling.duration;
}

Millis Lateness(const OperatorParams& params, const StreamSettings& settings,
                std::vector<ParamError>& errors) {
  const ParamValue* const lateness = params.Find("allowed_lateness");
  if (lateness == nullptr) return Millis(0);
  if (lateness->duration < Millis(0) ||
      lateness->duration > settings.vehicle_idle_timeout) {
    errors.push_back(
        {lateness->mark, 0,
         "allowed_lateness is longer than vehicle_idle_timeout (" +
             std::to_string(settings.vehicle_idle_timeout.count()) +
             " ms): a silent vehicle's windows would close before it is "
             "over"});
  }
  return lateness->duration;
}

// So many windows of a vehicle may be open at once: all that lateness allows.
void CheckOpenWindows(const WindowAggregate::Options& options, int mark,
                      std::vector<ParamError>& errors) {
  if (options.size <= Millis(0)) return;
  const int64_t open =
      (options.size + options.allowed_lateness).count() / options.size.count();
  if (open <= WindowAggregate::kMaxOpenWindows) return;
  errors.push_back(
      {mark, 0,
       "windows of " + std::to_string(options.size.count()) + " ms and " +
           std::to_string(options.allowed_lateness.count()) +
           " ms of lateness are " + std::to_string(open) +
           " open windows a vehicle, and at most " +
           std::to_string(WindowAggregate::kMaxOpenWindows) +
           " are allowed: make the windows longer or allow less lateness"});
}

std::unique_ptr<Operator> Make(const OperatorParams& params,
                               const SignalSchema& schema,
                               const StreamSettings& settings,
                               std::vector<ParamError>& errors) {
  const size_t before = errors.size();
  WindowAggregate::Options options{Millis(0), Millis(0)};
  const ParamValue* const window = RequireParam(params, "window", errors);
  if (window != nullptr) options.size = WindowSize(*window, errors);
  options.allowed_lateness = Lateness(params, settings, errors);
  if (window != nullptr) CheckOpenWindows(options, window->mark, errors);
  const ParamValue* const aggregates =
      RequireParam(params, "aggregates", errors);
  if (aggregates == nullptr) return nullptr;
  auto set = AggregateSet::Compile(*aggregates, schema, errors);
  if (errors.size() != before) return nullptr;
  return std::make_unique<WindowAggregate>(options, *std::move(set));
}

}  // namespace

OperatorType WindowAggregateType() {
  return {"window_aggregate",
          "Aggregates each vehicle's records over windows of event time.",
          "",
          RowKind::kOwn,
          {{"window", ParamKind::kWindow, true, "",
            "{tumbling: DURATION}: windows aligned to the epoch (UTC)."},
           {"allowed_lateness", ParamKind::kDuration, false, "0s",
            "How far a record may lie behind its vehicle's newest and still "
            "be counted; windows close that much later. At most "
            "vehicle_idle_timeout, and 10000 windows."},
           {"aggregates", ParamKind::kAggregates, true, "",
            "Output name: function(signal), with count, sum, min, max, mean, "
            "first, last or distance; count() counts records."}},
          Make};
}

}  // namespace tacho
