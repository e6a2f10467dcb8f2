"""Touches compiled modules the way an import of Lean does, in one thread; prints the seconds it took.

Usage: import_stand_in.py < PATHS
All files are mapped first, in the order of the import, and of each the page with its root and the one
with its imports are touched; then every fourth page of each. Nothing is computed.
"""
import mmap
import os
import sys
import time

paths = sys.stdin.read().splitlines()
start = time.perf_counter()
maps = []
seen = 0
for path in paths:
    fd = os.open(path, os.O_RDONLY)
    image = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
    os.close(fd)
    seen += image[0] + image[len(image) - 1]
    maps.append(image)
for image in maps:
    for at in range(0, len(image), 4 * mmap.PAGESIZE):
        seen += image[at]
print(time.perf_counter() - start)
