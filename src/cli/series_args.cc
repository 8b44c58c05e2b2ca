// SPDX-License-Identifier: Apache-2.0
#include "cli/series_args.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "report/svg/style.h"

namespace assay::cli {
namespace {

// A whole number of the form of std::from_chars and what follows it.
std::optional<std::pair<double, std::string_view>> leading_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !std::isfinite(value)) return std::nullopt;
  std::string_view rest(end, static_cast<size_t>(text.data() + text.size() - end));
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  return std::pair{value, rest};
}

int terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return std::clamp<int>(size.ws_col - 4, 40, 110);
  return 90;
}

bool utf8_terminal() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (!value || !*value) continue;
    const std::string_view v(value);
    return v.find("UTF-8") != v.npos || v.find("utf8") != v.npos || v.find("UTF8") != v.npos;
  }
  return false;
}

}  // namespace

void add_series_flags(CLI::App& sub, SeriesFlags& f, const char* words) {
  sub.add_option(series::kFormatFlag, f.input_format,
                 "auto, csv, trtexec, google-benchmark, ort-perf, hyperfine, int64 or bench");
  sub.add_option(series::kUnitFlag, f.unit, "ns, us, ms or s, where the file does not say it");
  sub.add_option(series::kColumnFlag, f.column,
                 "name or number (from 1) of the column, where several fit");
  sub.add_flag("--no-warm-up", f.no_warm_up,
               "use every value; do not cut a warm-up from the front");
  add_format(sub, f.format, "text|md|json|html|csv");
  sub.add_option("-o,--out", f.out, "write to this file instead of standard output");
  sub.add_option("--svg", f.svg, "write the plots as SVG files into this folder");
  sub.add_flag("--plot", f.plot, "plots as text, also when standard output is no terminal");
  sub.add_flag("--no-plot", f.no_plot, "no plots as text");
  sub.add_flag("--ascii", f.ascii, "plots of ASCII characters");
  sub.add_option("--fail-on,--failOn", f.fail_on,
                 std::string("exit code 1 on any of these, comma separated: ") + words);
}

Result<std::vector<report::SeriesInput>> read_files(const std::vector<std::string>& files,
                                                    const SeriesFlags& f, int64_t first) {
  series::ReadOptions options;
  const auto format = series::parse_format(f.input_format);
  if (!format)
    return bad_input(
        fmt::format("{} {}: unknown format", series::kFormatFlag, one_line(f.input_format, 60)),
        "known: auto, csv, trtexec, google-benchmark, ort-perf, hyperfine, int64, bench");
  options.format = *format;
  options.unit = f.unit;
  options.column = f.column;
  std::vector<report::SeriesInput> out;
  for (size_t i = 0; i < files.size(); ++i) {
    ASSAY_TRY(auto all, series::read_series(files[i], options));
    for (series::Series& s : all) {
      report::SeriesInput in;
      in.name = std::move(s.name);
      in.format = std::move(s.format);
      in.unit = std::move(s.unit);
      in.samples = std::move(s.samples);
      in.notes = std::move(s.notes);
      in.averaged = s.averaged;
      in.launch = s.launch;
      in.group = first + static_cast<int64_t>(i);
      in.tick_ns = s.tick_ns;
      out.push_back(std::move(in));
    }
  }
  return out;
}

Result<int64_t> parse_duration(std::string_view text, std::string_view flag) {
  const auto number = leading_number(text);
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
  for (const auto& [unit, scale] : kUnits)
    if (number && number->second == unit && number->first >= 0 && number->first * scale < 4e18)
      return static_cast<int64_t>(std::llround(number->first * scale));
  return bad_input(fmt::format("{} {}: expected a time with its unit", flag, one_line(text, 60)),
                   fmt::format("write it as 20ms, 800us, 1.5s or 900ns"));
}

Result<double> parse_share(std::string_view text, std::string_view flag, double below) {
  const auto number = leading_number(text);
  if (number && (number->second.empty() || number->second == "%")) {
    const double value = number->second.empty() ? number->first : number->first / 100;
    if (value > 0 && value < below) return value;
  }
  return bad_input(fmt::format("{} {}: expected a share above 0 and below {:.4g}", flag,
                               one_line(text, 60), below),
                   "write a fraction or a percentage: 0.01 or 1%");
}

Result<std::vector<double>> parse_probabilities(std::string_view text, std::string_view flag) {
  std::vector<double> out;
  for (const std::string& part : split(text)) {
    ASSAY_TRY(double p, parse_share(part, flag));
    out.push_back(p);
  }
  if (out.empty()) return bad_input(fmt::format("{}: no number is given", flag), "write 1e-3,1e-6");
  if (out.size() > 64)
    return bad_input(fmt::format("{}: more than 64 numbers", flag), "give fewer");
  return out;
}

Result<std::vector<std::string>> parse_fail_on(const std::string& text, const char* known) {
  const std::vector<std::string> words = split(known, '|');
  std::vector<std::string> out = split(text);
  for (const std::string& w : out)
    if (std::find(words.begin(), words.end(), w) == words.end())
      return bad_input(fmt::format("--fail-on {}: unknown word", one_line(w, 60)),
                       fmt::format("known: {}", fmt::join(words, ", ")));
  return out;
}

report::DrawOptions draw_options(const SeriesFlags& f) {
  report::DrawOptions d;
  d.svg = f.format == "html" || !f.svg.empty();
  const bool to_terminal = f.format == "text" && f.out.empty() && isatty(STDOUT_FILENO);
  d.terminal = !f.no_plot && (to_terminal || f.plot) && (f.format == "text" || f.format == "md");
  d.plot.width = isatty(STDOUT_FILENO) ? terminal_width() : 90;
  d.plot.unicode = !f.ascii && utf8_terminal();
  d.plot.colour = to_terminal && terminal_colours();
  return d;
}

Status print_series(const Printed& p, const SeriesFlags& f) {
  if (!f.svg.empty()) {
    ASSAY_CHECK(make_dirs(f.svg));
    for (const auto& [name, svg] : p.document.drawings)
      ASSAY_CHECK(write_file_atomic(fs::path(f.svg) / name, report::svg::standalone(svg)));
  }
  std::string text;
  if (f.format == "json")
    text = p.json;
  else if (f.format == "csv")
    text = p.csv;
  else if (f.format == "md")
    text = report::to_markdown(p.document);
  else if (f.format == "html")
    text = report::to_html(p.document);
  else
    text = report::to_text(p.document, f.out.empty() && terminal_colours());
  if (!f.out.empty()) return write_file_atomic(f.out, text);
  fmt::print("{}", text);
  return {};
}

}  // namespace assay::cli
