// Assertions that stay on in release: a broken invariant stops the process before it can
// acknowledge or write anything that is wrong.
#pragma once

namespace phoenix {

/// Prints the condition and its place to standard error and aborts the process.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace phoenix

/// Always on. For what must hold whatever a client, a disk or a caller does.
#define PHX_CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::phoenix::check_failed(#condition, __FILE__, __LINE__))

/// On in debug and sanitizer builds (PHX_DEBUG_CHECKS). For what is too hot to check always.
#ifdef PHX_DEBUG_CHECKS
#define PHX_DCHECK(condition) PHX_CHECK(condition)
#else
#define PHX_DCHECK(condition) (void(sizeof((condition) ? 1 : 0)))
#endif
