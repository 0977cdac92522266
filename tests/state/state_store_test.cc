// The contract of StateStore, over every implementation.

#include "state/state_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "state/memory_store.h"
#include "state/rocksdb_store.h"
#include "tests/support/temp_dir.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using Entries = std::vector<std::pair<std::string, std::string>>;

enum class Kind { kMemory, kRocksDbUnsynced, kRocksDbSynced };

// Where a store lives while it is opened and closed.
class Home {
 public:
  explicit Home(Kind kind) : kind_(kind) {}

  StateStore& Open() {
    if (kind_ == Kind::kMemory) return memory_;
    auto opened = OpenRocksDbStore(
        dir_ / "db", {.wal_synced = kind_ == Kind::kRocksDbSynced}, shared_);
    CHECK(opened.ok());
    rocksdb_ = *std::move(opened);
    return *rocksdb_;
  }

 private:
  Kind kind_;
  TempDir dir_;
  RocksDbShared shared_{size_t{8} << 20, size_t{8} << 20};
  MemoryStore memory_;
  std::unique_ptr<StateStore> rocksdb_;
};

void Put(StateChanges& changes, TableId table, std::string_view key,
         std::string_view value) {
  changes.Begin(table, /*tag=*/table);
  changes.bytes().insert(changes.bytes().end(), key.begin(), key.end());
  changes.EndKey();
  changes.bytes().insert(changes.bytes().end(), value.begin(), value.end());
  changes.EndValue();
}

void Delete(StateChanges& changes, TableId table, std::string_view key) {
  changes.Begin(table, /*tag=*/table);
  changes.bytes().insert(changes.bytes().end(), key.begin(), key.end());
  changes.EndKey();
  changes.EndTombstone();
}

Marker MarkerOf(int64_t epoch) {
  Marker marker;
  marker.epoch = epoch;
  marker.lane.job = "job";
  return marker;
}

Entries ScanAll(const StateStore& store, TableId table,
                std::string_view prefix = {}) {
  Entries out;
  const auto visit = [&](std::string_view key, std::string_view value) {
    out.emplace_back(key, value);
    return Status::Ok();
  };
  const Status status = store.Scan(table, prefix, visit);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return out;
}

class StateStoreTest : public ::testing::TestWithParam<Kind> {
 protected:
  StateStoreTest() : home_(GetParam()) {}

  StateStore& Open(const std::vector<std::string>& tables = {"a", "b"}) {
    StateStore& store = home_.Open();
    const Status status = store.OpenTables(tables);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return store;
  }

  Home home_;
  StateChanges changes_;
};

TEST_P(StateStoreTest, AnEmptyStoreHasNoMarkerAndNoEntries) {
  StateStore& store = home_.Open();
  const auto before = store.ReadMarker();
  ASSERT_TRUE(store.OpenTables({"a"}).ok());
  const auto after = store.ReadMarker();

  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_FALSE(before->has_value());
  EXPECT_FALSE(after->has_value());
  EXPECT_TRUE(ScanAll(store, 0).empty());
  EXPECT_TRUE(store.Close().ok());
}

TEST_P(StateStoreTest, AppliesPutsAndDeletesWithTheMarker) {
  StateStore& store = Open();
  Put(changes_, 0, "k1", "v1");
  Put(changes_, 0, "k2", "v2");
  Put(changes_, 1, "k1", "other table");
  ASSERT_TRUE(store.Apply(changes_, MarkerOf(1)).ok());
  changes_.Clear();
  Put(changes_, 0, "k1", "v1 again");
  Delete(changes_, 0, "k2");
  Delete(changes_, 0, "never there");

  ASSERT_TRUE(store.Apply(changes_, MarkerOf(2)).ok());

  EXPECT_EQ(ScanAll(store, 0), (Entries{{"k1", "v1 again"}}));
  EXPECT_EQ(ScanAll(store, 1), (Entries{{"k1", "other table"}}));
  EXPECT_EQ(**store.ReadMarker(), MarkerOf(2));
}

