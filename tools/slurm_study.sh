#!/usr/bin/env bash
# Runs the study as a Slurm job: tools/slurm_study.sh PARTITION JOB [arguments of study.py]
# GPUS, GPUS_PER_NODE, CPUS_PER_TASK and SRUN_ARGS say on what, as in MMPose's slurm_test.sh.
set -e
if [ $# -lt 2 ]; then
    echo "usage: $0 PARTITION JOB [arguments of study.py]" >&2
    exit 2
fi
partition=$1
job=$2
shift 2
gpus=${GPUS:-8}
per_node=${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}

# shellcheck disable=SC2086  # SRUN_ARGS are several words
exec srun --partition "$partition" --job-name "$job" \
    --ntasks "$gpus" --ntasks-per-node "$per_node" --gres "gpu:$per_node" \
    --cpus-per-task "${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
    python -u "$(dirname "$0")/study.py" "$@" --launcher slurm
