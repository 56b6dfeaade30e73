// What a run says when it ends by a broken invariant or a crash: which seed it was in, and how to
// repeat that.
#pragma once

#include <cstdint>
#include <string_view>

namespace phoenix::simtest {

/// Prepares for SIGABRT, SIGSEGV and their like. What handled them before, as a sanitizer's report,
/// comes afterwards.
void prepare_last_words();

/// What runs from now on, and the arguments of phoenix-simulate that repeat it.
void note_running(std::string_view what, std::uint64_t seed, std::string_view arguments);

}  // namespace phoenix::simtest
