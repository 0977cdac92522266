#include "state/state_table.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <ctime>

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "state/memory_store.h"
#include "tests/support/state_values.h"

namespace tacho {
namespace {

using Key = std::pair<VehicleIndex, int64_t>;
using Model = std::map<Key, TextValue>;

class StateTableTest : public ::testing::Test {
 protected:
  StateTableTest() : table_({.name = "t", .fingerprint = 1}, TextValue::Check) {
    for (int i = 0; i < 8; ++i) {
      bool created = false;
      vehicles_.Intern("vehicle " + std::to_string(i), &created);
    }
    table_.Grow(8);
  }

  StateChanges Frozen() {
    StateChanges out;
    table_.Freeze(0, vehicles_, out);
    return out;
  }
  void FreezeAndApply() {
    Frozen();
    table_.Applied();
  }
  std::string Encoded(const TextValue& value) {
    std::vector<char> bytes;
    ByteWriter writer(bytes);
    writer.U8(1);
    value.Encode(writer);
    return {bytes.begin(), bytes.end()};
  }
  std::vector<int64_t> Subkeys(VehicleIndex vehicle) {
    std::vector<int64_t> out;
    table_.ForEach(vehicle, [&](int64_t subkey, const TextValue&) {
      out.push_back(subkey);
    });
    return out;
  }

