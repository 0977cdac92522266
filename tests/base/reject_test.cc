#include "pipeline/base/reject.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace tacho {
namespace {

TEST(RejectTest, NamesAreTheClosedListOfTheDesign) {
  const std::vector<std::string> expected = {
      "unparsable_json", "invalid_utf8", "not_an_object", "missing_field",
      "wrong_type",      "out_of_range", "clock_past",    "clock_future",
      "no_log_time",     "too_deep",     "too_large",     "unreadable"};
  std::vector<std::string> names;
  for (size_t i = 0; i < kRejectReasons; ++i) {
    names.push_back(RejectReasonName(static_cast<RejectReason>(i)));
  }
  EXPECT_EQ(names, expected);
}

std::string Sample(std::string_view bytes, size_t limit = kSampleBytes) {
  std::string out;
  AppendSample(bytes, out, limit);
  return out;
}

TEST(RejectTest, ASampleIsShortAndHoldsNothingThatAScreenObeys) {
  EXPECT_EQ(Sample("5.0"), "5.0");
  EXPECT_EQ(Sample(""), "");
  EXPECT_EQ(Sample(std::string_view("\0\0\0\x11", 4)), "\\x00\\x00\\x00\\x11");
  EXPECT_EQ(Sample("\x1b[31m"), "\\x1b[31m");
  EXPECT_EQ(Sample("M\xc3\xbcnchen"), "M\xc3\xbcnchen");
  EXPECT_EQ(Sample("\xc2\x9b"), "\\xc2\\x9b");           // CSI.
  EXPECT_EQ(Sample("\xe2\x80\xae"), "\\xe2\\x80\\xae");  // Right to left.
  EXPECT_EQ(Sample("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // A surrogate.
  EXPECT_EQ(Sample("\xc3"), "\\xc3");                    // Cut short.
  EXPECT_EQ(Sample(std::string(64, 'a')), std::string(64, 'a'));
  EXPECT_EQ(Sample(std::string(65, 'a')), std::string(61, 'a') + "...");
  EXPECT_EQ(Sample("\x01\x02\x03", 8), "\\x01...");
  for (size_t size = 0; size < 200; ++size) {
    EXPECT_LE(Sample(std::string(size, '\1')).size(), 64u);
    EXPECT_LE(Sample(std::string(size, '\xff') + "x").size(), 64u);
  }
}

TEST(RejectTest, WhatWasFoundIsSaidBesideWhatWasExpected) {
  std::string text;
  RejectSite site;
  site.found = "number";
  site.sample = "5.0";
  site.expected = "a whole number";
  DescribeFound(site, text);
  EXPECT_EQ(text, "number \"5.0\"; expected a whole number");
  text.clear();
  RejectSite absent;
  absent.found = "nothing";
  absent.expected = "a number";
  DescribeFound(absent, text);
  EXPECT_EQ(text, "nothing; expected a number");
  text.clear();
  DescribeFound({}, text);
  EXPECT_EQ(text, "");
}

}  // namespace
}  // namespace tacho