TEST_P(StateStoreTest, TheLastChangeOfAKeyWins) {
  StateStore& store = Open();
  Put(changes_, 0, "k", "1");
  Delete(changes_, 0, "k");
  Put(changes_, 0, "k", "2");
  Put(changes_, 0, "gone", "1");
  Delete(changes_, 0, "gone");

  ASSERT_TRUE(store.Apply(changes_, MarkerOf(1)).ok());

  EXPECT_EQ(ScanAll(store, 0), (Entries{{"k", "2"}}));
}

// As a changelog has them: many keys, each many times, in any order, in more
// bytes than a store takes for a small write.
TEST_P(StateStoreTest, RestoresTheLastChangeOfEveryKey) {
  StateStore& store = Open();
  Put(changes_, 0, "k00007", "from before");
  Put(changes_, 1, "only before", "stays");
  ASSERT_TRUE(store.Apply(changes_, MarkerOf(1)).ok());
  changes_.Clear();
  std::map<std::string, std::string> expected[2];
  expected[1]["only before"] = "stays";
  std::mt19937 random(3);
  for (int i = 0; i < 60'000; ++i) {
    const auto table = static_cast<TableId>(random() % 2);
    const std::string digits = std::to_string(100'000 + random() % 5'000);
    const std::string key = "k" + digits.substr(1);
    if (random() % 4 == 0) {
      Delete(changes_, table, key);
      expected[table].erase(key);
    } else {
      const std::string value = "value " + std::to_string(i);
      Put(changes_, table, key, value);
      expected[table][key] = value;
    }
  }

  for (int64_t epoch : {2, 3}) {  // Twice: after a crash parts come again.
    ASSERT_TRUE(store.Restore(changes_, MarkerOf(epoch)).ok());
  }

  for (TableId table = 0; table < 2; ++table) {
    EXPECT_EQ(ScanAll(store, table),
              Entries(expected[table].begin(), expected[table].end()));
  }
  EXPECT_EQ(**store.ReadMarker(), MarkerOf(3));
  changes_.Clear();
  Put(changes_, 1, "only before", "changed");
  ASSERT_TRUE(store.Apply(changes_, MarkerOf(4)).ok());
  EXPECT_EQ(ScanAll(store, 1).back().second, "changed");
  EXPECT_EQ(**store.ReadMarker(), MarkerOf(4));
}

// As a restore makes them: more than a sort keeps in order by chance.
TEST_P(StateStoreTest, TheLastOfManyChangesOfAKeyWins) {
  StateStore& store = Open();
  for (int epoch = 0; epoch < 100; ++epoch) {
    for (const char* key : {"x", "y", "z"}) {
      Put(changes_, 0, key, std::to_string(epoch));
    }
    if (epoch % 2 == 0) Delete(changes_, 0, "z");
  }

  ASSERT_TRUE(store.Restore(changes_, MarkerOf(1)).ok());

  EXPECT_THAT(ScanAll(store, 0),
              ElementsAre(Pair("x", "99"), Pair("y", "99"), Pair("z", "99")));
}

TEST_P(StateStoreTest, ScansInBytewiseOrderWithinThePrefix) {
  StateStore& store = Open();
  const std::string ff("\xff", 1);
  const std::string nul("\0", 1);
  for (const std::string& key :
       {ff + ff, ff + "b", std::string("b"), "a" + ff, std::string("ab"),
        "a" + nul, std::string("a"), nul, ff}) {
    Put(changes_, 0, key, {});
  }
  ASSERT_TRUE(store.Apply(changes_, MarkerOf(1)).ok());

  const auto keys = [&](std::string_view prefix) {
    std::vector<std::string> out;
    for (auto& [key, value] : ScanAll(store, 0, prefix)) out.push_back(key);
    return out;
  };

  EXPECT_THAT(keys(""), ElementsAre(nul, "a", "a" + nul, "ab", "a" + ff, "b",
                                    ff, ff + "b", ff + ff));
  EXPECT_THAT(keys("a"), ElementsAre("a", "a" + nul, "ab", "a" + ff));
  EXPECT_THAT(keys(ff), ElementsAre(ff, ff + "b", ff + ff));
  EXPECT_THAT(keys("c"), ElementsAre());
}

