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

std::string ShellWord(const std::string& text) {
  constexpr char kPlain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@,+";
  if (!text.empty() && text.find_first_not_of(kPlain) == text.npos) return text;
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return word + "'";
}

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

std::string DeleteOffsetsCommand(const KafkaProperties& properties,
                                 const std::string& group,
                                 const std::string& topic) {
  return Tool("kafka-consumer-groups.sh", properties) +
         " --delete-offsets --group " + ShellWord(group) + " --topic " + topic;
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

std::string LookForTransactionCommands(const KafkaProperties& properties,
                                       const TopicPartition& tp) {
  const std::string tool = Tool("kafka-transactions.sh", properties);
  const std::string where =
      " --topic " + tp.topic + " --partition " +
      (tp.partition < 0 ? std::string("N") : std::to_string(tp.partition));
  return tool + " find-hanging" + where + "; " + tool + " describe-producers" +
         where;
}

}  // namespace tacho
