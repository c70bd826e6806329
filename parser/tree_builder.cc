#include "parser/tree_builder.h"

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

namespace crawld::parser {

// Memory for one tree. Blocks are kept from page to page; nothing is freed singly.
class TreeBuilder::Arena {
 public:
  // Everything handed out before is void.
  void Reset(size_t budget) {
    size_t kept = 0;
    size_t blocks = 0;
    while (blocks < blocks_.size() && kept + blocks_[blocks].size <= kKeptArenaBytes) {
      kept += blocks_[blocks++].size;
    }
    blocks_.resize(blocks);
    blocks_.reserve(blocks + budget / kBlockBytes + 1);  // no more than these can be made
    block_ = 0;
    next_ = end_ = nullptr;
    left_ = budget;
    held_ = kept;
  }

  // nullptr when the budget or the system's memory is spent. Never throws: gumbo is in between.
  void* Allocate(size_t size) noexcept {
    size = (size + 15) & ~size_t{15};
    if (size > static_cast<size_t>(end_ - next_) && !NextBlock(size)) return nullptr;
    void* const memory = next_;
    next_ += size;
    return memory;
  }

  size_t held() const { return held_; }

 private:
  static constexpr size_t kBlockBytes = size_t{1} << 20;
  struct Block {
    std::unique_ptr<char[]> memory;
    size_t size = 0;
  };

  bool NextBlock(size_t size) noexcept {
    while (block_ < blocks_.size() && blocks_[block_].size < size) ++block_;
    const size_t bytes =
        block_ < blocks_.size() ? blocks_[block_].size : std::max(size, kBlockBytes);
    if (bytes > left_) return false;
    left_ -= bytes;
    if (block_ == blocks_.size()) {
      if (blocks_.size() == blocks_.capacity()) return false;
      std::unique_ptr<char[]> memory(new (std::nothrow) char[bytes]);
      if (memory == nullptr) return false;
      blocks_.push_back({std::move(memory), bytes});
      held_ += bytes;
    }
    next_ = blocks_[block_].memory.get();
    end_ = next_ + bytes;
    ++block_;
    return true;
  }

  std::vector<Block> blocks_;
  size_t block_ = 0;  // the first that is unused
  char* next_ = nullptr;
  char* end_ = nullptr;
  size_t left_ = 0;
  size_t held_ = 0;
};

namespace {

// One call of gumbo_parse. Its first allocation is the output, which holds the document node: when
// the budget ends the parse, that is the way to the part of the tree that stands.
struct Session {
  void* (*allocate)(void* arena, size_t size) = nullptr;
  void* arena = nullptr;
  void* output = nullptr;
  std::jmp_buf give_up = {};
};

// The session of the parse that runs on this thread, for the assertions below.
thread_local Session* running_session = nullptr;

void* AllocateForGumbo(void* session_pointer, size_t size) {
  auto* const session = static_cast<Session*>(session_pointer);
  void* const memory = session->allocate(session->arena, size);
  if (memory == nullptr) std::longjmp(session->give_up, 1);  // NOLINT: no C++ frame between
  if (session->output == nullptr) {
    std::memset(memory, 0, size);
    session->output = memory;
  }
  return memory;
}

void FreeForGumbo(void*, void*) {}

// Runs gumbo. Nothing with a destructor lives in this frame, so the longjmp skips none.
Tree Run(Session& session, const char* html, size_t size) {
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = AllocateForGumbo;
  options.deallocator = FreeForGumbo;
  options.userdata = &session;
  options.max_errors = 0;
  running_session = &session;
  if (setjmp(session.give_up) == 0) {  // NOLINT: see AllocateForGumbo
    const GumboOutput* const output = gumbo_parse_with_options(&options, html, size);
    running_session = nullptr;
    return {.document = output->document, .complete = true};
  }
  running_session = nullptr;
  const auto* const output = static_cast<const GumboOutput*>(session.output);
  return {.document = output == nullptr ? nullptr : output->document, .complete = false};
}

}  // namespace

TreeBuilder::TreeBuilder() : arena_(std::make_unique<Arena>()) {}
TreeBuilder::~TreeBuilder() = default;

size_t TreeBuilder::held() const { return arena_->held(); }

Tree TreeBuilder::Build(std::string_view html, size_t budget) {
  arena_->Reset(budget);
  Session session{
      .allocate = [](void* arena,
                     size_t size) { return static_cast<Arena*>(arena)->Allocate(size); },
      .arena = arena_.get()};
  return Run(session, html.data(), html.size());
}

}  // namespace crawld::parser

// gumbo is built with its assertions, and there are pages that break them:
// <table><svg><select><title><select><td> is one. A page must not end the daemon, so the linker
// sends assertions here (--wrap, see CMakeLists.txt): one of gumbo's ends the parse as a spent
// budget does, any other ends the process as it should.
extern "C" {
[[noreturn]] void __real___assert_fail(  // NOLINT(bugprone-reserved-identifier)
    const char* assertion, const char* file, unsigned line, const char* function);
[[noreturn]] void __wrap___assert_fail(  // NOLINT(bugprone-reserved-identifier)
    const char* assertion, const char* file, unsigned line, const char* function) {
  using crawld::parser::running_session;
  if (running_session != nullptr) {
    std::longjmp(running_session->give_up, 1);  // NOLINT: no C++ frame between
  }
  __real___assert_fail(assertion, file, line, function);
}
}
