#pragma once

#include <initializer_list>
#include <string_view>

#include "pipeline/base/log.h"

namespace tacho {

// The last line of a process that ends hard: takes no lock, and waits for a
// reader of stderr only for a moment. Nothing is logged after it. Threading:
// any thread; the first one that says a last line is heard.
void LogLast(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields);

// One line of a thread that no reader of stderr may hold up, such as the one
// that signals are seen by: left out if it is not taken within a moment. Takes
// no lock. Threading: any thread.
void LogOrSkip(LogLevel level, std::string_view event,
               std::initializer_list<LogField> fields);

}  // namespace tacho
