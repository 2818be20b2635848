#!/usr/bin/env bash
# Attacks with several processes: tools/dist_attack.sh CONFIG NPROC [CHECKPOINT] [arguments of attack.py]
# On several machines, run it on each with NNODES, NODE_RANK, MASTER_ADDR and PORT set.
set -e
if [ $# -lt 2 ]; then
    echo "usage: $0 CONFIG NPROC [CHECKPOINT] [arguments of attack.py]" >&2
    exit 2
fi
config=$1
processes=$2
shift 2

exec python -m torch.distributed.run \
    --nnodes "${NNODES:-1}" --node_rank "${NODE_RANK:-0}" --nproc_per_node "$processes" \
    --master_addr "${MASTER_ADDR:-127.0.0.1}" --master_port "${PORT:-29500}" \
    "$(dirname "$0")/attack.py" "$config" "$@" --launcher pytorch
