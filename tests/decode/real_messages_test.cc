// The wide decoder beside a plain one over nlohmann's parser, on real messages
// and on broken copies of them: same verdict, same values.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "pipeline/base/iso8601.h"
#include "pipeline/decode/decoder.h"
#include "pipeline/decode/epoch_parser.h"
#include "tests/decode/documents.h"

namespace tacho {
namespace {

using nlohmann::json;

constexpr Timestamp kNow = FromEpochMillis(1795392000000);

DecoderConfig Config() {
  DecoderConfig config;
  config.vehicle_path = "/vehicle_id";
  config.event_time.path = "/ts";
  const auto add = [&](const char* name, SignalType type, double min,
                       double max) -> SignalSource& {
    SignalSource source;
    source.signal = {name, type, Dimension::kNone};
    source.path = std::string("/") + name;
    source.min = min;
    source.max = max;
    config.signals.push_back(source);
    return config.signals.back();
  };
  const double inf = std::numeric_limits<double>::infinity();
  add("lat", SignalType::kDouble, -90, 90);
  add("lon", SignalType::kDouble, -180, 180);
  add("speed_kmph", SignalType::kDouble, 0, 400);
  add("coolant_c", SignalType::kDouble, -60, 250).on_bad = OnBad::kInvalid;
  add("throttle_pct", SignalType::kDouble, 0, 100).allow_string = true;
  config.signals.back().on_bad = OnBad::kInvalid;
  add("engine_rpm", SignalType::kInt64, 0, 20000).on_bad = OnBad::kInvalid;
  add("mil_on", SignalType::kBool, -inf, inf);
  add("trip_id", SignalType::kString, -inf, inf);
  add("heading_deg", SignalType::kDouble, 0, 360);
  return config;
}

// First value of each top-level member; numbers keep their text.
class Members : public json::json_sax_t {
 public:
  struct Value {
    char type;  // As in JSON: { [ " t f n, or 0 for a number.
    std::string text;
  };
  std::map<std::string, Value> found;
  char root = 0;
  int error_id = 0;

