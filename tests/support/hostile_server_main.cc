// hostile_server [--port P]
//
// Serves the catalogue of misbehaviours (hostile_server.h) on loopback, on as many addresses as it
// needs: prints the URL of a page that links to all of them, then a line each,
// "URL<TAB>what it does<TAB>what is due", and ends on SIGTERM, SIGINT or when stdin closes.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tests/support/await_end.h"
#include "tests/support/hostile_server.h"

int main(int argc, char** argv) {
  using namespace crawld::test;  // NOLINT(google-build-using-namespace)
  HostileServerOptions options;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) != "--port" || i + 1 == argc) {
      std::fprintf(stderr, "usage: hostile_server [--port P]\n");
      return 2;
    }
    options.port = std::atoi(argv[++i]);
  }
  const EndSignals signals;
  const HostileServer server(options);
  std::printf("%s\n", server.StartUrl().c_str());
  for (const Misbehaviour& entry : Misbehaviours()) {
    const std::string due = (entry.due.error.empty() ? "" : std::string(entry.due.error) + " ") +
                            "status " + std::to_string(entry.due.status) +
                            (entry.due.truncated.empty() ? "" : ", cut: ") +
                            std::string(entry.due.truncated);
    std::printf("%s\t%s\t%s\n", server.UrlOf(entry).c_str(), std::string(entry.what).c_str(),
                due.c_str());
  }
  std::fflush(stdout);
  signals.Await();
  return 0;
}
