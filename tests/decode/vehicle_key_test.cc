#include "pipeline/decode/vehicle_key.h"

#include <gtest/gtest.h>

#include <string>

namespace tacho {
namespace {

// The id, or "reason: what was found".
std::string Read(KeyFormat format, std::string_view key,
                 const std::string& path = "") {
  VehicleKeyReader reader(format, path);
  Arena arena;
  RejectSite site;
  std::string_view id;
  if (key.data() != nullptr) key = arena.Copy(key);
  const auto refused = reader.Read(key, arena, id, site);
  if (!refused.has_value()) return std::string(id);
  EXPECT_EQ(site.path, "key");
  std::string text = RejectReasonName(*refused) + std::string(": ");
  DescribeFound(site, text);
  return text;
}

std::string_view Bytes(const char* bytes, size_t size) { return {bytes, size}; }

TEST(VehicleKeyTest, TextIsTheIdItself) {
  EXPECT_EQ(Read(KeyFormat::kText, "VIN 1~"), "VIN 1~");
  EXPECT_EQ(Read(KeyFormat::kText, "M\xc3\xbcller"), "M\xc3\xbcller");
  EXPECT_EQ(Read(KeyFormat::kText, "\"VIN1\""), "\"VIN1\"");
  EXPECT_TRUE(VehicleKeyReader::LooksLikeJson("\"VIN1\""));
  EXPECT_TRUE(VehicleKeyReader::LooksLikeJson("{\"id\":1}"));
  EXPECT_FALSE(VehicleKeyReader::LooksLikeJson("VIN1"));
}

TEST(VehicleKeyTest, BytesThatNobodyCanReadAreNoText) {
  EXPECT_EQ(Read(KeyFormat::kText, Bytes("\0\0\0\x11", 4)),
            "wrong_type: bytes \"\\x00\\x00\\x00\\x11\"; expected text; 4 "
            "bytes are probably an integer: write vehicle: {key: {as: int32}}");
  EXPECT_EQ(Read(KeyFormat::kText, Bytes("\0\0\0\xc8", 4)),
            "invalid_utf8: bytes \"\\x00\\x00\\x00\\xc8\"; expected text; 4 "
            "bytes are probably an integer: write vehicle: {key: {as: int32}}");
  EXPECT_TRUE(Read(KeyFormat::kText, Bytes("\0\0\0\0\0\0\0\1", 8))
                  .ends_with("{key: {as: int64}}"));
  for (const char* bad : {"a\nb", "\x7f", "a\tb", "\x1b[2J", "\xc2\x85"}) {
    EXPECT_TRUE(Read(KeyFormat::kText, bad).starts_with("wrong_type: bytes"))
        << bad;
  }
  EXPECT_TRUE(Read(KeyFormat::kText, "\xff").starts_with("invalid_utf8"));
}

TEST(VehicleKeyTest, AKeyMustBeThere) {
  for (const KeyFormat format : {KeyFormat::kText, KeyFormat::kJson,
                                 KeyFormat::kInt32, KeyFormat::kInt64}) {
    EXPECT_EQ(Read(format, {}), "missing_field: no key");
    EXPECT_EQ(Read(format, ""), "missing_field: empty key");
  }
}

TEST(VehicleKeyTest, IntegersAreTheirDigits) {
  EXPECT_EQ(Read(KeyFormat::kInt32, Bytes("\0\0\0\x11", 4)), "17");
  EXPECT_EQ(Read(KeyFormat::kInt32, Bytes("\0\0\0\xc8", 4)), "200");
  EXPECT_EQ(Read(KeyFormat::kInt32, "\xff\xff\xff\xff"), "-1");
  EXPECT_EQ(Read(KeyFormat::kInt32, Bytes("\x80\0\0\0", 4)), "-2147483648");
  EXPECT_EQ(Read(KeyFormat::kInt64, Bytes("\0\0\0\0\0\0\0\x11", 8)), "17");
  EXPECT_EQ(Read(KeyFormat::kInt64, Bytes("\x80\0\0\0\0\0\0\0", 8)),
            "-9223372036854775808");
  EXPECT_EQ(Read(KeyFormat::kInt32, "12345"),
            "wrong_type: bytes \"12345\"; expected 4 bytes: a big-endian "
            "integer");
  EXPECT_EQ(Read(KeyFormat::kInt64, "1234"),
            "wrong_type: bytes \"1234\"; expected 8 bytes: a big-endian "
            "integer");
}

TEST(VehicleKeyTest, JsonTextsAndWholeNumbers) {
  EXPECT_EQ(Read(KeyFormat::kJson, "\"VIN1\""), "VIN1");
  EXPECT_EQ(Read(KeyFormat::kJson, " \"V\\u0049N\\\"1\" \n"), "VIN\"1");
  EXPECT_EQ(Read(KeyFormat::kJson, "17"), "17");
  EXPECT_EQ(Read(KeyFormat::kJson, " -17 "), "-17");
  EXPECT_EQ(Read(KeyFormat::kJson, "123456789012345678901234567890"),
            "123456789012345678901234567890");
  EXPECT_EQ(Read(KeyFormat::kJson, "1.5"),
            "wrong_type: number \"1.5\"; expected a text or a whole number");
  EXPECT_EQ(Read(KeyFormat::kJson, "1e3").substr(0, 11), "wrong_type:");
  EXPECT_EQ(Read(KeyFormat::kJson, "true").substr(0, 11), "wrong_type:");
  EXPECT_EQ(Read(KeyFormat::kJson, "[1]").substr(0, 11), "wrong_type:");
  EXPECT_EQ(Read(KeyFormat::kJson, "null").substr(0, 14), "missing_field:");
  EXPECT_EQ(Read(KeyFormat::kJson, "\"\"").substr(0, 14), "missing_field:");
  // Nothing gets in beside a value.
  for (const char* bad : {"VIN1", "\"VIN1", "1,2", "1} ", "\"a\",\"b\"", "01",
                          "\"a\" \"b\"", "{\"id\":1", "\"\n\""}) {
    EXPECT_TRUE(Read(KeyFormat::kJson, bad).starts_with("unparsable_json"))
        << bad;
  }
  EXPECT_EQ(Read(KeyFormat::kJson, "{\"id\":1}").substr(0, 18),
            "wrong_type: object");
  EXPECT_EQ(Read(KeyFormat::kJson, std::string(70000, '1')).substr(0, 10),
            "too_large:");
}

TEST(VehicleKeyTest, AMemberOfAJsonObject) {
  EXPECT_EQ(Read(KeyFormat::kJson, R"({"t":"a","id":17})", "/id"), "17");
  EXPECT_EQ(Read(KeyFormat::kJson, R"({"v":{"id":"x"}})", "/v/id"), "x");
  EXPECT_EQ(Read(KeyFormat::kJson, R"({"id":1.5})", "/id").substr(0, 11),
            "wrong_type:");
  EXPECT_EQ(Read(KeyFormat::kJson, R"({"i":1})", "/id").substr(0, 14),
            "missing_field:");
  EXPECT_EQ(Read(KeyFormat::kJson, "17", "/id").substr(0, 11), "wrong_type:");
}

}  // namespace
}  // namespace tacho
