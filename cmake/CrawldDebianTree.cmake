# Run by CPack between installing into a folder and packing it: the example of /etc, Debian's changelog
# and copyright, and what Debian's policy wants stripped or compressed.
set(root "${CPACK_TEMPORARY_INSTALL_DIRECTORY}")
set(doc "${root}/usr/share/doc/crawld")

file(READ "${doc}/examples/example.yaml" text)
string(REPLACE "$schema=../../../crawld/" "$schema=/usr/share/crawld/" text "${text}")
file(MAKE_DIRECTORY "${root}/etc/crawld")
file(WRITE "${root}/etc/crawld/example.yaml" "${text}")

file(COPY_FILE "${CPACK_CRAWLD_DEBIAN}/copyright" "${doc}/copyright")
file(COPY_FILE "${CPACK_CRAWLD_DEBIAN}/changelog" "${doc}/changelog")

# Debian's zsh looks there for what packages bring.
file(RENAME "${root}/usr/share/zsh/site-functions" "${root}/usr/share/zsh/vendor-completions")

file(GLOB compressed "${doc}/changelog" "${doc}/CHANGELOG.md" "${root}/usr/share/man/man*/*")
foreach(path IN LISTS compressed)
  execute_process(COMMAND gzip -9n "${path}" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
execute_process(COMMAND "${CPACK_CRAWLD_STRIP}" --remove-section=.comment --remove-section=.note
                        "${root}/usr/bin/crawld" COMMAND_ERROR_IS_FATAL ANY)
# Whatever the umask of who builds.
execute_process(COMMAND chmod -R u+rwX,go+rX,go-w "${root}" COMMAND_ERROR_IS_FATAL ANY)
