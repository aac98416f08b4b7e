# SPDX-License-Identifier: Apache-2.0
# Run by CPack over the staged files: Debian's Python looks for packages in dist-packages, of all minor versions.
# Without dpkg-shlibdeps CPack would only drop the dependencies.
find_program(shlibdeps dpkg-shlibdeps)
if(NOT shlibdeps)
  message(FATAL_ERROR "dpkg-dev is missing, and without it the package would depend on nothing: scripts/setup --package")
endif()
file(GLOB folders ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/lib/python3.*/site-packages)
foreach(folder ${folders})
  file(MAKE_DIRECTORY ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/lib/python3)
  file(RENAME ${folder} ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/lib/python3/dist-packages)
  get_filename_component(left ${folder} DIRECTORY)
  file(REMOVE_RECURSE ${left})
endforeach()
set(documents ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/doc/tcpassay)
if(EXISTS ${documents}/LICENSE)
  file(RENAME ${documents}/LICENSE ${documents}/copyright)
endif()
