#include "operators/window_assigner.h"

#include <gtest/gtest.h>

#include <vector>

namespace tacho {
namespace {

Timestamp Ms(int64_t ms) { return FromEpochMillis(ms); }

// The ends of all windows that hold `t`, found by looking at many.
std::vector<Timestamp> EndsOf(int64_t t, int64_t size, int64_t slide) {
  std::vector<Timestamp> ends;
  for (int64_t start = -50 * slide; start <= 50 * slide; start += slide) {
    if (start <= t && t < start + size) ends.push_back(Ms(start + size));
  }
  return ends;
}

TEST(WindowAssignerTest, EqualsWhatIsFoundByLookingAtEveryWindow) {
  for (int64_t size = 1; size <= 12; ++size) {
    for (int64_t slide = 1; slide <= size; ++slide) {
      const WindowAssigner windows{Millis(size), Millis(slide)};
      for (int64_t t = -25; t <= 25; ++t) {
        const auto ends = EndsOf(t, size, slide);
        ASSERT_EQ(windows.FirstEnd(Ms(t)), ends.front()) << size << slide << t;
        ASSERT_EQ(windows.LastEnd(Ms(t)), ends.back()) << size << slide << t;
        for (int64_t bound = -30; bound < ToEpochMillis(ends.back()); ++bound) {
          Timestamp expected = ends.back();
          for (const Timestamp end : ends) {
            if (end > Ms(bound)) expected = std::min(expected, end);
          }
          ASSERT_EQ(windows.FirstEndAfter(Ms(t), Ms(bound)), expected);
        }
      }
    }
  }
}

// Whoever knows the pane of a record knows all its windows.
TEST(WindowAssignerTest, AllTimesOfAPaneAreInTheSameWindows) {
  for (int64_t size = 1; size <= 12; ++size) {
    for (int64_t slide = 1; slide <= size; ++slide) {
      const WindowAssigner windows{Millis(size), Millis(slide)};
      for (int64_t t = -25; t <= 25; ++t) {
        const int64_t pane = ToEpochMillis(windows.PaneOf(Ms(t)));
        ASSERT_LE(pane, t);
        ASSERT_LT(t, pane + windows.pane().count());
        ASSERT_EQ(EndsOf(t, size, slide), EndsOf(pane, size, slide));
      }
    }
  }
}

TEST(WindowAssignerTest, PanesAreAsWideAsTheyCanBe) {
  EXPECT_EQ(WindowAssigner(Millis(60), Millis(60)).pane(), Millis(60));
  EXPECT_EQ(WindowAssigner(Millis(60), Millis(15)).pane(), Millis(15));
  EXPECT_EQ(WindowAssigner(Millis(60), Millis(25)).pane(), Millis(5));
}

}  // namespace
}  // namespace tacho
