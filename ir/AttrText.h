// Text of types, attributes and constants, both ways; what it prints it reads back exactly.
//
//   int 3   float 0.5, 1e-05f, -inf, 0x7ff8000000000001   string "same"   element type f32
//   ints [1, 2]   floats floats[0.5]   strings strings["a"]   sizes <N, 2*N, 3>
//   constant dense<f32[3]: 1.0, 2.0, -0.0>, #name dense<i64[]: 7>, #name : f32[64,3,7,7]
//
// A float with `f` is the value of that float32, in its shortest form; hexadecimal digits are a
// float's bits (NaNs other than the usual one). Constants of more than kMaxInline elements are
// printed by name and type alone; read back, all their elements are zero (or empty strings), in
// memory that takes no room until it is touched.
#pragma once

#include "ir/Attr.h"
#include "ir/Lexer.h"
#include "ir/Type.h"

#include <map>
#include <utility>

namespace cameo {

constexpr int64_t kMaxInline = 16;

/// `value` in quotes, what is not printable escaped. UTF-8 stays as it is.
std::string quotedText(const std::string &value);
/// `name` where a word can stand for itself, else in quotes.
std::string nameText(const std::string &name);
/// The shortest text that reads back as the same double; it never looks like an integer.
std::string floatText(double value);
std::string dimsText(const Dims &dims);
std::string constText(const ConstRef &data);
std::string attrText(const Attr &attr);
/// `{a = 1, b = "x"}`.
std::string attrsText(const AttrDict &attrs);

/// Constants read by name so far: one name and type is one constant, however often it appears.
struct NamedConsts {
  std::map<std::pair<std::string, std::string>, ConstRef> seen;
  int64_t bytes = 0;
};

Result<Type> readType(Lexer &lexer);
Result<Dims> readDims(Lexer &lexer);
Result<Attr> readAttr(Lexer &lexer, NamedConsts &consts);
/// After the opening brace, up to and with the closing one.
Result<AttrDict> readAttrs(Lexer &lexer, NamedConsts &consts);
/// From `#` or `dense`.
Result<ConstRef> readConst(Lexer &lexer, NamedConsts &consts);

} // namespace cameo
