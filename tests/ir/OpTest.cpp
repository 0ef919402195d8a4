// Use lists and ownership of the IR's nodes, and attribute dictionaries.
#include "ir/Op.h"

#include "ir/Builder.h"

#include <gtest/gtest.h>

using namespace cameo;

namespace {

struct Fixture : testing::Test {
  Module module;
  Func *func = module.addFunc("f");
  Value *x = func->body.addArg(Type::tensor(DType::F32, {2}), "x");
  Builder builder{module, func->body};

  Value *relu(Value *value) { return builder.graphValue(OpKind::Relu, {value}); }
};

using OpTest = Fixture;

TEST_F(OpTest, UsersCountEachUse) {
  Value *sum = builder.graphValue(OpKind::Add, {x, x});
  EXPECT_EQ(x->users(), (std::vector<Op *>{sum->definingOp(), sum->definingOp()}));
  sum->definingOp()->setOperand(1, nullptr);
  EXPECT_TRUE(x->hasOneUse());
  EXPECT_EQ(sum->definingOp()->operand(1), nullptr);
  EXPECT_EQ(sum->definingOp()->operand(7), nullptr);
}

TEST_F(OpTest, ReplaceAllUses) {
  Value *a = relu(x), *b = builder.graphValue(OpKind::Add, {a, a}), *c = relu(a);
  a->replaceAllUsesWith(x);
  EXPECT_TRUE(a->users().empty());
  EXPECT_EQ(x->users().size(), 4u);
  EXPECT_EQ(b->definingOp()->operand(0), x);
  EXPECT_EQ(c->definingOp()->operand(0), x);
  a->definingOp()->erase();
  EXPECT_EQ(x->users().size(), 3u);
  EXPECT_EQ(func->body.ops().size(), 2u);
}

TEST_F(OpTest, BuilderInsertsWhereToldTo) {
  Value *a = relu(x), *c = relu(a);
  builder.before(c->definingOp());
  Value *b = relu(a);
  builder.after(a->definingOp());
  Value *d = relu(a);
  std::vector<Op *> order;
  for (const std::unique_ptr<Op> &op : func->body.ops())
    order.push_back(op.get());
  EXPECT_EQ(order, (std::vector<Op *>{a->definingOp(), d->definingOp(), b->definingOp(),
                                      c->definingOp()}));
  c->definingOp()->moveBefore(a->definingOp());
  EXPECT_EQ(func->body.ops().front().get(), c->definingOp());
}

TEST_F(OpTest, FailedOpsLeaveNothing) {
  Value *scalar = func->body.addArg(Type::tensor(DType::I32, {2}));
  Result<Op *> op = builder.graph(OpKind::Add, {x, scalar});
  ASSERT_FALSE(op);
  EXPECT_TRUE(x->users().empty());
  EXPECT_TRUE(func->body.empty());
}

TEST_F(OpTest, BlocksMayBeTornDownInAnyOrder) {
  Op *outer = builder.create(OpKind::TeamSingle, {}, {}, {}, 1);
  Builder inside(module, outer->region());
  inside.create(OpKind::LoopYield, {relu(x)}, {});
  EXPECT_FALSE(x->users().empty());
}

TEST(AttrDict, KeepsOrderAndReplaces) {
  AttrDict attrs;
  attrs.set("b", int64_t{1});
  attrs.set("a", 2.0);
  attrs.set("b", int64_t{3});
  EXPECT_EQ(attrs.begin()->first, "b");
  EXPECT_EQ(attrs.getInt("b"), 3);
  EXPECT_EQ(attrs.getFloat("a"), 2.0);
  EXPECT_EQ(attrs.getInt("c", 7), 7);
  attrs.erase("b");
  EXPECT_FALSE(attrs.has("b"));
}

TEST(ConstData, Elements) {
  ConstRef splat = makeSplat(DType::F16, {2, 3}, 0.5);
  EXPECT_EQ(splat->numElements(), 6);
  EXPECT_EQ(constFloat(*splat, 5), 0.5);
  EXPECT_EQ(constInts(*makeConst({-1, 2})), (std::vector<int64_t>{-1, 2}));
  EXPECT_EQ(constInt(*makeSplat(DType::F32, {}, 1e30), 0), INT64_MAX);
  EXPECT_EQ(makeSplat(DType::I64, {0}, 1)->numElements(), 0);
}

} // namespace
