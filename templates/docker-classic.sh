#!/bin/sh
# `docker` as wrangler calls it, for an engine without buildx: two flags that its builder does not know
# are left out. Written by leanrepl for one trial.
count=$#
while [ "$count" -gt 0 ]; do
    word=$1
    shift
    count=$((count - 1))
    case $word in
        --load | --provenance=false) ;;
        *) set -- "$@" "$word" ;;
    esac
done
export DOCKER_BUILDKIT=0
exec docker "$@"
