"""PoseTrack: reading, matching and scoring of tracked poses, in numpy alone."""
