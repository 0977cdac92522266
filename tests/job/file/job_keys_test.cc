#include "pipeline/job/file/job_keys.h"
#include "pipeline/base/duration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

#include "pipeline/job/scalars.h"
#include "tests/job/job_dump.h"
#include "tests/job/job_text.h"

namespace tacho {
namespace {

// A signal and a stream to try every key on.
std::string ConcretePath(std::string_view path) {
  std::string concrete(path);
  const size_t star = concrete.find('*');
  if (star == std::string::npos) return concrete;
  return concrete.replace(star, 1,
                          path.starts_with("streams.") ? "fast" : "speed");
}

// Of a map where the small job has a single value, of a map that needs more
// than one key, or of another shape of messages.
bool IsOfAnotherShape(const JobKey& key) {
  return key.path.starts_with("input.vehicle.") ||
         key.path.starts_with("input.accept.") ||
         (IsShapeKey(key) && DefaultShape()->FindKey(key.path) == nullptr);
}

std::string DumpWith(const std::string& path, const std::string& value) {
  JobOverrides overrides;
  overrides.set.emplace_back(path, value);
  const ParsedJob parsed = Parse(std::string(kSmallJob), overrides);
  EXPECT_TRUE(parsed.ok()) << FormatDiagnostics("", parsed.errors);
  return DumpJob(parsed.job);
}

// A correct value that is not the default, nor what the small job says.
std::string OtherValue(const JobKey& key) {
  switch (key.kind) {
    case KeyKind::kName:
      // The small job has one stream, which cannot read itself.
      return key.path == "streams.*.from" ? "" : "other";
    case KeyKind::kGroup:
    case KeyKind::kText:
    case KeyKind::kTopic:
      return "other";
    case KeyKind::kTopics:
      return "[other]";
    case KeyKind::kChoice:
      return std::string(key.Choices().back());
    case KeyKind::kSideOutput:
      return "{topic: other}";
    case KeyKind::kSwitch:
      return key.default_text == "on" ? "off" : "on";
    case KeyKind::kCount:
      return "7";
    case KeyKind::kSize:
      if (key.path == "limits.vehicle_id_bytes") return "7";
      if (key.path == "limits.header_bytes") return "8KiB";
      return key.path == "memory.limit" ? "1GiB" : "2MB";
    case KeyKind::kDuration:
      if (key.path == "group.heartbeat_interval") return "1s";
      return key.path == "vehicle_forget" ? "8d" : "4m";
    case KeyKind::kTime:
      return "2001-01-01";
    case KeyKind::kPointer:
    case KeyKind::kVehicle:
      return "/other";
    case KeyKind::kUnit:
      return "mph";
    case KeyKind::kUnits:
      return "[mph]";
    case KeyKind::kQuantity:
      return "1 km/h";
    default:
      return "";
  }
}

TEST(JobKeysTest, WritingADefaultChangesNothing) {
  const std::string plain = DumpJob(Parse(std::string(kSmallJob)).job);
  size_t tried = 0;
  for (const JobKey& key : JobKeys()) {
    if (key.default_text.empty() || IsOfAnotherShape(key)) continue;
    ++tried;
    EXPECT_EQ(DumpWith(ConcretePath(key.path), std::string(key.default_text)),
              plain)
        << key.path;
  }
  EXPECT_GT(tried, 30u);
}

TEST(JobKeysTest, EveryKeyHasAnEffect) {
  const std::string plain = DumpJob(Parse(std::string(kSmallJob)).job);
  for (const JobKey& key : JobKeys()) {
    const std::string other = OtherValue(key);
    // Those with one possible value, and outputs that are in use by `drop`.
    if (other.empty() || key.path.starts_with("late.") ||
        key.path.starts_with("rejects.") || IsOfAnotherShape(key)) {
      continue;
    }
    // Another type would not take the unit of the speed.
    const std::string path = key.path == "input.signals.*.type"
                                 ? "input.signals.moving.type"
                                 : ConcretePath(key.path);
    EXPECT_NE(DumpWith(path, other), plain) << key.path;
  }
}

TEST(JobKeysTest, TheVehiclesKeyHasAFormatAndAPath) {
  const std::string key = DumpWith("input.vehicle", "key");
  EXPECT_EQ(DumpWith("input.vehicle", "{key: {}}"), key);
  EXPECT_EQ(DumpWith("input.vehicle", "{key: {as: text}}"), key);
  std::set<std::string> all = {key};
  for (const char* form :
       {"{as: json}", "{as: json, path: /id}", "{as: int32}", "{as: int64}"}) {
    const std::string dump =
        DumpWith("input.vehicle", std::string("{key: ") + form + "}");
    EXPECT_TRUE(all.insert(dump).second) << form;
  }
  const auto errors = [](const char* vehicle) {
    JobOverrides overrides;
    overrides.set.emplace_back("input.vehicle", vehicle);
    const auto found = Parse(std::string(kSmallJob), overrides).errors;
    return found.empty() ? "" : found[0].message;
  };
  EXPECT_THAT(errors("{key: {as: int16}}"), testing::HasSubstr("int32"));
  EXPECT_THAT(errors("{key: {path: /id}}"),
              testing::HasSubstr("only a key read as json"));
  EXPECT_THAT(errors("{}"), testing::HasSubstr("input.vehicle.key"));
  EXPECT_THAT(errors("[key]"), testing::HasSubstr("expected a single value"));
}

TEST(JobKeysTest, EveryRowIsWholeAndUnique) {
  std::set<std::string_view> paths;
  for (const JobKey& key : JobKeys()) {
    EXPECT_TRUE(paths.insert(key.path).second) << key.path;
    EXPECT_TRUE(key.help.ends_with('.')) << key.path;
    EXPECT_FALSE(key.required && !key.default_text.empty()) << key.path;
    const bool is_map = key.kind == KeyKind::kSection ||
                        key.kind == KeyKind::kClientProperties ||
                        key.kind == KeyKind::kOperators;
    EXPECT_EQ(key.bind == nullptr, is_map) << key.path;
    const bool has_range = key.kind == KeyKind::kCount ||
                           key.kind == KeyKind::kSize ||
                           key.kind == KeyKind::kDuration;
    EXPECT_EQ(!key.min.empty() && !key.max.empty(), has_range) << key.path;
    const bool has_choices =
        key.kind == KeyKind::kChoice || key.kind == KeyKind::kSideOutput;
    EXPECT_EQ(!key.choices.empty(), has_choices) << key.path;
  }
}

// Tries the ends of every range and what lies just beyond them.
template <typename T>
void ExpectRange(const JobKey& key, const std::function<T(std::string)>& parse,
                 const std::function<std::string(T)>& format, T one) {
  const auto errors = [&](T value) {
    JobOverrides overrides;
    const std::string path = ConcretePath(key.path);
    const std::string side = path.substr(0, path.find('.'));
    if (side == "rejects" || side == "late") {
      // The small job drops them.
      overrides.set.emplace_back(
          side, "{topic: other, create: {partitions: " + format(value) + "}}");
    } else {
      overrides.set.emplace_back(path, format(value));
    }
    std::string found;
    for (const Diagnostic& error :
         Parse(std::string(kSmallJob), overrides).errors) {
      if (error.message.find(" is outside ") != std::string::npos) {
        found += error.message;
      }
    }
    return found;
  };
  const T min = parse(std::string(key.min));
  const T max = parse(std::string(key.max));
  EXPECT_EQ(errors(min), "") << key.path;
  EXPECT_EQ(errors(max), "") << key.path;
  EXPECT_NE(errors(max + one), "") << key.path;
  if (min > T{}) {
    EXPECT_NE(errors(min - one), "") << key.path;
  }
}

TEST(JobKeysTest, RangesHoldAtBothEnds) {
  for (const JobKey& key : JobKeys()) {
    if (key.kind == KeyKind::kDuration) {
      ExpectRange<Millis>(
          key, [](const std::string& text) { return *ParseDuration(text); },
          [](Millis value) { return std::to_string(value.count()) + "ms"; },
          Millis{1});
    } else if (key.kind == KeyKind::kSize || key.kind == KeyKind::kCount) {
      ExpectRange<uint64_t>(
          key, [](const std::string& text) { return *ParseSize(text); },
          [](uint64_t value) { return std::to_string(value); }, 1);
    }
  }
}

// The reader knows no section by its name.
TEST(JobKeysTest, SectionsWithANameOfTheUsersSayWhatTheyAre) {
  for (const JobKey& key : JobKeys()) {
    const bool named = key.path.ends_with(".*");
    EXPECT_EQ(key.begin != nullptr, named) << key.path;
    EXPECT_EQ(key.end != nullptr, named) << key.path;
  }
}

TEST(JobKeysTest, TheTreeFindsEveryKey) {
  const KeyNode* group = JobKeyTree().Find("group");
  ASSERT_NE(group, nullptr);
  EXPECT_EQ(group->Find("id")->key->path, "group.id");
  EXPECT_EQ(group->Find("idd"), nullptr);
  EXPECT_NE(JobKeyTree().Find("streams")->wildcard(), nullptr);
  EXPECT_THAT(JobKeyTree().Find("commit")->ChildNames(),
              testing::ElementsAre("interval", "records", "bytes"));
}

}  // namespace
}  // namespace tacho
