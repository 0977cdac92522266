#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "pipeline/base/batch.h"
#include "pipeline/base/check.h"
#include "pipeline/base/signal.h"

namespace tacho {

// The value of one signal of a test record; a CellState other than kValid is
// a cell without a value.
using TestCell = std::variant<CellState, double, int64_t, bool, std::string>;

// One record before it is in a batch. Signals that are not named are absent.
struct TestRecord {
  std::string vehicle;
  int64_t event_ms = 0;
  std::vector<std::pair<std::string, TestCell>> cells;
};

// Fills batches as consume and decode do: one message per record, whose key is
// the vehicle and whose value is "<offset>".
class BatchBuilder {
 public:
  explicit BatchBuilder(SignalSchema schema) : schema_(std::move(schema)) {}

  const SignalSchema& schema() const { return schema_; }

  void Add(Batch& batch, const TestRecord& record, Offset offset) const {
    const size_t row = batch.records();
    batch.Reserve(row + 1);
    batch.AddMessage(offset, FromEpochMillis(record.event_ms + 1),
                     record.vehicle, std::to_string(offset));
    batch.message_index[row] = static_cast<uint32_t>(batch.messages.size() - 1);
    batch.vehicle_id[row] = batch.messages.back().key;
    batch.event_time[row] = FromEpochMillis(record.event_ms);
    for (const auto& [name, cell] : record.cells) {
      const auto column = schema_.Find(name);
      CHECK(column.has_value());
      SetCell(batch, batch.columns[*column], row, cell);
    }
    batch.CommitRow();
  }

  static void SetCell(Batch& batch, Column& column, size_t row,
                      const TestCell& cell) {
    column.state[row] = CellState::kValid;
    if (const auto* state = std::get_if<CellState>(&cell)) {
      column.state[row] = *state;
    } else if (const auto* number = std::get_if<double>(&cell)) {
      column.doubles.at(row) = *number;
    } else if (const auto* integer = std::get_if<int64_t>(&cell)) {
      column.ints.at(row) = *integer;
    } else if (const auto* boolean = std::get_if<bool>(&cell)) {
      column.bools.at(row) = *boolean ? 1 : 0;
    } else {
      column.strings.at(row) = batch.arena.Copy(std::get<std::string>(cell));
    }
  }

 private:
  SignalSchema schema_;
};

}  // namespace tacho
