// Printed IR reads back as the same module, at every level; bad text gives a message with its
// place.
#include "ir/Parser.h"
#include "ir/OpSpec.h"
#include "ir/Printer.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <set>

using namespace cameo;

namespace {

std::string reprint(const std::string &text) {
  Result<Module> module = parseModule(text, "t.cir");
  return module ? print(*module) : "error: " + module.error().message;
}

std::string errorOf(const std::string &text) {
  Result<Module> module = parseModule(text, "t.cir");
  return module ? "no error" : module.error().message;
}

std::string inFunc(const std::string &ops) {
  return "module \"m\" {\n  func @main(%x: f32[N,3]) {\n" + ops + "  }\n}\n";
}

// Each is as the printer writes it.
const char *const kCorpus[] = {
    R"(module "" {
}
)",
    R"(module "resnet 18\n\x01" attrs {opset = "17", "producer name" = "x"} {
  func @main(%x: f32[N,2*N+floordiv(s.0, 2)], %"1": i64[], %"a/b:0": seq<f32[*]>) results("y", "1") {
    %0 = Constant() {value = #conv1.weight : f32[64,3,7,7]} : f32[64,3,7,7]
    %w = Constant() {value = #"w 1" dense<f32[3]: 1.0, 0.1, -0.0>} : f32[3] loc("a", "b\"")
    %w.1 = Add(%x, %w) : f32[N,3]
    %1 = Relu(%x) : f32[N,3] loc("relu")
    %k = Relu(%"1") : i64[2] known <N, 3>
    return(%w.1, %k)
  }
}
)",
    R"(module "loops" {
  func @main() attrs {kind = "main"} {
    team() {callee = "t"}
  }
  func @t(%p: ptr<f32>) attrs {kind = "team"} {
    %0 = const() {value = 0} : index
    %1 = const() {value = 0.1f} : vec<16xf32>
    %r, %s = for(%0, %0, %0, %1, %1) : vec<16xf32>, vec<16xf32> ^(%i: index, %a: vec<16xf32>, %b: vec<16xf32>) {
      %v = load(%p, %i, _) {align = 4} : vec<16xf32>
      %c = mad(%v, %a, %b) : vec<16xf32> loc("n")
      yield(%c, %a)
    }
    if(%0) ^ {
      yield()
    } ^ {
      yield()
    }
    return()
  }
}
)",
    R"(module "kernels" {
  func @main(%x: f32[N,4] @ #x[0; 4, 1]) buffers {
    #x = input 0: f32[4*N]
    #0 = arena: f32[8*N] at 64
    #w = weight 3: i8[64] at 128
    #"12" = output 1: f32[4*N]
  } {
    %y = add(%x, %x) : f32[N,4] @ #0[-3+N; 8, 2]
    %z = add(%x, %y) : f32[] @ #"12"[0;]
    return(%y)
  }
}
)",
};

TEST(Parser, PrintedTextIsAFixedPoint) {
  for (const char *text : kCorpus)
    EXPECT_EQ(reprint(text), text);
}

TEST(Parser, EveryPrefixOfTheCorpusIsAnError) {
  for (std::string text : kCorpus)
    for (size_t length = 0; length + 2 < text.size(); length++)
      EXPECT_FALSE(parseModule(text.substr(0, length), "t.cir"));
}

TEST(Parser, MutatedTextNeverCrashes) {
  std::mt19937 random(1);
  const std::string pieces[] = {"%",    "#",    "<",    ">",    "[",      "]",  "^",
                                "{",    "}",    "(",    ")",    "9",      "-",  "*",
                                "0x",   "nan",  "vec<", "seq<", "dense<", "\"", "\\x",
                                "\xff", "min(", "Add",  "for",  ",",      ":",  "@"};
  for (int round = 0; round < 20000; round++) {
    std::string text = kCorpus[1 + random() % 3];
    for (int change = 0; change < 3; change++) {
      size_t at = random() % text.size();
      if (random() % 2)
        text.replace(at, random() % 4, pieces[random() % std::size(pieces)]);
      else
        text.erase(at, random() % 8);
    }
    Result<Module> module = parseModule(text, "t.cir");
    if (module) {
      EXPECT_EQ(reprint(print(*module)), print(*module)) << text;
    }
  }
}

