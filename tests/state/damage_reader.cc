// Opens a store and reads all of it, as a worker does at its start:
//   damage_reader DIR
//   damage_reader DIR fill
// Prints "ok EPOCH" if all its values are those of its marker's epoch, "torn"
// if not, or "refused: MESSAGE". With "fill" it writes until the disk is full
// and says what came of that. A process of its own, because a damaged file, or
// a full disk, may end it.

#include <cstdio>
#include <fstream>
#include <random>
#include <string>

#include "pipeline/base/check.h"
#include "state/codec.h"
#include "state/rocksdb_store.h"

namespace tacho {
namespace {

Status ReadAll(StateStore& store, std::string& said) {
  RETURN_IF_ERROR(store.OpenTables({"a", "b"}));
  ASSIGN_OR_RETURN(const std::optional<Marker> marker, store.ReadMarker());
  const int64_t epoch = marker.has_value() ? marker->epoch : 0;
  bool torn = false;
  for (TableId table = 0; table < 2; ++table) {
    size_t seen = 0;
    RETURN_IF_ERROR(
        store.Scan(table, {}, [&](std::string_view, std::string_view value) {
          torn = torn || ByteReader(value).I64() != epoch;
          ++seen;
          return Status::Ok();
        }));
    torn = torn || seen != (epoch == 0 ? 0u : 50u);
  }
  said = torn ? "torn" : "ok " + std::to_string(epoch);
  return Status::Ok();
}

// Epochs until one fails, each of values that do not compress.
Status ApplyUntilFull(StateStore& store) {
  std::mt19937_64 random(7);
  Marker marker;
  for (int n = 0; n < 2000; ++n) {
    StateChanges changes;
    for (int64_t key = 0; key < 20; ++key) {
      changes.Begin(0, 0);
      AppendStateKey(changes.bytes(), "vehicle " + std::to_string(n), key);
      changes.EndKey();
      for (int i = 0; i < 64; ++i) ByteWriter(changes.bytes()).U64(random());
      changes.EndValue();
    }
    ++marker.epoch;
    RETURN_IF_ERROR(store.Apply(changes, marker));
    if (n % 10 == 0) RETURN_IF_ERROR(store.Flush());
  }
  return Status::Ok();
}

void Fill(const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  const std::string block(4096, 'x');
  while (file.write(block.data(), 4096) && file.flush()) {
  }
}

std::string UseFullDisk(const std::string& dir) {
  const RocksDbShared shared(size_t{1} << 20, size_t{64} << 10);
  auto store = OpenRocksDbStore(dir, {}, shared);
  if (!store.ok()) return store.status().ToString();
  CHECK((*store)->OpenTables({"a"}).ok());
  const Status status = ApplyUntilFull(**store);
  (void)(*store)->Close().ok();
  store->reset();
  // What can be opened on a full disk is; what cannot says why.
  Fill(dir + ".filler");
  const auto again = OpenRocksDbStore(dir, {}, shared);
  if (!again.ok() && again.status().code() != StatusCode::kIoError) {
    return again.status().ToString();
  }
  const bool full = status.code() == StatusCode::kIoError && status.retryable();
  return full ? "full and retryable" : status.ToString();
}

}  // namespace
}  // namespace tacho

int main(int argc, char** argv) {
  using namespace tacho;
  CHECK(argc == 2 || argc == 3);
  if (argc == 3) {
    std::printf("%s\n", UseFullDisk(argv[1]).c_str());
    return 0;
  }
  const RocksDbShared shared(size_t{1} << 20, size_t{1} << 20);
  auto store = OpenRocksDbStore(argv[1], {}, shared);
  std::string said;
  Status status = store.status();
  if (store.ok()) status = ReadAll(**store, said);
  if (!status.ok()) {
    said = status.code() == StatusCode::kCorruption ? "refused" : "failed";
    said += ": " + status.message();
  }
  std::printf("%s\n", said.c_str());
  std::fflush(stdout);
}
