#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/signal.h"

namespace tacho {

// A unit as written in a job ("mph", "°F", "km/h"), and how a number in it
// becomes a number in its dimension's unit:
//   inside = (value - zero) * factor / divisor.
// The scale is kept as a ratio of exact doubles wherever the definition is
// rational, so that 1234 m is 1.234 km and not 1.2340000000000002 km.
struct Unit {
  std::string_view name;
  Dimension dimension;
  double zero;
  double factor;
  double divisor = 1;

  double ToInside(double value) const {
    return (value - zero) * factor / divisor;
  }
};

// The unit named `text` (exact spelling or a documented alias), or nullptr.
// Definitions: SI brochure; mile, knot, gallon, psi after NIST SP 811.
const Unit* FindUnit(std::string_view text);

// All names, for "did you mean" and the schema.
std::vector<std::string_view> UnitNames();

// The dimension's own unit: "km/h" for kSpeed, "" for kNone.
std::string_view InsideUnit(Dimension dimension);
std::string_view DimensionName(Dimension dimension);

}  // namespace tacho
