// Attributes of kernel ops as C++ structs. A *view*, such as ConvAttrs, has a field for each
// attribute of its op and lists them once, with the value that the text leaves out, if there is
// one:
//
//   template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
//     visit("kernel", self.kernel);
//     visit("interleave", self.interleave, int64_t{1});
//   }
//
// Reading, writing, checking and the names that the parser allows all follow from that list. A
// field is an integer, a bool (0 or 1 in text), a float, a list of integers, of sizes or of words,
// text, or an enum, whose words are in EnumWords.
#pragma once

#include "ir/Op.h"
#include "ir/Result.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace cameo {

/// `words`: what the enumerators of E are called in text, in their order.
template <class E> struct EnumWords;

template <class E> std::string_view wordOf(E value) {
  return EnumWords<E>::words[static_cast<size_t>(value)];
}

template <class E> std::optional<E> fromWord(std::string_view word) {
  for (size_t i = 0; i < std::size(EnumWords<E>::words); i++)
    if (EnumWords<E>::words[i] == word)
      return static_cast<E>(i);
  return std::nullopt;
}

/// `direct, depthwise or winograd-4x4`.
std::string wordList(std::span<const std::string_view> words);

/// Reads the fields; `fault` is the first thing that is wrong, or "".
struct FieldReader {
  const AttrDict &attrs;
  std::string fault = {};

  template <class T> void operator()(std::string_view name, T &field) {
    const Attr *attr = attrs.find(name);
    if (!attr)
      fail(name, "it is missing");
    else
      read(name, *attr, field);
  }
  template <class T> void operator()(std::string_view name, T &field, const T &otherwise) {
    field = otherwise;
    if (const Attr *attr = attrs.find(name))
      read(name, *attr, field);
  }

private:
  void fail(std::string_view name, const std::string &what);

  template <class T> void read(std::string_view name, const Attr &attr, T &field) {
    if constexpr (std::is_same_v<T, bool>) {
      const int64_t *value = std::get_if<int64_t>(&attr);
      if (!value || *value < 0 || *value > 1)
        return fail(name, "expected 0 or 1");
      field = *value == 1;
    } else if constexpr (std::is_enum_v<T>) {
      const std::string *word = std::get_if<std::string>(&attr);
      std::optional<T> value = word ? fromWord<T>(*word) : std::nullopt;
      if (!value)
        return fail(name, "expected " + wordList(EnumWords<T>::words) +
                              (word ? ", got '" + *word + "'" : ""));
      field = *value;
    } else {
      const T *value = std::get_if<T>(&attr);
      if (!value)
        return fail(name, "it is of another kind");
      field = *value;
    }
  }
};

/// Writes the fields, except those with the values that the text leaves out.
struct FieldWriter {
  AttrDict attrs = {};

  template <class T> void operator()(std::string_view name, const T &field) {
    if constexpr (std::is_same_v<T, bool>)
      attrs.set(std::string(name), int64_t{field});
    else if constexpr (std::is_enum_v<T>)
      attrs.set(std::string(name), std::string(wordOf(field)));
    else
      attrs.set(std::string(name), field);
  }
  template <class T> void operator()(std::string_view name, const T &field, const T &otherwise) {
    if (!(field == otherwise))
      (*this)(name, field);
  }
};

/// The attributes as a struct, or what is wrong with them.
template <class Attrs> Result<Attrs> readAttrs(const AttrDict &dict) {
  Attrs attrs;
  FieldReader reader{dict};
  Attrs::fields(attrs, reader);
  if (!reader.fault.empty())
    return badInput(reader.fault);
  return attrs;
}

/// The same for a verified op of the kind that the struct is for.
template <class Attrs> Attrs attrsOf(const Op &op) {
  Result<Attrs> attrs = readAttrs<Attrs>(op.attrs);
  ICE_UNLESS(attrs, "a kernel op that was not verified: " + attrs.error().message);
  return *std::move(attrs);
}

template <class Attrs> AttrDict dictOf(const Attrs &attrs) {
  FieldWriter writer;
  Attrs::fields(attrs, writer);
  return std::move(writer.attrs);
}

/// The names of the fields, in their order.
template <class Attrs> std::vector<std::string_view> fieldNames() {
  std::vector<std::string_view> names;
  Attrs attrs;
  Attrs::fields(attrs, [&](std::string_view name, const auto &...) { names.push_back(name); });
  return names;
}

} // namespace cameo