  bool null() override { return Put('n', ""); }
  bool boolean(bool b) override { return Put(b ? 't' : 'f', ""); }
  bool number_integer(number_integer_t n) override {
    return Put(0, std::to_string(n));
  }
  bool number_unsigned(number_unsigned_t n) override {
    return Put(0, std::to_string(n));
  }
  bool number_float(number_float_t, const std::string& s) override {
    return Put(0, s);
  }
  bool string(std::string& s) override { return Put('"', s); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override {
    Put('{', "");
    ++depth_;
    return true;
  }
  bool key(std::string& k) override {
    if (depth_ == 1) name_ = k;
    return true;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool start_array(size_t) override {
    Put('[', "");
    ++depth_;
    return true;
  }
  bool end_array() override { return end_object(); }
  bool parse_error(size_t, const std::string&,
                   const nlohmann::detail::exception& e) override {
    error_id = e.id;
    return false;
  }

 private:
  bool Put(char type, const std::string& text) {
    if (depth_ == 0) root = type == 0 ? '0' : type;
    if (depth_ == 1) found.insert({name_, {type, text}});
    return true;
  }
  int depth_ = 0;
  std::string name_;
};

// One row as text, "reason" or "id|time|cell|cell...".
std::string Cell(const SignalSource& source, const Members::Value& value,
                 std::string& reason) {
  if (value.type == 'n') return "null";
  const auto bad = [&](const char* why) -> std::string {
    if (source.on_bad == OnBad::kReject && reason.empty()) reason = why;
    return "invalid";
  };
  if (source.signal.type == SignalType::kBool) {
    if (value.type != 't' && value.type != 'f') return bad("wrong_type");
    return std::string(1, value.type);
  }
  if (source.signal.type == SignalType::kString) {
    return value.type == '"' ? value.text : bad("wrong_type");
  }
  const json number = value.type == '"' && source.allow_string
                          ? json::parse(value.text, nullptr, false)
                          : json();
  const bool is_text_number = number.is_number() && !value.text.empty() &&
                              !std::isspace(value.text.front()) &&
                              !std::isspace(value.text.back());
  if (value.type != 0 && !is_text_number) return bad("wrong_type");
  if (source.signal.type == SignalType::kInt64 &&
      value.text.find_first_of(".eE") != std::string::npos) {
    return bad("wrong_type");
  }
  const double n = std::strtod(value.text.c_str(), nullptr);
  if (!std::isfinite(n) || n < source.min || n > source.max) {
    return bad("out_of_range");
  }
  return std::to_string(n);
}

std::string ExpectedTime(const Members& m, int64_t& ms) {
  const auto found = m.found.find("ts");
  if (found == m.found.end() || found->second.type == 'n') {
    return "missing_field";
  }
  // The timestamp parser has an oracle of its own; here its place counts.
  Timestamp time;
  std::optional<RejectReason> refused = RejectReason::kWrongType;
  if (found->second.type == 0) {
    refused = ParseEpoch(found->second.text, EventTimeFormat::kAuto, time);
  } else if (found->second.type == '"') {
    refused = ParseIso8601(found->second.text, time);
  }
  if (refused) return RejectReasonName(*refused);
  ms = ToEpochMillis(time);
  if (ms < 946684800000) return "clock_past";
  if (time > kNow + std::chrono::minutes(5)) return "clock_future";
  return "";
}

// Empty: the oracle cannot say, since its parser stops at a huge number.
std::string Expected(const DecoderConfig& config, const std::string& text) {
  if (!IsUtf8ByHand(text)) return "invalid_utf8";
  Members m;
  const bool ok = !text.starts_with("\xEF\xBB\xBF") &&
                  json::sax_parse(text.begin(), text.end(), &m);
  if (!ok) return m.error_id == 406 ? "" : "unparsable_json";
  if (m.root != '{') return "not_an_object";
  const auto id = m.found.find("vehicle_id");
  if (id == m.found.end() || id->second.type == 'n') return "missing_field";
  if (id->second.type != '"') return "wrong_type";
  if (id->second.text.empty()) return "missing_field";
  int64_t ms = 0;
  std::string reason = ExpectedTime(m, ms);
  if (!reason.empty()) return reason;
  std::string row = id->second.text + "|" + std::to_string(ms);
  for (const SignalSource& source : config.signals) {
    const auto found = m.found.find(source.signal.name);
    row += "|" + (found == m.found.end() ? "absent"
                                         : Cell(source, found->second, reason));
    if (!reason.empty()) return reason;
  }
  return row;
}

std::string RowText(const Batch& batch, size_t row) {
  std::string text = std::string(batch.vehicle_id[row]) + "|" +
                     std::to_string(ToEpochMillis(batch.event_time[row]));
  for (const Column& c : batch.columns) {
    text += "|";
    if (c.state[row] != CellState::kValid) {
      text += c.state[row] == CellState::kAbsent ? "absent"
              : c.state[row] == CellState::kNull ? "null"
                                                 : "invalid";
    } else if (c.type == SignalType::kDouble) {
      text += std::to_string(c.doubles[row]);
    } else if (c.type == SignalType::kInt64) {
      text += std::to_string(static_cast<double>(c.ints[row]));
    } else if (c.type == SignalType::kBool) {
      text += c.bools[row] != 0 ? "t" : "f";
    } else {
      text += c.strings[row];
    }
  }
  return text;
}

// The outcome of every message of a batch, in order.
std::vector<std::string> Outcomes(const Batch& batch) {
  std::vector<std::string> out(batch.messages.size());
  for (size_t row = 0; row < batch.records(); ++row) {
    out[batch.message_index[row]] = RowText(batch, row);
  }
  for (const Reject& r : batch.rejects) {
    EXPECT_EQ(out[r.message], "");
    out[r.message] = RejectReasonName(r.reason);
  }
  return out;
}

// Decodes all texts in batches and compares; counts the accepted ones.
size_t Compare(const std::vector<std::string>& texts, size_t batch_size) {
  const DecoderConfig config = Config();
  const auto decoder = MakeDecoder(config);
  Batch batch(config.Schema());
  size_t accepted = 0;
  for (size_t begin = 0; begin < texts.size(); begin += batch_size) {
    batch.Clear();
    const size_t end = std::min(texts.size(), begin + batch_size);
    for (size_t i = begin; i < end; ++i) {
      batch.AddMessage(static_cast<Offset>(i), kNow, "k", texts[i]);
    }
    decoder->Decode(batch);
    const std::vector<std::string> outcomes = Outcomes(batch);
    for (size_t i = begin; i < end; ++i) {
      const std::string expected = Expected(config, texts[i]);
      if (!expected.empty()) {
        EXPECT_EQ(outcomes[i - begin], expected) << texts[i];
      }
      if (testing::Test::HasFailure()) return 0;
    }
    accepted += batch.records();
  }
  return accepted;
}

TEST(RealMessagesTest, EveryWideMessageDecodesAsByNlohmann) {
  std::vector<std::string> texts;
  for (const RealMessage& m : ReadRealMessages("wide.ndjson.gz")) {
    texts.push_back(m.value);
  }
  if (texts.empty()) GTEST_SKIP() << "../shared/data/wide.ndjson.gz is absent";
  EXPECT_EQ(texts.size(), 27901u);
  EXPECT_GT(Compare(texts, 1000), 27000u);
}

TEST(RealMessagesTest, MutatedMessagesDecodeAsByNlohmann) {
  const std::vector<RealMessage> messages = ReadRealMessages("wide.ndjson.gz");
  if (messages.empty()) {
    GTEST_SKIP() << "../shared/data/wide.ndjson.gz is absent";
  }
  std::mt19937_64 random(51);
  std::vector<std::string> texts;
  for (int i = 0; i < 30000; ++i) {
    texts.push_back(Mutate(messages[random() % messages.size()].value, random));
  }
  EXPECT_GT(Compare(texts, 7), 3000u);
}

TEST(RealMessagesTest, MutatedMadeUpMessagesDecodeAsByNlohmann) {
  const std::string base =
      R"({"vehicle_id":"v\u00e91","ts":"2026-01-26T16:00:00.25+01:00",)"
      R"("lat":-5.5,"lon":1e2,"speed_kmph":0.5,"coolant_c":"1:60",)"
      R"("throttle_pct":"20.5","engine_rpm":900,"mil_on":true,"mil_on":1,)"
      R"("trip_id":"a\/b","heading_deg":null,"x":[{"lat":1},[]]})";
  std::mt19937_64 random(52);
  std::vector<std::string> texts = {base};
  for (int i = 0; i < 30000; ++i) texts.push_back(Mutate(base, random));
  EXPECT_GT(Compare(texts, 100), 3000u);
}

}  // namespace
}  // namespace tacho
