"""What `import tracker` offers, and that it loads nothing heavy for it."""

import subprocess
import sys

import tracker


def test_every_name_is_there() -> None:
    assert all(getattr(tracker, name) is not None for name in tracker.__all__)


def test_importing_the_package_and_its_types_is_light() -> None:
    code = (
        "import sys, tracker; from tracker import Poses, TrackerOptions; "
        "print([name for name in ('torch', 'cv2', 'av', 'openvino') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
