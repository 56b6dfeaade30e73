// A report as one self-contained page: no scripts, nothing loaded from anywhere, light or dark as
// the reader's system is, from a phone's width up. Every string is plain text and may hold any
// bytes.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bench/report/markup.h"

namespace phoenix::bench {

enum class Tone : std::uint8_t { plain, good, bad };

/// One of the few figures that stand first.
struct Headline {
  std::string label;
  std::string value;
  std::string note;  // In small print; may be empty.
  Tone tone = Tone::plain;
};

/// Cells are aligned to the right, except those of the first `text_columns`. It scrolls in its box
/// where the page is too narrow.
struct Table {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
  std::size_t text_columns = 1;
};

using NamedTexts = std::vector<std::pair<std::string, std::string>>;

Html headlines(const std::vector<Headline>& figures);
Html table(const Table& table);
/// Names and what they stand for.
Html facts(const NamedTexts& facts);
/// What the reader must know before believing the figures. Nothing when there are none.
Html warnings(const std::vector<std::string>& sentences);
/// Text to be copied to a shell.
Html command(const std::string& line);
Html paragraph(const std::string& text);
Html section(const std::string& title, const Html& content);

/// The whole file. `subtitle` says what was measured, and when; it may have several lines.
std::string page(const std::string& title, const std::string& subtitle, const Html& content);

}  // namespace phoenix::bench
