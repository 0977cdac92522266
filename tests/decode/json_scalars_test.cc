#include "pipeline/decode/json_scalars.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "tests/decode/documents.h"

namespace tacho {
namespace {

size_t TokenSize(const char* p, const char* end) {
  NumberParts parts;
  const size_t size = NumberToken(p, end, parts);
  // It has parts exactly if it is short and plain.
  const std::string_view token(p, size);
  const size_t sign = token.starts_with('-') ? 1 : 0;
  const bool plain = size != 0 && size - sign < 16 &&
                     token.find_first_of("eE") == std::string_view::npos;
  if (plain) {
    EXPECT_EQ(sign + parts.size(), size) << token;
    EXPECT_GT(parts.whole, 0u) << token;
  } else if (size != 0) {
    EXPECT_EQ(parts.whole, 0u) << token;
  }
  return size;
}

TEST(NumberTest, GrammarIsThatOfTheRfc) {
  std::mt19937_64 random(21);
  int valid = 0;
  for (int i = 0; i < 60000; ++i) {
    std::string text;
    const size_t size = 1 + random() % 22;
    // Mostly digits, or hardly any number would be long and valid.
    for (size_t k = 0; k < size; ++k) {
      text += random() % 5 != 0 ? "0123456789"[random() % 10]
                                : "-+.eE0"[random() % 6];
    }
    // Of these characters no JSON but a number can be made.
    bool too_large_for_a_double = false;
    const bool expected = IsJsonByNlohmann(text, too_large_for_a_double);
    if (too_large_for_a_double) continue;
    const PaddedText inside(text + "," + HostilePaddings()[random() % 12]);
    const char* const p = inside.view().data();
    ASSERT_EQ(IsJsonNumber(text), expected) << text;
    ASSERT_EQ(TokenSize(p, p + inside.view().size()),
              expected ? text.size() : 0)
        << text;
    valid += expected ? 1 : 0;
  }
  EXPECT_GT(valid, 5000);
}

TEST(NumberTest, PartsAreTheSameByByteAndAtOnce) {
  std::mt19937_64 random(26);
  for (int i = 0; i < 100000; ++i) {
    char text[32];
    for (char& c : text) {
      c = random() % 8 != 0 ? "0123456789"[random() % 10]
                            : "./:e\xb0\x80"[random() % 6];
    }
    const NumberParts by_byte = PartsByByte(text);
    const NumberParts at_once = PartsAt(text);
    ASSERT_EQ(by_byte.size() < 16, at_once.size() < 16);
    if (by_byte.size() >= 16) continue;
    ASSERT_EQ(by_byte.whole, at_once.whole);
    ASSERT_EQ(by_byte.dot, at_once.dot);
    ASSERT_EQ(by_byte.fraction, at_once.fraction);
  }
}

TEST(NumberTest, TokenEndsAtWhiteSpaceOrStructure) {
  for (const char* after : {" ", "\t", "\n", "\r", ",", "]", "}", ":"}) {
    const PaddedText text(std::string("12.5") + after);
    EXPECT_EQ(TokenSize(text.view().data(), text.view().end()), 4u);
  }
  for (const char* after : {"\"", "x", "/", "\\", "-", ".", "\xc3"}) {
    const PaddedText text(std::string("12.5") + after);
    EXPECT_EQ(TokenSize(text.view().data(), text.view().end()), 0u) << after;
  }
}

TEST(NumberTest, MillionDigitsStayInsideTheText) {
  const PaddedText digits(std::string(1100000, '1'), "1");
  const char* const p = digits.view().data();
  EXPECT_EQ(TokenSize(p, p + digits.view().size()), digits.view().size());
}

double ByStrtod(const std::string& text) {
  return std::strtod(text.c_str(), nullptr);
}

std::optional<double> Double(const std::string& text) {
  return ToDouble(PaddedText(text, "75.3").view());
}

// Bit for bit, so that -0.0 is not 0.0.
void ExpectSameBits(const std::string& text) {
  const double expected = ByStrtod(text);
  const std::optional<double> actual = Double(text);
  if (std::isinf(expected)) {
    ASSERT_FALSE(actual.has_value()) << text;
    return;
  }
  ASSERT_TRUE(actual.has_value()) << text;
  uint64_t a, b;
  std::memcpy(&a, &*actual, 8);
  std::memcpy(&b, &expected, 8);
  ASSERT_EQ(a, b) << text;
}

TEST(ToDoubleTest, EqualsStrtodOnPlainDecimals) {
  std::mt19937_64 random(22);
  for (int i = 0; i < 200000; ++i) {
    std::string text = random() % 2 == 0 ? "-" : "";
    text += std::to_string(
        random() % static_cast<uint64_t>(std::pow(10, 1 + random() % 18)));
    if (random() % 4 != 0) {
      text += '.';
      const size_t places = 1 + random() % 9;
      for (size_t k = 0; k < places; ++k) text += "0123456789"[random() % 10];
    }
    ExpectSameBits(text);
  }
}

TEST(ToDoubleTest, EqualsStrtodOnRandomDoublesAndTheirNeighbourhood) {
  std::mt19937_64 random(23);
  char text[64];
  for (int i = 0; i < 100000; ++i) {
    const uint64_t bits = random();
    double value;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    std::snprintf(text, sizeof text, "%.*e", static_cast<int>(random() % 20),
                  value);
    ExpectSameBits(text);
  }
}

TEST(ToDoubleTest, MagnitudeDecidesAtBothEnds) {
  for (const char* text :
       {"1e400", "-1e400", "1E+309", "1.7976931348623159e308",
        "1e99999999999999999999", "123456789e400"}) {
    EXPECT_EQ(Double(text), std::nullopt) << text;
  }
  EXPECT_EQ(Double("1" + std::string(400, '0')), std::nullopt);
  for (const char* text : {"1e-400", "0.0001e-400", "1e-99999999999999999999",
                           "123456789e-400", "0e400", "0.0e-999999999999999"}) {
    EXPECT_EQ(Double(text), 0.0) << text;
    EXPECT_TRUE(std::signbit(*Double(std::string("-") + text))) << text;
  }
  EXPECT_EQ(Double("1.7976931348623157e308"), 1.7976931348623157e308);
  EXPECT_EQ(Double("4.9e-324"), 4.9e-324);
  EXPECT_EQ(Double("0." + std::string(400, '0') + "1e401"), 1.0);
  EXPECT_EQ(Double("1" + std::string(400, '0') + "e-400"), 1.0);
}

IntResult Int(std::string_view text, int64_t& out) {
  return ToInt64(PaddedText(text, "7.e").view(), out);
}

TEST(ToInt64Test, TakesWholeNumbersInRangeOnly) {
  int64_t n = 0;
  EXPECT_EQ(Int("9223372036854775807", n), IntResult::kOk);
  EXPECT_EQ(n, INT64_MAX);
  EXPECT_EQ(Int("-9223372036854775808", n), IntResult::kOk);
  EXPECT_EQ(n, INT64_MIN);
  EXPECT_EQ(Int("-0", n), IntResult::kOk);
  EXPECT_EQ(n, 0);
  EXPECT_EQ(Int("9223372036854775808", n), IntResult::kOutOfRange);
  EXPECT_EQ(Int("-9223372036854775809", n), IntResult::kOutOfRange);
  for (const char* text : {"1.5", "1.0", "1e3", "99999999999999999999.5"}) {
    EXPECT_EQ(Int(text, n), IntResult::kNotAnInteger) << text;
  }
}

TEST(ToInt64Test, EqualsStrtollOnEveryLength) {
  std::mt19937_64 random(25);
  for (int i = 0; i < 50000; ++i) {
    const auto wanted = static_cast<int64_t>(random()) >> (random() % 64);
    int64_t n = 0;
    ASSERT_EQ(Int(std::to_string(wanted), n), IntResult::kOk);
    ASSERT_EQ(n, wanted);
  }
}

}  // namespace
}  // namespace tacho