TEST(Parser, GraphOpsMayLeaveOutTypes) {
  EXPECT_EQ(reprint(inFunc("    %y = Relu(%x)\n")), inFunc("    %y = Relu(%x) : f32[N,3]\n"));
}

TEST(Parser, NamesAreMadeUnique) {
  Module module;
  Func *func = module.addFunc("f");
  for (const char *name : {"a", "a", "a.1", "", "0", "a b"})
    func->body.addArg(Type::scalar(DType::F32), name);
  std::string text = print(module);
  EXPECT_NE(text.find("(%a: f32, %a.1: f32, %a.1.1: f32, %0: f32, %\"0\": f32, %\"a b\": f32)"),
            std::string::npos)
      << text;
  EXPECT_EQ(reprint(text), text);
}

TEST(Parser, SymbolsOfTheTextAreNotMadeAgain) {
  Result<Module> module = parseModule("module \"m\" { func @f(%x: f32[s.7]) { return(%x) } }", "t");
  ASSERT_TRUE(module);
  EXPECT_EQ(module->freshSymbol(), "s.8");
}

TEST(Parser, Messages) {
  EXPECT_EQ(errorOf(inFunc("    %y = Foo(%x) : f32[N]\n")), "t.cir:3:10: unknown op 'Foo'");
  EXPECT_EQ(errorOf(inFunc("    %y = Relu(%z) : f32[N]\n")),
            "t.cir:3:15: the value is not defined before its use");
  EXPECT_EQ(errorOf(inFunc("    %x = Relu(%x) : f32[N]\n")),
            "t.cir:3:5: the value is defined twice");
  EXPECT_EQ(errorOf(inFunc("    %y = Relu(%x) : g32[N]\n")),
            "t.cir:3:21: unknown element type 'g32'");
  EXPECT_EQ(errorOf(inFunc("    %y = add(%x, %x)\n")),
            "t.cir:3:10: the results of 'add' have no types");
  EXPECT_EQ(errorOf(inFunc("    %y = Relu(%x) : f32[N] @ #b[0; 1]\n")),
            "t.cir:3:31: a buffer that the function does not have");
  EXPECT_EQ(errorOf("module \"m\" {"), "t.cir:1:13: expected '}', got the end");
  EXPECT_EQ(errorOf(inFunc("    %y = Constant() {value = dense<i8[1]: 128>} : i8[1]\n")),
            "t.cir:3:43: expected a value of type i8, got '128'");
}

TEST(Parser, DeepNestingIsAnError) {
  std::string ops;
  for (int i = 0; i < 1000; i++)
    ops += "single() ^ {\n";
  EXPECT_NE(errorOf(inFunc(ops)).find("regions nested more than 100 deep"), std::string::npos);
  std::string type;
  for (int i = 0; i < 1000; i++)
    type += "seq<";
  EXPECT_FALSE(parseType(type));
}

TEST(Parser, HugeConstantsAreRefused) {
  EXPECT_NE(
      errorOf(inFunc("%w = Constant() {value = #w : f32[99999999999999]}\n")).find("too large"),
      std::string::npos);
  EXPECT_NE(errorOf(inFunc("%w = Constant() {value = #w : str[99999999]}\n")).find("too large"),
            std::string::npos);
}

TEST(Parser, ConstantsOfOneNameAreOne) {
  Result<Module> module = parseModule(inFunc("%v = Constant() {value = #w : f32[99]}\n"
                                             "%w = Constant() {value = #w : f32[99]}\n"),
                                      "t");
  ASSERT_TRUE(module) << module.error().message;
  Block::List &ops = module->main().body.ops();
  ConstRef first = ops.front()->attrs.getConst("value");
  EXPECT_EQ(first, ops.back()->attrs.getConst("value"));
  EXPECT_EQ(first->bytes.size(), 396u);
  EXPECT_EQ(constFloat(*first, 98), 0.0);
}

Attr attrRoundTrip(const Attr &attr) {
  std::string text = attrText(attr);
  Lexer lexer(text, "attr");
  NamedConsts consts;
  Result<Attr> back = readAttr(lexer, consts);
  EXPECT_TRUE(back) << text << ": " << back.error().message;
  EXPECT_TRUE(lexer.atEnd()) << text;
  EXPECT_EQ(back->index(), attr.index()) << text;
  EXPECT_EQ(attrText(*back), text);
  return *back;
}

