#include "pipeline/base/arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace tacho {
namespace {

TEST(ArenaTest, BytesStayWhereTheyAreUntilReset) {
  Arena arena;
  std::vector<std::string> texts;
  std::vector<std::string_view> copies;
  for (size_t i = 0; i < 3000; ++i) {
    texts.push_back(std::string(i % 977, static_cast<char>('a' + i % 26)));
    copies.push_back(arena.Copy(texts.back()));
  }
  for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(copies[i], texts[i]);
}

TEST(ArenaTest, EmptyCopyIsNotNullEvenInAFreshArena) {
  Arena arena;
  EXPECT_NE(arena.Copy("").data(), nullptr);
  arena.Reset();
  EXPECT_NE(arena.Copy("").data(), nullptr);
}

TEST(ArenaTest, EveryRangeIsFollowedByReadablePadding) {
  Arena arena;
  size_t sum = 0;
  for (const size_t size : {Arena::kChunkBytes, Arena::kChunkBytes - 1,
                            size_t{1}, 3 * Arena::kChunkBytes}) {
    const char* const p = arena.Allocate(size);
    // A sanitizer stops here if the padding is not there.
    for (size_t i = 0; i < Arena::kPadding; ++i) {
      sum += static_cast<unsigned char>(p[size + i]);
    }
  }
  EXPECT_EQ(sum, 0u);
}

TEST(ArenaTest, ResetKeepsChunksUpToTheRetainedBytes) {
  Arena arena(2 * Arena::kChunkBytes);
  for (int i = 0; i < 5; ++i) arena.Allocate(Arena::kChunkBytes);
  EXPECT_EQ(arena.reserved_bytes(), 5 * Arena::kChunkBytes);
  EXPECT_EQ(arena.used_bytes(), 5 * Arena::kChunkBytes);
  arena.Reset();
  EXPECT_EQ(arena.reserved_bytes(), 2 * Arena::kChunkBytes);
  EXPECT_EQ(arena.used_bytes(), 0u);
}

TEST(ArenaTest, RecycledArenaReservesNothingNew) {
  Arena arena;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) arena.Allocate(9000);
    arena.Reset();
  }
  const size_t reserved = arena.reserved_bytes();
  for (int i = 0; i < 100; ++i) arena.Allocate(9000);
  EXPECT_EQ(arena.reserved_bytes(), reserved);
}

TEST(ArenaTest, AllocationLargerThanAChunkIsServed) {
  Arena arena;
  arena.Allocate(10);
  char* const big = arena.Allocate(10 * Arena::kChunkBytes);
  std::memset(big, 'x', 10 * Arena::kChunkBytes);
  EXPECT_EQ(arena.used_bytes(), 10 + 10 * Arena::kChunkBytes);
}

}  // namespace
}  // namespace tacho
