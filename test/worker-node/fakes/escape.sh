#!/bin/sh
# Starts a grandchild in a session of its own, out of the group, and hangs.
setsid sh -c 'trap "" TERM; echo "escaped $$"; while :; do sleep 1; done' &
echo "ready $$"
while :; do sleep 1; done
