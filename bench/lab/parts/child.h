#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tacho::lab {

// What a process that has ended has used.
struct Usage {
  double cpu_seconds = 0;
  double rss_mb = 0;  // The peak.
  int exit_code = 0;  // Or 128 + the signal.
};

// A process that is measured: its output goes to a file, one JSON object a
// line. Killed at the latest when this object goes or the lab dies.
//
// Threading: one thread at a time; make it on the main thread.
class Child {
 public:
  using Event = nlohmann::json;

  Child(std::vector<std::string> argv, std::string log);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void Signal(int number) const;
  Usage Wait();
  // The same, and the lab ends with the child's output if it failed.
  Usage WaitOk();

  // Events so far, in order; all of them if `name` is empty.
  std::vector<Event> Events(const std::string& name) const;
  // Until `count` of them were logged. The lab ends if they are not in time.
  void Await(const std::string& name, size_t count,
             std::chrono::seconds timeout = std::chrono::seconds(60));
  // The last value of a number; 0 if it was never logged.
  double Last(const std::string& event, const std::string& field) const;

 private:
  [[noreturn]] void Fail(const std::string& why) const;

  const std::string log_;
  std::string name_;
  pid_t pid_ = -1;
};

// When an event was logged, in epoch milliseconds.
int64_t TimeOf(const Child::Event& event);
int64_t NowMs();

}  // namespace tacho::lab
