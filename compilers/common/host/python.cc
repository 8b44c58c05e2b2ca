// SPDX-License-Identifier: Apache-2.0
#include "python.h"

#include <dlfcn.h>

#include <cctype>
#include <fstream>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace assay::host {

// The few functions of Python's C interface that are used; they are part of its stable ABI, but for
// Py_SetProgramName, which is there up to 3.14.
struct Python::Api {
  wchar_t* (*decode_locale)(const char*, size_t*) = nullptr;
  void (*set_program_name)(const wchar_t*) = nullptr;
  void (*initialize)(int) = nullptr;
  int (*is_initialized)() = nullptr;
  int (*run_string)(const char*, void*) = nullptr;
  void* (*save_thread)() = nullptr;
  int (*gil_ensure)() = nullptr;
  void (*gil_release)(int) = nullptr;
};

namespace {

struct Call {  // as assay_host.py reads it
  const char* question;
  void* user;
  void (*reply)(void* user, const char* data, size_t size);
  int (*wait)(void* user);
};

struct Exchange {
  std::string answer;
  const std::function<int()>* wait = nullptr;
};

void take_reply(void* user, const char* data, size_t size) {
  static_cast<Exchange*>(user)->answer.assign(data, size);
}

int wait_for(void* user) {
  const auto* wait = static_cast<Exchange*>(user)->wait;
  return wait != nullptr && *wait ? (*wait)() : -1;
}

assay_status status_of(const std::string& kind) {
  if (kind == "invalid") return ASSAY_INVALID;
  if (kind == "unsupported") return ASSAY_UNSUPPORTED;
  if (kind == "missing") return ASSAY_MISSING;
  return ASSAY_FAILED;
}

std::string quoted(const std::string& text) { return Json(text).dump(); }  // also a Python literal

// `home` of a pyvenv.cfg: the folder of the interpreter that the environment was made from.
std::string home_of(const std::string& config) {
  std::ifstream file(config);
  std::string line;
  while (std::getline(file, line)) {
    const size_t equals = line.find('=');
    if (equals == std::string::npos || line.compare(0, 4, "home") != 0) continue;
    const size_t begin = line.find_first_not_of(" \t", equals + 1);
    return begin == std::string::npos ? std::string() : line.substr(begin);
  }
  return {};
}

void* open_library(const Environment& environment, std::string& tried) {
  std::vector<std::string> names;
  const std::string stem = "libpython" + environment.version + ".so";
  for (const std::string& suffix : {std::string(".1.0"), std::string(".1"), std::string()}) {
    if (!environment.home.empty()) names.push_back(environment.home + "/../lib/" + stem + suffix);
    names.push_back(stem + suffix);
  }
  for (const std::string& name : names) {
    // Global: extension modules take Python's functions from the process.
    if (void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_GLOBAL)) return handle;
    const char* said = dlerror();
    if (tried.empty() && said != nullptr) tried = said;
  }
  return nullptr;
}

template <class Function>
bool find(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
  return function != nullptr;
}

}  // namespace

Expected<Environment> environment_of(const std::string& file) {
  static const std::string before = "/lib/python", after = "/site-packages/";
  const size_t end = file.rfind(after);
  const size_t begin = end == std::string::npos ? end : file.rfind(before, end);
  if (begin == std::string::npos)
    return fail(ASSAY_INVALID, file + ": not below .../lib/python3.X/site-packages");
  Environment found;
  found.version = file.substr(begin + before.size(), end - begin - before.size());
  const bool good = found.version.size() > 2 && found.version.size() < 8 &&
                    found.version.compare(0, 2, "3.") == 0 &&
                    found.version.find_first_not_of("0123456789", 2) == std::string::npos;
  if (!good) return fail(ASSAY_INVALID, file + ": not below .../lib/python3.X/site-packages");
  const std::string prefix = file.substr(0, begin);
  found.program = prefix + "/bin/python";
  found.home = home_of(prefix + "/pyvenv.cfg");
  return found;
}

Expected<Python*> Python::start(const Environment& environment,
                                const std::vector<std::string>& folders) {
  static std::mutex mutex;
  static std::unique_ptr<Python> running;  // a process never ends its interpreter
  std::lock_guard<std::mutex> lock(mutex);
  if (running) {
    if (running->environment_.program != environment.program)
      return fail(ASSAY_INVALID, "this process runs the Python of " +
                                     running->environment_.program + ", not of " +
                                     environment.program);
    return running.get();
  }
  std::string why;
  void* handle = open_library(environment, why);
  if (handle == nullptr)
    return fail(ASSAY_MISSING, "the shared library of Python " + environment.version +
                                   " is not here (" + why + "): install libpython" +
                                   environment.version);
  static Api api;
  const bool whole = find(handle, "Py_DecodeLocale", api.decode_locale) &&
                     find(handle, "Py_SetProgramName", api.set_program_name) &&
                     find(handle, "Py_InitializeEx", api.initialize) &&
                     find(handle, "Py_IsInitialized", api.is_initialized) &&
                     find(handle, "PyRun_SimpleStringFlags", api.run_string) &&
                     find(handle, "PyEval_SaveThread", api.save_thread) &&
                     find(handle, "PyGILState_Ensure", api.gil_ensure) &&
                     find(handle, "PyGILState_Release", api.gil_release);
  if (!whole)
    return fail(ASSAY_UNSUPPORTED,
                "libpython" + environment.version + " lacks a function: 3.8 to 3.14 are known");
  // The name of the environment's interpreter makes its site-packages those of this process.
  wchar_t* program = api.decode_locale(environment.program.c_str(), nullptr);
  if (program == nullptr) return fail(ASSAY_INVALID, environment.program + ": not a path");
  api.set_program_name(program);  // keeps the pointer
  api.initialize(0);              // 0: signals stay the worker's
  if (api.is_initialized() == 0) return fail(ASSAY_FAILED, "Python does not start");
  std::string code = "import sys\nsys.dont_write_bytecode = True\nsys.path[:0] = [";
  for (const std::string& folder : folders) code += quoted(folder) + ", ";
  code += "]\nimport assay_host\n";
  const int failed = api.run_string(code.c_str(), nullptr);
  api.save_thread();  // from here on each question takes the lock
  if (failed != 0)
    return fail(ASSAY_FAILED, "Python of " + environment.program + " cannot import assay_host");
  running.reset(new Python);
  running->api_ = &api;
  running->environment_ = environment;
  return running.get();
}

Expected<Json> Python::ask(const Json& question, const std::function<int()>& wait) {
  const std::string text = question.dump();
  Exchange exchange;
  exchange.wait = &wait;
  Call call{text.c_str(), &exchange, take_reply, wait_for};
  const std::string code =
      "assay_host.serve(" + std::to_string(reinterpret_cast<uintptr_t>(&call)) + ")";
  const int state = api_->gil_ensure();
  const int failed = api_->run_string(code.c_str(), nullptr);
  api_->gil_release(state);
  if (failed != 0) return fail(ASSAY_FAILED, "the Python side of the runner raised an exception");
  Json answer = Json::parse(exchange.answer, nullptr, false);
  if (!answer.is_object())
    return fail(ASSAY_FAILED, "the Python side of the runner gave no answer");
  const auto error = answer.find("error");
  if (error == answer.end()) return answer;
  return fail(status_of(error->value("kind", "failed")), error->value("message", "no message"));
}

}  // namespace assay::host
