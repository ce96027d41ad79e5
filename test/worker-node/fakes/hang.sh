#!/bin/sh
# Hangs for ever, but ends on SIGTERM.
echo "ready $$"
exec sleep 1000
