#include "pipeline/base/log.h"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <memory>

#include "pipeline/base/iso8601.h"
#include "pipeline/base/last_line.h"
#include "pipeline/base/printable.h"

namespace tacho {
namespace {

// For what is written by hand: a reader that is only slow is waited for.
constexpr int kStderrPatienceMs = 500;

LogFormat g_format = LogFormat::kLogfmt;
// The last line was written: what other threads say until the process has ended
// would only hide it.
std::atomic<bool> g_is_over{false};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

const char* LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "info";
}

spdlog::logger& Logger() {
  // Never destroyed: threads of libraries may log to the very end.
  static spdlog::logger* const logger = [] {
    auto* const made = new spdlog::logger(
        "tacho", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

void AppendQuoted(std::string& line, std::string_view text) {
  line += '"';
  AppendPrintable(text, true, line);
  line += '"';
}

bool NeedsQuotes(std::string_view text) {
  return text.empty() || text.find_first_of(" =\"\\") != text.npos ||
         !IsPrintable(text);
}

void AppendField(std::string& line, std::string_view name,
                 std::string_view text, bool is_text) {
  if (g_format == LogFormat::kJson) {
    line += ',';
    AppendQuoted(line, name);
    line += ':';
    if (is_text) {
      AppendQuoted(line, text);
    } else {
      line += text;
    }
    return;
  }
  line += ' ';
  line += name;
  line += '=';
  if (is_text && NeedsQuotes(text)) {
    AppendQuoted(line, text);
  } else {
    line += text;
  }
}

std::string FormatLine(LogLevel level, std::string_view event,
                       std::span<const LogField> fields, uint64_t suppressed) {
  std::string line;
  const std::string time = FormatIso8601(SystemClock().Now());
  if (g_format == LogFormat::kJson) {
    line = fmt::format(R"({{"time":"{}","level":"{}","event":"{}")", time,
                       LevelName(level), event);
  } else {
    line =
        fmt::format("time={} level={} event={}", time, LevelName(level), event);
  }
  for (const LogField& field : fields) {
    AppendField(line, field.name, field.text, field.is_text);
  }
  if (suppressed > 0) {
    AppendField(line, "suppressed", std::to_string(suppressed), false);
  }
  if (g_format == LogFormat::kJson) line += '}';
  return line;
}

void WriteOrSkip(std::string line) {
  pollfd stderr_is{STDERR_FILENO, POLLOUT, 0};
  if (poll(&stderr_is, 1, kStderrPatienceMs) != 1) return;
  // Another thread may have taken the room meanwhile. A file has always room;
  // what knows no RWF_NOWAIT says something else than EAGAIN.
  struct stat is {};
  const iovec whole{line.data(), line.size()};
  if (fstat(STDERR_FILENO, &is) == 0 && !S_ISREG(is.st_mode)) {
    if (pwritev2(STDERR_FILENO, &whole, 1, -1, RWF_NOWAIT) >= 0) return;
    if (errno == EAGAIN) return;
  }
  (void)!write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

LogField::LogField(std::string_view n, double v)
    : name(n), text(fmt::format("{:.6g}", v)) {}

void InitLog(LogLevel level, LogFormat format) {
  g_format = format;
  Logger().set_level(ToSpdlog(level));
}

bool LogSite::Admit(int64_t now_seconds, uint64_t& suppressed) {
  const int64_t window = now_seconds / kWindowSeconds;
  if (window_.exchange(window, std::memory_order_relaxed) != window) {
    in_window_.store(0, std::memory_order_relaxed);
  }
  if (in_window_.fetch_add(1, std::memory_order_relaxed) >= kBurst) {
    suppressed_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  suppressed = suppressed_.exchange(0, std::memory_order_relaxed);
  return true;
}

void LogEvent(LogSite& site, LogLevel level, std::string_view event,
              std::span<const LogField> fields) {
  if (g_is_over || !Logger().should_log(ToSpdlog(level))) return;
  const int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                          std::chrono::steady_clock::now().time_since_epoch())
                          .count();
  uint64_t suppressed = 0;
  if (!site.Admit(now, suppressed)) return;
  Logger().log(ToSpdlog(level), FormatLine(level, event, fields, suppressed));
}

void LogLast(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) {
  if (g_is_over.exchange(true)) return;
  WriteOrSkip(FormatLine(level, event, {fields.begin(), fields.size()}, 0) +
              "\n");
}

void LogOrSkip(LogLevel level, std::string_view event,
               std::initializer_list<LogField> fields) {
  if (g_is_over || !Logger().should_log(ToSpdlog(level))) return;
  WriteOrSkip(FormatLine(level, event, {fields.begin(), fields.size()}, 0) +
              "\n");
}

}  // namespace tacho
