#pragma once

#include <memory>
#include <string>

#include "pipeline/base/status.h"

namespace tacho {

// librdkafka's mock cluster inside this process: a broker for the demo and for
// tests of what it can do.
//
// Limits: at least once only; it keeps the newest 5 MB of a
// partition; one host; a group's first join takes 3 s; session time-outs under
// 4 s never get an assignment. It is experimental in librdkafka.
class EmbeddedBroker {
 public:
  static Result<std::unique_ptr<EmbeddedBroker>> Start();
  ~EmbeddedBroker();

  // "127.0.0.1:port".
  const std::string& bootstrap() const { return bootstrap_; }
  Status CreateTopic(const std::string& topic, int partitions);

 private:
  struct Impl;
  explicit EmbeddedBroker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
  std::string bootstrap_;
};

}  // namespace tacho
