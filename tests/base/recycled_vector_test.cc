#include "pipeline/base/recycled_vector.h"

#include <gtest/gtest.h>

namespace tacho {
namespace {

// Fills and empties `times` times; how often that has taken memory anew.
int Fill(std::vector<char>& v, RecycledRoom& room, size_t size, int times) {
  int taken = 0;
  for (int i = 0; i < times; ++i) {
    const size_t before = v.capacity();
    v.resize(size);
    if (v.capacity() != before) ++taken;
    room.Clear(v);
    room.Clear(v);  // Whoever hands it on may do it again.
  }
  return taken;
}

TEST(RecycledVectorTest, ASteadyLoadTakesMemoryOnce) {
  std::vector<char> v;
  RecycledRoom room;
  EXPECT_EQ(Fill(v, room, 1000000, 100), 1);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(Fill(v, room, 300000, 1), 0);  // Up and down within its room.
    EXPECT_EQ(Fill(v, room, 1000000, 1), 0);
  }
}

TEST(RecycledVectorTest, OneGreatFillingIsForgotten) {
  std::vector<char> v;
  RecycledRoom room;
  Fill(v, room, 64000000, 1);
  EXPECT_GE(v.capacity(), 64000000u);
  EXPECT_EQ(Fill(v, room, 1000000, 40), 1);
  EXPECT_LE(v.capacity(), 4000000u);
}

TEST(RecycledVectorTest, LittleIsAlwaysKept) {
  std::vector<char> v;
  RecycledRoom room;
  EXPECT_EQ(Fill(v, room, 65536, 1), 1);
  EXPECT_EQ(Fill(v, room, 1, 100), 0);
}

}  // namespace
}  // namespace tacho
