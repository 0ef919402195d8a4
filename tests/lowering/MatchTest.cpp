// The pattern language: what each kind of pattern takes, in which order and grouping, and what it
// must not take.
#include "lowering/build/Match.h"

#include "ir/Parser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

using namespace cameo;
using namespace cameo::match;

namespace {

/// A function given as ops with `;` between them; what it returns first is the root. `%a = number
/// 2` makes a constant.
class Graph {
public:
  explicit Graph(const std::string &body) {
    std::string text = "module \"m\" { func @main(%x: f32[2,3], %y: f32[2,3], %z: f32[2,3], "
                       "%q: u8[2,3], %h: f16[2,3]) {\n";
    std::istringstream lines(body);
    for (std::string line; std::getline(lines, line, ';');) {
      size_t value = line.find(" = number ");
      text += value == std::string::npos
                  ? line
                  : line.substr(0, value) +
                        " = Constant() {value = dense<f32[]: " + line.substr(value + 10) + ">}";
      text += "\n";
    }
    Result<Module> parsed = parseModule(text + "}}", "t");
    EXPECT_TRUE(parsed) << parsed.error().message << "\n" << text;
    module_ = std::make_unique<Module>(std::move(*parsed));
  }
  Value *root() { return module_->main().body.terminator()->operand(0); }
  Value *arg(int64_t i) { return module_->main().body.arg(i); }

private:
  std::unique_ptr<Module> module_;
};

bool matches(const Pattern &pattern, const std::string &body) {
  Graph graph(body);
  return pattern.match(graph.root()).has_value();
}

const Capture x, y, z;
const Number number, other;

TEST(Match, OpsAreMatchedWithTheirOperands) {
  const Pattern pattern = op(OpKind::Where, {op(OpKind::Less, {x, y}), x, y});
  EXPECT_TRUE(matches(pattern, "%c = Less(%x, %y); %r = Where(%c, %x, %y); return(%r)"));
  EXPECT_FALSE(matches(pattern, "%c = Less(%x, %y); %r = Where(%c, %y, %x); return(%r)"));
  EXPECT_FALSE(matches(pattern, "%c = Greater(%x, %y); %r = Where(%c, %x, %y); return(%r)"));
  EXPECT_FALSE(matches(pattern, "return(%x)"));
  EXPECT_TRUE(matches(op(OpKind::Where), "%c = Less(%x, %y); %r = Where(%c, %y, %x); return(%r)"));
}

TEST(Match, OperandsThatAPatternDoesNotListAreAbsent) {
  const std::string both = "%a = number 0; %b = number 6; %r = Clip(%x, %a, %b); return(%r)";
  EXPECT_TRUE(matches(op(OpKind::Clip, {x, 0, 6}), both));
  EXPECT_FALSE(matches(op(OpKind::Clip, {x, 0}), both));
  EXPECT_TRUE(matches(op(OpKind::Clip, {x, 0, maybe(6)}), both));
  EXPECT_FALSE(matches(op(OpKind::Clip, {x, 0, maybe(5)}), both));
  const std::string low = "%a = number 0; %r = Clip(%x, %a, _); return(%r)";
  EXPECT_TRUE(matches(op(OpKind::Clip, {x, 0}), low));
  EXPECT_TRUE(matches(op(OpKind::Clip, {x, 0, maybe(6)}), low));
  EXPECT_FALSE(matches(op(OpKind::Clip, {x, 0, 6}), low));
}

TEST(Match, CapturesThatOccurTwiceAreOneValue) {
  const Pattern pattern = op(OpKind::Sub, {op(OpKind::Relu, {x}), x});
  EXPECT_TRUE(matches(pattern, "%a = Relu(%x); %r = Sub(%a, %x); return(%r)"));
  EXPECT_FALSE(matches(pattern, "%a = Relu(%x); %r = Sub(%a, %y); return(%r)"));
}

TEST(Match, TheSameComputedTwiceIsOneValue) {
  const std::string twice = R"(%s = number 0.5;
    %a = DequantizeLinear(%q, %s); %b = DequantizeLinear(%q, %s);
    %c = Relu(%a); %r = Sub(%c, %b); return(%r))";
  const Pattern pattern = op(OpKind::Sub, {op(OpKind::Relu, {x}), x});
  EXPECT_TRUE(matches(pattern, twice));
  EXPECT_FALSE(matches(pattern, R"(%s = number 0.5; %t = number 0.25;
    %a = DequantizeLinear(%q, %s); %b = DequantizeLinear(%q, %t);
    %c = Relu(%a); %r = Sub(%c, %b); return(%r))"));
  EXPECT_FALSE(
      matches(pattern, R"(%a = ReduceSum(%x) {keepdims = 1}; %b = ReduceSum(%x) {keepdims = 0};
    %c = Relu(%a); %r = Sub(%c, %b); return(%r))"));
  EXPECT_FALSE(matches(pattern, R"(%a = RandomNormalLike(%x); %b = RandomNormalLike(%x);
    %c = Relu(%a); %r = Sub(%c, %b); return(%r))"));
}

TEST(Match, CommutativeOpsTurn) {
  const Pattern pattern = op(OpKind::Max, {op(OpKind::Relu, {x}), y});
  EXPECT_TRUE(matches(pattern, "%a = Relu(%x); %r = Max(%a, %y); return(%r)"));
  EXPECT_TRUE(matches(pattern, "%a = Relu(%x); %r = Max(%y, %a); return(%r)"));
  EXPECT_FALSE(matches(pattern, "%a = Relu(%x); %r = Max(%y, %a, %z); return(%r)"));
  // The first order of the inner op fits by itself, but not what follows.
  const Pattern late = op(OpKind::Sub, {op(OpKind::Max, {x, y}), op(OpKind::Relu, {x})});
  EXPECT_TRUE(matches(late, "%a = Max(%x, %y); %b = Relu(%y); %r = Sub(%a, %b); return(%r)"));
}

TEST(Match, WhatIsInsideHasNoOtherUser) {
  const std::string shared = "%a = Relu(%x); %r = Erf(%a); %s = Add(%r, %a); return(%r, %s)";
  const Pattern pattern = erf(op(OpKind::Relu, {x}));
  Graph graph(shared);
  EXPECT_FALSE(pattern.match(graph.root()));
  EXPECT_TRUE(pattern.matchShared(graph.root()));
  // The root and what is captured may have any.
  EXPECT_TRUE(matches(pattern, "%a = Relu(%x); %r = Erf(%a); %s = Add(%r, %x); return(%r, %s)"));
  EXPECT_TRUE(matches(erf(x), shared));
}

TEST(Match, WhatIsInsideIsInTheRootsBlock) {
  Graph graph("%l = ReduceSum(%x) {keepdims = 0}; %k = Cast(%l) {to = bool}; %a = Relu(%x);"
              "%o = If(%k) : f32[2,3] ^ {\n %r = Erf(%a)\n yield(%r)\n } ^ {\n yield(%y)\n };"
              "return(%o)");
  Value *inner = graph.root()->definingOp()->region(0).terminator()->operand(0);
  EXPECT_FALSE(erf(op(OpKind::Relu, {x})).match(inner));
  EXPECT_TRUE(erf(op(OpKind::Relu, {x})).matchShared(inner));
}

TEST(Match, ProductsComeInAnyOrderAndGrouping) {
  const Pattern pattern = 0.5 * x * erf(x) * y;
  for (const char *body : {
           "%k = number 0.5; %e = Erf(%x); %a = Mul(%x, %k); %b = Mul(%a, %e); %r = Mul(%b, %y)",
           "%k = number 0.5; %e = Erf(%x); %a = Mul(%e, %x); %b = Mul(%y, %a); %r = Mul(%k, %b)",
           "%k = number 2; %e = Erf(%x); %a = Mul(%e, %y); %b = Mul(%x, %a); %r = Div(%b, %k)",
           "%k = number 4; %l = number 2; %e = Erf(%x); %a = Mul(%e, %l); %b = Div(%x, %k);"
           "%c = Mul(%b, %y); %r = Mul(%a, %c)",
       })
    EXPECT_TRUE(matches(pattern, std::string(body) + "; return(%r)")) << body;
  for (const char *body : {
           "%k = number 0.51; %e = Erf(%x); %a = Mul(%x, %k); %b = Mul(%a, %e); %r = Mul(%b, %y)",
           "%k = number 0.5; %e = Erf(%z); %a = Mul(%x, %k); %b = Mul(%a, %e); %r = Mul(%b, %y)",
           "%k = number 0.5; %e = Erf(%x); %a = Mul(%x, %k); %b = Div(%a, %e); %r = Mul(%b, %y)",
           "%k = number 0.5; %e = Erf(%x); %a = Mul(%x, %k); %r = Mul(%a, %e)",
           "%e = Erf(%x); %a = Mul(%x, %z); %b = Mul(%a, %e); %r = Mul(%b, %y)",
       })
    EXPECT_FALSE(matches(pattern, std::string(body) + "; return(%r)")) << body;
}

TEST(Match, PowersAreFactors) {
  for (const Pattern &cube : {pow(x, 3), x * x * x, x * pow(x, 2)}) {
    EXPECT_TRUE(matches(cube, "%n = number 3; %r = Pow(%x, %n); return(%r)"));
    EXPECT_TRUE(matches(cube, "%a = Mul(%x, %x); %r = Mul(%a, %x); return(%r)"));
    EXPECT_TRUE(matches(cube, "%n = number 2; %a = Pow(%x, %n); %r = Mul(%x, %a); return(%r)"));
    EXPECT_FALSE(matches(cube, "%a = Mul(%x, %x); %r = Mul(%a, %y); return(%r)"));
    EXPECT_FALSE(matches(cube, "%n = number 2; %r = Pow(%x, %n); return(%r)"));
    EXPECT_FALSE(matches(cube, "%n = number 2.5; %r = Pow(%x, %n); return(%r)"));
  }
  const Pattern scaled = x * pow(erf(y), -0.5);
  EXPECT_TRUE(matches(scaled, "%e = Erf(%y); %s = Sqrt(%e); %r = Div(%x, %s); return(%r)"));
  EXPECT_TRUE(matches(
      scaled, "%e = Erf(%y); %s = Sqrt(%e); %i = Reciprocal(%s); %r = Mul(%i, %x); return(%r)"));
  EXPECT_TRUE(matches(scaled, "%n = number 1; %e = Erf(%y); %s = Sqrt(%e); %i = Div(%n, %s);"
                              "%r = Mul(%x, %i); return(%r)"));
  EXPECT_TRUE(matches(
      scaled, "%n = number -0.5; %e = Erf(%y); %s = Pow(%e, %n); %r = Mul(%x, %s); return(%r)"));
  EXPECT_FALSE(matches(scaled, "%e = Erf(%y); %s = Sqrt(%e); %r = Mul(%x, %s); return(%r)"));
  EXPECT_FALSE(matches(scaled, "%e = Erf(%y); %s = Sqrt(%e); %r = Div(%s, %x); return(%r)"));
  // A root is not taken apart: that of a square is no factor.
  EXPECT_FALSE(matches(x * x, "%s = Mul(%x, %x); %r = Sqrt(%s); return(%r)"));
}

TEST(Match, SumsHaveSigns) {
  const Pattern pattern = erf(x) - y + 1;
  EXPECT_TRUE(matches(pattern, "%n = number 1; %e = Erf(%x); %a = Sub(%e, %y); %r = Add(%a, %n);"
                               "return(%r)"));
  EXPECT_TRUE(matches(pattern, "%n = number 1; %e = Erf(%x); %a = Sub(%n, %y); %r = Add(%a, %e);"
                               "return(%r)"));
  EXPECT_TRUE(matches(pattern, "%n = number -1; %e = Erf(%x); %a = Add(%y, %n); %r = Sub(%e, %a);"
                               "return(%r)"));
  EXPECT_TRUE(matches(pattern, "%n = number 1; %e = Erf(%x); %m = Neg(%y); %a = Add(%m, %e);"
                               "%r = Add(%n, %a); return(%r)"));
  EXPECT_FALSE(matches(pattern, "%n = number 1; %e = Erf(%x); %a = Sub(%y, %e); %r = Add(%a, %n);"
                                "return(%r)"));
  EXPECT_FALSE(matches(pattern, "%e = Erf(%x); %r = Sub(%e, %y); return(%r)"));
}

TEST(Match, OpenNumbersAreThoseOfTheWholeChain) {
  auto valueOf = [](const Pattern &pattern, const std::string &body) {
    Graph graph(body);
    std::optional<Match> m = pattern.match(graph.root());
    return m ? m->at(number) : NAN;
  };
  EXPECT_EQ(valueOf(number * x, "%a = number 3; %r = Mul(%x, %a); return(%r)"), 3);
  EXPECT_EQ(valueOf(number * x, "%a = number 4; %r = Div(%x, %a); return(%r)"), 0.25);
  EXPECT_EQ(valueOf(number * x, "return(%x)"), 1);
  EXPECT_EQ(valueOf(2 * number * x, "%a = number 3; %r = Mul(%x, %a); return(%r)"), 1.5);
  EXPECT_EQ(valueOf(number + x, "%a = number 3; %r = Sub(%x, %a); return(%r)"), -3);
  EXPECT_EQ(valueOf(number + x, "return(%x)"), 0);
  EXPECT_EQ(valueOf(op(OpKind::Max, {x, number}), "%a = number 3; %r = Max(%a, %x); return(%r)"),
            3);
  // Met again, it is the same number.
  const Pattern twice = number * erf(x) + number * tanh(x);
  const std::string terms = "%a = number 3; %d = number 4; %e = Erf(%x); %t = Tanh(%x); ";
  EXPECT_EQ(
      valueOf(twice, terms + "%b = Mul(%e, %a); %c = Mul(%a, %t); %r = Add(%b, %c); return(%r)"),
      3);
  EXPECT_TRUE(std::isnan(
      valueOf(twice, terms + "%b = Mul(%e, %a); %c = Mul(%d, %t); %r = Add(%b, %c); return(%r)")));
}

TEST(Match, NumbersAreScalarsAndSplatsThatKeepTheShape) {
  auto times = [](const std::string &constant) {
    return "%a = Constant() {value = dense<" + constant + ">}; %r = Mul(%x, %a); return(%r)";
  };
  EXPECT_TRUE(matches(2 * x, times("f32[]: 2.0")));
  EXPECT_TRUE(matches(2 * x, times("f32[1]: 2.0")));
  EXPECT_TRUE(matches(2 * x, times("f32[3]: 2.0, 2.0, 2.0")));
  EXPECT_TRUE(matches(2 * x, times("f32[2,3]: 2.0, 2.0, 2.0, 2.0, 2.0, 2.0")));
  EXPECT_TRUE(matches(2 * x, times("f32[]: 2.000001")));
  EXPECT_FALSE(matches(2 * x, times("f32[]: 2.0001")));
  EXPECT_FALSE(matches(2 * x, times("f32[3]: 2.0, 2.0, 2.5")));
  EXPECT_FALSE(matches(2 * x, times("f32[1,1,1]: 2.0")));
  EXPECT_FALSE(matches(2 * x, times("f32[2,2,3]: 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0,"
                                    " 2.0, 2.0")));
}

TEST(Match, PartsOfAChainThatOthersUseStayWhole) {
  // %a is a value of its own, and not two factors.
  const std::string body = "%a = Mul(%x, %y); %e = Erf(%a); %r = Mul(%a, %e); return(%r)";
  EXPECT_TRUE(matches(z * erf(z), body));
  EXPECT_FALSE(matches(x * y * erf(z), body));
}

TEST(Match, AProductOrSumMayBeOneLeaf) {
  const Pattern scaled = x * erf(number * x);
  EXPECT_TRUE(matches(scaled, "%a = Mul(%x, %y); %e = Erf(%a); %r = Mul(%a, %e); return(%r)"));
  EXPECT_TRUE(matches(erf(x) + z, "%a = Add(%x, %y); %e = Erf(%x); %r = Add(%e, %a); return(%r)"));
  EXPECT_TRUE(matches(erf(x) * op(OpKind::Div, {y, z}),
                      "%a = Div(%x, %y); %e = Erf(%x); %r = Mul(%e, %a); return(%r)"));
  EXPECT_FALSE(matches(erf(x) + z, "%a = Sub(%x, %y); %e = Erf(%x); %r = Sub(%e, %a); return(%r)"));
}

TEST(Match, AlternativesAreTriedUntilAllFits) {
  const Pattern either = erf(x) | op(OpKind::Relu, {x});
  EXPECT_TRUE(matches(either, "%r = Erf(%x); return(%r)"));
  EXPECT_TRUE(matches(either, "%r = Relu(%x); return(%r)"));
  EXPECT_FALSE(matches(either, "%r = Tanh(%x); return(%r)"));
  // The first alternative takes the Relu as %x, which then is not the other operand.
  const Pattern late = op(OpKind::Sub, {x | op(OpKind::Relu, {x}), x});
  EXPECT_TRUE(matches(late, "%a = Relu(%x); %r = Sub(%a, %x); return(%r)"));
}

TEST(Match, CapturesOfAFailedAlternativeAreForgotten) {
  const Pattern pattern = op(OpKind::Sub, {erf(x) | tanh(y), z});
  Graph graph("%a = Tanh(%x); %r = Sub(%a, %z); return(%r)");
  std::optional<Match> m = pattern.match(graph.root());
  ASSERT_TRUE(m);
  EXPECT_EQ(m->at(x), nullptr);
  EXPECT_EQ(m->at(y), graph.arg(0));
  EXPECT_EQ(m->ops().size(), 2u);
  EXPECT_EQ(m->ops().front(), graph.root()->definingOp());
}

TEST(Match, ConditionsAndMeasures) {
  auto axisOf = [](Value &value) -> std::optional<double> {
    return value.definingOp()->attrs.getInt("axis");
  };
  const Pattern softmax = op(OpKind::Softmax, {x}).with(number, axisOf);
  Graph graph("%r = Softmax(%x) {axis = 1}; return(%r)");
  EXPECT_EQ(softmax.match(graph.root())->at(number), 1);
  EXPECT_TRUE(
      softmax.where([](Value &value) { return value.type.rank() == 2; }).match(graph.root()));
  EXPECT_FALSE(
      softmax.where([](Value &value) { return value.type.rank() == 3; }).match(graph.root()));
  const Pattern named = op(OpKind::Sub, {erf(x).as(y), y});
  EXPECT_TRUE(matches(named, "%a = Erf(%x); %r = Sub(%a, %a); return(%r)"));
  EXPECT_FALSE(matches(named, "%a = Erf(%x); %r = Sub(%a, %y); return(%r)"));
  EXPECT_TRUE(
      matches(op(OpKind::Mul, {x, constant()}), "%n = number 3; %r = Mul(%n, %x); return(%r)"));
  EXPECT_FALSE(matches(op(OpKind::Mul, {x, constant()}), "%r = Mul(%y, %x); return(%r)"));
}

TEST(Match, CastsToWiderFloatsAreSeenThrough) {
  const Pattern pattern = erf(widened(op(OpKind::Relu, {x})));
  EXPECT_TRUE(
      matches(pattern, "%a = Relu(%h); %b = Cast(%a) {to = f32}; %r = Erf(%b); return(%r)"));
  EXPECT_TRUE(matches(pattern, "%a = Relu(%x); %r = Erf(%a); return(%r)"));
  EXPECT_FALSE(
      matches(pattern, "%a = Relu(%x); %b = Cast(%a) {to = f16}; %r = Erf(%b); return(%r)"));
}

TEST(Match, LongChainsEndTheSearch) {
  std::string body = "%a0 = Mul(%x, %x)";
  for (int i = 1; i < 20000; i++)
    body += "; %a" + std::to_string(i) + " = Mul(%a" + std::to_string(i - 1) + ", %y)";
  EXPECT_FALSE(matches(x * y * z * erf(x), body + "; return(%a19999)"));
}

} // namespace
