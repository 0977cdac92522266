#include "pipeline/worker/metric_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace tacho {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

bool Ends(const std::string& name, const std::string& with) {
  return name.ends_with("_" + with);
}

template <typename Source>
size_t RowsOf() {
  const auto table = MetricTable();
  return static_cast<size_t>(
      std::count_if(table.begin(), table.end(), [](const Metric& m) {
        return std::holds_alternative<Source>(m.source);
      }));
}

// https://prometheus.io/docs/practices/naming
TEST(MetricTableTest, NamesObeyPrometheus) {
  const std::regex legal("tacho(_[a-z][a-z0-9]*)+");
  std::set<std::string> names;
  for (const Metric& m : MetricTable()) {
    const std::string name = m.name;
    const std::string unit = m.unit;
    EXPECT_TRUE(std::regex_match(name, legal)) << name;
    EXPECT_TRUE(names.insert(name).second) << name << " twice";
    EXPECT_EQ(Ends(name, "total"), m.kind == MetricKind::kCounter) << name;
    // Of a histogram's own series.
    for (const char* const own : {"count", "sum", "bucket", "info"}) {
      EXPECT_FALSE(Ends(name, own)) << name;
    }
    // A unit that a name must say is a base unit, and comes last.
    const std::string stem =
        Ends(name, "total") ? name.substr(0, name.size() - 6) : name;
    for (const char* const base : {"seconds", "bytes", "ratio"}) {
      EXPECT_EQ(Ends(stem, base), unit == base) << name << " in " << unit;
    }
    for (const char* const other : {"ms", "us", "millis", "micros", "kb"}) {
      EXPECT_NE(unit, other) << name;
      EXPECT_FALSE(Ends(stem, other)) << name;
    }
    EXPECT_TRUE(m.kind != MetricKind::kHistogram || unit == "seconds") << name;
    EXPECT_EQ(unit.empty(), m.kind == MetricKind::kText) << name;
    if (m.label != nullptr) {
      EXPECT_TRUE(std::regex_match(m.label, std::regex("[a-z][a-z_]*")));
    }
    EXPECT_TRUE(std::string(m.help).ends_with('.')) << name;
  }
}

// A counter that nobody has given a row, nobody sees.
TEST(MetricTableTest, EveryCounterHasARow) {
  EXPECT_EQ(
      sizeof(LaneMetrics),
      RowsOf<Counter LaneMetrics::*>() * sizeof(Counter) +
          RowsOf<Metric::Rejects LaneMetrics::*>() * sizeof(Metric::Rejects) +
          RowsOf<CounterList LaneMetrics::*>() * sizeof(CounterList));
  EXPECT_EQ(sizeof(CommitMetrics),
            RowsOf<Counter CommitMetrics::*>() * sizeof(Counter) +
                RowsOf<LatencyHistogram CommitMetrics::*>() *
                    sizeof(LatencyHistogram));
  EXPECT_EQ(sizeof(EpochWriterMetrics),
            RowsOf<Counter EpochWriterMetrics::*>() * sizeof(Counter));
}

TEST(MetricTableTest, EveryMetricIsInALineOfTheLogOrNamedAsQuiet) {
  std::vector<std::string> logged = {"rejects_of"};  // By Worker::LogTotals.
  for (const LogField& f : TotalsFields("job", WorkerMetrics()))
    logged.push_back(f.name);
  for (const LogField& f : LatencyFields(CommitMetrics()))
    logged.push_back(f.name);
  std::vector<std::string> quiet;

  for (const Metric& m : MetricTable()) {
    if (m.field == kQuiet) {
      quiet.emplace_back(m.name);
    } else if (m.kind == MetricKind::kHistogram) {
      EXPECT_THAT(logged, Contains(std::string(m.field) + "_p50_us"));
      EXPECT_THAT(logged, Contains(std::string(m.field) + "_p99_us"));
    } else {
      EXPECT_THAT(logged, Contains(m.field));
    }
  }

  EXPECT_THAT(
      quiet, UnorderedElementsAre(
                 "tacho_message_bytes_total", "tacho_batches_total",
                 "tacho_state_reads_total", "tacho_producer_precautions_total",
                 "tacho_closed_connections_total", "tacho_commit_retries_total",
                 "tacho_committed_messages_total",
                 "tacho_committed_bytes_total", "tacho_state_changes_total"));
}

// People's scripts read it, and so do our fault tests.
TEST(MetricTableTest, TheLineWithTheTotalsIsAContract) {
  CommitMetrics commits[2];
  EpochWriterMetrics writers[2];
  WorkerMetrics metrics;
  uint64_t next = 1;
  for (const Metric& m : MetricTable()) {
    if (const auto* const lane =
            std::get_if<Counter LaneMetrics::*>(&m.source)) {
      (metrics.lanes.**lane).Add(next++);
    }
  }
  metrics.lanes.rejects[0].Add(30);
  metrics.lanes.rejects[2].Add(12);
  for (int i = 0; i < 2; ++i) {
    commits[i].commits.Add(100);
    writers[i].renewals.Add(1);
    writers[i].clamped_stamps.Add(2);
    metrics.commits.push_back(&commits[i]);
    metrics.writers.push_back(&writers[i]);
  }
  metrics.progress.lanes = 3;
  metrics.progress.assigned = 4;
  metrics.seconds = 1.5;
  metrics.held_up = 5;

  std::string line;
  for (const LogField& f : TotalsFields("j", metrics)) {
    line += f.name + "=" + f.text + (f.is_text ? "\" " : " ");
  }

  EXPECT_EQ(line,
            "job=j\" lanes=3 assigned=4 lag=unknown\" waiting_for=none\" "
            "seconds=1.5 messages=1 records=4 rejects=42 late=5 late_records=6 "
            "filtered=7 sum_overflow=8 outputs=9 skipped=10 repeated=11 "
            "invalid_values=12 time_jumps=13 state_not_moved=15 held_up=5 "
            "producer_renewals=2 stamps_clamped=4 commits=200 ");
  metrics.progress.lag = 7;
  metrics.progress.waiting_for = "group";
  EXPECT_EQ(FieldOf("lag", metrics).text, "7");
  EXPECT_EQ(FieldOf("waiting_for", metrics).text, "group");
}

TEST(MetricTableTest, TheLineWithTheLatenciesIsAContract) {
  CommitMetrics metrics;
  metrics.commits.Add(9);

  std::string line;
  for (const LogField& f : LatencyFields(metrics)) {
    line += f.name + "=" + f.text + " ";
  }

  EXPECT_EQ(line,
            "commits=9 produce_p50_us=0 produce_p99_us=0 flush_p50_us=0 "
            "flush_p99_us=0 offsets_p50_us=0 offsets_p99_us=0 commit_p50_us=0 "
            "commit_p99_us=0 apply_p50_us=0 apply_p99_us=0 total_p50_us=0 "
            "total_p99_us=0 ");
}

TEST(MetricTableTest, LanesAreAddedUp) {
  LaneMetrics sum(3);
  LaneMetrics lane(3);
  lane.late.Add(2);
  lane.rejects[1].Add(4);
  lane.rejected_at.Add(2);

  AddTo(sum, lane);
  AddTo(sum, lane);

  EXPECT_EQ(sum.late.value(), 4u);
  EXPECT_EQ(sum.total_rejects(), 8u);
  EXPECT_EQ(sum.rejected_at.value(2), 2u);
}

}  // namespace
}  // namespace tacho
