#include "pipeline/consume/unreadable_search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>

namespace tacho {
namespace {

// A log whose batch [first, end) cannot be read, and perhaps the one after it,
// [end, next); what a client says to a probe.
struct BadLog {
  Offset base;   // Where the batch begins; `first` may lie inside.
  Offset first;  // Where the lane is.
  Offset end;
  Offset next;
  Offset log_end;
};

// [first, end) as found; `probes` counts fetches.
std::pair<Offset, Offset> Find(const BadLog& log, bool knows_end, int& probes) {
  UnreadableSearch search;
  search.Begin(log.first, knows_end ? log.log_end : kNoOffset);
  for (probes = 0; !search.done(); ++probes) {
    const Offset probe = search.probe();
    EXPECT_GT(probe, log.first);
    EXPECT_TRUE(!knows_end || probe <= log.log_end) << probe;
    if (probe < log.end) {
      search.Inside();
    } else if (probe < log.next) {
      search.Outside(log.end);  // The next batch is bad, too; it begins there.
    } else {
      search.Outside(probe);
    }
  }
  EXPECT_TRUE(search.active());
  const auto found = search.Take();
  EXPECT_FALSE(search.active());
  return found;
}

TEST(UnreadableSearchTest, FindsTheEndOfEveryBatchInFewSteps) {
  for (Offset records = 1; records <= 300; ++records) {
    for (const Offset into : {Offset{0}, records / 2, records - 1}) {
      for (const Offset bad_after : {0, 1, 5, 1000}) {
        for (const Offset good_after : {0, 1, 50}) {
          BadLog log;
          log.base = 1000;
          log.first = log.base + into;
          log.end = log.base + records;
          log.next = log.end + bad_after;
          log.log_end = log.next + good_after;
          for (const bool knows_end : {true, false}) {
            int probes = 0;
            EXPECT_EQ(Find(log, knows_end, probes),
                      std::pair(log.first, log.end))
                << records << " " << into << " " << bad_after;
            const double left = static_cast<double>(records - into);
            EXPECT_LE(probes, 2 * std::log2(left) + 2);
          }
        }
      }
    }
  }
}

TEST(UnreadableSearchTest, ASingleMessageTakesOneProbe) {
  int probes = 0;
  const BadLog tiny = {5, 5, 6, 6, 100};
  const BadLog last = {5, 5, 6, 6, 6};
  const std::pair<Offset, Offset> only(5, 6);
  EXPECT_EQ(Find(tiny, true, probes), only);
  EXPECT_EQ(probes, 1);
  EXPECT_EQ(Find(last, true, probes), only);
  EXPECT_EQ(probes, 1);
}

}  // namespace
}  // namespace tacho
