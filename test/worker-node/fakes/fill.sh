#!/bin/sh
# Fills its folder for as long as it is let.
echo "ready $$"
exec yes > junk
