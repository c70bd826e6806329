#include "web/mime_sniff.h"

#include <algorithm>
#include <array>

#include "web/ascii.h"
#include "web/media_type.h"

namespace crawld::web {
namespace {

constexpr std::string_view kHtml = "text/html";

std::string_view WithoutBlanks(std::string_view body) {
  while (!body.empty() && IsAsciiSpace(body.front())) body.remove_prefix(1);
  return body;
}

// "tag-terminating byte" behind `tag`.
bool StartsWithTag(std::string_view body, std::string_view tag) {
  return StartsWithIgnoringCase(body, tag) && body.size() > tag.size() &&
         (body[tag.size()] == ' ' || body[tag.size()] == '>');
}

// Section 7.1 step 2: what makes an unlabelled body HTML.
bool HasHtmlSignature(std::string_view body) {
  constexpr std::array kTags = std::to_array<std::string_view>(
      {"<!doctype html", "<html", "<head", "<script", "<iframe", "<h1", "<div", "<font", "<table",
       "<a", "<style", "<title", "<b", "<body", "<br", "<p", "<!--"});
  body = WithoutBlanks(body);
  return std::any_of(kTags.begin(), kTags.end(),
                     [&](std::string_view tag) { return StartsWithTag(body, tag); });
}

// A whole page, as nothing but a page begins. Comments may come before.
bool BeginsAsPage(std::string_view body) {
  constexpr std::array kTags =
      std::to_array<std::string_view>({"<html", "<head", "<body", "<title"});
  body = WithoutBlanks(body);
  while (body.starts_with("<!--")) {
    const size_t end = body.find("-->", 4);
    if (end == std::string_view::npos) return false;
    body = WithoutBlanks(body.substr(end + 3));
  }
  if (StartsWithIgnoringCase(body, "<!doctype")) {
    const std::string_view name = WithoutBlanks(body.substr(9));
    return name.size() < body.size() - 9 && StartsWithIgnoringCase(name, "html") &&
           (name.size() == 4 || IsAsciiSpace(name[4]) || name[4] == '>');
  }
  return std::any_of(kTags.begin(), kTags.end(), [&](std::string_view tag) {
    return StartsWithIgnoringCase(body, tag) && body.size() > tag.size() &&
           (IsAsciiSpace(body[tag.size()]) || body[tag.size()] == '>');
  });
}

struct Signature {
  size_t offset;
  std::string_view bytes;
  std::string_view type;
  // More bytes, at an offset of their own.
  size_t second_offset = 0;
  std::string_view second = {};
};

using namespace std::string_view_literals;

// Sections 6.1 to 6.4, and 7.1 step 3 for PDF and PostScript.
constexpr std::array kSignatures = std::to_array<Signature>({
    {0, "%PDF-", "application/pdf"},
    {0, "%!PS-Adobe-", "application/postscript"},
    {0, "\x00\x00\x01\x00"sv, "image/x-icon"},
    {0, "\x00\x00\x02\x00"sv, "image/x-icon"},
    {0, "GIF87a", "image/gif"},
    {0, "GIF89a", "image/gif"},
    {0, "RIFF", "image/webp", 8, "WEBPVP"},
    {0, "\x89PNG\x0D\x0A\x1A\x0A", "image/png"},
    {0, "\xFF\xD8\xFF", "image/jpeg"},
    {0, "FORM", "audio/aiff", 8, "AIFF"},
    {0, "ID3", "audio/mpeg"},
    {0, "OggS\x00"sv, "application/ogg"},
    {0, "MThd\x00\x00\x00\x06"sv, "audio/midi"},
    {0, "RIFF", "video/avi", 8, "AVI "},
    {0, "RIFF", "audio/wave", 8, "WAVE"},
    {4, "ftyp", "video/mp4"},
    {0, "\x1A\x45\xDF\xA3", "video/webm"},
    {0, "\x00\x01\x00\x00"sv, "font/ttf"},
    {0, "OTTO", "font/otf"},
    {0, "ttcf", "font/collection"},
    {0, "wOFF", "font/woff"},
    {0, "wOF2", "font/woff2"},
    {0, "\x1F\x8B\x08", "application/x-gzip"},
    {0, "PK\x03\x04", "application/zip"},
    {0, "Rar \x1A\x07\x00"sv, "application/x-rar-compressed"},
    {0, "Rar!\x1A\x07", "application/x-rar-compressed"},
    {0, "7z\xBC\xAF\x27\x1C", "application/x-7z-compressed"},
});

bool HasBytes(std::string_view body, size_t offset, std::string_view bytes) {
  return body.size() >= offset + bytes.size() && body.substr(offset, bytes.size()) == bytes;
}

// Empty when none matches.
std::string_view BinaryType(std::string_view body) {
  // Bytes that text does not have are asked for where a signature is letters alone.
  const bool binary = std::any_of(body.begin(), body.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && !IsAsciiSpace(c) && c != '\x1B';
  });
  for (const Signature& signature : kSignatures) {
    if (!HasBytes(body, signature.offset, signature.bytes)) continue;
    if (!signature.second.empty() && !HasBytes(body, signature.second_offset, signature.second)) {
      continue;
    }
    const bool letters = signature.offset > 0 || signature.bytes.size() < 5;
    if (letters && !binary) continue;
    return signature.type;
  }
  return {};
}

// Section 7.3 "sniffing a mislabeled feed". Empty when it is none.
std::string_view FeedType(std::string_view body) {
  if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
  while (true) {
    body = WithoutBlanks(body);
    if (!body.starts_with('<')) return {};
    std::string_view end;
    if (body.starts_with("<!--")) {
      end = "-->";
    } else if (body.starts_with("<!")) {
      end = ">";
    } else if (body.starts_with("<?")) {
      end = "?>";
    } else {
      break;
    }
    const size_t at = body.find(end, 2);
    if (at == std::string_view::npos) return {};
    body.remove_prefix(at + end.size());
  }
  if (body.starts_with("<rss")) return "application/rss+xml";
  if (body.starts_with("<feed")) return "application/atom+xml";
  if (body.starts_with("<rdf:RDF") &&
      body.find("http://purl.org/rss/1.0/") != std::string_view::npos &&
      body.find("http://www.w3.org/1999/02/22-rdf-syntax-ns#") != std::string_view::npos) {
    return "application/rss+xml";
  }
  return {};
}

bool IsUnknown(std::string_view essence) {
  return essence.empty() || essence == "*/*" || essence == "unknown/unknown" ||
         essence == "application/unknown";
}

// Labels that servers give to what they do not know.
bool IsGeneric(std::string_view essence) {
  constexpr std::array kGeneric = std::to_array<std::string_view>(
      {"text/plain", "application/octet-stream", "binary/octet-stream",
       "application/x-octet-stream", "application/binary", "application/download",
       "application/force-download", "application/x-download", "application/x-unknown",
       "application/x-httpd-php", "application/x-php", "application/html", "text/htm",
       "text/x-html", "html/text", "text/text", "text/*", "text/unknown"});
  return std::find(kGeneric.begin(), kGeneric.end(), essence) != kGeneric.end();
}

bool HasWideBom(std::string_view body) {
  return body.starts_with("\xFE\xFF") || body.starts_with("\xFF\xFE");
}

}  // namespace

std::string_view SniffMediaType(std::string_view essence, bool nosniff, std::string_view body) {
  body = body.substr(0, kMaxSniffBytes);
  const std::string_view text = body.starts_with("\xEF\xBB\xBF") ? body.substr(3) : body;
  if (IsUnknown(essence)) {
    if (HasHtmlSignature(text) || BeginsAsPage(text)) return kHtml;
    const std::string_view binary = BinaryType(body);
    return binary.empty() ? essence : binary;
  }
  if (IsHtml(essence)) {
    if (HasWideBom(body)) return essence;
    if (const std::string_view binary = BinaryType(body); !binary.empty()) return binary;
    if (nosniff || essence != kHtml) return essence;
    const std::string_view feed = FeedType(body);
    return feed.empty() ? essence : feed;
  }
  if (!nosniff && IsGeneric(essence) && BeginsAsPage(text)) return kHtml;
  return essence;
}

}  // namespace crawld::web
