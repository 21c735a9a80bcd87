"""python_sdk.py: importing this module makes the importing program run with the official SDK.

The SDK is installed if it is not there, and the program begins again with the Python that has it.
"""
import os
import subprocess
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_PYTHON = os.path.join(os.environ.get("BUILD") or "build", "sdk", "venv", "bin", "python")

if sys.prefix == sys.base_prefix:  # no virtual environment yet
    if subprocess.run([os.path.join(_HERE, "install"), "python"], stdin=subprocess.DEVNULL).returncode != 0:
        sys.exit(1)
    os.execv(_PYTHON, [_PYTHON, *sys.argv])
