// example_server DIR [--port P]
//
// Serves the files of a folder on 127.0.0.1 (any free port, or P): prints its URL on stdout when
// ready, ends on SIGTERM, SIGINT or when stdin closes. index.html for a folder; a folder's URL
// without its slash is redirected to the one with it; 404 for the rest.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/await_end.h"
#include "tests/support/http_server.h"

namespace {

namespace fs = std::filesystem;
using namespace crawld::test;  // NOLINT(google-build-using-namespace)

std::string TypeOf(const fs::path& file) {
  const std::string extension = file.extension().string();
  if (extension == ".html" || extension == ".htm") return "text/html";
  if (extension == ".txt") return "text/plain; charset=utf-8";
  if (extension == ".xml") return "application/xml";
  if (extension == ".css") return "text/css";
  if (extension == ".svg") return "image/svg+xml";
  if (extension == ".png") return "image/png";
  if (extension == ".gz") return "application/gzip";
  return "application/octet-stream";
}

int HexOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The path below the folder; nullopt if it would lead out of it.
std::optional<fs::path> FileOf(std::string_view path) {
  std::string decoded;
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '%' && i + 2 < path.size() && HexOf(path[i + 1]) >= 0 &&
        HexOf(path[i + 2]) >= 0) {
      decoded.push_back(static_cast<char>(HexOf(path[i + 1]) * 16 + HexOf(path[i + 2])));
      i += 2;
    } else {
      decoded.push_back(path[i]);
    }
  }
  if (decoded.empty() || decoded[0] != '/' || decoded.find('\0') != std::string::npos) {
    return std::nullopt;
  }
  const fs::path relative = fs::path(decoded).lexically_normal().relative_path();
  if (relative.begin() != relative.end() && *relative.begin() == "..") return std::nullopt;
  return relative;
}

Reply Serve(const fs::path& root, const Request& request) {
  const bool head = request.method == "HEAD";
  if (request.method != "GET" && !head) return Answer(405, "", {{"Allow", "GET, HEAD"}});
  const auto relative = FileOf(request.path());
  std::error_code error;
  if (relative) {
    fs::path file = root / *relative;
    if (fs::is_directory(file, error)) {
      if (!request.path().ends_with('/')) {
        return RedirectTo(std::string(request.path()) + "/", 301);
      }
      file /= "index.html";
    }
    std::ifstream stream(file, std::ios::binary);
    if (fs::is_regular_file(file, error) && stream) {
      const std::string body((std::istreambuf_iterator<char>(stream)), {});
      const std::string bytes = ResponseBytes(200, body, {{"Content-Type", TypeOf(file)}});
      Reply reply;
      reply.Send(head ? bytes.substr(0, bytes.size() - body.size()) : bytes);
      return reply;
    }
  }
  const std::string body = "<!doctype html><title>404</title><p>There is no such page here.</p>\n";
  const std::string bytes = ResponseBytes(404, body, {{"Content-Type", "text/html"}});
  Reply reply;
  reply.Send(head ? bytes.substr(0, bytes.size() - body.size()) : bytes);
  return reply;
}

}  // namespace

int main(int argc, char** argv) {
  fs::path root;
  HttpServerOptions options;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--port" && i + 1 < argc) {
      options.port = std::atoi(argv[++i]);
    } else {
      root = argv[i];
    }
  }
  if (!fs::is_directory(root)) {
    std::fprintf(stderr, "usage: example_server DIR [--port P]\n");
    return 2;
  }
  const EndSignals signals;
  HttpServer server([&](const Request& request) { return Serve(root, request); }, options);
  std::printf("%s\n", server.Url("/").c_str());
  std::fflush(stdout);
  signals.Await();
  return 0;
}
