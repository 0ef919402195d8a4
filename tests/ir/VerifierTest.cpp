// Well-formed modules pass, and each kind of fault is found and named.
#include "ir/Verifier.h"

#include "ir/Builder.h"
#include "ir/Parser.h"
#include "ir/Printer.h"

#include <gtest/gtest.h>

using namespace cameo;

namespace {

/// The verifier's message for a function of these ops; the whole text after the function's name.
std::string faultOf(const std::string &ops, const std::string &args = "%x: f32[N,3]") {
  std::string text = "module \"m\" { func @f(" + args + ") {\n" + ops + "} }";
  Result<Module> module = parseModule(text, "t");
  if (!module)
    return "does not parse: " + module.error().message;
  std::string before = print(*module);
  Result<void> checked = verify(*module);
  EXPECT_EQ(print(*module), before);
  if (checked)
    return "fine";
  std::string prefix = "function '@f': ";
  EXPECT_TRUE(checked.error().message.starts_with(prefix)) << checked.error().message;
  return checked.error().message.substr(prefix.size());
}

/// The same for loop-level ops, over some values of each type.
std::string loopFaultOf(const std::string &ops) {
  return faultOf(ops + "\nreturn()",
                 "%i: index, %f: f32, %n: i32, %b: bool, %v: vec<4xf32>, %w: vec<4xi32>, "
                 "%m: vec<4xbool>, %p: ptr<f32>");
}

TEST(Verifier, Structure) {
  EXPECT_EQ(faultOf("return(%x)"), "fine");
  EXPECT_EQ(faultOf(""), "expected 'return' at the end");
  EXPECT_EQ(faultOf("yield(%x)"), "expected 'return' at the end");
  EXPECT_EQ(faultOf("return()\nreturn()"), "expected nothing after a terminator, in `return()`");
  EXPECT_EQ(faultOf("single() ^ { }\nreturn()"),
            "expected 'yield' at the end of a region, in `single()`");
  EXPECT_EQ(faultOf("single() ^ { return() }\nreturn()"),
            "expected 'yield' at the end of a region, in `single()`");
}

TEST(Verifier, GraphOps) {
  EXPECT_EQ(faultOf("%y = Add(%x, %x) : f32[N,3]\nreturn(%y)"), "fine");
  EXPECT_EQ(faultOf("%y = Add(%x) : f32[N,3] return(%y)"),
            "expected 2 operands, got 1, in `%y = Add(%x) : f32[N,3]`");
  EXPECT_EQ(faultOf("%y = Add(%x, _) : f32[N,3] return(%y)"),
            "operand B is missing, in `%y = Add(%x, _) : f32[N,3]`");
  EXPECT_EQ(faultOf("%y, %z = Add(%x, %x) : f32[N,3], f32[] return(%y)"),
            "expected 1 results, got 2, in `%y, %z = Add(%x, %x) : f32[N,3], f32[]`");
  EXPECT_EQ(faultOf("%y = Add(%x, %x) {axis = 1} : f32[N,3] return(%y)"),
            "unknown attribute 'axis', in `%y = Add(%x, %x) {axis = 1} : f32[N,3]`");
  EXPECT_EQ(
      faultOf("%y = Relu(%x) : f32[N,4] return(%y)"),
      "result 0: expected f32[N,3] by inference, got f32[N,4], in `%y = Relu(%x) : f32[N,4]`");
  EXPECT_EQ(
      faultOf("%y = Relu(%x) : f16[N,3] return(%y)"),
      "result 0: expected f32[N,3] by inference, got f16[N,3], in `%y = Relu(%x) : f16[N,3]`");
  EXPECT_EQ(faultOf("%y = Relu(%x) : f32[N,3,1] return(%y)"),
            "result 0: expected f32[N,3] by inference, got f32[N,3,1], in `%y = Relu(%x) : "
            "f32[N,3,1]`");
  EXPECT_EQ(faultOf("%y = Relu(%x) : f32[5,3] return(%y)"), "fine");
  EXPECT_EQ(faultOf("%y = Relu(%x) : f32[*] return(%y)"), "fine");
  EXPECT_EQ(faultOf("%y = Relu(%x) : f32[N,3] known <1> return(%y)"),
            "value '%y' of type f32[N,3] has 1 known elements");
}

TEST(Verifier, Layouts) {
  std::string text = "module \"m\" { func @f(%x: f32[2] @ #a[0; 1, 1]) buffers { #a = arena: "
                     "f32[2] } { return() } }";
  Result<Module> module = parseModule(text, "t");
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_EQ(verify(*module).error().message,
            "function '@f': value '%x' of type f32[2] has 2 strides");
  module->main().body.arg(0)->layout->buffer = 1;
  EXPECT_EQ(verify(*module).error().message, "function '@f': value '%x' is in buffer 1 of 1");
}

TEST(Verifier, DominanceAndUseLists) {
  Module module;
  Func *func = module.addFunc("f");
  Value *x = func->body.addArg(Type::tensor(DType::F32, {}), "x");
  Builder builder(module, func->body);
  Value *y = builder.graphValue(OpKind::Relu, {x});
  Value *z = builder.graphValue(OpKind::Relu, {y});
  builder.create(OpKind::LoopReturn, {z}, {});
  ASSERT_TRUE(verify(module));
  z->definingOp()->moveBefore(y->definingOp());
  EXPECT_EQ(verify(module).error().message,
            "function '@f': operand 0 is not defined before its use, in `%0 = Relu(%1) : f32[]`");
  y->definingOp()->moveBefore(z->definingOp());
  EXPECT_TRUE(verify(module));
  const_cast<std::vector<Op *> &>(x->users()).push_back(z->definingOp());
  EXPECT_EQ(verify(module).error().message,
            "function '@f': the use list of value '%x' is out of step");
  const_cast<std::vector<Op *> &>(x->users()).pop_back();
}

TEST(Verifier, ValuesOfARegionEndWithIt) {
  Module module;
  Func *func = module.addFunc("f");
  Builder builder(module, func->body);
  Op *single = builder.create(OpKind::TeamSingle, {}, {}, {}, 1);
  Builder inside(module, single->region());
  AttrDict attrs;
  attrs.set("value", int64_t{1});
  Value *one = inside.create(OpKind::ScalarConst, {}, {Type::index()}, attrs)->result();
  inside.create(OpKind::LoopYield, {}, {});
  builder.create(OpKind::LoopReturn, {one}, {});
  EXPECT_EQ(verify(module).error().message,
            "function '@f': operand 0 is not defined before its use, in `return(%0)`");
}

TEST(Verifier, DataMustMatchItsShape) {
  Module module;
  Func *func = module.addFunc("f");
  AttrDict attrs;
  attrs.set("value", makeConst(DType::F32, {4}, {}));
  Builder(module, func->body).create(OpKind::Constant, {}, {Type::tensor(DType::F32, {4})}, attrs);
  Builder(module, func->body).create(OpKind::LoopReturn, {}, {});
  EXPECT_NE(verify(module).error().message.find("not as long as its shape"), std::string::npos);
}

TEST(Verifier, ScalarOps) {
  EXPECT_EQ(loopFaultOf("%0 = add(%v, %v) : vec<4xf32>"), "fine");
  EXPECT_EQ(loopFaultOf("%0 = add(%i, %i) : index"), "fine");
  EXPECT_EQ(loopFaultOf("%0 = add(%f, %n) : f32"),
            "operand b: expected f32, got i32, in `%0 = add(%f, %n) : f32`");
  EXPECT_EQ(loopFaultOf("%0 = add(%b, %b) : bool"),
            "operand a: expected numbers, got bool, in `%0 = add(%b, %b) : bool`");
  EXPECT_EQ(loopFaultOf("%0 = add(%f, %f) : i32"),
            "result 0: expected f32, got i32, in `%0 = add(%f, %f) : i32`");
  EXPECT_EQ(loopFaultOf("%0 = and(%f, %f) : f32"),
            "operand a: expected integers or bool, got f32, in `%0 = and(%f, %f) : f32`");
  EXPECT_EQ(loopFaultOf("%0 = exp(%n) : i32"),
            "operand a: expected floats, got i32, in `%0 = exp(%n) : i32`");
  EXPECT_EQ(loopFaultOf("%0 = cmp(%v, %v) {pred = \"lt\"} : vec<4xbool>"), "fine");
  EXPECT_EQ(
      loopFaultOf("%0 = cmp(%v, %v) {pred = \"lt\"} : bool"),
      "result 0: expected vec<4xbool>, got bool, in `%0 = cmp(%v, %v) {pred = \"lt\"} : bool`");
  EXPECT_EQ(loopFaultOf("%0 = cmp(%v, %v) {pred = 1} : bool"),
            "expected attribute 'pred' to be one of eq, ne, lt, le, gt, ge, in `%0 = cmp(%v, %v) "
            "{pred = 1} : bool`");
  EXPECT_EQ(loopFaultOf("%0 = select(%b, %v, %v) : vec<4xf32>"), "fine");
  EXPECT_EQ(loopFaultOf("%0 = select(%m, %v, %v) : vec<4xf32>"), "fine");
  EXPECT_EQ(loopFaultOf("%0 = select(%m, %f, %f) : f32"),
            "operand c: expected bool, got vec<4xbool>, in `%0 = select(%m, %f, %f) : f32`");
  EXPECT_EQ(loopFaultOf("%0 = cast(%i) : i64"), "fine");
  EXPECT_EQ(loopFaultOf("%0 = cast(%i) : f32"),
            "result 0: expected an integer, as the operand is an index, got f32, in `%0 = cast(%i) "
            ": f32`");
  EXPECT_EQ(loopFaultOf("%0 = cast(%v) : f64"),
            "expected as many lanes as the operand has, got vec<4xf32> and f64, in `%0 = cast(%v) "
            ": f64`");
  EXPECT_EQ(loopFaultOf("%0 = bitcast(%v) : vec<16xi8>"), "fine");
  EXPECT_EQ(loopFaultOf("%0 = bitcast(%f) : i16"),
            "expected a result as wide as f32, got i16, in `%0 = bitcast(%f) : i16`");
  EXPECT_EQ(loopFaultOf("%0 = const() {value = 0.5} : i32"),
            "expected an integer as attribute 'value', in `%0 = const() {value = 0.5} : i32`");
}

TEST(Verifier, TileOps) {
  std::string sizes = "[16, 16, 16, 16, 16, 16, 16, 16]";
  EXPECT_EQ(loopFaultOf("tile_configure() {rows = " + sizes + ", bytes = " + sizes + "}"), "fine");
  EXPECT_EQ(loopFaultOf("tile_configure() {rows = [17], bytes = " + sizes + "}"),
            "attribute 'rows': expected 8 numbers up to 16, in `tile_configure() {rows = [17], "
            "bytes = " +
                sizes + "}`");
  EXPECT_EQ(loopFaultOf("tile_load(%p, %i, %i) {tile = 7}"), "fine");
  EXPECT_EQ(loopFaultOf("tile_zero() {tile = 8}"),
            "attribute 'tile': there are 8 tile registers, got number 8, in `tile_zero() {tile = "
            "8}`");
  EXPECT_EQ(loopFaultOf("tile_store(%i, %i, %i) {tile = 0}"),
            "operand p: expected a pointer, got index, in `tile_store(%i, %i, %i) {tile = 0}`");
  EXPECT_EQ(
      loopFaultOf("tile_dot() {sum = 0, a = 1, b = 2, a_type = \"u8\", b_type = \"bf16\"}"),
      "attributes 'a_type' and 'b_type': expected bytes or bf16 in both, in `tile_dot() {sum = 0, "
      "a = 1, b = 2, a_type = \"u8\", b_type = \"bf16\"}`");
}

TEST(Verifier, VectorAndMemoryOps) {
  EXPECT_EQ(loopFaultOf("%0 = splat(%f) : vec<8xf32>"), "fine");
  EXPECT_EQ(loopFaultOf("%0 = splat(%n) : vec<8xf32>"),
            "operand a: expected f32, got i32, in `%0 = splat(%n) : vec<8xf32>`");
  EXPECT_EQ(loopFaultOf("%a = bitcast(%w) : vec<8xi16>\n%0 = dot(%w, %a, %a) : vec<4xi32>"),
            "fine");
  EXPECT_EQ(loopFaultOf("%a = bitcast(%w) : vec<16xi8>\n%0 = matrix_dot(%w, %a, %a) : vec<4xi32>"),
            "fine");
  EXPECT_EQ(loopFaultOf("%0 = matrix_dot(%w, %w, %w) : vec<4xi32>"),
            "operand a: expected vec<16xu8>, got vec<4xi32>, in `%0 = matrix_dot(%w, %w, %w) : "
            "vec<4xi32>`");
  EXPECT_EQ(loopFaultOf("%0 = load(%p, %i, %m) {align = 4} : vec<4xf32>"), "fine");
  EXPECT_EQ(loopFaultOf("%0 = load(%p, %i, %b) : f32"), "fine");
  EXPECT_EQ(loopFaultOf("%0 = load(%p, %i) : i32"),
            "result 0: expected f32, got i32, in `%0 = load(%p, %i) : i32`");
  EXPECT_EQ(loopFaultOf("%0 = load(%p, %n) : f32"),
            "operand i: expected index, got i32, in `%0 = load(%p, %n) : f32`");
  EXPECT_EQ(loopFaultOf("store(%w, %p, %i)"),
            "operand v: expected vec<4xf32>, got vec<4xi32>, in `store(%w, %p, %i)`");
  EXPECT_EQ(loopFaultOf("store(%v, %p, %i, %b)"),
            "operand mask: expected vec<4xbool>, got bool, in `store(%v, %p, %i, %b)`");
  EXPECT_EQ(loopFaultOf("%0 = gather_load(%p, %w) : vec<4xf32>"), "fine");
  EXPECT_EQ(loopFaultOf("%0 = scratch() {count = 2000} : ptr<f32>\n%1 = scratch() {count = 49} : "
                        "ptr<f32>"),
            "expected at most 8192 bytes of scratch in a function, in `%1 = scratch() {count = 49} "
            ": ptr<f32>`");
}

TEST(Verifier, ControlOps) {
  const std::string loop = "%r = for(%i, %i, %i, %f) : f32 ^(%k: index, %a: f32) {\n";
  EXPECT_EQ(loopFaultOf(loop + "yield(%a) }"), "fine");
  EXPECT_EQ(loopFaultOf(loop + "yield() }"),
            "expected 1 yielded values, got 0, in `%r = for(%i, %i, %i, %f) : f32`");
  EXPECT_EQ(loopFaultOf(loop + "yield(%k) }"),
            "yielded value 0: expected f32, got index, in `%r = for(%i, %i, %i, %f) : f32`");
  EXPECT_EQ(loopFaultOf("for(%i, %i, %n) ^(%k: index) { yield() }"),
            "operand step: expected index, got i32, in `for(%i, %i, %n)`");
  EXPECT_EQ(loopFaultOf("for(%i, %i, %i) ^ { yield() }"),
            "expected 1 region arguments, got 0, in `for(%i, %i, %i)`");
  EXPECT_EQ(loopFaultOf("%r = while(%f) : f32 ^(%a: f32) { yield(%b, %a) } ^(%a: f32) { yield(%a) "
                        "}"),
            "fine");
  EXPECT_EQ(loopFaultOf("if(%b) ^ { yield() }"), "fine");
  EXPECT_EQ(loopFaultOf("%r = if(%b) : f32 ^ { yield(%f) }"),
            "expected 2 regions, got 1, in `%r = if(%b) : f32`");
  EXPECT_EQ(loopFaultOf("parallel(%i) ^(%l: index) { yield() }"),
            "expected 2 region arguments, got 1, in `parallel(%i)`");
  EXPECT_EQ(loopFaultOf("call() {callee = \"g\"}"),
            "there is no function '@g', in `call() {callee = \"g\"}`");
  EXPECT_EQ(loopFaultOf("call(%i) {callee = \"f\"}"),
            "expected 8 operands, got 1, in `call(%i) {callee = \"f\"}`");
  EXPECT_EQ(loopFaultOf("barrier() ^ { yield() }"), "expected 0 regions, got 1, in `barrier()`");
  EXPECT_EQ(loopFaultOf("fail() {code = \"split\", node = 1}"), "fine");
  EXPECT_EQ(loopFaultOf("fail() {code = \"own 2\", node = 1}"), "fine");
  for (const char *code : {"\"own -1\"", "\"own 2 \"", "\"own\"", "\"none\"", "\"slip\"", "3"})
    EXPECT_EQ(loopFaultOf("fail() {code = " + std::string(code) + "}"),
              "expected the name of a fault as attribute 'code', in `fail() {code = " +
                  std::string(code) + "}`");
}

TEST(Verifier, Functions) {
  Result<Module> module =
      parseModule("module \"m\" { func @f(%x: f32[]) results(\"y\", \"z\") { return(%x) } }", "t");
  ASSERT_TRUE(module);
  EXPECT_EQ(verify(*module).error().message,
            "function '@f': expected 2 results as it has names for, got 1");
}

} // namespace
