// What is stored is not believed: values of every table of a job with all
// operators, changed in every way, are refused or do no harm. Run under ASan.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/every_aggregate.h"
#include "tests/support/test_lane.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;

struct StoredEntry {
  TableId table = 0;
  std::string key;
  std::string value;
};

SignalSchema Schema() {
  return SignalSchema({{"speed", SignalType::kDouble, Dimension::kSpeed},
                       {"odometer", SignalType::kDouble, Dimension::kDistance},
                       {"gear", SignalType::kInt64, Dimension::kNone},
                       {"on", SignalType::kBool, Dimension::kNone},
                       {"label", SignalType::kString, Dimension::kNone}});
}

TestLane::Streams EveryOperator() {
  const ParamValue window =
      Param("window", {Param("tumbling", std::chrono::seconds(10))});
  return {
      {{"window_aggregate",
        {window, Param("allowed_lateness", std::chrono::seconds(5)),
         Param("aggregates", EveryAggregate(Schema()))}}},
      {{"window_aggregate",
        {window, Param("aggregates", {Param("c", "count(label)")})}}},
      {{"window_aggregate",
        {Param("window",
               {Param("hopping", {Param("size", std::chrono::seconds(12)),
                                  Param("slide", std::chrono::seconds(5))})}),
         Param("aggregates", EveryAggregate(Schema()))}}},
      {{"last_value",
        {Param("signals", {Param("", "speed"), Param("", "label")})}}},
      {{"project", {Param("fields", {Param("v", "speed")})}}},
      {{"filter", {Param("condition", "gear != 3")}},
       {"excursion",
        {Param("name", "fast"), Param("when", "speed > 100"),
         Param("for", std::chrono::seconds(2))}}}};
}

TEST(StoredValuesCoverTest, EveryOperatorIsInAStream) {
  std::set<std::string> used;
  for (const auto& stream : EveryOperator()) {
    for (const TestOperator& step : stream) used.insert(step.type);
  }
  for (const OperatorType& type : OperatorTypes()) {
    EXPECT_TRUE(used.contains(std::string(type.name))) << type.name;
  }
}

class StoredValuesTest : public ::testing::Test {
 protected:
  StoredValuesTest() : lane_(Schema(), EveryOperator(), Options()) {
    for (int i = 0; i < 20; ++i) lane_.RunBatch(Records(i));
    lane_.Commit();
    for (TableId table = 0; table < Tables().size(); ++table) {
      CHECK(lane_.store()
                .Scan(table, {},
                      [&](std::string_view key, std::string_view value) {
                        entries_.push_back(
                            {table, std::string(key), std::string(value)});
                        return Status::Ok();
                      })
                .ok());
    }
  }

  static TestLane::Options Options() {
    TestLane::Options options;
    options.settings.vehicle_idle_timeout = std::chrono::seconds(60);
    options.settings.vehicle_forget = std::chrono::seconds(600);
    return options;
  }

  // Vehicles that come and go, fast and slow, so that each table has entries.
  std::vector<TestRecord> Records(int round) {
    std::vector<TestRecord> records;
    const int64_t base = 1769443200000 + round * 15000;
    for (int i = 0; i < 12; ++i) {
      const int vehicle = static_cast<int>(random_() % 6);
      if (vehicle == 5 && round > 12) continue;  // Falls silent.
      const auto step = static_cast<int64_t>(random_() % 15000);
      TestRecord record{"vehicle " + std::to_string(vehicle), base + step, {}};
      record.cells = {
          {"speed", static_cast<double>(random_() % 200)},
          {"odometer", 1000.5 + static_cast<double>(round) + vehicle},
          {"gear", static_cast<int64_t>(random_() % 5)},
          {"on", random_() % 2 == 0},
          {"label", std::string(random_() % 12, 'x')}};
      records.push_back(std::move(record));
    }
    return records;
  }

  std::vector<std::string> Tables() {
    std::vector<std::string> names;
    for (const auto& [name, fingerprint] : lane_.state().Fingerprints()) {
      names.push_back(name);
    }
    return names;
  }
  StoredEntry& Find(const std::string& table) {
    const auto names = Tables();
    for (StoredEntry& entry : entries_) {
      if (names[entry.table] == table) return entry;
    }
    CHECK(false);
    return entries_.front();
  }

  void Write(const StoredEntry& entry, bool erase = false) {
    StateChanges changes;
    changes.Begin(entry.table, 0);
    changes.bytes().insert(changes.bytes().end(), entry.key.begin(),
                           entry.key.end());
    changes.EndKey();
    if (erase) {
      changes.EndTombstone();
    } else {
      changes.bytes().insert(changes.bytes().end(), entry.value.begin(),
                             entry.value.end());
      changes.EndValue();
    }
    CHECK(lane_.store().Apply(changes, Marker()).ok());
  }
  Status Check(const StoredEntry& entry) {
    return lane_.state().CheckEntry(entry.table, entry.key, entry.value);
  }