TEST(AttrText, EveryKindRoundTrips) {
  const Attr attrs[] = {int64_t{0},
                        INT64_MIN,
                        INT64_MAX,
                        std::string(),
                        std::string("a\"\\\n\t\x7f\xc3\xa4 // {"),
                        std::vector<int64_t>{},
                        std::vector<int64_t>{1, -2},
                        std::vector<double>{},
                        std::vector<double>{1, -0.5},
                        std::vector<std::string>{},
                        std::vector<std::string>{"", "x, y"},
                        DType::BF16,
                        Dims{},
                        Dims{Dim(3), Dim::symbol("N") * Dim(-2), Dim::overflow()},
                        makeConst({1, 2, INT64_MIN})};
  for (const Attr &attr : attrs) {
    Attr back = attrRoundTrip(attr);
    if (!std::holds_alternative<ConstRef>(attr) && !std::holds_alternative<Dims>(attr)) {
      EXPECT_EQ(back, attr) << attrText(attr);
    }
  }
}

TEST(AttrText, FloatsRoundTripBitForBit) {
  std::vector<double> values = {0.0,
                                -0.0,
                                1.0,
                                0.1,
                                0.1f,
                                1e300,
                                5e-324,
                                1e-45f,
                                3.4e38f,
                                1e20f,
                                16777216.0,
                                INFINITY,
                                -INFINITY,
                                std::numeric_limits<double>::quiet_NaN(),
                                -std::numeric_limits<double>::quiet_NaN(),
                                std::bit_cast<double>(uint64_t{0x7ff0000000000001})};
  std::mt19937_64 random(1);
  for (int i = 0; i < 10000; i++) {
    values.push_back(std::bit_cast<double>(random()));
    values.push_back(std::bit_cast<float>(static_cast<uint32_t>(random())));
  }
  for (double value : values) {
    Attr back = attrRoundTrip(value);
    EXPECT_EQ(std::bit_cast<uint64_t>(std::get<double>(back)), std::bit_cast<uint64_t>(value));
  }
  EXPECT_EQ(floatText(0.1f), "0.1f");
  EXPECT_EQ(floatText(0.1), "0.1");
  EXPECT_EQ(floatText(1e-5f), "1e-05f");
  EXPECT_EQ(floatText(2), "2.0");
}

TEST(AttrText, ConstantsRoundTripBitForBit) {
  std::mt19937_64 random(1);
  for (const DTypeSpec &row : kDTypes) {
    DType dtype = row.kind;
    if (dtype == DType::String)
      continue;
    for (int round = 0; round < 5000; round++) {
      std::vector<std::byte> bytes(2 * dtypeBytes(dtype));
      for (std::byte &byte : bytes)
        byte = round < 10 ? std::byte(round % 2 ? 0xff : 0) : std::byte(random());
      Attr attr = makeConst(dtype, {2, 1}, bytes, round % 2 ? "c" : "");
      ConstRef back = std::get<ConstRef>(attrRoundTrip(attr));
      EXPECT_EQ(std::vector(back->bytes.begin(), back->bytes.end()), bytes) << attrText(attr);
      EXPECT_EQ(back->name, round % 2 ? "c" : "");
    }
  }
}

TEST(AttrText, DataShorterThanItsShapeIsNotRead) {
  EXPECT_EQ(attrText(makeConst(DType::F32, {4}, {})), "#\"\" : f32[4]");
  EXPECT_EQ(attrText(makeConst(DType::F32, {0, 4}, {})), "dense<f32[0,4]>");
}

TEST(Types, RoundTrip) {
  for (const char *text : {"none", "index", "f32", "bool[]", "bf16[*]", "u8[1,N,N*s.1]",
                           "vec<16xf32>", "ptr<i8>", "seq<opt<str[2]>>"}) {
    Result<Type> type = parseType(text);
    ASSERT_TRUE(type) << text;
    EXPECT_EQ(type->str(), text);
  }
  for (const char *text :
       {"", "f33", "vec<0xf32>", "vec<x>", "f32[", "f32[3", "f32[3 4]", "ptr<seq<f32>>"})
    EXPECT_FALSE(parseType(text)) << text;
}

TEST(OpTable, NamesAreUnique) {
  std::set<std::string_view> names;
  for (const OpSpec &row : allSpecs())
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
}

} // namespace
