// Applies epoch after epoch to a store until it is killed:
//   crash_writer DIR synced|unsynced|restored
// Epoch n puts the value n under every key of both tables, and is announced on
// stdout once Apply (or Flush, every fifth epoch; or Restore, every second) has
// returned.

#include <cstdio>
#include <cstdlib>
#include <string>

#include "pipeline/base/check.h"
#include "state/codec.h"
#include "state/rocksdb_store.h"

int main(int argc, char** argv) {
  using namespace tacho;
  CHECK(argc == 3);
  const std::string mode = argv[2];
  const bool synced = mode == "synced";
  // Large enough for a restore to go its own way.
  const std::string padding(mode == "restored" ? 20000 : 0, 'x');
  RocksDbShared shared(size_t{1} << 20, size_t{1} << 20);
  // Small memtables, so that kills fall into automatic flushes too.
  auto store = OpenRocksDbStore(
      argv[1], {.wal_synced = synced, .write_buffer_bytes = size_t{64} << 10},
      shared);
  CHECK(store.ok());
  CHECK((*store)->OpenTables({"a", "b"}).ok());
  const auto marker = (*store)->ReadMarker();
  CHECK(marker.ok());
  Marker next = marker->value_or(Marker());

  StateChanges changes;
  for (;;) {
    ++next.epoch;
    next.next_offset = next.epoch * 10;
    changes.Clear();
    for (TableId table = 0; table < 2; ++table) {
      for (int64_t key = 0; key < 50; ++key) {
        changes.Begin(table, /*tag=*/table);
        AppendStateKey(changes.bytes(), "vehicle", key);
        changes.EndKey();
        ByteWriter(changes.bytes()).I64(next.epoch);
        changes.bytes().insert(changes.bytes().end(), padding.begin(),
                               padding.end());
        changes.EndValue();
      }
    }
    if (mode == "restored" && next.epoch % 2 == 0) {
      CHECK((*store)->Restore(changes, next).ok());
    } else {
      CHECK((*store)->Apply(changes, next).ok());
    }
    if (mode == "restored") {
      if (next.epoch % 2 != 0) continue;
    } else if (!synced) {
      if (next.epoch % 5 != 0) continue;
      CHECK((*store)->Flush().ok());
    }
    std::printf("%ld\n", static_cast<long>(next.epoch));
    std::fflush(stdout);
  }
}
