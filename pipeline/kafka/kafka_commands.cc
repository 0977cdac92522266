#include "pipeline/kafka/kafka_commands.h"

#include <sstream>

namespace tacho {
namespace {

std::string Tool(const char* tool, const KafkaProperties& properties) {
  std::string server = "HOST:PORT";
  for (const auto& [name, value] : properties) {
    if (name == "bootstrap.servers") server = value;
  }
  return std::string(tool) + " --bootstrap-server " + server;
}

}  // namespace

std::string CreateTopicCommand(const KafkaProperties& properties,
                               const std::string& topic,
                               const std::string& partitions) {
  return Tool("kafka-topics.sh", properties) + " --create --topic " + topic +
         " --partitions " + partitions;
}

std::string AlterTopicCommand(const KafkaProperties& properties,
                              const std::string& topic,
                              const std::string& setting) {
  return Tool("kafka-configs.sh", properties) +
         " --alter --entity-type topics --entity-name " + topic +
         " --add-config " + setting;
}

std::string GrantCommand(const KafkaProperties& properties,
                         const std::string& operations,
                         const std::string& resource) {
  std::string command = Tool("kafka-acls.sh", properties) +
                        " --add --allow-principal User:PRINCIPAL";
  std::istringstream words(operations);
  for (std::string word; words >> word;) command += " --operation " + word;
  return command + " " + resource;
}

}  // namespace tacho
