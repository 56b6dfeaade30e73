#include "bench/report/figure.h"

#include <fmt/format.h>

#include "bench/report/plots.h"

namespace phoenix::bench {

const char* class_of(Format format) {
  return format == Format::wide ? "wide" : "narrow";
}

double width_of(Format format) {
  // About what a laptop's page has for it, and a phone's.
  return format == Format::wide ? 920 : 360;
}

std::string colour_of(std::size_t series) {
  return fmt::format("s{}", series % kColours);
}

Html framed(const std::string& title, const std::vector<std::string>& names, const Html& drawings,
            const std::string& note) {
  Html out{fmt::format("<figure>\n<figcaption>{}</figcaption>\n", escaped(title))};
  if (names.size() > 1) {
    out.text += "<ul class=\"legend\">";
    for (std::size_t i = 0; i < names.size(); ++i) {
      out.text += fmt::format("<li><i class=\"{}\"></i>{}</li>", colour_of(i), escaped(names[i]));
    }
    out.text += "</ul>\n";
  }
  out += drawings;
  if (!note.empty()) out.text += fmt::format("<p class=\"note\">{}</p>\n", escaped(note));
  out.text += "</figure>\n";
  return out;
}

}  // namespace phoenix::bench
