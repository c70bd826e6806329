// TreeBuilder: HTML to gumbo's tree, in memory that is reused from page to page.
//
// One per worker thread. It owns an arena that gumbo allocates from, so a page costs no malloc for
// its tree and nothing to free. Bounded: when the budget of a page is spent the parse ends where it
// is (a longjmp out of gumbo's allocator: gumbo is C, keeps all its memory behind the hooks and has
// no global state), and what stands of the tree can be read. gumbo's own assertions, which some
// pages break, end a parse in the same way. Not thread safe.
#pragma once

#include <gumbo.h>

#include <cstddef>
#include <memory>
#include <string_view>

namespace crawld::parser {

// What is kept of the arena from page to page, at most.
inline constexpr size_t kKeptArenaBytes = size_t{32} << 20;

struct Tree {
  const GumboNode* document = nullptr;  // of type GUMBO_NODE_DOCUMENT; nullptr: nothing stands
  bool complete = false;  // false when the budget or an assertion of gumbo's ended the parse
};

class TreeBuilder {
 public:
  TreeBuilder();
  ~TreeBuilder();
  TreeBuilder(const TreeBuilder&) = delete;
  TreeBuilder& operator=(const TreeBuilder&) = delete;

  // The tree, in at most `budget` bytes. It is void with the next call, and points into `html`.
  Tree Build(std::string_view html, size_t budget);

  // What the arena holds now, in bytes.
  size_t held() const;

 private:
  class Arena;
  const std::unique_ptr<Arena> arena_;
};

}  // namespace crawld::parser
