# Included by oneDNN's own project (CMAKE_PROJECT_INCLUDE): what the engine has no use for is not compiled.

# oneDNN compiles the kernels of all primitives, although DNNL_ENABLE_PRIMITIVE leaves most of them out of its lists.
set(PRIMITIVES "conv_bwd|reduction|ref_lrn|pool|resampling|shuffle|softmax|normalization|bnorm|gnorm|lnorm|batch_norm|deconv|concat")
set(UNUSED "(${PRIMITIVES}|cpu/(ref|simple)_sum|xf16_sum|x64/jit_avx512_[a-z0-9_]*(1x1|dw|conv))[^/]*[.]cpp$")
# What others refer to among these.
set(USED_ALL_THE_SAME "(_list|/cpu_concat|jit_prelu_reduction_kernel|jit_avx512_core_amx_conv_kernel)[.]cpp$")

function(compile_less)
  foreach(TARGET dnnl_cpu dnnl_cpu_x64)
    get_target_property(ALL ${TARGET} SOURCES)
    set(USED ${ALL})
    list(FILTER USED EXCLUDE REGEX "${UNUSED}|/(rnn|lrn)/.*[.]cpp$")
    list(FILTER ALL INCLUDE REGEX "${USED_ALL_THE_SAME}")
    list(APPEND USED ${ALL})
    list(REMOVE_DUPLICATES USED)
    set_target_properties(${TARGET} PROPERTIES SOURCES "${USED}")
  endforeach()
  foreach(TARGET dnnl_common dnnl_cpu dnnl_cpu_x64)
    target_compile_options(${TARGET} PRIVATE -Wa,-mbig-obj)  # more sections than an object file of Windows has otherwise
  endforeach()
endfunction()
cmake_language(DEFER CALL compile_less)
