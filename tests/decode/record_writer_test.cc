#include "pipeline/decode/record_writer.h"

#include <gtest/gtest.h>

#include <string>

namespace tacho {
namespace {

constexpr Timestamp kTime = FromEpochMillis(1769443200000);

SignalSchema Schema() {
  return SignalSchema({{"d", SignalType::kDouble, Dimension::kNone},
                       {"i", SignalType::kInt64, Dimension::kNone},
                       {"b", SignalType::kBool, Dimension::kNone},
                       {"s", SignalType::kString, Dimension::kNone}});
}

void AddMessages(Batch& batch, int count) {
  for (int i = 0; i < count; ++i) batch.AddMessage(i, kTime, "k", "v");
}

void WriteRecord(RecordWriter& writer, double value) {
  writer.StartRecord("v", kTime);
  writer.SetDouble(0, value);
  writer.SetString(3, "x");
  writer.EndRecord();
}

TEST(RecordWriterTest, SetsCellsOfEveryType) {
  Batch batch(Schema());
  AddMessages(batch, 1);
  RecordWriter writer;
  writer.Start(batch);
  writer.StartMessage(0);
  writer.StartRecord("v1", kTime);
  writer.SetDouble(0, 1.5);
  writer.SetInt64(1, -7);
  writer.SetBool(2, true);
  writer.SetString(3, "text");
  writer.EndRecord();
  EXPECT_EQ(batch.records(), 0u) << "the message may still be refused";
  writer.Commit();
  ASSERT_EQ(batch.records(), 1u);
  EXPECT_EQ(batch.vehicle_id[0], "v1");
  EXPECT_EQ(batch.event_time[0], kTime);
  EXPECT_EQ(batch.columns[0].doubles[0], 1.5);
  EXPECT_EQ(batch.columns[1].ints[0], -7);
  EXPECT_EQ(batch.columns[2].bools[0], 1);
  EXPECT_EQ(batch.columns[3].strings[0], "text");
  for (const Column& c : batch.columns) {
    EXPECT_EQ(c.state[0], CellState::kValid);
  }
}

TEST(RecordWriterTest, AMessageMayHaveMoreRecordsThanThereIsRoomFor) {
  Batch batch(Schema());
  AddMessages(batch, 2);
  RecordWriter writer;
  writer.Start(batch);
  writer.StartMessage(0);
  for (int i = 0; i < 1000; ++i) WriteRecord(writer, i);
  writer.Commit();
  writer.StartMessage(1);
  WriteRecord(writer, 1000);
  writer.Commit();
  ASSERT_EQ(batch.records(), 1001u);
  for (size_t row = 0; row <= 1000; ++row) {
    EXPECT_EQ(batch.columns[0].doubles[row], static_cast<double>(row));
    EXPECT_EQ(batch.message_index[row], row == 1000 ? 1u : 0u);
    EXPECT_EQ(batch.columns[1].state[row], CellState::kAbsent);
    EXPECT_EQ(batch.columns[3].strings[row], "x");
  }
}

TEST(RecordWriterTest, RollBackLeavesNothingOfTheMessage) {
  for (const int whole : {0, 1, 2, 7}) {
    for (const bool begun : {false, true}) {
      Batch batch(Schema());
      AddMessages(batch, 3);
      RecordWriter writer;
      writer.Start(batch);
      writer.StartMessage(0);
      WriteRecord(writer, 1);
      writer.Commit();
      writer.StartMessage(1);
      for (int i = 0; i < whole; ++i) WriteRecord(writer, 2);
      if (begun) {
        writer.StartRecord("w", kTime);
        writer.SetState(2, CellState::kInvalid);
      }
      writer.RollBack();
      ASSERT_EQ(batch.records(), 1u);
      for (const Column& c : batch.columns) {
        for (size_t row = 1; row < batch.capacity(); ++row) {
          ASSERT_EQ(c.state[row], CellState::kAbsent) << whole << begun << row;
        }
      }
      writer.StartMessage(2);
      WriteRecord(writer, 3);
      writer.Commit();
      ASSERT_EQ(batch.records(), 2u);
      EXPECT_EQ(batch.message_index[1], 2u);
      EXPECT_EQ(batch.columns[0].doubles[1], 3);
    }
  }
}

}  // namespace
}  // namespace tacho
