# SPDX-License-Identifier: Apache-2.0
"""Parts of the conformance suite; run.py is the program."""
