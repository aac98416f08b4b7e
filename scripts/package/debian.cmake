# SPDX-License-Identifier: Apache-2.0
# The Debian package: `cpack --config build/release/CPackConfig.cmake -B build/deb`. It has what `cmake --install`
# installs, and no stack of targets/: ns-3 is GPL, and the others are for those who build them.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tcpassay)
set(CPACK_PACKAGE_VENDOR tcpassay)
set(CPACK_PACKAGE_CONTACT "The tcpassay developers <tcpassay@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "judges TCP implementations by an executable RFC 9293")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "tcpassay plays scenarios on a TCP implementation, judges every event by a model
that is written step by step as the RFCs are, names the clause that was broken
and what would have been allowed. Targets: its own stack, the host kernel, and
any stack by an adapter. With a Python package and a plugin of pytest.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "iproute2, python3")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "python3-pytest, python3-scapy, wireshark")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program documents python)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/debian_layout.cmake)
include(CPack)
