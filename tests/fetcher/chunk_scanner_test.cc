#include "fetcher/chunk_scanner.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/http_server.h"

namespace crawld::fetcher {
namespace {

ChunkScanner Scanned(const std::string& bytes, size_t piece) {
  ChunkScanner scanner;
  for (size_t at = 0; at < bytes.size(); at += piece) scanner.Scan(bytes.substr(at, piece));
  return scanner;
}

TEST(ChunkScannerTest, ATrailerIsCountedHoweverItComes) {
  const std::string chunks = test::Chunked(std::string(100, '\n'), 30);
  const std::string body =
      chunks.substr(0, chunks.size() - 2) + "A: 1\r\nB: 2\n C\r\n\r\nrest: x\r\n";
  for (size_t piece = 1; piece <= body.size(); ++piece) {
    const ChunkScanner scanner = Scanned(body, piece);
    EXPECT_EQ(scanner.trailer_fields(), 3U) << piece << ": a folded line counts too";
    EXPECT_EQ(scanner.trailer_bytes(), 17U) << piece;
  }
}

TEST(ChunkScannerTest, ABodyWithoutATrailerHasNone) {
  for (const std::string& body :
       {test::Chunked("0\r\nX: y\r\n"), std::string("5;a=b\r\nhello\r\n0;x\r\n\r\n"),
        std::string("ffffffffffffffffffff\r\n0\r\nA: b\r\n"), std::string()}) {
    EXPECT_EQ(Scanned(body, 3).trailer_fields(), 0U) << body;
  }
}

}  // namespace
}  // namespace crawld::fetcher
