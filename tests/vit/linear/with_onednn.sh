#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# with_onednn.sh TEST_GEMM_CHOICE TEST: runs a test by oneDNN; 77 (skipped) where it cannot be had.
if ! "$1" available; then
    echo "skipped: oneDNN cannot be loaded here (apt-get install libdnnl2), or has no products for this processor"
    exit 77
fi
VIT_GEMM=onednn exec "$2"
