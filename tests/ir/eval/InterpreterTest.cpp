// Whole functions: inputs, lifetimes, budgets, control flow.
#include "tests/ir/eval/EvalTesting.h"

namespace cameo::test {
namespace {

struct Graph {
  Module module;
  Func *func = module.addFunc("main");
  Builder builder{module, func->body};

  Value *input(DType dtype, Dims dims, std::string name) {
    return func->body.addArg(Type::tensor(dtype, std::move(dims)), std::move(name));
  }
  void finish(std::vector<Value *> results) {
    builder.create(OpKind::LoopReturn, std::move(results), {});
  }
  Result<std::vector<RuntimeValue>> run(const std::vector<ConstRef> &inputs,
                                        const EvalOptions &options = {}) {
    std::vector<RuntimeValue> values;
    for (const ConstRef &input : inputs)
      values.emplace_back(*Tensor::view(input));
    return interpret(*func, values, options);
  }
};

std::vector<double> numbersOf(const Result<std::vector<RuntimeValue>> &got, size_t i = 0) {
  EXPECT_TRUE(got) << got.error().message;
  return got ? numbers((*got)[i].tensor()) : std::vector<double>{};
}

TEST(EvalInterpreter, ChecksInputs) {
  Graph g;
  Value *x = g.input(DType::F32, {Dim::symbol("N"), 2}, "x");
  Value *y = g.input(DType::F32, {Dim::symbol("N"), 2}, "y");
  g.finish({g.builder.graphValue(OpKind::Add, {x, y})});
  ConstRef two = f32({1, 2}, {1, 2}), four = f32({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(numbersOf(g.run({two, two})), (std::vector<double>{2, 4}));
  auto message = [&](const std::vector<ConstRef> &inputs) {
    Result<std::vector<RuntimeValue>> got = g.run(inputs);
    return got ? "" : got.error().message;
  };
  EXPECT_EQ(message({two}), "expected 2 inputs, got 1");
  EXPECT_EQ(message({two, four}), "input 'y': expected N = 1 in dim 0, got 2");
  EXPECT_EQ(message({two, f32({1, 3}, {1, 2, 3})}), "input 'y': expected f32[N,2], got f32[1,3]");
  EXPECT_EQ(message({i64({1, 2}, {1, 2}), two}), "input 'x': expected f32[N,2], got i64[1,2]");
}

TEST(EvalInterpreter, FreesValuesAfterTheirLastUse) {
  Graph g;
  Value *x = g.input(DType::F32, {1000}, "x");
  Value *y = x;
  for (int i = 0; i < 100; i++)
    y = g.builder.graphValue(OpKind::Neg, {y});
  g.finish({y});
  EvalOptions options;
  options.memoryLimit = 10000; // two tensors of 4000 bytes, not three
  int64_t ops = 0;
  options.observer = [&](Op &op, std::span<const RuntimeValue> results) {
    ops += op.kind() == OpKind::Neg && results.size() == 1;
  };
  Result<std::vector<RuntimeValue>> got = g.run({noise({1000})}, options);
  EXPECT_TRUE(got) << got.error().message;
  EXPECT_EQ(ops, 100);
  options.memoryLimit = 6000;
  EXPECT_FALSE(g.run({noise({1000})}, options));
}

TEST(EvalInterpreter, NamesNodesWithoutEvaluator) {
  EXPECT_FALSE(hasEvaluator(OpKind::ScalarAdd));
  EXPECT_TRUE(hasEvaluator(OpKind::Conv));
}

/// A Loop over one carried scalar that doubles it, collects it, and goes on while it is under 50.
Op *doublingLoop(Graph &g, Value *limit, Value *start, Value *condition) {
  Op *loop = g.builder.create(
      OpKind::Loop, {limit, condition, start},
      {Type::tensor(DType::F32, {}), Type::tensor(DType::F32, {Dim::symbol("trips")})}, {}, 1);
  loop->loc.nodes = {"the_loop"};
  Block &body = loop->region();
  body.addArg(Type::tensor(DType::I64, {}));
  body.addArg(Type::tensor(DType::Bool, {}));
  Value *carried = body.addArg(Type::tensor(DType::F32, {}));
  Builder inner(g.module, body);
  Value *twice = inner.graphValue(OpKind::Add, {carried, carried});
  Value *again = inner.graphValue(OpKind::Less, {twice, inner.constant(f32({}, {50}))});
  inner.create(OpKind::LoopYield, {again, twice, twice}, {});
  return loop;
}

TEST(EvalInterpreter, LoopsUntilConditionOrTripCount) {
  Graph g;
  Value *limit = g.input(DType::I64, {}, "limit"), *start = g.input(DType::F32, {}, "start");
  Op *loop = doublingLoop(g, limit, start, nullptr);
  g.finish({loop->result(0), loop->result(1)});
  Result<std::vector<RuntimeValue>> got = g.run({i64({}, {100}), f32({}, {10})});
  EXPECT_EQ(numbersOf(got, 0), (std::vector<double>{80}));
  EXPECT_EQ(numbersOf(got, 1), (std::vector<double>{20, 40, 80}));
  got = g.run({i64({}, {2}), f32({}, {1})});
  EXPECT_EQ(numbersOf(got, 1), (std::vector<double>{2, 4}));
  got = g.run({i64({}, {0}), f32({}, {1})});
  EXPECT_EQ(numbersOf(got, 0), (std::vector<double>{1}));
  EXPECT_EQ(numbersOf(got, 1), (std::vector<double>{}));
}

TEST(EvalInterpreter, EndlessLoopsRunOutOfWork) {
  Graph g;
  Value *start = g.input(DType::F32, {}, "start");
  Op *loop = doublingLoop(g, nullptr, start, nullptr);
  g.finish({loop->result(0)});
  EvalOptions options;
  options.workLimit = 10'000'000;
  Result<std::vector<RuntimeValue>> got = g.run({f32({}, {0})}, options);
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message.find("work budget"), std::string::npos) << got.error().message;
}

TEST(EvalInterpreter, IfSeesValuesAroundIt) {
  Graph g;
  Value *condition = g.input(DType::Bool, {}, "c"), *x = g.input(DType::F32, {2}, "x");
  Op *branch = g.builder.create(OpKind::If, {condition}, {Type::tensor(DType::F32, {2})}, {}, 2);
  for (OpKind kind : {OpKind::Neg, OpKind::Exp}) {
    Builder inner(g.module, branch->region(kind == OpKind::Exp));
    inner.create(OpKind::LoopYield, {inner.graphValue(kind, {x})}, {});
  }
  g.finish({branch->result()});
  EXPECT_EQ(numbersOf(g.run({data(DType::Bool, {}, {1}), f32({2}, {1, 2})})),
            (std::vector<double>{-1, -2}));
  EXPECT_EQ(numbersOf(g.run({data(DType::Bool, {}, {0}), f32({2}, {0, 0})})),
            (std::vector<double>{1, 1}));
}

TEST(EvalInterpreter, ScanWalksBackwards) {
  Graph g;
  Value *state = g.input(DType::F32, {}, "s"), *x = g.input(DType::F32, {3}, "x");
  AttrDict attributes = attrs({{"num_scan_inputs", int64_t{1}},
                               {"scan_input_directions", ints({1})},
                               {"scan_output_directions", ints({1})}});
  Op *scan = g.builder.create(OpKind::Scan, {state, x},
                              {Type::tensor(DType::F32, {}), Type::tensor(DType::F32, {3})},
                              attributes, 1);
  Block &body = scan->region();
  Value *sum = body.addArg(Type::tensor(DType::F32, {}));
  Value *element = body.addArg(Type::tensor(DType::F32, {}));
  Builder inner(g.module, body);
  Value *next = inner.graphValue(OpKind::Add, {sum, element});
  inner.create(OpKind::LoopYield, {next, next}, {});
  g.finish({scan->result(0), scan->result(1)});
  Result<std::vector<RuntimeValue>> got = g.run({f32({}, {0}), f32({3}, {1, 2, 4})});
  EXPECT_EQ(numbersOf(got, 0), (std::vector<double>{7}));
  EXPECT_EQ(numbersOf(got, 1), (std::vector<double>{7, 6, 4}));
}

TEST(EvalInterpreter, ConstantsAreReadAtAnyAddress) {
  // Raw data in a model file starts wherever the file has it.
  auto bytes = std::make_shared<std::vector<std::byte>>(4 * 3 + 1);
  float values[3] = {1, 2, 3};
  std::memcpy(bytes->data() + 1, values, sizeof values);
  auto odd = std::make_shared<ConstData>();
  odd->dims = {3};
  odd->bytes = std::span(*bytes).subspan(1);
  odd->owner = bytes;
  expectTensor(test::run(OpKind::CumSum, {odd, i64({}, {0})}), 0, {3}, {1, 3, 6});
}

} // namespace
} // namespace cameo::test
