#include "state/rocksdb_guard.h"

#include <rocksdb/env.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/status.h>

#include <array>
#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "pipeline/base/log.h"
#include "state/files.h"
#include "state/rocksdb_status.h"

namespace tacho {
namespace {

constexpr char kMarkName[] = "opening";

class RocksDbLog final : public rocksdb::Logger {
 public:
  explicit RocksDbLog(std::string dir)
      : Logger(rocksdb::WARN_LEVEL), dir_(std::move(dir)) {}

  using Logger::Logv;
  void Logv(const char*, va_list) override {}  // Headers, of no level.
  void Logv(const rocksdb::InfoLogLevel level, const char* format,
            va_list arguments) override {
    if (level < rocksdb::WARN_LEVEL || level > rocksdb::FATAL_LEVEL) return;
    std::array<char, 512> text;
    std::vsnprintf(text.data(), text.size(), format, arguments);
    LOG(kWarn, "rocksdb", {{"dir", dir_}, {"text", text.data()}});
  }

 private:
  const std::string dir_;
};

constexpr char kChecksumName[] = "tacho.XXH3";

class FileChecksum final : public rocksdb::FileChecksumGenerator {
 public:
  FileChecksum() { XXH3_64bits_reset(state_.get()); }
  void Update(const char* bytes, size_t size) override {
    XXH3_64bits_update(state_.get(), bytes, size);
  }
  void Finalize() override {
    XXH64_canonical_t bytes;
    XXH64_canonicalFromHash(&bytes, XXH3_64bits_digest(state_.get()));
    checksum_.assign(reinterpret_cast<const char*>(bytes.digest),
                     sizeof bytes.digest);
  }
  std::string GetChecksum() const override { return checksum_; }
  const char* Name() const override { return kChecksumName; }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  const std::unique_ptr<XXH3_state_t, Free> state_{XXH3_createState()};
  std::string checksum_;
};

class FileChecksumFactory final : public rocksdb::FileChecksumGenFactory {
 public:
  std::unique_ptr<rocksdb::FileChecksumGenerator> CreateFileChecksumGenerator(
      const rocksdb::FileChecksumGenContext& context) override {
    const std::string& wanted = context.requested_checksum_func_name;
    if (!wanted.empty() && wanted != kChecksumName) return nullptr;
    return std::make_unique<FileChecksum>();
  }
  const char* Name() const override { return "tacho.FileChecksumFactory"; }
};

}  // namespace

std::shared_ptr<rocksdb::FileChecksumGenFactory> FileChecksums() {
  return std::make_shared<FileChecksumFactory>();
}

Result<OpeningMark> OpeningMark::Set(const std::string& dir, int most) {
  std::string path = dir + "/" + kMarkName;
  ASSIGN_OR_RETURN(const std::optional<std::string> stored,
                   ReadSmallFile(path));
  int attempts = 0;
  if (stored.has_value()) {
    std::from_chars(stored->data(), stored->data() + stored->size(), attempts);
    if (attempts < 1 || attempts >= most) {
      return Corruption(dir +
                        ": the process that last opened it ended while it "
                        "did, so it may be damaged; to have it opened all the "
                        "same, remove " +
                        path);
    }
  }
  OpeningMark mark(std::move(path));  // Half a file goes as well.
  RETURN_IF_ERROR(WriteFile(dir, kMarkName, std::to_string(attempts + 1)));
  return mark;
}

OpeningMark::OpeningMark(OpeningMark&& other) noexcept
    : path_(std::exchange(other.path_, std::string())) {}

OpeningMark::~OpeningMark() {
  if (!path_.empty()) (void)RemoveFile(path_).ok();
}

Status CheckNoOrphans(const std::string& dir) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(dir));
  for (const std::string& name : names) {
    std::error_code ignored;
    const bool data =
        name.ends_with(".sst") ||
        (name.ends_with(".log") &&
         std::filesystem::file_size(dir + "/" + name, ignored) > 0);
    if (data) {
      return Corruption("rocksdb " + dir +
                        ": CURRENT is missing, and there is " + name);
    }
  }
  return Status::Ok();
}

Status FromRocksDbOpen(const rocksdb::Status& status, const std::string& dir) {
  const Status ours = FromRocksDb(status, dir);
  const bool senseless = status.IsNotFound() || status.IsInvalidArgument() ||
                         status.IsNotSupported() || status.IsPathNotFound() ||
                         status.IsIncomplete();
  return senseless ? Corruption(ours.message()) : ours;
}

std::shared_ptr<rocksdb::Logger> MakeRocksDbLog(const std::string& dir) {
  return std::make_shared<RocksDbLog>(dir);
}

}  // namespace tacho
