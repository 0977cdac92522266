#include "pipeline/decode/wide_shape.h"

namespace tacho {
namespace {

constexpr ShapeKey kKeys[] = {{"input.signals.*.path", true}};

}  // namespace

const ShapeType WideShape::kType = {
    .name = "wide",
    .help = "one object, one record, a path for each signal",
    .keys = kKeys,
};

WideShape::WideShape(const DecoderConfig& config) : rules_(config) {
  plan_.AddPath(config.event_time.path);
  for (const SignalSource& source : config.signals) plan_.AddPath(source.path);
  vehicle_path_ = config.vehicle_path.empty()
                      ? kTimePath
                      : plan_.AddPath(config.vehicle_path);
}

}  // namespace tacho
