"""The study of Jain et al. 2019, "On the Robustness of Human Pose Estimation"."""
