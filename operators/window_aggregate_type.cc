#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "operators/params.h"
#include "operators/window_aggregate.h"
#include "pipeline/base/duration.h"

namespace tacho {

namespace {

// A length of windows, or 1 ms and an error.
Millis Length(const ParamValue& value, std::vector<ParamError>& errors) {
  if (value.duration > Millis(0) &&
      value.duration <= WindowAggregate::kMaxWindow) {
    return value.duration;
  }
  errors.push_back(
      {value.mark, 0, "a window is longer than nothing and at most 366 days"});
  return Millis(1);
}

// Of `window: {tumbling: DURATION}` or `{hopping: {size, slide}}`.
WindowAssigner Assigner(const ParamValue& window,
                        std::vector<ParamError>& errors) {
  const ParamValue& kind = window.children.at(0);
  if (kind.name == "tumbling") {
    const Millis size = Length(kind, errors);
    return {size, size};
  }
  const Millis size = Length(ChildParam(kind, "size"), errors);
  const ParamValue& slide = ChildParam(kind, "slide");
  const Millis every = Length(slide, errors);
  if (every <= size) return {size, every};
  errors.push_back({slide.mark, 0,
                    "windows of " + std::to_string(size.count()) +
                        " ms that begin every " +
                        std::to_string(every.count()) +
                        " ms leave out what is between them: make `slide` at "
                        "most `size`"});
  return {size, size};
}

Millis Lateness(const OperatorParams& params, const StreamSettings& settings,
                std::vector<ParamError>& errors) {
  const ParamValue& lateness = DefaultedParam(params, "allowed_lateness");
  if (lateness.duration > settings.vehicle_idle_timeout) {
    errors.push_back(
        {lateness.mark, 0,
         "allowed_lateness is longer than vehicle_idle_timeout (" +
             FormatDuration(settings.vehicle_idle_timeout) +
             "): a silent vehicle's windows would close before it is over"});
  }
  return lateness.duration;
}

// So many panes of a vehicle may be open at once: all that lateness allows.
void CheckOpenPanes(const WindowAggregate::Options& options, int mark,
                    std::vector<ParamError>& errors) {
  const WindowAssigner& windows = options.windows;
  const int64_t open = (windows.size() + options.allowed_lateness).count() /
                       windows.pane().count();
  if (open <= WindowAggregate::kMaxOpenPanes) return;
  const std::string size = std::to_string(windows.size().count());
  const std::string slide = std::to_string(windows.slide().count());
  const std::string lateness = std::to_string(options.allowed_lateness.count());
  const std::string pane = std::to_string(windows.pane().count());
  const std::string kind = windows.overlapping() ? " ms every " + slide : "";
  const std::string parts =
      windows.overlapping() ? " parts of " + pane + " ms" : " open windows";
  const std::string remedy =
      windows.overlapping()
          ? "let `slide` divide `size` in fewer parts, or allow less lateness"
          : "make the windows longer or allow less lateness";
  errors.push_back({mark, 0,
                    "windows of " + size + kind + " ms and " + lateness +
                        " ms of lateness are " + std::to_string(open) + parts +
                        " a vehicle, and at most " +
                        std::to_string(WindowAggregate::kMaxOpenPanes) +
                        " are allowed: " + remedy});
}

std::unique_ptr<Operator> Make(const OperatorParams& params,
                               const SignalSchema& schema,
                               const StreamSettings& settings,
                               std::vector<ParamError>& errors) {
  const size_t before = errors.size();
  const ParamValue* const window = RequireParam(params, "window", errors);
  const ParamValue* const aggregates =
      RequireParam(params, "aggregates", errors);
  if (window == nullptr || aggregates == nullptr) return nullptr;
  const WindowAggregate::Options options{Assigner(*window, errors),
                                         Lateness(params, settings, errors)};
  if (errors.size() == before) CheckOpenPanes(options, window->mark, errors);
  auto set = AggregateSet::Compile(*aggregates, schema, errors);
  if (errors.size() != before) return nullptr;
  return std::make_unique<WindowAggregate>(options, *std::move(set));
}

// What each function is, from their table.
std::string_view AggregatesHelp() {
  static const auto* const text = [] {
    auto* help = new std::string("Output name: function(signal), of ");
    const char* separator = "";
    for (const AggregateFunction& function : AggregateFunctions()) {
      help->append(separator).append(function.name).append(" (");
      help->append(function.help).append(")");
      separator = ", ";
    }
    help->append(".");
    return help;
  }();
  return *text;
}

}  // namespace

OperatorType WindowAggregateType() {
  return {
      "window_aggregate",
      "Aggregates each vehicle's records over windows of event time.",
      "",
      RowKind::kOwn,
      {{"window",
        ParamKind::kChoice,
        true,
        "",
        "Which windows: of one kind, aligned to the epoch (UTC).",
        {{"tumbling", ParamKind::kDuration, false, "",
          "One after the other, each so long."},
         {"hopping",
          ParamKind::kGroup,
          false,
          "",
          "Windows that overlap: a record counts in each of its own.",
          {{"size", ParamKind::kDuration, true, "", "How long each is."},
           {"slide", ParamKind::kDuration, true, "",
            "How often one begins; at most `size`."}}}}},
       {"allowed_lateness", ParamKind::kDuration, false, "0s",
        "How far a record may lie behind its vehicle's newest and still "
        "be counted; windows close that much later. At most "
        "vehicle_idle_timeout, and 10000 windows (or, where windows overlap, "
        "parts that all of them are made of)."},
       {"aggregates", ParamKind::kAggregates, true, "", AggregatesHelp()}},
      Make};
}

}  // namespace tacho
