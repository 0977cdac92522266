#include "state/changelog_record.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "state/codec.h"
#include "state/state_store.h"

namespace tacho {
namespace {

void Append(StateChanges& changes, std::string_view text) {
  changes.bytes().insert(changes.bytes().end(), text.begin(), text.end());
}

StateChanges OnePut(uint32_t tag, std::string_view key,
                    std::string_view value) {
  StateChanges changes;
  changes.Begin(0, tag);
  Append(changes, key);
  changes.EndKey();
  Append(changes, value);
  changes.EndValue();
  return changes;
}

TEST(ChangelogRecordTest, ReadsBackWhatAStateChangeWrites) {
  const StateChanges changes = OnePut(TableTag("s.0.windows"), "key", "value");
  const StateChanges::Change& change = changes.changes()[0];

  const Result<ChangelogRecord> record = ParseChangelogRecord(
      changes.ChangelogKey(change), changes.ChangelogValue(change));

  ASSERT_TRUE(record.ok()) << record.status().ToString();
  EXPECT_EQ(record->kind, ChangelogRecord::kPut);
  EXPECT_EQ(record->tag, TableTag("s.0.windows"));
  EXPECT_EQ(record->key, "key");
  EXPECT_EQ(record->value, "value");
  // The store gets the same bytes without prefix and checksum.
  EXPECT_EQ(changes.Key(change), "key");
  EXPECT_EQ(changes.Value(change), "value");
}

TEST(ChangelogRecordTest, AChangeFromAChangelogIsTheOneThatWasWritten) {
  StateChanges written = OnePut(TableTag("t"), "key", "value");
  written.Begin(0, TableTag("t"));
  Append(written, "erased");
  written.EndKey();
  written.EndTombstone();

  StateChanges read;
  for (const StateChanges::Change& change : written.changes()) {
    read.Add(3, written.ChangelogKey(change), written.ChangelogValue(change));
  }

  EXPECT_EQ(read.bytes(), written.bytes());
  ASSERT_EQ(read.changes().size(), 2u);
  EXPECT_EQ(read.changes()[0].table, 3u);
  EXPECT_EQ(read.Key(read.changes()[0]), "key");
  EXPECT_EQ(read.Value(read.changes()[0]), "value");
  EXPECT_FALSE(read.changes()[0].tombstone);
  EXPECT_EQ(read.Key(read.changes()[1]), "erased");
  EXPECT_TRUE(read.changes()[1].tombstone);
}

TEST(ChangelogRecordTest, ATombstoneHasNoValueAndANullIsNotAnEmptyOne) {
  StateChanges changes;
  changes.Begin(0, 7);
  Append(changes, "key");
  changes.EndKey();
  changes.EndTombstone();
  const StateChanges::Change& change = changes.changes()[0];
  ASSERT_EQ(changes.ChangelogValue(change).data(), nullptr);

  const Result<ChangelogRecord> record =
      ParseChangelogRecord(changes.ChangelogKey(change), {});

  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->kind, ChangelogRecord::kTombstone);
  EXPECT_EQ(record->key, "key");
  EXPECT_FALSE(
      ParseChangelogRecord(changes.ChangelogKey(change), std::string_view(""))
          .ok());
}

TEST(ChangelogRecordTest, DetectsEveryFlippedBitOfAValue) {
  const StateChanges changes = OnePut(3, "some key", "some value");
  const StateChanges::Change& change = changes.changes()[0];
  const std::string good(changes.ChangelogValue(change));
  for (size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      EXPECT_EQ(ParseChangelogRecord(changes.ChangelogKey(change), bad)
                    .status()
                    .code(),
                StatusCode::kCorruption)
          << "byte " << i << " bit " << bit;
    }
  }
}

TEST(ChangelogRecordTest, AValueUnderAnotherKeyOrTableIsRefused) {
  const StateChanges one = OnePut(3, "key one", "value");
  const StateChanges two = OnePut(3, "key two", "value");
  const StateChanges other = OnePut(4, "key one", "value");
  const std::string_view value = one.ChangelogValue(one.changes()[0]);

  EXPECT_FALSE(
      ParseChangelogRecord(two.ChangelogKey(two.changes()[0]), value).ok());
  EXPECT_FALSE(
      ParseChangelogRecord(other.ChangelogKey(other.changes()[0]), value).ok());
}

TEST(ChangelogRecordTest, RefusesKeysThatAreNoneOfOurs) {
  const std::string_view value = "12345678";
  const std::vector<std::string> keys = {
      "", "\x01", std::string("\x01\0\0\0", 4), "\x02_____", "vehicle-17"};
  for (const std::string& key : keys) {
    EXPECT_EQ(ParseChangelogRecord(key, value).status().code(),
              StatusCode::kCorruption)
        << key;
  }
  EXPECT_FALSE(ParseChangelogRecord(ChangelogMetaKey(), {}).ok());
}

TEST(ChangelogRecordTest, TheIdentityComesBackAndIsChecked) {
  std::vector<char> bytes;
  AppendChangelogIdentity(bytes, UINT64_MAX - 1);
  const std::string good(bytes.begin(), bytes.end());

  const auto record = ParseChangelogRecord(ChangelogIdentityKey(), good);

  ASSERT_TRUE(record.ok()) << record.status().ToString();
  EXPECT_EQ(record->kind, ChangelogRecord::kIdentity);
  EXPECT_EQ(record->log_id, UINT64_MAX - 1);
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(ParseChangelogRecord(ChangelogIdentityKey(), bad).ok()) << i;
    EXPECT_FALSE(
        ParseChangelogRecord(ChangelogIdentityKey(), good.substr(0, i)).ok())
        << i;
  }
  EXPECT_FALSE(ParseChangelogRecord(ChangelogIdentityKey(), {}).ok());
  EXPECT_NE(DrawLogId(), DrawLogId());
}

TEST(ChangelogRecordTest, ManyChangesKeepTheirBytesApart) {
  StateChanges changes;
  for (int i = 0; i < 100; ++i) {
    changes.Begin(0, static_cast<uint32_t>(i));
    Append(changes, std::string(static_cast<size_t>(i), 'k'));
    changes.EndKey();
    if (i % 3 == 0) {
      changes.EndTombstone();
      continue;
    }
    Append(changes, std::string(static_cast<size_t>(100 - i), 'v'));
    changes.EndValue();
  }
  for (int i = 0; i < 100; ++i) {
    const StateChanges::Change& change =
        changes.changes()[static_cast<size_t>(i)];
    const Result<ChangelogRecord> record = ParseChangelogRecord(
        changes.ChangelogKey(change), changes.ChangelogValue(change));
    ASSERT_TRUE(record.ok()) << i << ": " << record.status().ToString();
    EXPECT_EQ(record->tag, static_cast<uint32_t>(i));
    EXPECT_EQ(record->key.size(), static_cast<size_t>(i));
    EXPECT_EQ(record->value.size(),
              i % 3 == 0 ? 0u : static_cast<size_t>(100 - i));
  }
}

}  // namespace
}  // namespace tacho
