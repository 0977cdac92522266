#include "state/rocksdb_env.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <memory>
#include <string>

namespace tacho {
namespace {

class FileSystemWithoutFreeSpace final : public rocksdb::FileSystemWrapper {
 public:
  FileSystemWithoutFreeSpace()
      : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  static const char* kClassName() { return "FileSystemWithoutFreeSpace"; }
  const char* Name() const override { return kClassName(); }

  rocksdb::IOStatus GetFreeSpace(const std::string& /*path*/,
                                 const rocksdb::IOOptions& /*options*/,
                                 uint64_t* /*bytes*/,
                                 rocksdb::IODebugContext* /*debug*/) override {
    return rocksdb::IOStatus::NotSupported();
  }
};

}  // namespace

rocksdb::Env* RocksDbEnv() {
  // Never destroyed: databases may be closed while statics are.
  static rocksdb::Env* const env =
      rocksdb::NewCompositeEnv(std::make_shared<FileSystemWithoutFreeSpace>())
          .release();
  return env;
}

}  // namespace tacho
