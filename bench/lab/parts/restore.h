#pragma once

#include "bench/lab/parts/bed.h"

namespace tacho::lab {

// One changelog partition from the broker through librdkafka and the Restorer
// into RocksDB; beside it the same without the store.
void MeasureRestore(Bed& bed);

// One round, as a process of its own:
// restore BOOTSTRAP JOB TOPIC DIR; DIR "-": only read and check.
int RunRestore(char** argv);

}  // namespace tacho::lab