TEST_P(StateStoreTest, AVisitorStopsTheScanWithItsStatus) {
  StateStore& store = Open();
  for (const char* key : {"1", "2", "3"}) Put(changes_, 0, key, {});
  ASSERT_TRUE(store.Apply(changes_, MarkerOf(1)).ok());
  int visited = 0;

  const Status status =
      store.Scan(0, {}, [&](std::string_view, std::string_view) {
        return ++visited == 2 ? IoError("enough") : Status::Ok();
      });

  EXPECT_EQ(visited, 2);
  EXPECT_EQ(status.message(), "enough");
}

TEST_P(StateStoreTest, KeepsEverythingOverCloseAndReopen) {
  Put(changes_, 0, "k", "a");
  Put(changes_, 1, "k", std::string(100000, 'b'));
  StateStore& first = Open();
  ASSERT_TRUE(first.Apply(changes_, MarkerOf(7)).ok());
  ASSERT_TRUE(first.Close().ok());

  StateStore& second = Open();

  EXPECT_EQ(ScanAll(second, 0), (Entries{{"k", "a"}}));
  EXPECT_EQ(ScanAll(second, 1), (Entries{{"k", std::string(100000, 'b')}}));
  EXPECT_EQ(**second.ReadMarker(), MarkerOf(7));
}

TEST_P(StateStoreTest, TableIdsFollowTheNamesOfThisOpen) {
  Put(changes_, 0, "k", "in a");
  StateStore& first = Open({"a", "b"});
  ASSERT_TRUE(first.Apply(changes_, MarkerOf(1)).ok());
  ASSERT_TRUE(first.Close().ok());

  StateStore& second = Open({"new", "b", "a"});

  EXPECT_TRUE(ScanAll(second, 0).empty());
  EXPECT_EQ(ScanAll(second, 2), (Entries{{"k", "in a"}}));
}

TEST_P(StateStoreTest, RefusesTablesThatAreNotDeclared) {
  StateStore& first = Open({"a", "b", "c"});
  ASSERT_TRUE(first.Apply(changes_, MarkerOf(1)).ok());
  ASSERT_TRUE(first.Close().ok());
  StateStore& store = home_.Open();

  const Status status = store.OpenTables({"b"});

  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("'a'"));
}

// Of a worker that ended before its first flush: any job may have it.
TEST_P(StateStoreTest, TablesWithoutAMarkerAreNobodys) {
  ASSERT_TRUE(Open({"a", "b", "c"}).Close().ok());

  StateStore& store = Open({"b", "d"});

  EXPECT_TRUE(ScanAll(store, 0).empty());
  EXPECT_TRUE(ScanAll(store, 1).empty());
  Put(changes_, 1, "k", "in d");
  ASSERT_TRUE(store.Apply(changes_, MarkerOf(1)).ok());
  ASSERT_TRUE(store.Close().ok());
  EXPECT_EQ(ScanAll(Open({"b", "d"}), 1), (Entries{{"k", "in d"}}));
}

TEST_P(StateStoreTest, ScansWhileAnotherThreadApplies) {
  StateStore& store = Open();
  std::jthread committer([&] {
    StateChanges changes;
    for (int64_t epoch = 1; epoch <= 200; ++epoch) {
      changes.Clear();
      for (const char* key : {"1", "2", "3"}) {
        Put(changes, 0, key, std::to_string(epoch));
      }
      CHECK(store.Apply(changes, MarkerOf(epoch)).ok());
    }
  });
  Entries seen;
  while (seen.empty() || seen[0].second != "200") {
    seen = ScanAll(store, 0);
    for (const auto& [key, value] : seen) ASSERT_EQ(value, seen[0].second);
  }
  EXPECT_EQ(seen.size(), 3u);
}

std::string KindName(const ::testing::TestParamInfo<Kind>& kind) {
  switch (kind.param) {
    case Kind::kMemory:
      return "Memory";
    case Kind::kRocksDbUnsynced:
      return "RocksDbUnsynced";
    case Kind::kRocksDbSynced:
      return "RocksDbSynced";
  }
  return "";
}

INSTANTIATE_TEST_SUITE_P(Stores, StateStoreTest,
                         ::testing::Values(Kind::kMemory,
                                           Kind::kRocksDbUnsynced,
                                           Kind::kRocksDbSynced),
                         KindName);

}  // namespace
}  // namespace tacho
