#!/bin/sh
# Prints 100 MB, or as many bytes as the second argument says, on stdout, or on stderr with the argument "err", in lines of
# 64 bytes.
if [ "$1" = err ]; then exec 1>&2; fi
yes 0123456789012345678901234567890123456789012345678901234567890123 | head -c "${2:-104857600}"
