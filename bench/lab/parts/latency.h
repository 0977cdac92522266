#pragma once

#include "bench/lab/parts/bed.h"

namespace tacho::lab {

// From a message's due time to its result being visible to a read_committed
// reader, at shares of `max_rate` (M messages/s), in turns.
void MeasureLatency(Bed& bed, double max_rate);

}  // namespace tacho::lab