  // The store holds `entry` in place of `good`: the lane refuses it, or works
  // on, and all that it writes is JSON.
  void Try(const StoredEntry& good, const StoredEntry& bad) {
    const bool sound = Check(bad).ok();
    Write(good, /*erase=*/true);
    Write(bad);
    const Status opened = lane_.TryReopen();
    ASSERT_EQ(opened.ok(), sound) << opened.message();
    if (sound) {
      lane_.out.Clear();
      lane_.RunBatch(Records(21));
      lane_.Advance(kEndOfTime);
      for (const OutputRecord& record : lane_.out.records()) {
        if (record.sink == TestLane::kLateSink) continue;
        ASSERT_TRUE(nlohmann::json::accept(lane_.out.Value(record)))
            << lane_.out.Value(record);
      }
      ++accepted_;
    } else {
      ASSERT_EQ(opened.code(), StatusCode::kCorruption);
      ASSERT_THAT(opened.message(), HasSubstr("table"));
      ++refused_;
    }
    Write(bad, /*erase=*/true);
    Write(good);
    ASSERT_TRUE(lane_.TryReopen().ok());
  }

  StoredEntry Mutated(StoredEntry entry) {
    std::string& bytes = random_() % 4 == 0 ? entry.key : entry.value;
    const auto at = [&] {
      return bytes.empty() ? 0 : random_() % bytes.size();
    };
    static constexpr int64_t kEdges[] = {
        INT64_MIN, INT64_MAX,     INT64_MIN / 4,      INT64_MAX / 4,     -1, 0,
        1,         INT64_MAX - 1, 0x7ff8000000000000, 0x7ff0000000000000};
    switch (random_() % 6) {
      case 0:
        if (!bytes.empty())
          bytes[at()] ^= static_cast<char>(1 << random_() % 8);
        break;
      case 1:
        bytes.resize(at());
        break;
      case 2:
        bytes.insert(at(), 1, static_cast<char>(random_()));
        break;
      case 3: {
        if (bytes.size() < sizeof(int64_t)) break;
        const int64_t edge = kEdges[random_() % std::size(kEdges)];
        std::memcpy(bytes.data() + random_() % (bytes.size() - 7), &edge,
                    sizeof edge);
        break;
      }
      case 4: {  // A piece of another value.
        const StoredEntry& other = entries_[random_() % entries_.size()];
        bytes.replace(at(), 8, other.value.substr(0, 8));
        break;
      }
      default:  // Another table's value.
        entry.value = entries_[random_() % entries_.size()].value;
    }
    return entry;
  }

  std::mt19937_64 random_{20261128};
  TestLane lane_;
  std::vector<StoredEntry> entries_;
  int accepted_ = 0;
  int refused_ = 0;
};

TEST_F(StoredValuesTest, WhatOperatorsWritePasses) {
  std::map<TableId, int> seen;
  for (const StoredEntry& entry : entries_) {
    ++seen[entry.table];
    const Status status = Check(entry);
    EXPECT_TRUE(status.ok()) << Tables()[entry.table] << status.message();
  }
  EXPECT_EQ(seen.size(), Tables().size()) << "a table without entries";
}

TEST_F(StoredValuesTest, MutatedEntriesAreRefusedOrDoNoHarm) {
  for (int i = 0; i < 4000; ++i) {
    const StoredEntry good = entries_[random_() % entries_.size()];
    const StoredEntry bad = Mutated(good);
    ASSERT_NO_FATAL_FAILURE(Try(good, bad)) << "round " << i;
  }
  EXPECT_GT(refused_, 1000);
  EXPECT_GT(accepted_, 100);
}

// No work grows with a stored value: windows that overlap would be looked for
// from here to the year 2100, and none of them has a pane.
TEST_F(StoredValuesTest, WhatIsSaidToBeClosedFarAheadEndsAtOnce) {
  const StoredEntry good = Find("s2.0.closed");
  std::vector<char> bytes;
  ByteWriter writer(bytes);
  writer.U8(static_cast<uint8_t>(good.value[0]));
  writer.Time(FromEpochMillis(4102444800000));
  StoredEntry bad = good;
  bad.value.assign(bytes.begin(), bytes.end());

  ASSERT_NO_FATAL_FAILURE(Try(good, bad));

  EXPECT_EQ(accepted_, 1);
  EXPECT_LT(lane_.out.records().size(), 1000U);
}

TEST_F(StoredValuesTest, ASubkeyThatNoTableHasIsRefused) {
  for (const StoredEntry& good : entries_) {
    for (const int64_t subkey : {INT64_MIN, INT64_MAX, int64_t{7}}) {
      StoredEntry bad = good;
      std::vector<char> key;
      AppendStateKey(key, "vehicle 1", subkey);
      bad.key.assign(key.begin(), key.end());

      EXPECT_EQ(Check(bad).code(), StatusCode::kCorruption)
          << Tables()[bad.table] << " " << subkey;
    }
  }
}

TEST_F(StoredValuesTest, AnIdThatIsEmptyOrNotUtf8IsRefused) {
  for (const char* const id : {"", "\xff", "a\xc3", "\xed\xa0\x80"}) {
    StoredEntry bad = Find("clock");
    std::vector<char> key;
    AppendStateKey(key, id, 0);
    bad.key.assign(key.begin(), key.end());

    EXPECT_THAT(Check(bad).message(), HasSubstr("clock"));
    EXPECT_EQ(Check(bad).code(), StatusCode::kCorruption);
  }
}

TEST_F(StoredValuesTest, AnErasureIsCheckedByItsKey) {
  StoredEntry entry = Find("clock");

  EXPECT_TRUE(lane_.state().CheckEntry(entry.table, entry.key, {}).ok());
  EXPECT_FALSE(lane_.state().CheckEntry(entry.table, "short", {}).ok());
}

}  // namespace
}  // namespace tacho
