#pragma once

namespace rocksdb {
class Env;
}  // namespace rocksdb

namespace tacho {

// RocksDB's default environment, but for one answer: it does not know how much
// room a disk has. RocksDB polls that after a disk was full, to recover by
// itself, and from release 9 on a write waits until it has: for ever, perhaps,
// and without a word. Without an answer there is no such recovery, and the
// write fails at once with the reason; whoever opens the store again recovers.
//
// Threading: any thread. Lifetime: the process's.
rocksdb::Env* RocksDbEnv();

}  // namespace tacho
