#include "pipeline/decode/datums_shape.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/decode/decoder.h"

namespace tacho {
namespace {

constexpr int64_t kTime = 1769443200000;
constexpr Timestamp kLogTime = FromEpochMillis(kTime);

SignalSource Source(const char* signal, const char* name, const char* path = "",
                    SignalType type = SignalType::kDouble) {
  SignalSource source;
  source.signal = {signal, type, Dimension::kNone};
  source.name = name;
  source.path = path;
  return source;
}

std::string Detail(const Reject& reject) {
  std::string text;
  DescribeFound(reject.at, text);
  return std::string(reject.at.path) + " " + text;
}

class DatumsShapeTest : public testing::Test {
 protected:
  DatumsShapeTest() {
    config_.shape = FindType(ShapeTypes(), "datums");
    config_.vehicle_path = "/vin";
    config_.event_time.path = "/at";
    config_.datums = {"/data", "/key", "/value", "", "/invalid"};
    config_.signals = {Source("speed", "Speed"), Source("lat", "Place", "/p/0"),
                       Source("lon", "Place", "/p/1"),
                       Source("on", "On", "", SignalType::kBool)};
  }

  // "ok" or the reason's name, of a message with these data.
  std::string Decode(const std::string& data) {
    return DecodeMessage(R"({"vin":"v","at":)" + std::to_string(kTime) +
                         R"(,"data":)" + data + "}");
  }
  std::string DecodeMessage(const std::string& message) {
    batch_.emplace(config_.Schema());
    batch_->AddMessage(5, kLogTime, "key", message);
    decoder_ = MakeDecoder(config_);
    decoder_->Decode(*batch_);
    if (batch_->rejects.empty()) return "ok";
    EXPECT_EQ(batch_->records(), 0u);
    EXPECT_EQ(batch_->rejects.size(), 1u);
    for (const Column& c : batch_->columns) {
      for (const CellState s : c.state) EXPECT_EQ(s, CellState::kAbsent);
    }
    return RejectReasonName(batch_->rejects[0].reason);
  }

  // "time speed lat lon on" of each record; - absent, 0 null, ! invalid.
  std::string Rows() const {
    std::string text;
    for (size_t row = 0; row < batch_->records(); ++row) {
      if (row > 0) text += "; ";
      text += std::to_string(ToEpochMillis(batch_->event_time[row]) - kTime);
      for (const Column& c : batch_->columns) text += " " + Cell(c, row);
    }
    return text;
  }
  static std::string Cell(const Column& c, size_t row) {
    if (c.state[row] == CellState::kAbsent) return "-";
    if (c.state[row] == CellState::kNull) return "null";
    if (c.state[row] == CellState::kInvalid) return "!";
    if (c.type == SignalType::kBool) return c.bools[row] != 0 ? "yes" : "no";
    return std::to_string(static_cast<int>(c.doubles[row]));
  }

