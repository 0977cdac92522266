#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace tacho {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError };
enum class LogFormat : uint8_t { kLogfmt, kJson };

// Sets up logging to stderr. Called once, before the first line; without it
// the level is kInfo and the format kLogfmt.
void InitLog(LogLevel level, LogFormat format);

// One `name=value` of a log line. Never carries a payload, a key or a vehicle
// id, which are personal data, but for two lines that nobody could act on
// without: `reject` has at most 64 bytes of what was refused, and `time_jump`
// the vehicle.
struct LogField {
  LogField(std::string_view n, std::string_view v)
      : name(n), text(v), is_text(true) {}
  LogField(std::string_view n, const std::string& v)
      : name(n), text(v), is_text(true) {}
  LogField(std::string_view n, const char* v)
      : name(n), text(v), is_text(true) {}
  LogField(std::string_view n, bool v) : name(n), text(v ? "true" : "false") {}
  LogField(std::string_view n, double v);
  template <typename Int>
  requires std::is_integral_v<Int> LogField(std::string_view n, Int v)
      : name(n), text(std::to_string(v)) {}

  std::string name;
  std::string text;
  bool is_text = false;  // Quoted in JSON.
};

// Allows `kBurst` lines per call site and `kWindow` seconds; counts the rest
// and reports the count with the next line that passes.
// Threading: any thread.
class LogSite {
 public:
  static constexpr uint32_t kBurst = 10;
  static constexpr int64_t kWindowSeconds = 10;

  // True if the line may be written; `suppressed` is what was held back.
  bool Admit(int64_t now_seconds, uint64_t& suppressed);

 private:
  std::atomic<int64_t> window_{-1};
  std::atomic<uint32_t> in_window_{0};
  std::atomic<uint64_t> suppressed_{0};
};

// Writes one line: time, level, event, fields. `event` is a stable id in
// snake_case. Threading: any thread.
void LogEvent(LogSite& site, LogLevel level, std::string_view event,
              std::span<const LogField> fields);
inline void LogEvent(LogSite& site, LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields) {
  LogEvent(site, level, event, std::span(fields.begin(), fields.size()));
}

}  // namespace tacho

// LOG(kWarn, "producer_rebuilt", {{"reason", text}, {"count", n}});
#define LOG(level, event, ...)                                         \
  do {                                                                 \
    static ::tacho::LogSite log_site_macro;                            \
    ::tacho::LogEvent(log_site_macro, ::tacho::LogLevel::level, event, \
                      __VA_ARGS__);                                    \
  } while (false)
