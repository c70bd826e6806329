#include "parser/legacy_indexes.h"

#include <unicode/ucnv.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <string_view>

#include "base/check.h"
#include "base/mutex.h"
#include "parser/legacy_tables.h"
#include "web/utf8.h"

namespace crawld::parser {
namespace {

constexpr std::string_view kBad = "\xEF\xBF\xBD";

// What one of ICU's converters makes of single sequences.
class Icu {
 public:
  explicit Icu(const char* name) : converter_(nullptr, ucnv_close) {
    UErrorCode error = U_ZERO_ERROR;
    converter_.reset(ucnv_open(name, &error));
    CRAWLD_CHECK(U_SUCCESS(error), "ICU has its converters of legacy encodings");
    ucnv_setToUCallBack(converter_.get(), UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr,
                        &error);
    CRAWLD_CHECK(U_SUCCESS(error), "a converter takes a callback");
  }

  // The code point of these bytes, or kNoPoint.
  uint32_t Read(std::string_view bytes) {
    std::array<UChar, 8> units{};
    UErrorCode error = U_ZERO_ERROR;
    ucnv_reset(converter_.get());
    const int32_t size =
        ucnv_toUChars(converter_.get(), units.data(), static_cast<int32_t>(units.size()),
                      bytes.data(), static_cast<int32_t>(bytes.size()), &error);
    if (U_FAILURE(error) || size == 0) return kNoPoint;
    if (size == 1) return U16_IS_SURROGATE(units[0]) ? kNoPoint : units[0];
    if (size == 2 && U16_IS_LEAD(units[0])) return U16_GET_SUPPLEMENTARY(units[0], units[1]);
    return kNoPoint;
  }

