#!/bin/sh
# One line of 10 MB without an end, then a normal one.
head -c 10485760 /dev/zero | tr '\0' x
echo
echo last
