#include "pipeline/base/batch.h"

#include <gtest/gtest.h>

#include <string>

namespace tacho {
namespace {

SignalSchema FourTypes() {
  return SignalSchema({{"d", SignalType::kDouble, Dimension::kSpeed},
                       {"i", SignalType::kInt64, Dimension::kNone},
                       {"b", SignalType::kBool, Dimension::kNone},
                       {"s", SignalType::kString, Dimension::kNone}});
}

TEST(BatchTest, MessageIsCopiedIntoTheArena) {
  Batch batch(FourTypes());
  std::string key = "k";
  std::string value = "value";
  batch.AddMessage(7, FromEpochMillis(5), key, value);
  key[0] = value[0] = 'X';
  ASSERT_EQ(batch.messages.size(), 1u);
  EXPECT_EQ(batch.messages[0].offset, 7);
  EXPECT_EQ(batch.messages[0].log_time, FromEpochMillis(5));
  EXPECT_EQ(batch.messages[0].key, "k");
  EXPECT_EQ(batch.messages[0].value, "value");
}

TEST(BatchTest, NullKeyAndTombstoneStayApartFromEmptyOnes) {
  Batch batch(FourTypes());
  batch.AddMessage(0, kNoLogTime, "", "");
  batch.AddMessage(1, kNoLogTime, {}, {});
  EXPECT_NE(batch.messages[0].key.data(), nullptr);
  EXPECT_NE(batch.messages[0].value.data(), nullptr);
  EXPECT_EQ(batch.messages[1].key.data(), nullptr);
  EXPECT_EQ(batch.messages[1].value.data(), nullptr);
}

TEST(BatchTest, ReservedRowsAreAbsentInEveryColumn) {
  Batch batch(FourTypes());
  batch.Reserve(10);
  EXPECT_GE(batch.capacity(), 10u);
  EXPECT_EQ(batch.columns[0].doubles.size(), batch.capacity());
  EXPECT_EQ(batch.columns[1].ints.size(), batch.capacity());
  EXPECT_EQ(batch.columns[2].bools.size(), batch.capacity());
  EXPECT_EQ(batch.columns[3].strings.size(), batch.capacity());
  for (const Column& column : batch.columns) {
    EXPECT_EQ(column.state.size(), batch.capacity());
    for (const CellState s : column.state) EXPECT_EQ(s, CellState::kAbsent);
  }
}

TEST(BatchTest, GrowingKeepsWhatRowsHold) {
  Batch batch(FourTypes());
  batch.Reserve(1);
  batch.columns[0].doubles[0] = 4.5;
  batch.columns[0].state[0] = CellState::kValid;
  batch.CommitRow();
  batch.Reserve(5000);
  EXPECT_EQ(batch.columns[0].doubles[0], 4.5);
  EXPECT_EQ(batch.columns[0].state[0], CellState::kValid);
  EXPECT_EQ(batch.columns[0].state[4999], CellState::kAbsent);
}

TEST(BatchTest, ClearRowForgetsARefusedRow) {
  Batch batch(FourTypes());
  batch.Reserve(2);
  batch.columns[2].state[0] = CellState::kInvalid;
  batch.ClearRow();
  EXPECT_EQ(batch.columns[2].state[0], CellState::kAbsent);
  EXPECT_EQ(batch.records(), 0u);
}

TEST(BatchTest, ClearedBatchKeepsCapacityAndHoldsNothing) {
  Batch batch(FourTypes());
  batch.AddMessage(0, kNoLogTime, "k", "v");
  batch.Reserve(3);
  for (size_t row = 0; row < 2; ++row) {
    for (Column& c : batch.columns) c.state[row] = CellState::kValid;
    batch.CommitRow();
  }
  batch.columns[1].state[2] = CellState::kNull;  // Started, not committed.
  batch.rejects.push_back({0, RejectReason::kTooDeep});
  const size_t capacity = batch.capacity();
  batch.Clear();
  EXPECT_TRUE(batch.empty());
  EXPECT_TRUE(batch.rejects.empty());
  EXPECT_EQ(batch.records(), 0u);
  EXPECT_EQ(batch.bytes(), 0u);
  EXPECT_EQ(batch.capacity(), capacity);
  for (const Column& column : batch.columns) {
    for (const CellState s : column.state) EXPECT_EQ(s, CellState::kAbsent);
  }
}

}  // namespace
}  // namespace tacho