 private:
  std::unique_ptr<UConverter, void (*)(UConverter*)> converter_;
};

std::string Bytes(std::initializer_list<uint32_t> values) {
  std::string bytes;
  for (const uint32_t value : values) bytes += static_cast<char>(value);
  return bytes;
}

// Whether an index has code points of the private use area.
enum class PrivateUse : uint8_t { kLeftOut, kKept };

// `bytes_of` gives the bytes for a pointer; `encodes` says which pointers an encoder may use.
template <typename BytesOf, typename Encodes>
Index MakeIndex(const char* icu, uint32_t size, BytesOf bytes_of, PrivateUse private_use,
                std::span<const Patch> patches, Encodes encodes) {
  Icu converter(icu);
  Index index;
  index.points.resize(size);
  for (uint32_t pointer = 0; pointer < size; ++pointer) {
    const uint32_t point = converter.Read(bytes_of(pointer));
    const bool is_private = In(point, 0xE000, 0xF8FF) || point >= 0xF0000;
    if (!is_private || private_use == PrivateUse::kKept) index.points[pointer] = point;
  }
  for (const Patch& patch : patches) index.points[patch.pointer] = patch.point;
  for (uint32_t pointer = 0; pointer < size; ++pointer) {
    if (index.points[pointer] != kNoPoint && encodes(pointer)) {
      index.pointers.emplace(index.points[pointer], pointer);
    }
  }
  return index;
}

constexpr auto kAnyPointer = [](uint32_t) { return true; };

}  // namespace

Gb18030::Gb18030()
    : two(MakeIndex(
          "gb18030", 126 * 190,
          [](uint32_t p) {
            const uint32_t trail = p % 190;
            return Bytes({p / 190 + 0x81, trail + (trail < 0x3F ? 0x40 : 0x41)});
          },
          PrivateUse::kKept, kGb18030Patches, kAnyPointer)) {
  Icu converter("gb18030");
  // Section 10.2.2, step 5: what stood there before can still be written, but for U+E5E5.
  for (const Patch& patch : kGb18030Patches) {
    const uint32_t trail = patch.pointer % 190;
    const uint32_t before =
        converter.Read(Bytes({patch.pointer / 190 + 0x81, trail + (trail < 0x3F ? 0x40 : 0x41)}));
    if (before != 0xE5E5) two.pointers.emplace(before, patch.pointer);
  }
  for (uint32_t p = 0; p < four.size(); ++p) {
    four[p] = converter.Read(
        Bytes({p / 12600 + 0x81, p / 1260 % 10 + 0x30, p / 10 % 126 + 0x81, p % 10 + 0x30}));
    four_pointers.emplace(four[p], p);
  }
}

uint32_t Gb18030::Four(uint32_t pointer) const {
  if (pointer < four.size()) return four[pointer];
  return In(pointer, 189000, 1237575) ? pointer - 189000 + 0x10000 : kNoPoint;
}

std::optional<uint32_t> Gb18030::FourOf(uint32_t point) const {
  if (point >= 0x10000) return point - 0x10000 + 189000;
  const auto found = four_pointers.find(point);
  return found == four_pointers.end() ? std::nullopt : std::optional(found->second);
}

const Gb18030& Gb18030Table() {
  static const auto* const table = new Gb18030;
  return *table;
}

const Index& Big5Index() {
  static const auto* const index = [] {
    auto* made = new Index(MakeIndex(
        "ibm-1375_P100-2008", 126 * 157,
        [](uint32_t p) {
          const uint32_t trail = p % 157;
          return Bytes({p / 157 + 0x81, trail + (trail < 0x3F ? 0x40 : 0x62)});
        },
        PrivateUse::kLeftOut, kBig5Patches,
        // "index Big5 pointer" leaves out Hong Kong's additions, and for a few code points prefers
        // the last pointer.
        [](uint32_t p) { return p >= (0xA1 - 0x81) * 157; }));
    constexpr std::array<uint32_t, 6> kLastCounts = {0x2550, 0x255E, 0x2561,
                                                     0x256A, 0x5341, 0x5345};
    for (uint32_t p = 0; p < made->points.size(); ++p) {
      const uint32_t point = made->points[p];
      if (std::find(kLastCounts.begin(), kLastCounts.end(), point) != kLastCounts.end()) {
        made->pointers[point] = p;
      }
    }
    return made;
  }();
  return *index;
}

const Index& Jis0208Index() {
  static const auto* const index = new Index(MakeIndex(
      "ibm-943_P15A-2003", 11104,
      [](uint32_t p) {
        const uint32_t lead = p / 188;
        const uint32_t trail = p % 188;
        // These are of a private use area, and not in the index.
        if (In(p, 8836, 10715)) return std::string();
        return Bytes({lead + (lead < 0x1F ? 0x81 : 0xC1), trail + (trail < 0x3F ? 0x40 : 0x41)});
      },
      PrivateUse::kLeftOut, {}, kAnyPointer));
  return *index;
}

const Index& Jis0212Index() {
  static const auto* const index = new Index(MakeIndex(
      "euc-jp-2007", 94 * 94,
      [](uint32_t p) {
        return Bytes({0x8F, p / 94 + 0xA1, p % 94 + 0xA1});
      },
      PrivateUse::kLeftOut, kJis0212Patches, kAnyPointer));
  return *index;
}

const Index& EucKrIndex() {
  static const auto* const index = new Index(MakeIndex(
      "windows-949-2000", 126 * 190,
      [](uint32_t p) {
        return Bytes({p / 190 + 0x81, p % 190 + 0x41});
      },
      PrivateUse::kLeftOut, {}, kAnyPointer));
  return *index;
}

// "index Shift_JIS pointer" leaves out the first of two places of IBM's characters.
std::optional<uint32_t> ShiftJisPointer(uint32_t point) {
  static const auto* const pointers = [] {
    auto* map = new std::unordered_map<uint32_t, uint32_t>;
    const Index& index = Jis0208Index();
    for (uint32_t p = 0; p < index.points.size(); ++p) {
      if (index.points[p] != kNoPoint && !In(p, 8272, 8835)) map->emplace(index.points[p], p);
    }
    return map;
  }();
  const auto found = pointers->find(point);
  return found == pointers->end() ? std::nullopt : std::optional(found->second);
}

std::optional<uint32_t> Big5Pointer(uint32_t point) { return Big5Index().Of(point); }

const SingleByte& SingleByteTable(const char* icu) {
  struct Tables {
    Mutex mutex;
    std::map<std::string, SingleByte, std::less<>> by_name GUARDED_BY(mutex);  // they never move
  };
  static auto* const tables = new Tables;
  MutexLock lock(tables->mutex);
  const auto [at, is_new] = tables->by_name.try_emplace(icu);
  SingleByte& table = at->second;
  if (!is_new) return table;
  if (at->first == "iso-8859-16") {  // ICU has none
    std::copy(kLatin10.begin(), kLatin10.end(), table.points.begin());
  } else {
    Icu converter(icu);
    for (uint32_t i = 0; i < 128; ++i) table.points[i] = converter.Read(Bytes({i + 0x80}));
  }
  for (const BytePatch& patch : kBytePatches) {
    if (patch.icu == at->first) table.points[patch.byte - 0x80] = patch.point;
  }
  for (uint32_t i = 0; i < 128; ++i) {
    if (table.points[i] == kNoPoint) {
      table.utf8[i] = kBad;
    } else {
      web::AppendUtf8(table.points[i], table.utf8[i]);
    }
  }
  return table;
}

}  // namespace crawld::parser
