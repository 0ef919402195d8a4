# cameo_sanitized_together(TARGET): with sanitizers, up to eight sources of TARGET are compiled as one.
# Half of the time to compile them alone goes into what each instantiates again. Names in unnamed
# namespaces must then differ between the files of a target. A file that cannot do with that has the
# property SKIP_UNITY_BUILD_INCLUSION. Other builds compile each file alone, as one change is then
# compiled sooner.
function(cameo_sanitized_together target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${CAMEO_SANITIZE} UNITY_BUILD_BATCH_SIZE 8)
endfunction()
