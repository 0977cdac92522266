#pragma once

#include <string>

namespace tacho {

// The version of librdkafka that is loaded, as in "2.0.2".
std::string KafkaClientVersion();

}  // namespace tacho
