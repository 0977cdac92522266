#include "state/vehicle_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace tacho {
namespace {

// Both sides of the size up to which an id is kept in its record.
std::string IdOf(uint64_t n) {
  std::string id = "vehicle-" + std::to_string(n);
  if (n % 3 == 0) id.append(n % 64, 'x');
  return id;
}

TEST(VehicleTableTest, GivesDenseIndexesInOrderOfFirstUse) {
  VehicleTable table;
  for (VehicleIndex v = 0; v < 1000; ++v) {
    bool created = false;
    EXPECT_EQ(table.Intern(IdOf(v), &created), v);
    EXPECT_TRUE(created);
  }
  bool created = true;
  EXPECT_EQ(table.Intern(IdOf(77), &created), 77u);
  EXPECT_FALSE(created);
  EXPECT_EQ(table.Id(77), IdOf(77));
  EXPECT_EQ(table.Find(IdOf(5000)), VehicleTable::kNone);
  EXPECT_EQ(table.size(), 1000u);
}

TEST(VehicleTableTest, KeepsBytesInPlaceWhileItGrows) {
  VehicleTable table;
  bool created = false;
  const std::string_view short_id = table.Id(table.Intern("a", &created));
  const std::string long_bytes(100, 'z');
  const std::string_view long_id = table.Id(table.Intern(long_bytes, &created));

  for (uint64_t n = 0; n < 5000; ++n) table.Intern(IdOf(n), &created);

  EXPECT_EQ(short_id, "a");
  EXPECT_EQ(long_id, long_bytes);
  EXPECT_EQ(short_id.data(), table.Id(0).data());
}

TEST(VehicleTableTest, TellsEmptyIdsAndEmbeddedNulsApart) {
  VehicleTable table;
  bool created = false;
  const std::string nul("a\0b", 3);

  const VehicleIndex empty = table.Intern("", &created);
  const VehicleIndex a = table.Intern("a", &created);
  const VehicleIndex with_nul = table.Intern(nul, &created);

  EXPECT_EQ(table.Find(""), empty);
  EXPECT_EQ(table.Find("a"), a);
  EXPECT_EQ(table.Find(nul), with_nul);
  EXPECT_EQ(table.size(), 3u);
}

TEST(VehicleTableTest, AgreesWithAMapUnderChurn) {
  VehicleTable table;
  std::map<std::string, VehicleIndex> model;
  std::mt19937_64 random(7);
  for (int step = 0; step < 200000; ++step) {
    const std::string id = IdOf(random() % 700);
    const auto known = model.find(id);
    if (known != model.end() && random() % 2 == 0) {
      table.Remove(known->second);
      model.erase(known);
      ASSERT_EQ(table.Find(id), VehicleTable::kNone);
      continue;
    }
    bool created = false;
    const VehicleIndex v = table.Intern(id, &created);
    ASSERT_EQ(created, known == model.end());
    model.emplace(id, v);
    ASSERT_EQ(model[id], v);
  }
  std::set<VehicleIndex> indexes;
  for (const auto& [id, v] : model) {
    EXPECT_EQ(table.Find(id), v);
    EXPECT_EQ(table.Id(v), id);
    indexes.insert(v);
  }
  EXPECT_EQ(indexes.size(), model.size());
  EXPECT_EQ(table.size(), model.size());
}

TEST(VehicleTableTest, FindAllEqualsFindForEveryId) {
  VehicleTable table;
  std::mt19937_64 random(8);
  bool created = false;
  for (int i = 0; i < 3000; ++i) table.Intern(IdOf(random() % 4000), &created);
  std::vector<std::string> ids;
  for (int i = 0; i < 1003; ++i) ids.push_back(IdOf(random() % 5000));
  const std::vector<std::string_view> views(ids.begin(), ids.end());
  std::vector<VehicleIndex> found(views.size());

  table.FindAll(views.data(), views.size(), found.data());

  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(found[i], table.Find(ids[i])) << ids[i];
  }
}

TEST(VehicleTableTest, MemoryIsBoundedUnderChurn) {
  VehicleTable table;
  bool created = false;
  size_t bytes = 0;
  for (uint64_t n = 0; n < 300000; ++n) {
    const VehicleIndex v = table.Intern(IdOf(n), &created);
    ASSERT_LT(v, 1000u);  // Indexes are reused.
    if (table.size() == 1000) {
      for (VehicleIndex old = 0; old < 1000; ++old) table.Remove(old);
    }
    if (n == 10000) bytes = table.used_bytes();
  }
  EXPECT_LT(table.used_bytes(), bytes + bytes / 4);
}

TEST(VehicleTableTest, MarksStartClearAfterReuse) {
  VehicleTable table;
  bool created = false;
  const VehicleIndex first = table.Intern("a", &created);
  table.marks(first) = 3;
  table.Remove(first);
  EXPECT_FALSE(table.Known(first));

  const VehicleIndex second = table.Intern("b", &created);

  EXPECT_EQ(first, second);
  EXPECT_EQ(table.marks(second), 0);
}

}  // namespace
}  // namespace tacho
