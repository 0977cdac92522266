#include "pipeline/cli/version.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "pipeline/cli/commands.h"
#include "pipeline/cli/exit_code.h"
#include "pipeline/decode/simdjson_version.h"
#include "pipeline/kafka/kafka_handle.h"
#include "pipeline/lane/tbb_version.h"
#include "state/rocksdb_version.h"

namespace tacho {
namespace {

std::string FmtVersion() {
  return std::to_string(FMT_VERSION / 10000) + "." +
         std::to_string(FMT_VERSION / 100 % 100) + "." +
         std::to_string(FMT_VERSION % 100);
}

void WriteJson(const VersionOptions& options, std::ostream& out) {
  nlohmann::ordered_json json = {{"tacho", TachoVersion()}};
#ifdef TACHO_COMMIT
  json["commit"] = TACHO_COMMIT;
#endif
  json["compiler"] = TACHO_COMPILER;
  json["allocator"] = options.allocator;
  for (const LibraryVersion& library : LibraryVersions()) {
    json["libraries"][library.name] = library.version;
  }
  out << json.dump(2) << "\n";
}

}  // namespace

std::string TachoVersion() { return TACHO_VERSION; }

std::vector<LibraryVersion> LibraryVersions() {
  return {{"fmt", FmtVersion()},
          {"librdkafka", KafkaClientVersion()},
          {"rocksdb", RocksDbVersion()},
          {"simdjson", SimdjsonVersion()},
          {"spdlog", TACHO_SPDLOG_VERSION},
          {"tbb", TbbVersion()},
          {"xxhash", TACHO_XXHASH_VERSION},
          {"yaml-cpp", TACHO_YAML_CPP_VERSION},
          {"zlib", TACHO_ZLIB_VERSION}};
}

int VersionCommand(const VersionOptions& options, std::ostream& out) {
  if (options.json) {
    WriteJson(options, out);
    return kExitOk;
  }
  out << "tacho " << TachoVersion() << "\n";
  for (const LibraryVersion& library : LibraryVersions()) {
    out << "  " << library.name << " " << library.version << "\n";
  }
  out << "  allocator " << options.allocator << "\n";
  return kExitOk;
}

}  // namespace tacho
