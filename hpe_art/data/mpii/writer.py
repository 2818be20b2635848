"""People in the layout of MPII, as MMPose's `MpiiDataset` and `MpiiPCKAccuracy` read it."""

import io
from pathlib import Path

import numpy as np
from scipy.io import savemat

from hpe_art.files import json_rows, write_whole

# MPII's own names, in the order of its joints.
_JOINT_NAMES = (
    "rank", "rkne", "rhip", "lhip", "lkne", "lank", "pelv", "thor", "neck", "head",
    "rwri", "relb", "rsho", "lsho", "lelb", "lwri",
)  # fmt: skip


def annotation(
    name: str, joints: np.ndarray, inside: np.ndarray, occluded: np.ndarray, head_box: np.ndarray
) -> dict:
    """One person's entry.

    MPII counts pixels from 1. `MpiiDataset` adds 15 * scale to the centre's y and takes 1 off both;
    so the centre is stored such that the loaded one is the middle of the joints' box. Scale is
    1.1 times the longer side of that box in units of 200 pixels. Joints outside the picture are
    unlabelled, at (-1, -1), and do not count for the box.

    Args:
        name: file name of the picture, an integer before the suffix.
        joints: (16, 2) in 0-based pixels.
        inside: which joints lie inside the picture (16,).
        occluded: which joints are hidden (16,).
        head_box: x1, y1, x2, y2 in 0-based pixels.
    """
    low, high = joints[inside].min(axis=0), joints[inside].max(axis=0)
    scale = 1.1 * float((high - low).max()) / 200
    centre = (low + high) / 2 + 1 - [0, 15 * scale]
    labelled = np.where(inside[:, None], joints + 1, -1)
    return {
        "image": name,
        "joints": np.round(labelled, 2).tolist(),
        "joints_vis": inside.astype(int).tolist(),
        "joints_occluded": (inside & occluded).astype(int).tolist(),
        "center": np.round(centre, 3).tolist(),
        "scale": round(scale, 5),
        "head_box": np.round(head_box + 1, 2).tolist(),
    }


def write_annotations(folder: Path, split: str, entries: list[dict]) -> None:
    """Write `annotations/mpii_{split}.json`, and `mpii_gt_{split}.mat` if heads are known."""
    target = folder / "annotations"
    rows = json_rows({k: v for k, v in e.items() if k != "head_box"} for e in entries)
    write_whole(target / f"mpii_{split}.json", f"{rows}\n")
    if not all("head_box" in e for e in entries):
        return
    boxes = np.array([e["head_box"] for e in entries]).reshape(-1, 2, 2)
    missing = 1 - np.array([e["joints_vis"] for e in entries], np.float64).T
    truth = np.array([e["joints"] for e in entries], np.float64).transpose(1, 2, 0)
    names = np.empty((1, 16), object)
    names[0] = _JOINT_NAMES
    content = {
        "headboxes_src": boxes.transpose(1, 2, 0),
        "jnt_missing": missing,
        "pos_gt_src": truth,
        "dataset_joints": names,
    }
    written = io.BytesIO()
    savemat(written, content, do_compression=True)
    write_whole(target / f"mpii_gt_{split}.mat", written.getvalue())
