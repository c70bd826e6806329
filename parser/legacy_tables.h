// What the Encoding Standard's indexes have and ICU 72's converters do not; for legacy_indexes.cc.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace crawld::parser {

// A pointer of an index, and the code point there; 0: none.
struct Patch {
  uint32_t pointer;
  uint32_t point;
};

// The changes of GB 18030-2022 and HKSCS-2008, and what the standard does not have in JIS X 0212.
inline constexpr auto kGb18030Patches = std::to_array<Patch>({{6555, 0x3000},
                                                              {7182, 0xFE10},
                                                              {7183, 0xFE12},
                                                              {7184, 0xFE11},
                                                              {7185, 0xFE13},
                                                              {7186, 0xFE14},
                                                              {7187, 0xFE15},
                                                              {7188, 0xFE16},
                                                              {7201, 0xFE17},
                                                              {7202, 0xFE18},
                                                              {7208, 0xFE19},
                                                              {23775, 0x9FB4},
                                                              {23783, 0x9FB5},
                                                              {23788, 0x9FB6},
                                                              {23789, 0x9FB7},
                                                              {23795, 0x9FB8},
                                                              {23812, 0x9FB9},
                                                              {23829, 0x9FBA},
                                                              {23845, 0x9FBB}});
inline constexpr auto kBig5Patches = std::to_array<Patch>(
    {{1008, 0x9F97},  {1016, 0x9F96},  {1099, 0x31C0},  {1100, 0x31C1},  {1101, 0x31C2},
     {1102, 0x31C3},  {1103, 0x31C4},  {1105, 0x31C5},  {1108, 0x31C6},  {1109, 0x31C7},
     {1112, 0x31C8},  {1114, 0x31C9},  {1115, 0x31CA},  {1116, 0x31CB},  {1117, 0x31CC},
     {1119, 0x31CD},  {1120, 0x31CE},  {1170, 0x23DA},  {1171, 0x23DB},  {1730, 0x9FA6},
     {1772, 0x9FA7},  {1779, 0x9FA8},  {1812, 0x9FA9},  {1814, 0x9FAA},  {1816, 0x9FAB},
     {1821, 0x9FAC},  {1844, 0x9FAD},  {1845, 0x9FAE},  {1847, 0x9FAF},  {1866, 0x9FB2},
     {1892, 0x9FB3},  {2082, 0x7BB8},  {2088, 0x7C06},  {2103, 0x7CCE},  {2114, 0x7DD2},
     {2123, 0x7E1D},  {2148, 0x8005},  {2151, 0x8028},  {2221, 0x83C1},  {2239, 0x84A8},
     {2244, 0x840F},  {2303, 0x89A6},  {2304, 0x89A9},  {2354, 0x8D77},  {2400, 0x90FD},
     {2413, 0x92B9},  {2477, 0x975C},  {2498, 0x97FF},  {2605, 0x9F16},  {2673, 0x8503},
     {2746, 0x5159},  {2747, 0x515B},  {2748, 0x515D},  {2749, 0x515E},  {2771, 0x936E},
     {2780, 0x7479},  {2990, 0x6D67},  {3087, 0x799B},  {3259, 0x9097},  {3301, 0x975D},
     {3436, 0x701E},  {3451, 0x5B28},  {4136, 0x7201},  {4138, 0x77D7},  {4141, 0x7E87},
     {4182, 0x99D6},  {4206, 0x91D4},  {4220, 0x60DE},  {4230, 0x6FB6},  {4241, 0x8F36},
     {4258, 0x4FBB},  {4273, 0x71DF},  {4279, 0x9104},  {4282, 0x9DF0},  {4294, 0x83CF},
     {4329, 0x5C10},  {4330, 0x79E3},  {4349, 0x5A67},  {4419, 0x8F0B},  {4422, 0x7B51},
     {4494, 0x62D0},  {4624, 0x6062},  {4694, 0x75F9},  {4708, 0x6C4A},  {4742, 0x9B2E},
     {4748, 0x9F17},  {4815, 0x50ED},  {4828, 0x5F0C},  {4902, 0x880F},  {4922, 0x62CE},
     {4982, 0x7468},  {4992, 0x7162},  {4997, 0x7250},  {5432, 0x2400},  {5433, 0x2401},
     {5434, 0x2402},  {5435, 0x2403},  {5436, 0x2404},  {5437, 0x2405},  {5438, 0x2406},
     {5439, 0x2407},  {5440, 0x2408},  {5441, 0x2409},  {5442, 0x240A},  {5443, 0x240B},
     {5444, 0x240C},  {5445, 0x240D},  {5446, 0x240E},  {5447, 0x240F},  {5448, 0x2410},
     {5449, 0x2411},  {5450, 0x2412},  {5451, 0x2413},  {5452, 0x2414},  {5453, 0x2415},
     {5454, 0x2416},  {5455, 0x2417},  {5456, 0x2418},  {5457, 0x2419},  {5458, 0x241A},
     {5459, 0x241B},  {5460, 0x241C},  {5461, 0x241D},  {5462, 0x241E},  {5463, 0x241F},
     {5464, 0x2421},  {10942, 0x5EF4}, {10946, 0x65E0}, {10948, 0x7676}, {10950, 0x96B6},
     {10957, 0x3003}, {10958, 0x4EDD}, {11204, 0x31CF}, {11210, 0x9FB0}, {11212, 0x9FB1},
     {19028, 0x5029}, {19035, 0x507D}, {19088, 0x5305}, {19096, 0x5344}, {19112, 0x537F},
     {19162, 0x5605}, {19240, 0x5A77}, {19299, 0x5E75}, {19305, 0x5ED0}, {19326, 0x5F58},
     {19355, 0x60A4}, {19398, 0x6490}, {19439, 0x6674}, {19454, 0x675E}, {19553, 0x6C9C},
     {19554, 0x6E1D}, {19557, 0x6E2F}, {19611, 0x716E}, {19643, 0x732A}, {19672, 0x745C},
     {19697, 0x74E9}, {19748, 0x7809}});
