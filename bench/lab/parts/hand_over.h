#pragma once

#include "bench/lab/parts/bed.h"

namespace tacho::lab {

// How long a partition with much state stands still when it changes hands: a
// worker joins, leaves, is killed and comes back, is killed and does not.
void MeasureHandOver(Bed& bed);

}  // namespace tacho::lab
