# cameo_together(TARGET): where CAMEO_TOGETHER is ON, up to eight sources of TARGET are compiled as one.
# Half of the time to compile them alone goes into what each instantiates again. Names in unnamed
# namespaces must then differ between the files of a target. A file that cannot do with that has the
# property SKIP_UNITY_BUILD_INCLUSION. Builds that compile each file alone, which is the default, have
# one change compiled sooner.
option(CAMEO_TOGETHER "Compile several sources at once: sooner done from nothing" OFF)

function(cameo_together target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${CAMEO_TOGETHER} UNITY_BUILD_BATCH_SIZE 8)
endfunction()