  VehicleTable vehicles_;
  StateTable<TextValue> table_;
};

TEST_F(StateTableTest, GivesANewValueOnceAndThenTheSame) {
  bool created = false;
  table_.Mutate(1, 10, &created).count = 5;
  EXPECT_TRUE(created);

  EXPECT_EQ(table_.Mutate(1, 10, &created).count, 5);

  EXPECT_FALSE(created);
  EXPECT_EQ(table_.Find(1, 11), nullptr);
  EXPECT_EQ(table_.Find(2, 10), nullptr);
  EXPECT_EQ(table_.entries(), 1u);
}

TEST_F(StateTableTest, ChainsEntriesNewestSubkeyFirst) {
  for (const int64_t subkey : {5, -3, 9, 0}) table_.Mutate(1, subkey);

  EXPECT_EQ(Subkeys(1), (std::vector<int64_t>{9, 5, 0, -3}));
}

TEST_F(StateTableTest, VisitsUpFromASubkeyUntilToldToStop) {
  for (const int64_t count : {5, 16, 17, 100}) {
    for (int64_t i = 0; i < count; ++i) table_.Mutate(1, i * 7 % count);
    table_.Erase(1, 1);
    std::vector<int64_t> seen;
    table_.VisitUp(1, 0, [&](int64_t subkey, const TextValue&) {
      seen.push_back(subkey);
      return subkey < count - 2;
    });
    ASSERT_EQ(seen.size(), static_cast<size_t>(count - 2)) << count;
    EXPECT_EQ(seen.front(), 0);
    EXPECT_EQ(seen.back(), count - 2);
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
    table_.VisitUp(1, count, [](int64_t, const TextValue&) {
      ADD_FAILURE();
      return true;
    });
  }
}

// Against a map: a chain so long that it has an index, and gets short again.
TEST_F(StateTableTest, ALongChainIsTheSameChain) {
  std::mt19937 random(3);
  std::map<int64_t, int64_t> model;
  for (int step = 0; step < 20000; ++step) {
    const int64_t range = step / 5000 % 2 == 0 ? 400 : 10;
    const auto subkey = static_cast<int64_t>(random() % 400);
    if (subkey < range) {
      table_.Mutate(1, subkey).count = model[subkey] = step;
    } else {
      table_.Erase(1, subkey);
      model.erase(subkey);
    }
    if (step % 100 == 0) FreezeAndApply();
    if (step % 10 != 0) continue;
    const auto at = static_cast<int64_t>(random() % 400);
    const TextValue* const found = table_.Find(1, at);
    ASSERT_EQ(found != nullptr, model.contains(at));
    ASSERT_TRUE(found == nullptr || found->count == model[at]);
  }
  std::vector<int64_t> newest_first;
  for (const auto& [subkey, count] : model) newest_first.push_back(subkey);
  std::reverse(newest_first.begin(), newest_first.end());
  EXPECT_EQ(Subkeys(1), newest_first);
  FreezeAndApply();
  ASSERT_TRUE(table_.CanEvict(1));
  table_.Evict(1);
  EXPECT_EQ(Subkeys(1), std::vector<int64_t>());
  table_.Mutate(1, 5);
  EXPECT_EQ(Subkeys(1), std::vector<int64_t>{5});
}

// A walk of the whole chain for each would be 5 * 10^9 steps.
TEST_F(StateTableTest, DescendingSubkeysCostAboutWhatAscendingOnesDo) {
  constexpr int64_t kEntries = 100000;
  const auto seconds = [&](VehicleIndex vehicle, int64_t sign) {
    const std::clock_t start = std::clock();
    for (int64_t i = 0; i < kEntries; ++i) table_.Mutate(vehicle, sign * i);
    FreezeAndApply();
    for (int64_t i = 0; i < kEntries; ++i) table_.Erase(vehicle, sign * i);
    FreezeAndApply();
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  };
  const double ascending = seconds(1, 1);
  EXPECT_LT(seconds(2, -1), 20 * ascending + 0.5);
}

TEST_F(StateTableTest, FreezesAnEntryOnceHoweverOftenItChanged) {
  for (int i = 0; i < 10; ++i) table_.Mutate(1, 10).count = i;

  const StateChanges changes = Frozen();

  ASSERT_EQ(changes.changes().size(), 1u);
  EXPECT_EQ(changes.Value(changes.changes()[0]), Encoded({"", 9}));
  table_.Applied();
  EXPECT_TRUE(Frozen().empty());
}

TEST_F(StateTableTest, FreezesInTheOrderOfFirstChange) {
  table_.Mutate(3, 1);
  table_.Mutate(1, 1);
  table_.Mutate(3, 1);

  const StateChanges changes = Frozen();

  ASSERT_EQ(changes.changes().size(), 2u);
  std::vector<char> first;
  AppendStateKey(first, vehicles_.Id(3), 1);
  EXPECT_EQ(changes.Key(changes.changes()[0]),
            std::string_view(first.data(), first.size()));
}

TEST_F(StateTableTest, BornAndErasedUnseenWritesNothing) {
  table_.Mutate(1, 10);
  table_.Erase(1, 10);

  EXPECT_TRUE(Frozen().empty());

  table_.Applied();
  EXPECT_FALSE(table_.HasEntries(1));
  EXPECT_EQ(table_.entries(), 0u);
}

TEST_F(StateTableTest, ErasingAStoredEntryWritesATombstone) {
  table_.Mutate(1, 10);
  FreezeAndApply();
  table_.Erase(1, 10);

  const StateChanges changes = Frozen();

  ASSERT_EQ(changes.changes().size(), 1u);
  EXPECT_TRUE(changes.changes()[0].tombstone);
  EXPECT_EQ(changes.changes()[0].value_size, 0u);
}

TEST_F(StateTableTest, ATombstoneStaysUntilItsEpochIsApplied) {
  table_.Mutate(1, 10);
  FreezeAndApply();
  table_.Erase(1, 10);
  Frozen();

  EXPECT_EQ(table_.Find(1, 10), nullptr);
  EXPECT_TRUE(table_.HasEntries(1));
  EXPECT_FALSE(table_.CanEvict(1));

  table_.Applied();
  EXPECT_FALSE(table_.HasEntries(1));
}

TEST_F(StateTableTest, AnEntryRebornBesideItsFrozenTombstoneLives) {
  table_.Mutate(1, 10).text = "old";
  FreezeAndApply();
  table_.Erase(1, 10);
  Frozen();
  bool created = false;
  TextValue& reborn = table_.Mutate(1, 10, &created);
  EXPECT_TRUE(created);
  EXPECT_EQ(reborn, TextValue());
  table_.Applied();

  const StateChanges next = Frozen();

  EXPECT_NE(table_.Find(1, 10), nullptr);
  ASSERT_EQ(next.changes().size(), 1u);
  EXPECT_FALSE(next.changes()[0].tombstone);
}

TEST_F(StateTableTest, IsNotEvictableBeforeItsLastChangeIsApplied) {
  table_.Mutate(1, 10);
  EXPECT_FALSE(table_.CanEvict(1));
  Frozen();
  EXPECT_FALSE(table_.CanEvict(1));
  table_.Mutate(1, 10).count = 2;  // Changed again while frozen.
  table_.Applied();
  EXPECT_FALSE(table_.CanEvict(1));

  FreezeAndApply();

  EXPECT_TRUE(table_.CanEvict(1));
}

TEST_F(StateTableTest, RefusesAValueOfAnotherVersion) {
  EXPECT_EQ(table_.Load(1, 0, std::string("\x02\x00", 2)).code(),
            StatusCode::kCorruption);
}

TEST_F(StateTableTest, RefusesAValueThatIsShortOrHasMore) {
  const std::string good = Encoded({"abc", 1});
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(table_.Load(1, 0, good.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(table_.Load(1, 0, good + "x").ok());
  EXPECT_EQ(table_.entries(), 0u);
  EXPECT_TRUE(table_.Load(1, 0, good).ok());
  EXPECT_EQ(*table_.Find(1, 0), (TextValue{"abc", 1}));
}

TEST_F(StateTableTest, EvictionGivesMemoryBack) {
  const size_t empty = table_.used_bytes();
  for (int i = 0; i < 10000; ++i) table_.Mutate(1, i);
  FreezeAndApply();
  const size_t full = table_.used_bytes();

  table_.Evict(1);

  EXPECT_EQ(table_.entries(), 0u);
  EXPECT_LT(table_.used_bytes() - empty, (full - empty) / 2);
}

// Random changes, freezes, applies, evictions and re-reads, against a map for
// what an operator sees and a store for what is durable.
class TableModelTest : public ::testing::TestWithParam<uint32_t> {
 protected:
  static constexpr VehicleIndex kVehicles = 6;

  TableModelTest()
      : random_(GetParam()),
        table_({.name = "t", .fingerprint = 1}, TextValue::Check) {
    bool created = false;
    for (VehicleIndex v = 0; v < kVehicles; ++v) {
      vehicles_.Intern(std::string(v, '\0'), &created);
    }
    table_.Grow(kVehicles);
    CHECK(store_.OpenTables({"t"}).ok());
  }

  void Change() {
    const auto vehicle = static_cast<VehicleIndex>(random_() % kVehicles);
    const int64_t subkey = static_cast<int64_t>(random_() % 5) - 2;
    Reside(vehicle);
    if (random_() % 3 == 0) {
      table_.Erase(vehicle, subkey);
      model_.erase({vehicle, subkey});
      return;
    }
    bool created = false;
    TextValue& value = table_.Mutate(vehicle, subkey, &created);
    ASSERT_EQ(created, !model_.contains({vehicle, subkey}));
    value.text = std::string(random_() % 40, 't');
    value.count = step_++;
    model_[{vehicle, subkey}] = value;
  }

  void FreezeOrApply() {
    if (!frozen_) {
      table_.Freeze(0, vehicles_, changes_);
      frozen_model_ = model_;
      frozen_ = true;
      return;
    }
    ASSERT_TRUE(store_.Apply(changes_, Marker()).ok());
    table_.Applied();
    changes_.Clear();
    frozen_ = false;
    ExpectStored(frozen_model_);
  }

  void EvictWhatMayBe() {
    for (VehicleIndex v = 0; v < kVehicles; ++v) {
      if (!table_.CanEvict(v) || evicted_[v]) continue;
      table_.Evict(v);
      evicted_[v] = true;
    }
  }

  void Reside(VehicleIndex vehicle) {
    if (!evicted_[vehicle]) return;
    std::vector<char> prefix;
    AppendVehiclePrefix(prefix, vehicles_.Id(vehicle));
    const auto visit = [&](std::string_view key, std::string_view value) {
      std::string_view name;
      int64_t subkey = 0;
      CHECK(ParseStateKey(key, name, subkey, scratch_));
      return table_.Load(vehicle, subkey, value);
    };
    ASSERT_TRUE(store_.Scan(0, {prefix.data(), prefix.size()}, visit).ok());
    evicted_[vehicle] = false;
  }

  void ExpectStored(const Model& expected) {
    Model stored;
    const auto visit = [&](std::string_view key, std::string_view value) {
      std::string_view name;
      int64_t subkey = 0;
      CHECK(ParseStateKey(key, name, subkey, scratch_));
      ByteReader reader(value.substr(1));
      TextValue& into = stored[{vehicles_.Find(name), subkey}];
      CHECK(into.Decode(reader));
      return Status::Ok();
    };
    ASSERT_TRUE(store_.Scan(0, {}, visit).ok());
    ASSERT_EQ(stored, expected);
  }

  void ExpectSeen() {
    Model seen;
    for (VehicleIndex v = 0; v < kVehicles; ++v) {
      Reside(v);
      table_.ForEach(v, [&](int64_t subkey, const TextValue& value) {
        seen[{v, subkey}] = value;
      });
    }
    ASSERT_EQ(seen, model_);
    ASSERT_EQ(table_.entries(), model_.size());
  }

  std::mt19937 random_;
  VehicleTable vehicles_;
  StateTable<TextValue> table_;
  MemoryStore store_;
  StateChanges changes_;
  Model model_;
  Model frozen_model_;
  bool evicted_[kVehicles] = {};
  bool frozen_ = false;
  int64_t step_ = 1;
  std::vector<char> scratch_;
};

TEST_P(TableModelTest, AgreesWithAMapAndItsStore) {
  for (int i = 0; i < 4000; ++i) {
    switch (random_() % 16) {
      case 0:
      case 1:
        FreezeOrApply();
        break;
      case 2:
        EvictWhatMayBe();
        break;
      case 3:
        ExpectSeen();
        break;
      default:
        Change();
    }
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TableModelTest, ::testing::Range(1u, 9u));

}  // namespace
}  // namespace tacho
