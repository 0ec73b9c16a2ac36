# SPDX-License-Identifier: MIT
"""The test cloud: moto in this process, and over it a layer that makes it
behave as ECS on EC2 does, with real gameservers, real time and real faults.

    build/venv/bin/python -m tests.cloud --port 0

serves ECS, EC2, IMDSv2 and the container credential endpoint on one port of
127.0.0.1. A test steers it by POST /_ctl and reads GET /_audit. audit.py and
running.py need only the standard library.
"""
