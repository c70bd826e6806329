// The schema as a man page, crawld.yaml(5), in mdoc(7).
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "config/schema.h"
#include "config/schema_table.h"
#include "config/units.h"

namespace crawld::config {
namespace {

constexpr const char* kHead = R"(.\" What `crawld schema --as man` prints.
.Dd November 22, 2026
.Dt CRAWLD.YAML 5
.Os
.Sh NAME
.Nm crawld.yaml
.Nd what a crawl of crawld is
.Sh DESCRIPTION
One YAML file says all there is to say about a crawl.
.Xr crawld 1
is given it with
.Fl c ;
.Ql crawld check
tells each mistake with its line and column, and warns of what is unwise.
A config needs
.Ic name ,
.Ic data_dir
and
.Ic identity.user_agent ,
and something to begin with:
.Bd -literal -offset indent
name: example
data_dir: /var/lib/crawld/example
identity:
  user_agent: example-crawler/1 (+https://example.org/crawler)
seeds:
  urls:
    - https://example.org/
.Ed
.Pp
A key that does not exist, a value of a wrong type or out of range, and a key
that stands twice are errors.
.Ss Values
.Bl -tag -width Ds
.It Em duration
A whole number with a unit:
.Ql 500ms ,
.Ql 2s ,
.Ql 1m ,
.Ql 1h ,
.Ql 1d ;
or 0.
.It Em size
A whole number with a unit:
.Ql 64KiB ,
.Ql 10MiB ,
.Ql 1GiB ,
.Ql 1TiB
are powers of 1024,
.Ql 64kB ,
.Ql 10MB ,
.Ql 1GB ,
.Ql 1TB
of 1000; or plain bytes.
.It Em path
Relative to the folder of the file, unless it is said to be otherwise.
.It Em word
One of those that are named.
.El
.Pp
Any value may hold
.Ql ${NAME}
or
.Ql ${NAME:-default}
from the environment;
.Ql $$
is a dollar sign.
A variable that is not set and has no default is an error.
.Ss Editors
Where the first line is
.Dl # yaml-language-server: $schema=/usr/share/crawld/crawld.schema.json
an editor with a YAML language server completes keys, shows what they mean, and
marks mistakes.
.Ql crawld schema
prints that file.
.Sh KEYS
)";

constexpr const char* kTail = R"(.Sh FILES
.Bl -tag -width Ds
.It Pa /etc/crawld/NAME.yaml
The crawl that
.Ql systemctl start crawld@NAME
runs.
.It Pa /etc/crawld/example.yaml
Every key with its default.
.It Pa /usr/share/crawld/crawld.schema.json
A JSON Schema (draft 07).
.El
.Sh SEE ALSO
.Xr crawld 1
.Pp
.Pa /usr/share/doc/crawld/docs/configuration.md
)";

// A word as a line of text may have it.
std::string Escaped(std::string_view word) {
  std::string text;
  for (size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '\\') {
      text += "\\e";
    } else if (word[i] == '-' && (i == 0 || word[i - 1] == '-')) {
      text += "\\-";  // an option, no hyphen
    } else {
      text += word[i];
    }
  }
  return text;
}

// Lines of text, each sentence on a line of its own, as roff wants it to know where one ends.
void AppendText(std::string& out, std::string_view text) {
  constexpr size_t kWidth = 79;
  std::string line;
  bool sentence_over = false;
  const auto flush = [&] {
    if (!line.empty()) out += line + '\n';
    line.clear();
  };
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view raw = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    std::string word = Escaped(raw);
    const bool begins = raw.front() >= 'A' && raw.front() <= 'Z';
    if ((sentence_over && begins) || line.size() + 1 + word.size() > kWidth) flush();
    // At the beginning of a line these would make a request of it.
    if (line.empty() && (word.front() == '.' || word.front() == '\'')) word.insert(0, "\\&");
    line += (line.empty() ? "" : " ") + word;
    sentence_over = raw.ends_with('.');
  }
  flush();
}

std::string AllowedAndDefault(const Key& key, const KeyInfo& info) {
  std::string text = "Allowed: ";
  switch (key.kind) {
    case ValueKind::kBool:
    case ValueKind::kEnum:
      text += info.range;
      break;
    case ValueKind::kEnumList:
      text += "a list of " + info.range;
      break;
    case ValueKind::kInteger:
      text += "an integer, " + info.range;
      break;
    case ValueKind::kSize:
    case ValueKind::kDuration:
      text += "a " + info.type + ", " + info.range;
      break;
    case ValueKind::kString:
    case ValueKind::kPath:
    case ValueKind::kStringList:
    case ValueKind::kMap:
      text += "a " + info.type + " of " + info.range;
      break;
  }
  if (key.one_or_many) text += ", or one alone";
  if (key.nullable || info.default_value == "null") text += ", or null";
  text += info.required ? ". Required." : ". Default: " + info.default_value + '.';
  return text + (info.live ? " Taken up by a reload." : "");
}

}  // namespace

std::string ManPage() {
  std::string text = kHead;
  const auto& table = Table();
  const auto infos = Schema();
  std::string section = "-";  // none yet
  for (size_t i = 0; i < table.size(); ++i) {
    const std::string& path = table[i].path;
    const size_t dot = path.find('.');
    const std::string of = dot == std::string::npos ? "" : path.substr(0, dot);
    if (of != section) {
      if (section != "-") text += ".El\n";
      const bool list = of.ends_with("[]");
      text += ".Ss " + (of.empty() ? "The crawl" : of.substr(0, of.size() - (list ? 2 : 0))) + '\n';
      if (list) AppendText(text, kEntriesDoc);
      text += ".Bl -tag -width Ds\n";
      section = of;
    }
    text += ".It Ic " + path.substr(dot == std::string::npos ? 0 : dot + 1) + '\n';
    AppendText(text, table[i].doc);
    AppendText(text, AllowedAndDefault(table[i], infos[i]));
  }
  return text + ".El\n" + kTail;
}

}  // namespace crawld::config
