#!/bin/sh
# Ignores SIGTERM, as does its child; says when it is ready.
trap '' TERM
sh -c 'trap "" TERM; echo "child $$"; while :; do sleep 1; done' &
echo "ready $$"
while :; do sleep 1; done
