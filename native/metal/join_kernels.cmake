# Writes the text of all kernels in Metal's dialect as one file, which needs no include path:
#
#   cmake -D OUTPUT=<file> -P native/metal/join_kernels.cmake
#
# Every header is there once, where it is first included. With -D LITERAL=ON the file is a C++ raw string literal, for a
# library that hands the text to Metal's compiler on the user's machine.
cmake_minimum_required(VERSION 3.25)
get_filename_component(NATIVE ${CMAKE_CURRENT_LIST_DIR}/.. ABSOLUTE)

# TEXT gets the header's text with its own includes in their place.
set(seen)
function(join header)
  set(text "")
  file(READ ${NATIVE}/${header} left)
  string(REPLACE "#include WINNOW_DIALECT" "#include \"metal/dialect_metal.h\"" left "${left}")
  string(REPLACE "#pragma once\n" "" left "${left}")
  while(left MATCHES "#include \"([^\"]+)\"")
    set(included ${CMAKE_MATCH_1})
    string(FIND "${left}" "#include \"${included}\"" begin)
    string(SUBSTRING "${left}" 0 ${begin} before)
    string(LENGTH "#include \"${included}\"" length)
    math(EXPR behind "${begin} + ${length}")
    string(SUBSTRING "${left}" ${behind} -1 left)
    string(APPEND text "${before}")
    if(NOT included IN_LIST seen)
      list(APPEND seen ${included})
      join(${included})
      string(APPEND text "${TEXT}")
    endif()
  endwhile()
  set(seen ${seen} PARENT_SCOPE)
  set(TEXT "${text}${left}" PARENT_SCOPE)
endfunction()

join(gpu/kernels/kernels.h)
if(LITERAL)
  set(TEXT "R\"winnow(${TEXT})winnow\"\n")
endif()
file(WRITE ${OUTPUT} "${TEXT}")
