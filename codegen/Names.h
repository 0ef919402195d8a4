// Names that a generated library has in C: of its entry function, and of the constants in its
// header.
#pragma once

#include <cstdint>
#include <string>

namespace cameo {

/// Letters, digits and `_`; other characters become `_`, and a digit does not come first.
std::string identifierCharacters(const std::string &name);

/// The entry function's name: a C identifier that C, C++ and the C library do not have themselves;
/// one that they have gets `m_` in front.
std::string modelIdentifier(const std::string &name);

/// The entry function's other name, which headers use. Models of one name differ in it: a program
/// that has the header of one and the library of another does not link.
std::string boundIdentifier(const std::string &entry, uint64_t modelHash);

} // namespace cameo