inline constexpr auto kJis0212Patches = std::to_array<Patch>(
    {{7708, 0x0}, {7709, 0x0}, {7710, 0x0}, {7711, 0x0}, {7712, 0x0}, {7713, 0x0}, {7714, 0x0},
     {7715, 0x0}, {7716, 0x0}, {7717, 0x0}, {7718, 0x0}, {7719, 0x0}, {7720, 0x0}, {7721, 0x0},
     {7722, 0x0}, {7723, 0x0}, {7724, 0x0}, {7725, 0x0}, {7726, 0x0}, {7727, 0x0}, {7730, 0x0}});

// Upper halves likewise, by byte.
struct BytePatch {
  std::string_view icu;
  uint8_t byte;
  uint32_t point;
};
inline constexpr auto kBytePatches = std::to_array<BytePatch>({{"koi8-u", 174, 0x45E},
                                                               {"koi8-u", 190, 0x40E},
                                                               {"ibm-5349_P100-1998", 170, 0x0},
                                                               {"ibm-9447_P100-2002", 202, 0x5BA},
                                                               {"windows-874-2000", 219, 0x0},
                                                               {"windows-874-2000", 220, 0x0},
                                                               {"windows-874-2000", 221, 0x0},
                                                               {"windows-874-2000", 222, 0x0},
                                                               {"windows-874-2000", 252, 0x0},
                                                               {"windows-874-2000", 253, 0x0},
                                                               {"windows-874-2000", 254, 0x0},
                                                               {"windows-874-2000", 255, 0x0}});

// ICU has no converter for this one.
inline constexpr std::array<uint16_t, 128> kLatin10 = {
    0x80,  0x81,   0x82,  0x83,  0x84,  0x85,  0x86,  0x87,  0x88,  0x89,  0x8A,   0x8B,   0x8C,
    0x8D,  0x8E,   0x8F,  0x90,  0x91,  0x92,  0x93,  0x94,  0x95,  0x96,  0x97,   0x98,   0x99,
    0x9A,  0x9B,   0x9C,  0x9D,  0x9E,  0x9F,  0xA0,  0x104, 0x105, 0x141, 0x20AC, 0x201E, 0x160,
    0xA7,  0x161,  0xA9,  0x218, 0xAB,  0x179, 0xAD,  0x17A, 0x17B, 0xB0,  0xB1,   0x10C,  0x142,
    0x17D, 0x201D, 0xB6,  0xB7,  0x17E, 0x10D, 0x219, 0xBB,  0x152, 0x153, 0x178,  0x17C,  0xC0,
    0xC1,  0xC2,   0x102, 0xC4,  0x106, 0xC6,  0xC7,  0xC8,  0xC9,  0xCA,  0xCB,   0xCC,   0xCD,
    0xCE,  0xCF,   0x110, 0x143, 0xD2,  0xD3,  0xD4,  0x150, 0xD6,  0x15A, 0x170,  0xD9,   0xDA,
    0xDB,  0xDC,   0x118, 0x21A, 0xDF,  0xE0,  0xE1,  0xE2,  0x103, 0xE4,  0x107,  0xE6,   0xE7,
    0xE8,  0xE9,   0xEA,  0xEB,  0xEC,  0xED,  0xEE,  0xEF,  0x111, 0x144, 0xF2,   0xF3,   0xF4,
    0x151, 0xF6,   0x15B, 0x171, 0xF9,  0xFA,  0xFB,  0xFC,  0x119, 0x21B, 0xFF};

// Where an encoder uses other code points than a decoder gives: section 12.2.2, "index ISO-2022-JP
// katakana", U+FF61 to U+FF9F.
inline constexpr std::array<uint16_t, 63> kKatakana = {
    0x3002, 0x300C, 0x300D, 0x3001, 0x30FB, 0x30F2, 0x30A1, 0x30A3, 0x30A5, 0x30A7, 0x30A9,
    0x30E3, 0x30E5, 0x30E7, 0x30C3, 0x30FC, 0x30A2, 0x30A4, 0x30A6, 0x30A8, 0x30AA, 0x30AB,
    0x30AD, 0x30AF, 0x30B1, 0x30B3, 0x30B5, 0x30B7, 0x30B9, 0x30BB, 0x30BD, 0x30BF, 0x30C1,
    0x30C4, 0x30C6, 0x30C8, 0x30CA, 0x30CB, 0x30CC, 0x30CD, 0x30CE, 0x30CF, 0x30D2, 0x30D5,
    0x30D8, 0x30DB, 0x30DE, 0x30DF, 0x30E0, 0x30E1, 0x30E2, 0x30E4, 0x30E6, 0x30E8, 0x30E9,
    0x30EA, 0x30EB, 0x30EC, 0x30ED, 0x30EF, 0x30F3, 0x309B, 0x309C};

}  // namespace crawld::parser
