// See Provenance.h.
#include "tools/Provenance.h"

namespace cameo {

nlohmann::ordered_json provenanceOf(const CompileRequest &request) {
  return {{"version", CAMEO_VERSION},
          {"precision", request.target.precision},
          {"winograd", request.target.winograd},
          {"optimize", request.target.optimize},
          {"dims", request.sizes.dims},
          {"shapes", request.sizes.shapes},
          {"tuned", !request.plans.empty()},
          {"skip_passes", request.passes.skipPasses}};
}

nlohmann::ordered_json metadataOf(const cameo_model &model) {
  auto json = nlohmann::ordered_json::parse(model.metadata, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : nlohmann::ordered_json::object();
}

void adoptProvenance(const cameo_model &model, CompileRequest &request) {
  nlohmann::ordered_json made = metadataOf(model).value("cameo", nlohmann::ordered_json::object());
  request.target.precision = made.value("precision", request.target.precision);
  // Of two sizes for a name the last counts.
  auto add = [&](const char *key, std::vector<std::string> &given) {
    auto texts = made.value(key, std::vector<std::string>());
    given.insert(given.begin(), texts.begin(), texts.end());
  };
  add("dims", request.sizes.dims);
  add("shapes", request.sizes.shapes);
}

} // namespace cameo
