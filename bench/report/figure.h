// What all kinds of plots share: the frame of a figure in the page, and its colours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/report/markup.h"

namespace phoenix::bench {

// In units of the view box.
inline constexpr double kLine = 18;  // From one line of text to the next.
inline constexpr double kGap = 8;    // Between text and what it stands at.

/// For which pages a drawing is made.
enum class Format : std::uint8_t { wide, narrow };

/// "wide" or "narrow": the class by which the style sheet shows or hides it.
const char* class_of(Format format);

/// Of the view box.
double width_of(Format format);

/// The class that gives things of the series its colour.
std::string colour_of(std::size_t series);

/// Title, legend (of two names and more), drawings and note as one element. Strings are plain.
Html framed(const std::string& title, const std::vector<std::string>& names, const Html& drawings,
            const std::string& note);

}  // namespace phoenix::bench
