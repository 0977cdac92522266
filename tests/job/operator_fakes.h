#pragma once

#include <vector>

#include "operators/registry.h"

namespace tacho {

// A table of operators for tests of the parser: `filter` (shorthand),
// `window_aggregate` and `excursion` with the parameters of the real ones. An
// expression here is words; one that is not a signal is an error at its
// first character, unless a `$` comes before it.
const std::vector<OperatorType>& FakeOperatorTypes();

}  // namespace tacho
