#include "state/sorted_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace tacho {
namespace {

using Key = std::pair<TableId, std::string>;

void Put(StateChanges& changes, TableId table, const std::string& key,
         const std::string& value) {
  changes.Begin(table, /*tag=*/table);
  changes.bytes().insert(changes.bytes().end(), key.begin(), key.end());
  changes.EndKey();
  changes.bytes().insert(changes.bytes().end(), value.begin(), value.end());
  changes.EndValue();
}

std::vector<std::pair<Key, std::string>> Sorted(const StateChanges& changes) {
  SortedChanges sorted;
  sorted.Assign(changes);
  std::vector<std::pair<Key, std::string>> out;
  for (const StateChanges::Change* const change : sorted.changes()) {
    out.push_back({{change->table, std::string(changes.Key(*change))},
                   std::string(changes.Value(*change))});
  }
  return out;
}

TEST(SortedChangesTest, NothingIsNothing) {
  EXPECT_TRUE(Sorted(StateChanges()).empty());
}

TEST(SortedChangesTest, OrdersByBytesOfAnyValueAndLength) {
  std::mt19937 random(5);
  for (int round = 0; round < 50; ++round) {
    StateChanges changes;
    std::map<Key, std::string> expected;
    const std::string shared(random() % 12, 'p');
    for (int i = 0; i < 300; ++i) {
      std::string key = shared;
      for (uint64_t n = random() % 11; n > 0; --n) {
        key += "\0a\x7f\x80\xff"[random() % 5];
      }
      const auto table = static_cast<TableId>(random() % 3);
      Put(changes, table, key, std::to_string(i));
      expected[{table, key}] = std::to_string(i);
    }

    const auto sorted = Sorted(changes);

    ASSERT_TRUE(std::equal(sorted.begin(), sorted.end(), expected.begin(),
                           expected.end(),
                           [](const auto& a, const auto& b) {
                             return a.first == b.first && a.second == b.second;
                           }))
        << "round " << round;
  }
}

}  // namespace
}  // namespace tacho
