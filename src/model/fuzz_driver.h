// SPDX-License-Identifier: Apache-2.0
// Gives a libFuzzer entry a main() of its own: seeded mutations of seeds, so that fuzzing runs with
// any compiler and in the ordinary tests. Define ASSAY_LIBFUZZER when linking with
// -fsanitize=fuzzer. Usage: PROGRAM [ITERATIONS [SEED [FILE]]]; with FILE, that input alone is run.
// The current input is written to no file: ITERATIONS and SEED repeat it.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace assay {

inline std::string mutate(std::string input, std::mt19937_64& engine) {
  for (uint64_t count = 1 + engine() % 8; count > 0; --count) {
    const size_t at = input.empty() ? 0 : engine() % input.size();
    switch (engine() % 6) {
      case 0:
        input.resize(at);
        break;
      case 1:
        if (!input.empty()) input[at] = static_cast<char>(engine());
        break;
      case 2:
        if (!input.empty()) input[at] = static_cast<char>(input[at] ^ (1 << engine() % 8));
        break;
      case 3:
        input.insert(at, 1 + engine() % 9, static_cast<char>(engine() % 3 ? engine() : 0xff));
        break;
      case 4:
        input.erase(at, 1 + engine() % 9);
        break;
      default:
        input.insert(at, input.substr(engine() % (at + 1), engine() % 40));
        break;
    }
    if (input.size() > 1 << 20) input.resize(1 << 20);
  }
  return input;
}

inline int fuzz(int argc, char** argv, const std::vector<std::string>& seeds) {
  const auto run = [](const std::string& input) {
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  };
  if (argc > 3) {
    std::ifstream file(argv[3], std::ios::binary);
    run({std::istreambuf_iterator<char>(file), {}});
    return 0;
  }
  const uint64_t iterations = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000;
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  std::mt19937_64 engine(seed);
  for (const auto& s : seeds) run(s);
  for (uint64_t i = 0; i < iterations; ++i) run(mutate(seeds[engine() % seeds.size()], engine));
  std::printf("%llu mutations of %zu seeds, seed %llu: no crash\n",
              static_cast<unsigned long long>(iterations), seeds.size(),
              static_cast<unsigned long long>(seed));
  return 0;
}

}  // namespace assay
