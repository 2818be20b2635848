#!/usr/bin/env bash
# Runs the study with several processes: tools/dist_study.sh NPROC [arguments of study.py]
# On several machines, run it on each with NNODES, NODE_RANK, MASTER_ADDR and PORT set.
set -e
if [ $# -lt 1 ]; then
    echo "usage: $0 NPROC [arguments of study.py]" >&2
    exit 2
fi
processes=$1
shift

exec python -m torch.distributed.run \
    --nnodes "${NNODES:-1}" --node_rank "${NODE_RANK:-0}" --nproc_per_node "$processes" \
    --master_addr "${MASTER_ADDR:-127.0.0.1}" --master_port "${PORT:-29500}" \
    "$(dirname "$0")/study.py" "$@" --launcher pytorch
