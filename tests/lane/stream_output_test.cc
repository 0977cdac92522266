#include "pipeline/lane/stream_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/batch_builder.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;

class StreamOutputTest : public ::testing::Test {
 protected:
  StreamOutputTest() : records_(SignalSchema()) {
    options_.sink = 5;
    options_.late_sink = 6;
    options_.stream = "stats";
    options_.originals = &originals_;
    const BatchBuilder builder{SignalSchema()};
    builder.Add(records_, {"v", 99, {}}, 40);
    builder.Add(records_, {"w", 100, {}}, 41);
  }

  // Two rows of the records, and what is late among them.
  void Take(const std::vector<LateRecord>& late,
            std::vector<uint8_t>* late_rows = nullptr) {
    const RowSchema schema = {{"n", FieldType::kInt64}};
    Batch rows(ColumnsOf(schema));
    rows.Reserve(2);
    rows.cause = {0, 1};
    for (size_t row = 0; row < 2; ++row) {
      rows.vehicle_id[row] = records_.vehicle_id[row];
      rows.columns[0].state[row] = CellState::kValid;
      rows.columns[0].ints[row] = static_cast<int64_t>(row);
      rows.CommitRow();
    }
    StreamOutput output(options_, schema, metrics_);
    output.SetTarget(&out_, &records_, 1000, late_rows);
    output.Take(rows, late, selected_);
  }

  std::string Headers(const OutputRecord& record) const {
    std::string_view headers = out_.Headers(record);
    std::string text;
    std::string_view name;
    std::string_view value;
    while (NextHeader(headers, name, value)) {
      text += std::string(name) + "=" + std::string(value) + ";";
    }
    return text;
  }

  std::vector<std::string> Values() const {
    std::vector<std::string> values;
    for (const OutputRecord& record : out_.records()) {
      values.emplace_back(out_.Value(record));
    }
    return values;
  }

  static LateRecord Window(size_t at, int32_t cause) {
    return {at,
            0,
            cause,
            LateRecord::Missed::kWindow,
            FromEpochMillis(10),
            FromEpochMillis(20)};
  }

  OriginalWriter originals_{{"t", 2, "j"}};
  OutputOptions options_;
  const uint8_t* selected_ = nullptr;
  LaneMetrics metrics_;
  Batch records_;
  OutputBuffer out_;
};

TEST_F(StreamOutputTest, LateRecordsKeepTheirBytesAndSayWhatTheyMissed) {
  records_.messages[1].key = {};  // No key.

  Take({Window(0, 1)});

  const OutputRecord& record = out_.records().at(0);
  EXPECT_TRUE(record.null_key);
  EXPECT_FALSE(record.null_value);
  EXPECT_EQ(out_.Value(record), "41");
  EXPECT_EQ(record.sink, 6U);
  EXPECT_EQ(record.cause, 1001U);
  EXPECT_EQ(ToEpochMillis(record.log_time), 101);
  EXPECT_EQ(Headers(record),
            "tacho.stream=stats;tacho.window_start=10;tacho.window_end=20;"
            "tacho.topic=t;tacho.partition=2;tacho.offset=41;"
            "tacho.timestamp=101;tacho.job=j;");
  EXPECT_EQ(metrics_.late.value(), 1U);
}

TEST_F(StreamOutputTest, WithoutWindowsTheLastSampleIsWhatWasMissed) {
  Take({{0, 0, 0, LateRecord::Missed::kLastSample, FromEpochMillis(30), {}}});
  EXPECT_EQ(Headers(out_.records().at(0)),
            "tacho.stream=stats;tacho.last_sample=30;tacho.topic=t;"
            "tacho.partition=2;tacho.offset=40;tacho.timestamp=100;"
            "tacho.job=j;");
}

TEST_F(StreamOutputTest, RowsAndLateRecordsComeInOrder) {
  Take({Window(1, 0), Window(1, 1), Window(2, 1)});
  EXPECT_THAT(Values(),
              ElementsAre(R"({"n":0})", "40", "41", R"({"n":1})", "41"));
  EXPECT_EQ(metrics_.outputs.value(), 2U);
}

TEST_F(StreamOutputTest, LateRecordsWithoutASinkAreCountedAndMarked) {
  options_.late_sink.reset();
  std::vector<uint8_t> late_rows(2, 0);
  Take({Window(0, 1)}, &late_rows);
  EXPECT_EQ(out_.records().size(), 2U);
  EXPECT_EQ(metrics_.late.value(), 1U);
  EXPECT_THAT(late_rows, ElementsAre(0, 1));
}

TEST_F(StreamOutputTest, WhatIsNotSelectedIsNeitherWrittenNorCounted) {
  const std::vector<uint8_t> selected = {0, 1};
  selected_ = selected.data();
  Take({});
  EXPECT_THAT(Values(), ElementsAre(R"({"n":1})"));
  EXPECT_EQ(metrics_.outputs.value(), 1U);
}

TEST_F(StreamOutputTest, WithoutASinkRowsAreCountedOnly) {
  options_.sink.reset();
  Take({});
  EXPECT_TRUE(out_.empty());
  EXPECT_EQ(metrics_.outputs.value(), 2U);
}

}  // namespace
}  // namespace tacho
