#!/bin/sh
# Starts a grandchild in a session of its own, with an empty environment and no folder, and hangs.
setsid env -i /bin/sh -c 'cd /; trap "" TERM; echo "vanished $$"; while :; do /bin/sleep 1; done' &
echo "ready $$"
while :; do sleep 1; done
