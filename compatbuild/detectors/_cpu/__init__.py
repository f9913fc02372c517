"""What tells of the CPU that an image needs: one module a kind of evidence.

Each has ``INTERESTS`` and a pure function ``claims(view, cpu)``. What libraries choose at run time is never a claim:
kernels of OpenBLAS, MKL and oneDNN, dispatched code of NumPy, ifuncs, copies under ``glibc-hwcaps``.
"""
