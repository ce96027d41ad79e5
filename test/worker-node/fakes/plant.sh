#!/bin/sh
# Leaves in its folder what the node should not trip over: links out of it, a pipe, and an honest file.
ln -s /etc/passwd output.mp4
ln -s /etc/passwd info.json
mkfifo pipe
echo honest > source-0
