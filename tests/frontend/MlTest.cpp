// What nodes of ai.onnx.ml become, and which of them are refused.
#include "Models.h"

namespace cameo::test {
namespace {

/// A model of one node of the domain on x, to be completed by the test.
struct MlNode : Model {
  MlNode(const std::string &op, const std::vector<std::string> &outputs = {"y"})
      : Model(21), node(&graph.input("x", {"N", "3"}).node(op, {"x"}, outputs)) {
    onnx::OperatorSetIdProto *opset = proto.add_opset_import();
    opset->set_domain("ai.onnx.ml");
    opset->set_version(3);
    node->set_domain("ai.onnx.ml");
    for (const std::string &output : outputs)
      graph.output(output);
  }
  onnx::NodeProto *node;

  void strings(const std::string &name, const std::vector<std::string> &values) const {
    onnx::AttributeProto &attribute = *node->add_attribute();
    attribute.set_name(name);
    attribute.set_type(8); // strings
    for (const std::string &value : values)
      attribute.add_strings(value);
  }
};

/// One branch and its two leaves.
struct Stump : MlNode {
  Stump() : MlNode("TreeEnsembleRegressor") {
    setInts(*node, "nodes_treeids", {0, 0, 0});
    setInts(*node, "nodes_nodeids", {0, 1, 2});
    setInts(*node, "nodes_featureids", {2, 0, 0});
    setFloats(*node, "nodes_values", {0.5, 0, 0});
    setInts(*node, "nodes_truenodeids", {1, 0, 0});
    setInts(*node, "nodes_falsenodeids", {2, 0, 0});
    setInts(*node, "target_treeids", {0, 0});
    setInts(*node, "target_nodeids", {1, 2});
    setInts(*node, "target_ids", {0, 0});
    setFloats(*node, "target_weights", {1, 2});
    strings("nodes_modes", {"BRANCH_LEQ", "LEAF", "LEAF"});
  }
  onnx::AttributeProto &attribute(const std::string &name) const {
    for (onnx::AttributeProto &attribute : *node->mutable_attribute())
      if (attribute.name() == name)
        return attribute;
    ADD_FAILURE() << "no attribute " << name;
    return *node->mutable_attribute(0);
  }
};

const std::string kTree = "node 'TreeEnsembleRegressor_0' (TreeEnsembleRegressor): ";
const std::string kRefusedTree =
    "node 'TreeEnsembleRegressor_0' (TreeEnsembleRegressor, domain 'ai.onnx.ml', opset 3): ";

TEST(Ml, LinearModels) {
  MlNode model("LinearClassifier", {"label", "scores"});
  setFloats(*model.node, "coefficients", {1, 2, 3, 4, 5, 6});
  setInts(*model.node, "classlabels_ints", {4, 7});
  std::unique_ptr<Module> module = model.ok();
  EXPECT_EQ(find(module->main().body, "Gemm").result()->type.str(), "f32[N,2]");
  EXPECT_EQ(find(module->main().body, "Gather").result()->type.str(), "i64[N]");
  setString(*model.node, "post_transform", "PROBIT");
  EXPECT_EQ(model.error(),
            "node 'LinearClassifier_0' (LinearClassifier, domain 'ai.onnx.ml', opset "
            "3): attribute 'post_transform': 'PROBIT' is not supported");
  setFloats(*model.node, "intercepts", {1, 2, 3, 4});
  EXPECT_EQ(model.error(), "node 'LinearClassifier_0' (LinearClassifier): cannot make 4 rows of 6 "
                           "coefficients and 4 intercepts");
}

TEST(Ml, StringsAreRefused) {
  MlNode encoder("LabelEncoder");
  encoder.strings("keys_strings", {"a"});
  EXPECT_EQ(encoder.error(), "node 'LabelEncoder_0' (LabelEncoder, domain 'ai.onnx.ml', opset 3): "
                             "only keys that are numbers are supported");
  MlNode classifier("LinearClassifier");
  classifier.strings("classlabels_strings", {"a"});
  EXPECT_EQ(classifier.error(), "node 'LinearClassifier_0' (LinearClassifier, domain 'ai.onnx.ml', "
                                "opset 3): classes that are strings are not supported");
  EXPECT_EQ(MlNode("ZipMap").error(), "node 'ZipMap_0' (ZipMap, domain 'ai.onnx.ml', opset 3): the "
                                      "operator is not supported");
}

TEST(Ml, Trees) {
  std::unique_ptr<Module> module = Stump().ok();
  EXPECT_EQ(find(module->main().body, "LessOrEqual").result()->type.str(), "bool[N,1]");
  EXPECT_EQ(resultType(*module), "f32[N,1]");
}

TEST(Ml, BrokenTrees) {
  {
    Stump model;
    model.attribute("nodes_truenodeids").set_ints(0, 9);
    EXPECT_EQ(model.error(), kTree + "tree 0 has no node 9");
  }
  {
    Stump model;
    model.attribute("nodes_truenodeids").set_ints(0, 0);
    EXPECT_EQ(model.error(), kTree + "the branches of a tree come together or go round");
  }
  {
    Stump model;
    model.attribute("nodes_nodeids").set_ints(2, 1);
    EXPECT_EQ(model.error(), kTree + "tree 0 has two nodes 1");
  }
  {
    Stump model;
    model.attribute("nodes_values").add_floats(1);
    EXPECT_EQ(model.error(), kTree + "attributes 'nodes_*': expected lists of one length");
  }
  {
    Stump model;
    model.attribute("target_ids").set_ints(0, 1);
    EXPECT_EQ(model.error(), kTree + "there is no node 1 in tree 0, or no target 1");
  }
  {
    Stump model;
    model.attribute("nodes_featureids").set_ints(0, -1);
    EXPECT_EQ(model.error(), kTree + "there is no feature -1");
  }
  {
    Stump model;
    model.attribute("nodes_modes").set_strings(0, "BRANCH_MEMBER");
    EXPECT_EQ(model.error(), kTree + "there is no mode 'BRANCH_MEMBER' of branches");
  }
}

TEST(Ml, TreesThatAreRefused) {
  Stump model;
  setInt(*model.node, "n_targets", 2);
  setFloats(*model.node, "base_values", {1, 2});
  EXPECT_EQ(model.error(), kRefusedTree +
                               "a base value of a target that some leaves have no weight "
                               "for is not supported");
  setString(*model.node, "aggregate_function", "MIN");
  EXPECT_EQ(model.error(), kRefusedTree + "the least or most of leaves without a weight is not "
                                          "supported");
}

} // namespace
} // namespace cameo::test
