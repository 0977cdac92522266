#pragma once

#include "operators/aggregate_function.h"

namespace tacho {

// The kinds whose one cell holds the least and the greatest double.
const AggregateKind* LeastDouble();
const AggregateKind* GreatestDouble();

}  // namespace tacho
