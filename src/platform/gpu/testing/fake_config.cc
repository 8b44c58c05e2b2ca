// SPDX-License-Identifier: Apache-2.0
#include "platform/gpu/testing/fake_config.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace assay::fake {
namespace {

bool number(const std::string& text, int64_t& into) {
  char* end = nullptr;
  into = std::strtoll(text.c_str(), &end, 0);
  return !text.empty() && *end == 0;
}

void take_lines(std::istream& in, Config& into) {
  for (std::string line; std::getline(in, line);) {
    if (const size_t remark = line.find('#'); remark != std::string::npos) line.resize(remark);
    const size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string::npos) continue;
    const size_t end = line.find_first_of(" \t", begin);
    const size_t value = end == std::string::npos ? end : line.find_first_not_of(" \t", end);
    const size_t last = line.find_last_not_of(" \t\r");
    into[line.substr(begin, end - begin)] =
        value == std::string::npos ? "" : line.substr(value, last - value + 1);
  }
}

}  // namespace

bool Values::parse(const std::string& text) {
  *this = Values();
  std::istringstream in(text);
  std::string word;
  std::vector<std::string> words;
  while (in >> word) words.push_back(word);
  if (words.empty()) return false;
  if (words[0] == "ramp") {
    ramp_ = true;
    return words.size() == 4 && number(words[1], start_) && number(words[2], step_) &&
           number(words[3], step_ms_) && step_ms_ > 0;
  }
  for (const std::string& w : words) {
    Item item;
    const size_t mark = w.find_first_of("*@");
    if (mark != std::string::npos &&
        !number(w.substr(mark + 1), w[mark] == '*' ? item.calls : item.until_ms))
      return false;
    int64_t status = 0;
    const std::string head = w.substr(0, mark);
    if (head.starts_with("!") ? !number(head.substr(1), status) : !number(head, item.answer.value))
      return false;
    item.answer.status = static_cast<int>(status);
    items_.push_back(item);
  }
  return true;
}

Answer Values::next(Time initialised) {
  using namespace std::chrono;
  const int64_t ms = duration_cast<milliseconds>(steady_clock::now() - initialised).count();
  if (ramp_) return {0, start_ + step_ * (ms / step_ms_)};
  while (at_ + 1 < items_.size()) {
    const Item& item = items_[at_];
    const bool over = item.calls >= 0      ? called_ >= item.calls
                      : item.until_ms >= 0 ? ms >= item.until_ms
                                           : true;
    if (!over) break;
    ++at_;
    called_ = 0;
  }
  ++called_;
  return items_[at_].answer;
}

Config parse_config(const char* text) {
  Config config;
  std::istringstream in(text);
  take_lines(in, config);
  return config;
}

Config load_config(const char* variable, const void* here, const char* defaults) {
  Config config = parse_config(defaults);
  std::string path;
  Dl_info info{};
  if (const char* named = std::getenv(variable); named && *named) {
    path = named;
  } else if (dladdr(here, &info) && info.dli_fname) {
    path = std::string(info.dli_fname) + ".conf";
  }
  std::ifstream in(path);
  if (in) take_lines(in, config);
  return config;
}

void complain(const std::string& what) { std::fprintf(stderr, "fake library: %s\n", what.c_str()); }

}  // namespace assay::fake
