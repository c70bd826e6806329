# What is installed beside the program and what deploy/ has, and the Debian package that CPack makes of
# it: `scripts/package.sh`, or `cpack --preset release` after a build.

# Schema, completions, man pages, samples, papers. The samples name the schema as a path relative to where they come to lie.
install(FILES config/crawld.schema.json DESTINATION share/crawld)
install(FILES deploy/completion/crawld.bash DESTINATION share/bash-completion/completions RENAME crawld)
install(FILES deploy/completion/_crawld DESTINATION share/zsh/site-functions)
install(FILES deploy/completion/crawld.fish DESTINATION share/fish/vendor_completions.d)
install(FILES man/crawld.1 DESTINATION share/man/man1)
install(FILES man/crawld.yaml.5 DESTINATION share/man/man5)
foreach(sample example minimal)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS config/${sample}.yaml)
  file(READ config/${sample}.yaml text)
  string(REPLACE "$schema=crawld.schema.json" "$schema=../../../crawld/crawld.schema.json" text "${text}")
  file(GENERATE OUTPUT "${PROJECT_BINARY_DIR}/samples/${sample}.yaml" CONTENT "${text}")
  install(FILES "${PROJECT_BINARY_DIR}/samples/${sample}.yaml" DESTINATION share/doc/crawld/examples)
endforeach()
install(DIRECTORY deploy/grafana deploy/prometheus DESTINATION share/doc/crawld/examples OPTIONAL)
install(FILES README.md CHANGELOG.md DESTINATION share/doc/crawld)
install(DIRECTORY docs DESTINATION share/doc/crawld FILES_MATCHING PATTERN "*.md")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME crawld)
set(CRAWLD_MAINTAINER "crawld maintainers <maintainers@crawld.invalid>" CACHE STRING
    "Who answers for the Debian package: a name and an address")
set(CPACK_PACKAGE_CONTACT "${CRAWLD_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "polite crawl daemon that archives the web")
set(CPACK_PACKAGE_DESCRIPTION
"crawld fetches the web behind a list of URLs, obeys robots.txt, asks a host
no more often than it is allowed, reads the pages, follows their links, and
keeps everything: the responses as WARC/1.1, what each page says as JSON, and
an exact account of every URL it ever found.
 
It loses nothing and archives nothing twice: after a crash it goes on from its
last commit. Its memory is bounded by its configuration, not by the size of
the crawl. A crawl is one YAML file and one instance of a systemd service.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/package")
set(CPACK_VERBATIM_VARIABLES ON)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION web)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# For the user and the folders; containers may have the small ones.
set(CPACK_DEBIAN_PACKAGE_DEPENDS
    "systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles")
# What certificates are checked against; fetcher.ca_file can take its place.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(debian "${PROJECT_SOURCE_DIR}/deploy/debian")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${debian}/conffiles;${debian}/postinst;${debian}/prerm;${debian}/postrm")
# What Debian wants otherwise than `cmake --install` leaves it.
set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/cmake/CrawldDebianTree.cmake")
set(CPACK_CRAWLD_DEBIAN "${debian}")
set(CPACK_CRAWLD_STRIP "${CMAKE_STRIP}")
# Packing takes the program, not all of its tests.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
include(CPack)
