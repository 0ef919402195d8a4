// Regular expressions of the interpreter.
#include "ir/eval/graph/Regex.h"

#include <gtest/gtest.h>

namespace cameo::eval {
namespace {

bool matches(const std::string &pattern, const std::string &text) {
  Result<Regex> regex = Regex::parse(pattern);
  EXPECT_TRUE(regex) << pattern << ": " << (regex ? "" : regex.error().message);
  return regex && regex->fullMatch(text);
}

TEST(Regex, MatchesWholeTexts) {
  for (const auto &[pattern, text] : std::vector<std::pair<std::string, std::string>>{
           {"", ""},
           {"abc", "abc"},
           {"a*", ""},
           {"a*b+c?", "aabbb"},
           {"(ab|cd)*", "abcdab"},
           {"a|b|cd", "cd"},
           {"a{2,3}", "aaa"},
           {"a{2}", "aa"},
           {"a{2,}", "aaaaa"},
           {"(?:ab){2}c", "ababc"},
           {"x{1", "x{1"},
           {"[^a-c]+", "xyz"},
           {"[]a]+", "]a]"},
           {"[a\\-z]+", "a-z"},
           {"\\d+\\.\\d*", "31.4"},
           {"^\\w+@[\\w.]+\\.(com|org)$", "some_one@mail.example.org"},
           {"\\S\\s\\D\\W", "a b-"},
           {".", "\xc3\xa9"}, // one character of two bytes
           {"[\xc3\xa0-\xc3\xbf]", "\xc3\xa9"},
           {"a+?", "aaa"},
           {"\\bab\\b.\\B.?", "ab  "}})
    EXPECT_TRUE(matches(pattern, text)) << pattern << " on " << text;
}

TEST(Regex, RefusesPartsAndOthers) {
  for (const auto &[pattern, text] :
       std::vector<std::pair<std::string, std::string>>{{"", "a"},
                                                        {"abc", "abcd"},
                                                        {"abc", "ab"},
                                                        {"a{2,3}", "aaaa"},
                                                        {"a^b", "ab"},
                                                        {"a|b", "ab"},
                                                        {".", "\n"},
                                                        {"[^a]", "a"},
                                                        {"\\.", "a"}})
    EXPECT_FALSE(matches(pattern, text)) << pattern << " on " << text;
}

TEST(Regex, MalformedPatternsAreErrors) {
  for (const char *pattern : {"(", ")", "a)", "[a", "[", "*a", "a{3,1}", "a{1001}", "\\", "[b-a]",
                              "(?i)a", "\\pL", "((((a{9}){9}){9}){9}){9}"})
    EXPECT_FALSE(Regex::parse(pattern)) << pattern;
  EXPECT_FALSE(Regex::parse(std::string(1000, '(')));
  EXPECT_FALSE(Regex::parse(std::string(20000, 'a')));
}

TEST(Regex, TimeIsBounded) {
  EXPECT_FALSE(matches("(a*)*(a|aa)*b", std::string(2000, 'a')));
  EXPECT_TRUE(matches("(((a?)*)*)*", std::string(2000, 'a')));
}

} // namespace
} // namespace cameo::eval
