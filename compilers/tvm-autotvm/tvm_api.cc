// SPDX-License-Identifier: Apache-2.0
#include "tvm_api.h"

#include <dlfcn.h>

#include <mutex>

namespace assay::tvm {
namespace {

struct Loaded {
  std::mutex mutex;
  std::string path;
  Api api{};
  bool ready = false;
};

Loaded& loaded() {
  // Never destroyed: TVM's own threads may outlive static destruction.
  static Loaded* instance = new Loaded;
  return *instance;
}

template <class F>
bool resolve(void* library, const char* name, F*& out) {
  out = reinterpret_cast<F*>(dlsym(library, name));
  return out != nullptr;
}

}  // namespace

Expected<const Api*> load_api(const std::string& library) {
  if (library.empty()) {
    return fail(ASSAY_MISSING,
                "libtvm_runtime.so: no library was given; install TVM 0.14 with "
                "`./assay-up compilers tvm-autotvm`");
  }
  Loaded& state = loaded();
  const std::lock_guard lock(state.mutex);
  if (state.ready) {
    if (state.path != library) {
      return fail(ASSAY_INVALID, "this process already runs TVM from " + state.path +
                                     "; another one (" + library + ") needs a new process");
    }
    return &state.api;
  }
  // RTLD_LOCAL: an engine's shared object gets the runtime's entry points as pointers when it is
  // loaded and needs no global symbols.
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = dlerror();
    return fail(ASSAY_MISSING, library + ": cannot be loaded: " + (why != nullptr ? why : "?"));
  }
  Api& api = state.api;
  const char* absent = nullptr;
  const auto need = [&](const char* name, auto*& slot) {
    if (!resolve(handle, name, slot) && absent == nullptr) absent = name;
  };
  need("TVMGetLastError", api.last_error);
  need("TVMModLoadFromFile", api.module_load);
  need("TVMModGetFunction", api.module_function);
  need("TVMModFree", api.module_free);
  need("TVMFuncCall", api.function_call);
  need("TVMFuncFree", api.function_free);
  need("TVMFuncGetGlobal", api.function_global);
  need("TVMArrayAlloc", api.array_alloc);
  need("TVMArrayCopyFromBytes", api.array_copy_from);
  need("TVMArrayCopyToBytes", api.array_copy_to);
  need("TVMArrayFree", api.array_free);
  need("TVMSynchronize", api.synchronize);
  need("TVMObjectFree", api.object_free);
  if (absent != nullptr) {
    dlclose(handle);
    return fail(ASSAY_MISSING, library + ": has no " + absent + "; expected TVM 0.14's runtime");
  }
  state.path = library;
  state.ready = true;
  return &api;
}

std::string last_error_line(const Api& api) {
  const char* raw = api.last_error();
  const std::string_view all = raw != nullptr ? raw : "";
  // TVM puts a back trace before its message; the message is the last line that names an error
  // class.
  std::string_view best;
  std::string_view first;
  for (size_t at = 0; at < all.size();) {
    const size_t end = std::min(all.find('\n', at), all.size());
    const std::string_view line = all.substr(at, end - at);
    at = end + 1;
    const size_t text = line.find_first_not_of(" \t-");
    if (text == std::string_view::npos) continue;
    if (first.empty()) first = line.substr(text);
    if (line.find("Error: ") != std::string_view::npos ||
        line.find("Check failed") != std::string_view::npos) {
      best = line.substr(text);
    }
  }
  const std::string_view chosen = best.empty() ? first : best;
  return chosen.empty() ? "TVM gave no error text" : std::string(chosen.substr(0, 400));
}

Expected<Argument> Function::call(std::vector<Argument> arguments) const {
  std::vector<Value> values;
  std::vector<int> codes;
  for (const Argument& argument : arguments) {
    values.push_back(argument.value);
    codes.push_back(argument.code);
  }
  Argument result{{.integer = 0}, kNull};
  if (api_->function_call(handle_, values.data(), codes.data(), static_cast<int>(values.size()),
                          &result.value, &result.code) != 0) {
    return fail(ASSAY_FAILED, last_error_line(*api_));
  }
  return result;
}

Expected<Function> module_function(const Api& api, const Module& module, const char* name,
                                   bool query_imports) {
  void* handle = nullptr;
  if (api.module_function(module.handle(), name, query_imports ? 1 : 0, &handle) != 0) {
    return fail(ASSAY_FAILED, last_error_line(api));
  }
  if (handle == nullptr)
    return fail(ASSAY_INVALID, std::string("TVM module has no function ") + name);
  return Function(&api, handle, true);
}

Expected<Function> global_function(const Api& api, const char* name) {
  void* handle = nullptr;
  if (api.function_global(name, &handle) != 0) return fail(ASSAY_FAILED, last_error_line(api));
  if (handle == nullptr) {
    return fail(ASSAY_UNSUPPORTED, std::string("this TVM runtime has no function ") + name);
  }
  return Function(&api, handle, false);
}

Expected<Module> load_module(const Api& api, const std::string& file) {
  void* handle = nullptr;
  if (api.module_load(file.c_str(), "so", &handle) != 0) {
    return fail(ASSAY_INVALID, file + ": TVM cannot load it: " + last_error_line(api));
  }
  return Module(&api, handle);
}

}  // namespace assay::tvm