  DecoderConfig config_;
  std::unique_ptr<Decoder> decoder_;
  std::optional<Batch> batch_;
};

TEST_F(DatumsShapeTest, TheDataOfAMessageAreOneRecord) {
  ASSERT_EQ(Decode(R"([{"key":"Speed","value":50},{"key":"Other","value":{}},)"
                   R"({"value":true,"key":"On"},{"key":"Place","p":[1,2]}])"),
            "ok");
  EXPECT_EQ(Rows(), "0 50 1 2 yes");
  EXPECT_EQ(batch_->vehicle_id[0], "v");
  EXPECT_EQ(batch_->message_index[0], 0u);
}

TEST_F(DatumsShapeTest, AMessageWithoutDataOfOursIsARecordAllTheSame) {
  ASSERT_EQ(Decode("[]"), "ok");
  EXPECT_EQ(Rows(), "0 - - - -");
  ASSERT_EQ(Decode(R"([{"key":"Other","value":1}])"), "ok");
  EXPECT_EQ(Rows(), "0 - - - -");
}

TEST_F(DatumsShapeTest, ASignalThatComesTwiceBeginsTheNextRecord) {
  ASSERT_EQ(Decode(R"([{"key":"Speed","value":1},{"key":"On","value":true},)"
                   R"({"key":"Speed","value":2},{"key":"Speed","value":3},)"
                   R"({"key":"On","value":false}])"),
            "ok");
  EXPECT_EQ(Rows(), "0 1 - - yes; 0 2 - - -; 0 3 - - no");
}

TEST_F(DatumsShapeTest, DataWithTimesOfTheirOwnAreARecordForEach) {
  config_.datums.time_path = "/t";
  const auto at = [](int ms) { return std::to_string(kTime + ms); };
  ASSERT_EQ(Decode(R"([{"key":"Speed","value":1,"t":)" + at(-2000) +
                   R"(},{"key":"On","value":true,"t":)" + at(-2000) +
                   R"(},{"key":"Speed","value":2,"t":)" + at(-1000) +
                   R"(},{"key":"Other","t":"?"},{"key":"On","value":false}])"),
            "ok");
  EXPECT_EQ(Rows(), "-2000 1 - - yes; -1000 2 - - -; 0 - - - no");
  // The message's own time is needed only where a datum has none.
  ASSERT_EQ(
      DecodeMessage(R"({"vin":"v","data":[{"key":"On","value":true,"t":)" +
                    at(5) + "}]}"),
      "ok");
  EXPECT_EQ(Rows(), "5 - - - yes");
  EXPECT_EQ(DecodeMessage(R"({"vin":"v","data":[{"key":"On","value":true}]})"),
            "missing_field");
  EXPECT_EQ(DecodeMessage(R"({"vin":"v","data":[]})"), "missing_field");
  // The clock guard holds for each of them; nothing of the message stays.
  EXPECT_EQ(Decode(R"([{"key":"Speed","value":1,"t":)" + at(0) +
                   R"(},{"key":"On","value":true,"t":)" + at(300001) + "}]"),
            "clock_future");
  EXPECT_EQ(Detail(batch_->rejects[0]),
            "/data/1/t number \"1769443500001\"; expected a time up to "
            "max_future_skew after the Kafka timestamp");
}

TEST_F(DatumsShapeTest, InvalidIsWhatTheSenderSaysSo) {
  ASSERT_EQ(Decode(R"([{"key":"Speed","invalid":true},)"
                   R"({"key":"Place","invalid":true,"p":[1,2]},)"
                   R"({"key":"On","invalid":false,"value":null}])"),
            "ok");
  EXPECT_EQ(Rows(), "0 ! ! ! null");
  EXPECT_EQ(batch_->invalid_values, 0u);
}

TEST_F(DatumsShapeTest, ADatumWithoutItsValueIsBad) {
  EXPECT_EQ(Decode(R"([{"key":"Other"},{"key":"Speed","v":1}])"),
            "missing_field");
  EXPECT_EQ(Detail(batch_->rejects[0]),
            "/data/1/value nothing; expected a number");
  config_.signals[0].on_bad = OnBad::kInvalid;
  EXPECT_EQ(Decode(R"([{"key":"Speed","v":1}])"), "ok");
  EXPECT_EQ(Rows(), "0 ! - - -");
  EXPECT_EQ(batch_->invalid_values, 1u);
}

TEST_F(DatumsShapeTest, FieldRulesAreThoseOfEveryShape) {
  config_.signals[0].max = 100;
  EXPECT_EQ(Decode(R"([{"key":"Speed","value":101}])"), "out_of_range");
  EXPECT_EQ(Detail(batch_->rejects[0]),
            R"(/data/0/value number "101"; expected a number to 100)");
  EXPECT_EQ(batch_->rejects[0].at.site, kFirstSignalSite);
  EXPECT_EQ(Decode(R"([{"key":"Speed","value":"7"}])"), "wrong_type");
  config_.signals[0].allow_string = true;
  EXPECT_EQ(Decode(R"([{"key":"Speed","value":"7"}])"), "ok");
  EXPECT_EQ(Rows(), "0 7 - - -");
  EXPECT_EQ(Decode(R"([{"key":"Place","p":[1,"x"]}])"), "wrong_type");
  EXPECT_EQ(batch_->rejects[0].at.path, "/data/0/p/1");
  config_.signals[3].required = true;
  EXPECT_EQ(Decode(R"([{"key":"Speed","value":"7"}])"), "missing_field");
  EXPECT_EQ(Decode(R"([{"key":"On","value":true}])"), "ok");
}

TEST_F(DatumsShapeTest, TheListAndItsNamesMustBeThere) {
  EXPECT_EQ(DecodeMessage(R"({"vin":"v","at":1769443200000})"),
            "missing_field");
  EXPECT_EQ(Detail(batch_->rejects[0]),
            "/data nothing; expected an array of data");
  EXPECT_EQ(batch_->rejects[0].at.site, kMessageSite);
  EXPECT_EQ(Decode("null"), "missing_field");
  EXPECT_EQ(Decode("{}"), "wrong_type");
  EXPECT_EQ(Decode(R"([{"key":"On","value":true},{"value":1}])"),
            "missing_field");
  EXPECT_EQ(Detail(batch_->rejects[0]),
            "/data/1/key nothing; expected the datum's name, a text");
  EXPECT_EQ(Decode(R"([{"key":1}])"), "wrong_type");
  EXPECT_EQ(Decode("[null]"), "missing_field");
  EXPECT_EQ(Decode(R"([{"key":"S\u0070eed","value":4}])"), "ok");
  EXPECT_EQ(Rows(), "0 4 - - -");
}

TEST_F(DatumsShapeTest, FirstFaultInTheDocumentedOrderIsTheReason) {
  EXPECT_EQ(DecodeMessage(R"({"at":"x","data":0)"), "unparsable_json");
  EXPECT_EQ(DecodeMessage(R"({"vin":1,"at":"x","data":0})"), "wrong_type");
  EXPECT_EQ(batch_->rejects[0].at.path, "/vin");
  EXPECT_EQ(DecodeMessage(R"({"vin":"v","at":1,"data":0})"), "clock_past");
  EXPECT_EQ(Decode(R"([{"key":"On","value":1},{"key":2}])"), "wrong_type");
  EXPECT_EQ(batch_->rejects[0].at.path, "/data/0/value");
}

TEST_F(DatumsShapeTest, TheNumberOfDataIsLimited) {
  config_.limits.records_per_message = 3;
  EXPECT_EQ(Decode("[{\"key\":\"a\"},{\"key\":\"b\"},{\"key\":\"c\"}]"), "ok");
  EXPECT_EQ(
      Decode("[{\"key\":\"a\"},{\"key\":\"b\"},{\"key\":\"c\"},{\"key\":0}]"),
      "too_large");
  EXPECT_EQ(Detail(batch_->rejects[0]),
            "/data array; expected at most limits.records_per_message data");
}

TEST_F(DatumsShapeTest, RejectsBetweenMessagesOfManyRecordsLeaveNothing) {
  Batch batch(config_.Schema());
  std::string many;
  for (int i = 0; i < 20; ++i) {
    many += (i > 0 ? "," : "") + std::string(R"({"key":"Speed","value":)") +
            std::to_string(i) + "}";
  }
  const auto add = [&](const std::string& data) {
    batch.AddMessage(0, kLogTime, "k",
                     R"({"vin":"v","at":)" + std::to_string(kTime) +
                         R"(,"data":[)" + data + "]}");
  };
  add(many);
  add(many + R"(,{"key":"Speed","value":"x"})");
  add(many);
  MakeDecoder(config_)->Decode(batch);
  ASSERT_EQ(batch.records(), 40u);
  ASSERT_EQ(batch.rejects.size(), 1u);
  EXPECT_EQ(batch.rejects[0].message, 1u);
  for (size_t row = 0; row < 40; ++row) {
    EXPECT_EQ(batch.message_index[row], row < 20 ? 0u : 2u);
    EXPECT_EQ(batch.columns[0].doubles[row], static_cast<double>(row % 20));
  }
}

}  // namespace
}  // namespace tacho
