#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/signal.h"

namespace tacho {

// A unit as written in a job ("mph", "°F", "km/h"), and how a number in it
// becomes a number in its dimension's unit, and back:
//   canonical = (value - zero) * factor / divisor.
// The scale is kept as a ratio of exact doubles wherever the definition is
// rational, so that 1234 m is 1.234 km and not 1.2340000000000002 km. Where
// more than one step rounds and people know the result (0.57 is 57 percent),
// the unit is `decimal`: a reading of at most nine decimals is taken as the
// decimal that was sent, and rounded once.
struct Unit {
  std::string_view name;
  Dimension dimension;
  double zero;
  double factor;
  double divisor = 1;
  bool decimal = false;

  double ToCanonical(double value) const {
    if (decimal) return DecimalToCanonical(value);
    return Convert(value);
  }
  // A number of the dimension's unit in this one: the one of fewest digits that
  // ToCanonical makes it of, so that a reading comes back as it was sent.
  double FromCanonical(double value) const;
  // Its numbers are those of the dimension's own unit.
  bool is_canonical() const { return zero == 0 && factor == divisor; }

  double Convert(double value) const {
    return (value - zero) * factor / divisor;
  }
  double DecimalToCanonical(double value) const;
};

// The unit named `text` (exact spelling or a documented alias), or nullptr.
// Definitions: SI brochure; mile, knot, gallon, psi after NIST SP 811.
const Unit* FindUnit(std::string_view text);

// All names, for "did you mean" and the schema.
std::vector<std::string_view> UnitNames();

// `number` in either spelling, where a bare one could mean both:
// `write "75 mph" or "75 km/h"`.
std::string BothSpellings(double number, const Unit& feed);

// The unit that was meant by an unknown name: another spelling or one slip
// away; "" if there is none. Short names are not guessed at: one letter, or its
// case, makes a unit of something else (Nm, mA).
std::string_view NearestUnit(std::string_view text);
// `unknown unit "kmh"`, and what was meant or what there is (suggestion.h).
std::string UnknownUnit(std::string_view name, char quote = '"');

// Every dimension's own unit.
std::vector<std::string_view> CanonicalUnits();
// The dimension's own unit: "km/h" for kSpeed, "" for kNone.
std::string_view CanonicalUnit(Dimension dimension);
std::string_view DimensionName(Dimension dimension);

}  // namespace tacho
