#include "bench/report/page.h"

#include <iterator>

#include <fmt/format.h>

#include "bench/report/style.h"

namespace phoenix::bench {
namespace {

const char* class_of(Tone tone) {
  switch (tone) {
    case Tone::good:
      return "good";
    case Tone::bad:
      return "bad";
    default:
      return "plain";
  }
}

std::string row_of(const std::vector<std::string>& cells, const char* element,
                   std::size_t text_columns) {
  std::string out = "<tr>";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    out += fmt::format("<{0}{1}>{2}</{0}>", element, i < text_columns ? " class=\"text\"" : "",
                       escaped(cells[i]));
  }
  return out + "</tr>\n";
}

}  // namespace

Html headlines(const std::vector<Headline>& figures) {
  Html out{"<dl class=\"headlines\">\n"};
  for (const Headline& each : figures) {
    fmt::format_to(std::back_inserter(out.text), "<div class=\"{}\"><dt>{}</dt><dd>{}",
                   class_of(each.tone), escaped(each.label), escaped(each.value));
    if (!each.note.empty()) out.text += "<small>" + escaped(each.note) + "</small>";
    out.text += "</dd></div>\n";
  }
  out.text += "</dl>\n";
  return out;
}

Html table(const Table& table) {
  Html out{"<div class=\"scroll\" tabindex=\"0\"><table>\n<thead>"};
  out.text += row_of(table.head, "th", table.text_columns) + "</thead>\n<tbody>\n";
  for (const std::vector<std::string>& row : table.rows) {
    out.text += row_of(row, "td", table.text_columns);
  }
  out.text += "</tbody></table></div>\n";
  return out;
}

Html facts(const NamedTexts& facts) {
  Html out{"<dl class=\"facts\">\n"};
  for (const auto& [name, text] : facts) {
    out.text += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(name), escaped(text));
  }
  out.text += "</dl>\n";
  return out;
}

Html warnings(const std::vector<std::string>& sentences) {
  if (sentences.empty()) return {};
  Html out{"<ul class=\"warnings\">\n"};
  for (const std::string& each : sentences) out.text += "<li>" + escaped(each) + "</li>\n";
  out.text += "</ul>\n";
  return out;
}

Html command(const std::string& line) {
  return {"<pre class=\"scroll\" tabindex=\"0\"><code>" + escaped(line) + "</code></pre>\n"};
}

Html paragraph(const std::string& text) {
  return {"<p>" + escaped(text) + "</p>\n"};
}

Html section(const std::string& title, const Html& content) {
  return {fmt::format("<section>\n<h2>{}</h2>\n{}</section>\n", escaped(title), content.text)};
}

std::string page(const std::string& title, const std::string& subtitle, const Html& content) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
      "<title>{0}</title>\n<style>{1}</style>\n</head>\n<body>\n<main>\n"
      "<header>\n<h1>{0}</h1>\n<p>{2}</p>\n</header>\n{3}"
      "<footer>phoenix-bench {4}</footer>\n</main>\n</body>\n</html>\n",
      escaped(title), kStyle, escaped(subtitle), content.text, PHOENIX_VERSION);
}

}  // namespace phoenix::bench
