// SPDX-License-Identifier: Apache-2.0
// Helper of child_test: does one thing, named by its first argument, that run_child must see
// through.
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "worker/child.h"
#include "worker/sample_sink.h"

namespace {

using Arguments = std::vector<std::string>;
extern "C" char** environ;

void event(const std::string& text) { (void)!write(3, (text + "\n").data(), text.size() + 1); }

int hang() {
  for (;;) pause();
}

int die_of(int number) {
  signal(number, SIG_DFL);  // sanitizers install handlers of their own
  return raise(number);
}

int print_environment() {
  for (char** e = environ; *e != nullptr; ++e) event(*e);
  char cwd[4096];
  event(std::string("CWD=") + getcwd(cwd, sizeof cwd));
  return 0;
}

// Descriptors above 4 that are open; the probe itself opens none.
int print_descriptors() {
  for (int fd = 0; fd < 1024; ++fd)
    if (fcntl(fd, F_GETFD) >= 0) event(std::to_string(fd));
  return 0;
}

int connect_to(const std::string& address, int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, address.c_str(), &to.sin_addr);
  const int result = connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to);
  event(result == 0 ? "connected" : std::strerror(errno));
  return 0;
}

// Both ends of a connection over the namespace's own loopback: tuners need it.
int loopback() {
  const int server = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (bind(server, reinterpret_cast<sockaddr*>(&at), size) != 0 || listen(server, 1) != 0) return 1;
  getsockname(server, reinterpret_cast<sockaddr*>(&at), &size);
  return connect_to("127.0.0.1", ntohs(at.sin_port));
}

int send_udp(const std::string& address) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(53);
  inet_pton(AF_INET, address.c_str(), &to.sin_addr);
  event(sendto(fd, "x", 1, 0, reinterpret_cast<sockaddr*>(&to), sizeof to) == 1
            ? "sent"
            : std::strerror(errno));
  return 0;
}

int leave_daemon() {
  if (fork() == 0) {
    setsid();
    for (int fd = 0; fd < 5; ++fd) close(fd);
    hang();
  }
  return 0;
}

// Eight processes in four generations, all of which hang.
int fork_tree() {
  const pid_t first = getpid();
  for (int level = 0; level < 3; ++level)
    if (fork() < 0) return 1;
  if (getpid() == first) event("ready");
  return hang();
}

int eat_memory(int64_t mib) {
  for (int64_t i = 0; i < mib; ++i) {
    auto* block = static_cast<char*>(
        mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (block == MAP_FAILED) return 9;
    std::memset(block, 1, 1 << 20);
    if (i % 64 == 63)
      usleep(20000);  // so that a watchdog at 20 Hz has a chance before the machine is full
  }
  return 0;
}

int write_samples(int64_t n) {
  auto sink = assay::worker::SampleSink::attach(4, n);
  if (!sink) return 1;
  for (int64_t i = 0; i < n; ++i) {
    sink->samples()[i] = 100 + i;
    sink->slots()[i] = i % 3;
    *sink->written() = i + 1;
  }
  raise(SIGKILL);  // what was written must be there all the same
  return 0;
}

int print_cpus() {
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  std::string list;
  for (int c = 0; c < CPU_SETSIZE; ++c)
    if (CPU_ISSET(c, &set)) list += (list.empty() ? "" : ",") + std::to_string(c);
  event(list);
  return 0;
}

int echo_stdin() {
  for (std::string line; std::getline(std::cin, line);) event(line);
  return 0;
}

int long_line(int64_t bytes) {
  std::string line(static_cast<size_t>(bytes), 'x');
  event(line);
  event("after");
  (void)!write(3, "torn", 4);
  return 0;
}

int print_log(int64_t bytes) {
  const std::string block(4096, 'o');
  for (int64_t done = 0; done < bytes; done += 4096) (void)!write(1, block.data(), block.size());
  event("printed");
  return 0;
}

// Big file in the scratch folder: the file size limit must stop it.
int write_file(int64_t bytes) {
  const int fd = open("big", O_CREAT | O_WRONLY, 0600);
  const std::string block(65536, 'f');
  for (int64_t done = 0; done < bytes; done += 65536)
    if (write(fd, block.data(), block.size()) < 0) return 3;
  return 0;
}

// Says whether the file opens for writing, and writes nothing.
int open_write(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  event(fd >= 0 ? "open" : std::strerror(errno));
  if (fd >= 0) close(fd);
  return 0;
}

int touch(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  event(fd >= 0 ? "written" : std::strerror(errno));
  return 0;
}

int burn_cpu(int64_t ms) {
  const pid_t worker = fork();
  if (worker == 0) {  // the work of a descendant counts too
    const clock_t end = clock() + ms * CLOCKS_PER_SEC / 1000;
    while (clock() < end) {
    }
    _exit(0);
  }
  return waitpid(worker, nullptr, 0) == worker ? 0 : 1;
}

// Plays the part of assay: runs a child tree and is killed by the test.
int be_parent(const std::string& self, const std::string& scratch) {
  assay::worker::ChildSpec spec;
  spec.argv = {self, "fork_tree"};
  spec.env["ASSAY_PROBE_MARK"] = scratch;
  spec.scratch = scratch;
  spec.on_event = [](std::string_view line) { std::cout << line << std::endl; };
  const auto result = assay::worker::run_child(spec);
  return result ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments a(argv, argv + argc);
  const std::string mode = a.size() > 1 ? a[1] : "";
  const auto number = [&](size_t i) { return a.size() > i ? std::atoll(a[i].c_str()) : 0; };
  const std::map<std::string, std::function<int()>> modes = {
      {"exit", [&] { return static_cast<int>(number(2)); }},
      {"signal", [&] { return die_of(static_cast<int>(number(2))); }},
      {"hang", hang},
      {"environment", print_environment},
      {"descriptors", print_descriptors},
      {"connect", [&] { return connect_to(a.at(2), static_cast<int>(number(3))); }},
      {"loopback", loopback},
      {"udp", [&] { return send_udp(a.at(2)); }},
      {"daemon", leave_daemon},
      {"fork_tree", fork_tree},
      {"eat", [&] { return eat_memory(number(2)); }},
      {"samples", [&] { return write_samples(number(2)); }},
      {"cpus", print_cpus},
      {"echo", echo_stdin},
      {"long_line", [&] { return long_line(number(2)); }},
      {"log", [&] { return print_log(number(2)); }},
      {"file", [&] { return write_file(number(2)); }},
      {"burn", [&] { return burn_cpu(number(2)); }},
      {"touch", [&] { return touch(a.at(2)); }},
      {"open_write", [&] { return open_write(a.at(2)); }},
      {"parent", [&] { return be_parent(a.at(2), a.at(3)); }},
  };
  const auto it = modes.find(mode);
  return it == modes.end() ? 64 : it->second();
}
